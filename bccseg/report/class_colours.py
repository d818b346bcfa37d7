"""Which colour each cell has by its class, in a form that is looked up for every stroke."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bccseg.classes import CellMarks, ClassSet

MOST_COLOURED = 50  # classes; two rows each, and a picture has 256 colours
PERSON, NETWORK = 1.0, 0.7  # how strongly a class is drawn that a person gave, or that a network proposes


@dataclass(frozen=True)
class ClassColours:
    """Colours of the classes of some cells."""

    row: NDArray[np.uint8]  # (N + 1,), by cell id: row of `colours`, counted from 1; 0 without a class
    colours: NDArray[np.uint8]  # (K, 3)
    strength: NDArray[np.float64]  # (K,), 0 to 1


def class_colours(classes: ClassSet, marks: CellMarks) -> ClassColours | None:
    """Of the marks of an image; None where no cell has a class."""
    if not marks:
        return None
    known = classes.known({mark.name for mark in marks.values()})[:MOST_COLOURED]
    number = {name: k for k, one in enumerate(known) for name in (one.name, *one.formerly)}
    row = np.zeros(max(marks) + 1, np.uint8)
    for cell, mark in marks.items():
        if mark.name in number:
            row[cell] = 2 * number[mark.name] + (1 if mark.by == "person" else 2)
    colours = np.array([rgb(one.colour) for one in known for _ in range(2)], np.uint8).reshape(-1, 3)
    return ClassColours(row, colours, np.tile([PERSON, NETWORK], len(known)))


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of "#RRGGBB"."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
