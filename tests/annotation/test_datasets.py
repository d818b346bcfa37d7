"""Datasets in and out: what is exported comes back the same; what does not pair up is reported."""

import io
import json
import zipfile

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from scipy import ndimage as ndi

from bccseg.annotation.data_card import LAYOUTS
from bccseg.annotation.dataset_export import chosen_versions, dataset_files, write_dataset, zip_dataset
from bccseg.annotation.dataset_import import import_dataset
from bccseg.annotation.review import items
from bccseg.annotation.store import LabelStore
from bccseg.errors import DataError, ImageError
from bccseg.imaging.label_image import count_cells, separated_mask
from bccseg.imaging.synthetic import draw_smear
from bccseg.io.label_files import read_labels
from bccseg.metrics.matching import match


def as_file(values, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind)
    return buffer.getvalue()


def touching():
    labels = np.zeros((20, 30), np.int32)
    labels[3:15, 3:14], labels[3:15, 14:26] = 1, 2
    return labels


def last(reports):
    *_, report = reports
    return report


@settings(max_examples=80, deadline=None)
@given(arrays(np.int32, (12, 14), elements=st.integers(0, 3)))
def test_a_separated_mask_joins_no_two_cells(labels):
    pieces, _ = ndi.label(separated_mask(labels))
    for piece in range(1, int(pieces.max()) + 1):
        assert len(np.unique(labels[pieces == piece])) == 1


def test_touching_cells_stay_two_in_a_mask():
    mask = separated_mask(touching())
    assert mask.dtype == np.uint8
    assert ndi.label(mask)[1] == 2
    assert (mask > 0).sum() == (touching() > 0).sum() - 12  # one column of one of them


@pytest.fixture
def collection(store):
    """Twelve accepted images of all splits, and one that waits."""
    for k in range(12):
        image, labels = draw_smear((96, 128), cells=5, diameter_px=26, seed=k)
        info = store.add_image(
            image, f"smear {k % 3}.png", licence="CC BY 4.0", split=("train", "validation", "test")[k % 3]
        )
        version = store.save_version(info.id, labels * 3, author="Ana *b*", weights="unet")
        if k < 11:
            store.review(version, "accepted", "Ben")
    return store


def test_only_accepted_labels_unless_asked(collection):
    assert len(chosen_versions(items(collection))) == 11
    assert len(chosen_versions(items(collection), submitted=True)) == 12


@pytest.mark.parametrize("layout", ["kaggle", "labels"])
def test_export_and_import_give_the_same_cells(collection, tmp_path, layout):
    chosen = chosen_versions(items(collection))
    write_dataset(dataset_files(collection, chosen, layout), tmp_path / "out")
    other = LabelStore(tmp_path / "other")
    report = last(import_dataset(other, tmp_path / "out", "Cy", "CC BY 4.0"))
    assert (report.added, report.lonely, report.failed) == (11, [], [])
    for item, version in chosen:
        there = other.versions(item.info.id)
        assert [v.status for v in there] == ["accepted"]
        assert other.image_info(item.info.id).split == item.info.split
        truth, found = collection.labels(version), other.labels(there[0])
        assert count_cells(truth) == count_cells(found)
        ious = [iou for *_, iou in match(truth, found)]
        assert len(ious) == count_cells(truth)
        assert min(ious) > (0.9 if layout == "kaggle" else 0.9999)
    again = last(import_dataset(other, tmp_path / "out", "Cy", "CC BY 4.0"))
    assert (again.added, again.already) == (0, 11)


def test_zip_coco_and_data_card(collection):
    chosen = chosen_versions(items(collection))
    buffer = io.BytesIO()
    zip_dataset(dataset_files(collection, chosen, "coco"), buffer)
    with zipfile.ZipFile(buffer) as archive:
        names = archive.namelist()
        card = archive.read("README.md").decode()
        boxes = json.loads(archive.read("test/annotations.json"))
    assert len(names) == len(set(names)) == 1 + 11 + 3
    assert {i["file_name"] for i in boxes["images"]} == {n.split("/")[-1] for n in names if n.startswith("test/images")}
    assert len(boxes["annotations"]) == sum(v.cells for i, v in chosen if i.info.split == "test")
    assert "CC BY 4.0: 11 images" in card
    assert "Ana \\*b\\*: 11 images" in card
    assert "| test | 3 |" in card
    assert set(LAYOUTS) == {"kaggle", "labels", "coco", "label-studio"}


