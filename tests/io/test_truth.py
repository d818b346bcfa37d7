"""Truth files of training images: labels, masks, unknown places."""

import cv2
import numpy as np
import pytest

from bccseg.errors import DataError
from bccseg.io.truth import read_objects, read_truth

IMAGE = np.zeros((60, 80, 3), np.uint8)


def write(path, values):
    path.parent.mkdir(exist_ok=True)
    cv2.imwrite(str(path), values)
    return path


def test_touching_cells_stay_two_in_labels_and_are_one_in_a_mask(tmp_path):
    labels = np.zeros((60, 80), np.uint16)
    labels[10:40, 10:30], labels[10:40, 30:50], labels[45:58, 60:75] = 7, 900, 3
    found, unknown = read_truth(write(tmp_path / "labels/a.png", labels), IMAGE, "a.jpg")
    assert found.dtype == np.int32
    assert [np.unique(found[labels == k]).tolist() for k in (3, 7, 900)] == [[1], [2], [3]]
    assert not unknown.any()
    mask, _ = read_truth(write(tmp_path / "mask/a.png", (labels > 0).astype(np.uint8) * 255), IMAGE, "a.jpg")
    assert mask.max() == 1  # and 195 px are a speck
    assert mask[20, 20] == mask[20, 40] == 1


def test_a_cell_under_another_may_be_in_two_pieces(tmp_path):
    labels = np.zeros((60, 80), np.uint8)
    labels[20:30, 5:70], labels[5:55, 30:45], labels[50:58, 60:70] = 1, 2, 3
    found, _ = read_truth(write(tmp_path / "labels/a.png", labels), IMAGE, "a.jpg")
    assert (found == labels).all()


def test_unknown_places_are_read_beside_either(tmp_path):
    labels = np.zeros((60, 80), np.uint8)
    labels[10:40, 10:30], labels[10:40, 40:60] = 1, 2
    unknown = np.zeros((60, 80), np.uint8)
    unknown[50:] = 255
    write(tmp_path / "unknown/a.png", unknown)
    for folder in ("labels", "mask"):
        _, found = read_truth(write(tmp_path / folder / "a.png", labels * 100), IMAGE, "a.jpg")
        assert (found == (unknown > 0)).all()


@pytest.mark.parametrize("folder", ["labels", "mask", "unknown"])
def test_a_truth_of_another_size_is_refused(tmp_path, folder):
    good = np.zeros((60, 80), np.uint8)
    good[10:40, 10:30] = 255
    path = write(tmp_path / ("mask" if folder == "unknown" else folder) / "a.png", good)
    write(tmp_path / folder / "a.png", good[:50])
    with pytest.raises(DataError, match=r"a\.jpg.*80 x 60 px|a\.jpg.*80 x 50 px"):
        read_truth(path, IMAGE, "a.jpg")


def test_labels_that_cannot_be_read_name_the_image(tmp_path):
    path = tmp_path / "labels/a.png"
    path.parent.mkdir()
    path.write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"^a\.jpg: "):
        read_truth(path, IMAGE, "a.jpg")
    with pytest.raises(DataError, match="cannot be opened"):
        read_truth(tmp_path / "labels/b.png", IMAGE, "b.jpg")


def test_what_is_no_cell_lies_apart_and_is_numbered_after_the_cells(tmp_path):
    labels, others = np.zeros((60, 80), np.uint16), np.zeros((60, 80), np.uint16)
    labels[10:40, 10:30] = 1
    labels[10:40, 50:60] = 1  # the same cell, which something lies across
    others[45:50, 10:15], others[45:50, 20:25] = 1, 1
    path = write(tmp_path / "labels/a.png", labels)
    cells, _ = read_truth(path, IMAGE, "a.jpg")
    assert np.array_equal(cells, labels)
    assert read_objects(path, cells, "a.jpg") is cells
    write(tmp_path / "others/a.png", others)
    assert np.array_equal(read_truth(path, IMAGE, "a.jpg")[0], labels)
    assert np.array_equal(read_objects(path, cells, "a.jpg"), labels + 2 * others)
    others[50:55, 40:60] = 2
    write(tmp_path / "others/a.png", others)
    assert np.unique(read_objects(path, cells, "a.jpg")).tolist() == [0, 1, 2, 3]
    write(tmp_path / "others/a.png", np.zeros((9, 9), np.uint16))
    with pytest.raises(DataError, match="same size"):
        read_objects(path, cells, "a.jpg")
