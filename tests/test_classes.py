"""Classes of cells as settings and as files beside labels."""

import json

import pytest

from bccseg.classes import CLASS_SETS, DEFAULT_CLASSES, MORPHOLOGY_CLASSES, CellClass, CellMark, ImageClasses
from bccseg.config import NetworkConfig, TrainConfig
from bccseg.errors import DataError, SettingsError
from bccseg.io.truth import read_classes


def test_a_network_has_a_map_for_each_class_and_one_for_none():
    assert NetworkConfig(head="cell_shape").out_channels == 7
    assert NetworkConfig(head="cell_shape", classes=3).out_channels == 11
    assert NetworkConfig(head="cell_shape", classes=3).maps == 7
    with pytest.raises(SettingsError, match="tells 0 classes apart, not 3"):
        TrainConfig(classes=DEFAULT_CLASSES)


def test_names_and_colours_of_classes_are_checked():
    assert [(one.name, one.key, one.small) for one in DEFAULT_CLASSES] == [
        ("red", "1", False), ("white", "2", False), ("platelet", "3", True),
    ]  # fmt: skip
    for wrong in ({"name": "<b>"}, {"name": ""}, {"colour": "red"}, {"key": "ab"}):
        with pytest.raises(SettingsError):
            CellClass(**{"name": "red", "colour": "#ff0000", **wrong})


def test_classes_lie_beside_labels(tmp_path):
    for name in ("labels", "classes"):
        (tmp_path / name).mkdir()
    picture, file = tmp_path / "labels/a.png", tmp_path / "classes/a.json"
    assert read_classes(picture) == ImageClasses()
    known = ImageClasses(classes=DEFAULT_CLASSES, cells={1: "red", 2: "platelet"}, complete=("red",))
    file.write_bytes(known.to_json())
    assert json.loads(file.read_bytes())["cells"] == {"1": "red", "2": "platelet"}
    assert read_classes(picture) == known
    assert known.small_cells() == [2]
    file.write_bytes(b'{"cells": {"one": "red"}}')
    with pytest.raises(DataError, match=r"classes/a\.json cannot be used"):
        read_classes(picture)


def test_shapes_of_red_cells_come_as_a_definition():
    names = [one.name for one in MORPHOLOGY_CLASSES]
    assert names == [
        "normal", "macrocyte", "microcyte", "spherocyte", "target", "stomatocyte", "ovalocyte", "teardrop", "burr",
        "schistocyte", "uncategorised", "hypochromic", "elliptocyte",
    ]  # fmt: skip
    shapes = CLASS_SETS["Shapes of red cells"]
    assert [one.name for one in shapes.classes] == [*names, "white", "platelet", "not a cell"]
    assert len({one.colour for one in shapes.classes}) == len(shapes.classes)
    marks = {cell: CellMark(name=name) for cell, name in enumerate(("burr", "platelet", "not a cell"), start=1)}
    assert shapes.uncounted(marks) == {2, 3}
    assert shapes.find("burr").words == "Echinocyte (burr cell)"
