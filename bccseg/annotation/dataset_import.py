"""Labels and datasets from elsewhere: label pictures, masks, and what other programs annotate, with classes.

A folder or a zip of

    images in 'original' or 'images', masks or label pictures of the same names in 'mask' or 'labels' (also below
        'train', 'validation' and 'test'), with classes/<stem>.json if there is one; or <stem>_labels, <stem>_mask;
    images, and COCO, GeoJSON, LabelMe, YOLO or Label Studio files that name them (`io.annotation_files`).

Boxes become ellipses; such labels, and what a network predicted, wait for review. Everything else is accepted.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bccseg.annotation.class_mapping import ClassMap, map_classes
from bccseg.annotation.import_parts import Dataset, Pair, Truth
from bccseg.annotation.import_sources import open_dataset
from bccseg.annotation.records import Details
from bccseg.annotation.store import LabelStore
from bccseg.classes import CellMarks
from bccseg.errors import BccsegError, DataError
from bccseg.imaging.label_image import Labels
from bccseg.io.images import decode


@dataclass
class ImportReport:
    """What came of an import."""

    added: int = 0  # images with labels now in the collection
    already: int = 0  # ... that were there with just these labels and classes
    waiting: int = 0  # of `added`, those that wait for review
    cells: int = 0
    lonely: list[str] = field(default_factory=list)  # files without a partner
    failed: list[tuple[str, str]] = field(default_factory=list)  # name, reason
    class_map: ClassMap | None = None


def import_dataset(
    store: LabelStore,
    source: Path | bytes | Dataset,
    author: str,
    licence: str,
    class_names: Mapping[str, str] | None = None,
) -> Iterator[ImportReport]:
    """Add images with their labels and classes to the collection; yields the report after each image.

    source: a folder, the bytes of a zip, or either from `open_dataset`. The nearest folder's name gives the split.
    class_names: ours by theirs, see `map_classes`. Raises DataError if there is nothing to import.
    """
    found = source if isinstance(source, Dataset) else open_dataset(source)
    mapped = map_classes(found.class_counts, store.class_set(), class_names, found.classes)
    report = ImportReport(lonely=[*found.lonely], failed=[*found.failed], class_map=mapped)
    for pair in found.pairs:
        try:
            _add(store, pair, author, licence, mapped, report)
        except (BccsegError, OSError) as error:
            report.failed.append((pair.name, str(error)))
        yield report
    if not found.pairs:
        why = "".join(f" {name}: {reason}" for name, reason in found.failed[:3])
        raise DataError(
            "No image with a mask or annotations was found. Put images in 'original' and masks of the same names in "
            "'mask' (also below 'train' and 'test'), name labels <image>_labels.png, or put a COCO, GeoJSON, LabelMe, "
            f"YOLO or Label Studio file beside the images.{why}"
        )


def _add(store: LabelStore, pair: Pair, author: str, licence: str, mapped: ClassMap, report: ImportReport) -> None:
    image = decode(pair.image())[0].image
    truth = pair.truth(image)
    marks = mapped.marks(truth.marks)
    info = store.add_image(image, pair.name, added_by=author, licence=licence, split=pair.split)
    if _is_there(store, info.id, truth.labels, marks):
        report.already += 1
        return
    if mapped.classes != store.class_set():
        store.save_class_set(mapped.classes)
    version = store.save_version(
        info.id, truth.labels, author=author, status="accepted" if truth.certain else "submitted", licence=licence,
        comment=_comment(truth), details=Details(cells=marks),
    )  # fmt: skip
    report.added += 1
    report.waiting += not truth.certain
    report.cells += version.cells


def _is_there(store: LabelStore, image: str, labels: Labels, marks: CellMarks) -> bool:
    """Whether a version has just these cells, and just these classes; whatever their numbers are."""
    wanted, names = _in_reading_order(labels, marks)
    for version in store.versions(image):
        found, known = _in_reading_order(store.labels(version), store.marks(version))
        if names == known and np.array_equal(wanted, found):
            return True
    return False


def _in_reading_order(labels: Labels, marks: CellMarks) -> tuple[Labels, dict[int, str]]:
    """Labels numbered by where each cell's first pixel lies, and the names of their classes."""
    ids, first = np.unique(labels, return_index=True)
    ids, first = ids[ids > 0], first[ids > 0]
    number = np.zeros(int(labels.max(initial=0)) + 1, np.int32)
    number[ids[np.argsort(first)]] = np.arange(1, len(ids) + 1)
    names = {int(number[cell]): mark.name for cell, mark in marks.items() if cell < len(number) and number[cell]}
    return number[labels], names


def _comment(truth: Truth) -> str:
    return "imported" if truth.certain else "imported: outlines stand for boxes, or are a network's; to be reviewed"
