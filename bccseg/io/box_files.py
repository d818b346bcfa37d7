"""Box files as YOLO and its relatives write them: a line "class cx cy w h" a cell, in shares of the image."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bccseg.errors import DataError


def read_boxes(path: Path, shape: tuple[int, int]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Class numbers, int (N,), and boxes, float64 (N, 4): left, top, right, bottom in px of an image (H, W).

    Raises DataError for a file that cannot be read or holds something else.
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read as a box file ({type(error).__name__}).") from error
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            kind, *box = line.split()
            values = [int(kind), *(float(v) for v in box)]
            if len(values) != 5 or not np.isfinite(values).all() or min(values[3:]) <= 0 or max(values[1:]) > 2:
                raise ValueError
        except ValueError:
            raise DataError(
                f"Line {number} of {path.name} is not 'class cx cy w h' in shares of the image: '{line[:60]}'."
            ) from None
        rows.append(values)
    found = np.array(rows, np.float64).reshape(-1, 5)
    half, (h, w) = found[:, 3:] / 2, shape
    corners = np.concatenate([found[:, 1:3] - half, found[:, 1:3] + half], axis=1)
    return found[:, 0].astype(np.intp), corners * np.array([w, h, w, h])
