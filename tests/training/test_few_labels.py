"""Classes of one's own from a few marked cells, from marks to what Segment tells."""

import dataclasses

import numpy as np
import pytest

from bccseg.classes import NOT_A_CELL, CellClass, CellMark
from bccseg.errors import DataError, WeightsError
from bccseg.imaging.cell_features import LOOKS
from bccseg.imaging.synthetic import draw_smear
from bccseg.inference import tiling
from bccseg.inference.cell_features import cell_features
from bccseg.inference.predictor import Predictor
from bccseg.model.weight_sources import SHIPPED
from bccseg.model.weights import HEAD_FILE, load_weights, read_config
from bccseg.training.cell_head_learning import learn_cell_head
from bccseg.training.few_labels import LabelledField, count_marked, describe_cells, marked_field
from bccseg.training.few_labels_export import accuracy_text, held_out_accuracy, save_few_labels

PALE, DARK = CellClass(name="pale", colour="#ff0000"), CellClass(name="dark", colour="#00ff00")
OTHER = CellClass(name="rare", colour="#0000ff")
BASE = SHIPPED / "unet-bbbc041seg"


def darkened(image, labels, cells):
    return np.where(np.isin(labels, cells)[..., None], (image * [0.75, 0.6, 0.7]).astype(np.uint8), image)


@pytest.fixture(scope="module")
def field():
    """A smear in which every second cell is darker than the others, image and labels."""
    image, labels = draw_smear((500, 640), cells=44, diameter_px=52, seed=6, touching=False)
    return darkened(image, labels, range(2, labels.max() + 1, 2)), labels


def kind(cell):
    return "dark" if cell % 2 == 0 else "pale"


@pytest.fixture(scope="module")
def learned(predictor, field):
    image, labels = field
    marks = {cell: kind(cell) for cell in range(2, 16)}
    cells = describe_cells(predictor, [LabelledField("smear", image, labels, marks)], lambda _share, _what: None)
    return learn_cell_head(cells, [PALE, DARK, OTHER])


def test_a_few_marked_cells_tell_the_others(field, learned, tmp_path):
    image, labels = field
    about = learned.about
    assert [one.name for one in about.classes] == ["pale", "dark"], "of the third class there are no cells"
    assert about.cells == {"pale": 7, "dark": 7}
    assert about.images == 1
    assert about.held_out == "cells"
    assert np.array(about.confusion).sum() == 14
    assert held_out_accuracy(about).value > 0.9
    assert about.expected["pale"] == pytest.approx(0.5, abs=0.1)

    weights = load_weights(save_few_labels(BASE, tmp_path / "own", learned, "own"))
    assert [one.name for one in weights.config.told_classes][:2] == ["pale", "dark"]
    found = Predictor(weights, "cpu").segment(image)
    names = found.classes.name_of_each()
    assert found.classes.names == tuple(one.name for one in weights.config.told_classes)
    assert found.small_cells.classes.names == found.classes.names
    true = [int(np.bincount(labels[found.labels == k]).argmax()) for k in range(1, len(names) + 1)]
    rest = [(name, cell) for name, cell in zip(names, true, strict=True) if cell >= 16]
    assert len(rest) > 20
    assert np.mean([name == kind(cell) for name, cell in rest]) > 0.95
    assert ((found.classes.score > 0.5) & (found.classes.score <= 1)).all()


def test_segmentation_does_not_change_by_it(predictor, field, learned, tmp_path):
    own = Predictor(load_weights(save_few_labels(BASE, tmp_path / "own", learned, "own")))
    np.testing.assert_array_equal(own.segment(field[0]).labels, predictor.segment(field[0]).labels)


def test_the_model_card_says_what_was_measured(learned, tmp_path):
    folder = save_few_labels(BASE, tmp_path / "own", learned, "own")
    card = (folder / "README.md").read_text()
    assert accuracy_text(learned.about) in card
    assert "| dark | 7 |" in card
    again = save_few_labels(folder, tmp_path / "again", learned, "again")
    assert (again / "README.md").read_text() == card, "what an earlier head was said to be is not said of this one"