@pytest.mark.parametrize(
    "kind",
    [
        "uint16 png",
        "uint16 tiff",
        "int32 tiff",
        "float tiff",
        "uint8 ids",
        "mask",
        "mask 1",
        "jpeg-like",
        "rgb",
        "1-bit",
    ],
)
def test_labels_of_many_kinds_are_read(kind):
    labels = touching()
    mask = (separated_mask(labels)).astype(np.uint8)
    buffer = io.BytesIO()
    if "tiff" in kind:
        tifffile.imwrite(buffer, labels.astype({"u": np.uint16, "i": np.int32, "f": np.float32}[kind[0]]))
    data = {
        "uint16 png": lambda: as_file((labels * 500).astype(np.uint16)),
        "uint8 ids": lambda: as_file(labels.astype(np.uint8)),
        "mask": lambda: as_file(mask),
        "mask 1": lambda: as_file(mask // 255),
        "jpeg-like": lambda: as_file(np.where(np.arange(30) % 7 == 0, mask ^ 1, mask)),
        "rgb": lambda: as_file(np.repeat(mask[..., None], 3, axis=2)),
        "1-bit": lambda: as_file(mask > 0),
    }.get(kind, buffer.getvalue)()
    found = read_labels(data, labels.shape)
    assert found.dtype == np.int32
    assert count_cells(found) == 2
    assert ((found > 0) <= (labels > 0)).all()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "empty|not|read"), (b"text", "not|read"), (as_file(np.zeros((5, 5), np.uint8)), "same size"),
        (as_file(np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)), "colour"),
        (b"II*\0broken", "TIFF|usable"),
    ],
)  # fmt: skip
def test_bad_labels_are_reported(data, words):
    with pytest.raises(ImageError, match=words):
        read_labels(data, (20, 30))


def test_fractions_and_negative_numbers_are_no_labels():
    for values in (np.full((20, 30), 0.5, np.float32) * np.arange(30, dtype=np.float32), -touching()):
        buffer = io.BytesIO()
        tifffile.imwrite(buffer, values)
        with pytest.raises(ImageError, match="16-bit"):
            read_labels(buffer.getvalue(), (20, 30))


def kaggle_zip(**extra):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for k, split in enumerate(("train", "test")):
            image, labels = draw_smear((96, 128), cells=5, diameter_px=26, seed=k)
            archive.writestr(f"BCCD/{split}/original/{k}.png", as_file(image))
            archive.writestr(f"BCCD/{split}/mask/{k}.png", as_file(separated_mask(labels)))
        for name, data in extra.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def test_a_zip_with_strays_is_imported_and_reported(store):
    image, _ = draw_smear((96, 128), cells=5, diameter_px=26, seed=7)
    data = kaggle_zip(**{
        "BCCD/train/original/alone.png": as_file(image), "BCCD/train/original/bad.png": b"no picture",
        "BCCD/train/mask/bad.png": as_file(np.zeros((96, 128), np.uint8)), "../../evil.png": as_file(image),
        "BCCD/train/original/small.png": as_file(image),
        "BCCD/train/mask/small.png": as_file(np.zeros((9, 9), np.uint8)),
        "__MACOSX/BCCD/train/original/0.png": b"x", "BCCD/readme.txt": b"hello",
    })  # fmt: skip
    report = last(import_dataset(store, data, "Ana", "CC0 1.0"))
    assert report.added == 2
    assert sorted(report.lonely) == ["../../evil.png", "BCCD/train/original/alone.png"]
    assert sorted(name for name, _ in report.failed) == ["bad.png", "small.png"]
    assert sorted(i.split for i in store.images()) == ["test", "train"]
    assert not (store.root.parent / "evil.png").exists()


def test_nothing_to_import_is_reported(store, tmp_path):
    for source, words in ((tmp_path, "No image with a mask"), (b"no zip", "no zip"), (b"PK\x03\x04broken", "damaged")):
        with pytest.raises((DataError, ImageError), match=words):
            list(import_dataset(store, source, "Ana", "CC0 1.0"))
