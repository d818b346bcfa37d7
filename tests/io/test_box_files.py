"""Box files, good and bad."""

import numpy as np
import pytest

from bccseg.errors import DataError
from bccseg.io.box_files import read_boxes


def test_boxes_are_read_in_pixels(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("0 0.5 0.5 0.25 0.5\r\n\n5 0.1 0.2 0.2 0.1\n")
    classes, boxes = read_boxes(path, (100, 200))
    assert classes.tolist() == [0, 5]
    assert boxes == pytest.approx(np.array([[75, 25, 125, 75], [0, 15, 40, 25]]))


def test_an_empty_file_holds_no_boxes(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("\n")
    classes, boxes = read_boxes(path, (100, 200))
    assert classes.shape == (0,)
    assert boxes.shape == (0, 4)


@pytest.mark.parametrize("line", ["0 0.5 0.5 0.2", "red 0.5 0.5 0.2 0.2", "0 0.5 nan 0.2 0.2", "0 10 20 30 40",
                                  "0 0.5 0.5 0 0.1", "0 0.5 0.5 0.1 0.1 0.9"])  # fmt: skip
def test_a_line_that_is_no_box_is_named(tmp_path, line):
    path = tmp_path / "a.txt"
    path.write_text(f"0 0.5 0.5 0.2 0.2\n{line}\n")
    with pytest.raises(DataError, match=r"Line 2 of a\.txt is not 'class cx cy w h'"):
        read_boxes(path, (100, 200))


def test_what_is_no_text_or_not_there_is_an_error(tmp_path):
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00")
    for name in ("b.txt", "gone.txt"):
        with pytest.raises(DataError, match=f"{name} cannot be read as a box file"):
            read_boxes(tmp_path / name, (10, 10))
