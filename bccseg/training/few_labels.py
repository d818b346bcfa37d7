"""Classes of one's own from a few marked cells: only a linear head is learned, on the features of a frozen network.

Twenty marked cells a class and a few seconds are enough for classes that look different on the field at hand. What it
says of other fields, stains and people nobody has measured then.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bccseg.classes import CellClass, CellMark, CellMarks
from bccseg.errors import DataError
from bccseg.imaging.label_image import Labels
from bccseg.inference.cell_features import cell_features
from bccseg.inference.predictor import Predictor
from bccseg.io.images import read_image
from bccseg.io.truth import read_classes, read_truth
from bccseg.training.cell_head_learning import FieldCells
from bccseg.training.data_sources import data_splits

Progress = Callable[[float, str], None]  # finished share, 0 to 1, and what is being done


@dataclass(frozen=True)
class LabelledField:
    """An image with cells that have classes."""

    name: str
    image: NDArray[np.uint8]  # (H, W, 3)
    labels: Labels  # int32 (H, W), 1..N; cells only
    classes: dict[int, str]  # by cell, of those that are marked


def marked_classes(marks: CellMarks, classes: Iterable[CellClass], *, by_person: bool = True) -> dict[int, str]:
    """Class of each cell, by its present name, that can be learned from: no platelets, and nothing that is no cell.

    by_person: only marks that a person gave count, not what a network proposed.
    """
    known = {former: one for one in classes for former in (one.name, *one.formerly)}
    return {
        cell: known[mark.name].name
        for cell, mark in marks.items()
        if mark.name in known and not _is_no_cell(known[mark.name]) and (mark.by == "person" or not by_person)
    }


def _is_no_cell(one: CellClass) -> bool:
    return one.small or not one.counted


def marked_field(
    name: str,
    image: NDArray[np.uint8],
    labels: Labels,
    marks: CellMarks,
    classes: Iterable[CellClass],
    *,
    by_person: bool = True,
) -> LabelledField:
    """A field of a draft or a version, whose ids need not be consecutive, and hold platelets and what is no cell.

    by_person: as in `marked_classes`.
    """
    classes = tuple(classes)
    chosen = marked_classes(marks, classes, by_person=by_person)
    known = {former: one for one in classes for former in (one.name, *one.formerly)}
    no_cells = [c for c, mark in marks.items() if mark.name in known and _is_no_cell(known[mark.name])]
    present = np.bincount(labels.ravel()) > 0
    present[[0, *(cell for cell in no_cells if cell < len(present))]] = False
    number = np.cumsum(present, dtype=np.int32) * present
    found = {int(number[cell]): name for cell, name in chosen.items() if cell < len(number) and number[cell]}
    return LabelledField(name, image, number[labels], found)


def read_fields(folders: Iterable[Path]) -> tuple[list[LabelledField], tuple[CellClass, ...]]:
    """The images with marked cells of datasets as `training.pairs` reads them, and their classes.

    Raises DataError, ImageError.
    """
    fields, classes = [], {}
    for folder in folders:
        for pairs in data_splits(folder).values():
            for image_path, truth_path in pairs:
                known = read_classes(truth_path)
                classes |= {one.name: one for one in known.classes if one.name not in classes}
                marks = {cell: CellMark(name=name) for cell, name in known.cells.items()}
                image = read_image(image_path)
                labels, _ = read_truth(truth_path, image, image_path.name)
                if marks:
                    fields.append(marked_field(image_path.name, image, labels, marks, known.classes))
    if not fields:
        raise DataError("No cell of these data has a class. They are named in classes/ beside labels/.")
    return fields, tuple(classes.values())


def count_marked(fields: Iterable[LabelledField]) -> Counter[str]:
    """Marked cells of each class."""
    return Counter(name for field in fields for name in field.classes.values())


def describe_cells(predictor: Predictor, fields: Sequence[LabelledField], on_progress: Progress) -> FieldCells:
    """Features of all cells, marked or not, of fields. `on_progress` may raise Stopped."""
    features, names, number, told = [], [], [], []
    for k, field in enumerate(fields):
        on_progress(k / len(fields), f"Looking at the cells of {field.name}")
        found, classes = cell_features(predictor, field.image, field.labels)
        features.append(found)
        names.extend(field.classes.get(cell, "") for cell in range(1, len(found) + 1))
        number.append(np.full(len(found), k))
        told.append(classes.number)
    own = tuple(one.name for one in predictor.config.classes)
    return FieldCells(np.concatenate(features), names, np.concatenate(number), np.concatenate(told), own)