def test_a_damaged_head_is_refused(learned, tmp_path):
    folder = save_few_labels(BASE, tmp_path / "own", learned, "own")
    assert read_config(folder).cell_head.sha256
    (folder / HEAD_FILE).write_bytes(b"x")
    with pytest.raises(WeightsError, match=HEAD_FILE):
        load_weights(folder)
    (folder / HEAD_FILE).unlink()
    with pytest.raises(WeightsError, match="missing"):
        load_weights(folder)


def test_too_few_cells_are_an_error_that_says_how_many_are_needed(predictor, field):
    image, labels = field
    marks = {2: "dark", 3: "pale", 4: "dark", 5: "pale", 7: "pale", 9: "pale", 11: "pale"}
    cells = describe_cells(predictor, [LabelledField("smear", image, labels, marks)], lambda _share, _what: None)
    with pytest.raises(DataError, match="at least two classes with 5 marked cells"):
        learn_cell_head(cells, [PALE, DARK])


def test_rare_classes_are_not_expected_everywhere(predictor, field):
    image, _ = draw_smear((500, 640), cells=44, diameter_px=52, seed=6, touching=False)
    labels, dark = field[1], [4, 8, 12, 16, 20, 24]
    marks = {**dict.fromkeys(dark, "dark"), **dict.fromkeys([3, 5, 7, 9, 11, 13], "pale")}
    fields = [LabelledField("smear", darkened(image, labels, dark), labels, marks)]
    about = learn_cell_head(describe_cells(predictor, fields, lambda _share, _what: None), [PALE, DARK]).about
    assert about.expected["dark"] == pytest.approx(7 / 45, abs=0.06), "six of 43 cells, though half of the marked"


def test_fields_of_versions_hold_cells_only_and_marks_of_people(discs):
    labels = discs * 10
    classes = [PALE, DARK.replace(formerly=("darker",)), NOT_A_CELL]
    marks = {
        10: CellMark(name="pale"), 20: CellMark(name="darker", by="network", score=0.9),
        30: CellMark(name="not a cell"), 40: CellMark(name="pale"),
    }  # fmt: skip
    found = marked_field("x", np.zeros((*labels.shape, 3), np.uint8), labels, marks, classes)
    assert found.labels.max() == 2
    assert (found.labels > 0).sum() == ((labels == 10) | (labels == 20)).sum()
    assert found.classes == {1: "pale"}
    reviewed = marked_field("x", found.image, labels, marks, classes, by_person=False)
    assert reviewed.classes == {1: "pale", 2: "dark"}
    assert count_marked([found, reviewed]) == {"pale": 2, "dark": 1}


def test_whole_images_are_held_out_where_there_are_enough(learned, predictor, field):
    cells = describe_cells(predictor, [LabelledField("smear", *field, {})], lambda _share, _what: None)
    n = len(cells.names)
    names = ["", *(kind(cell) for cell in range(2, n + 1))]
    parts = dataclasses.replace(cells, names=names, field=np.arange(n) % 4)
    about = learn_cell_head(parts, [PALE, DARK]).about
    assert (about.held_out, about.images) == ("images", 4)


def test_tiles_give_the_features_and_classes_of_one_piece(predictor, field, learned, tmp_path, monkeypatch):
    image, labels = field
    whole, _ = cell_features(predictor, image, labels)
    own = Predictor(load_weights(save_few_labels(BASE, tmp_path / "own", learned, "own")), "cpu")
    before = own.segment(image)
    monkeypatch.setattr(tiling, "TILE_PX", 300)
    parts, _ = cell_features(predictor, image, labels)
    np.testing.assert_array_equal(parts[:, :LOOKS], whole[:, :LOOKS])
    spread = whole[:, LOOKS:].std(axis=0) + 1e-3
    assert np.median(np.abs(parts - whole)[:, LOOKS:] / spread) < 0.2, "each cell is seen whole in one of the tiles"
    found = own.segment(image)
    assert len(found.classes) == len(found.scores) == found.labels.max()
    twin = [int(np.bincount(before.labels[found.labels == k]).argmax()) for k in range(1, found.labels.max() + 1)]
    same = [
        a == before.classes.name_of_each()[k - 1] for a, k in zip(found.classes.name_of_each(), twin, strict=True) if k
    ]
    assert np.mean(same) > 0.9
