"""The measures of the collection's cells: tables of all of them, and outlines for QuPath, ImageJ and COCO.

    README.md                   columns, counts, people, licences
    cells.csv                   a row a cell: image, version, author, and the columns of `cell_table`
    images.csv                  a row a version: its summary
    coco.json                   the version that stands for each image
    geojson/<image>.geojson     for QuPath, a file a version
    rois/<image>_rois.zip       for ImageJ, a file a version
    not exported.txt            what could not be read, if anything

One image is in memory at a time; what grows with the collection is written to temporary files.
"""

import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from bccseg.annotation.data_card import data_card, known_classes
from bccseg.annotation.dataset_export import chosen_versions
from bccseg.annotation.parted_objects import PartedObjects, part_objects
from bccseg.annotation.records import Version, origin
from bccseg.annotation.review import Item
from bccseg.annotation.store import LabelStore
from bccseg.classes import CellClass
from bccseg.errors import StoreError
from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.label_image import median_diameter
from bccseg.imaging.small_cells import SmallCells
from bccseg.io.archive import flat_stem, safe_stem, unique
from bccseg.io.encode import as_json
from bccseg.report.coco import append_result, coco
from bccseg.report.corrected import same_cells
from bccseg.report.geojson import geojson
from bccseg.report.result import Correction, ImageResult
from bccseg.report.roi import imagej_rois
from bccseg.report.tables import cell_table, csv, summary_table, table_with_small_cells

PROBLEMS = "not exported.txt"
FACTS = ("image", "image_id", "version", "author", "status", "stands", "split", "files")  # before the measures
COLUMNS_CARD = """
## Files

* `cells.csv`: a row a cell. `image` is the name as uploaded, `image_id` the sha256 of its pixels, `version` one set of
  labels of it, `author` who made it. `stands` is True for the one version that counts where an image has several:
  keep these rows alone to count each cell once. The other columns are those of the app's table; those in µm are empty
  where the pixel size is not known, `score` where a person drew or changed the cell. `class` is one of the table above
  or unclassified, `class_by` says whether a person or the network gave it, `class_score` how sure the network is.
  Platelets and what is not a cell have rows too: leave these classes out where you count or average cells.
* `images.csv`: a row a version, with counts, median diameter, size variation and density, all of cells alone, and the
  number of objects of each class.
* `coco.json`: the standing version of each image, by the file names of the dataset export. `geojson/` (QuPath) and
  `rois/` (ImageJ): a file a version; `files` in the tables names them.
"""


def measured_versions(found: list[Item], *, submitted: bool = False) -> list[tuple[Item, Version]]:
    """All accepted versions and, if asked for, submitted ones: first those that stand for their image, in the order and
    so with the file names of `dataset_files`, then the others.
    """
    wanted = ("accepted", "submitted") if submitted else ("accepted",)
    standing = chosen_versions(found, submitted=submitted)
    others = [(item, v) for item, best in standing for v in item.versions if v.status in wanted and v.id != best.id]
    return [*standing, *others]


def measure_files(store: LabelStore, versions: list[tuple[Item, Version]]) -> Iterator[tuple[str, bytes | BinaryIO]]:
    """Paths and contents, one file after the other; a file that is open is to be read before the next is asked for."""
    standing = [(item, version) for item, version in versions if item.best and item.best.id == version.id]
    classes = known_classes(versions, store.class_set())
    yield "README.md", (data_card(standing, classes=store.class_set()) + COLUMNS_CARD).encode()
    taken: set[str] = set()
    problems: list[str] = []
    summaries: list[pd.DataFrame] = []
    with ExitStack() as opened:
        cells, images, annotations, joined = (opened.enter_context(tempfile.TemporaryFile()) for _ in range(4))
        boxes = CocoFiles(images, annotations, classes)
        cells.write(csv(pd.DataFrame(columns=[*FACTS, *cell_columns()])))
        for item, version in versions:
            stem = unique(flat_stem(safe_stem(item.info.name)), taken)
            try:
                result = measure_version(store, item, version, stem)
            except StoreError as error:  # one damaged file must not keep the others back
                problems.append(f"{item.info.name}, version {version.id}: {error}")
                continue
            facts = _facts(item, version, stem)
            cells.write(csv(_with_facts(facts, _rows(result)), header=False))
            summary = summary_table([result])
            summaries.append(_with_facts(facts, summary.drop(columns=["image", "files", "corrected_by"])))
            if facts["stands"]:
                boxes.append(result)
            yield f"geojson/{stem}.geojson", as_json(geojson(result, classes))
            yield f"rois/{stem}_rois.zip", imagej_rois(result, classes)
        yield "cells.csv", _rewound(cells)
        yield "images.csv", csv(pd.concat(summaries) if summaries else pd.DataFrame(columns=FACTS))
        yield "coco.json", boxes.join(joined)
    if problems:
        yield PROBLEMS, "\n".join(problems).encode()


def measure_version(store: LabelStore, item: Item, version: Version, stem: str = "") -> ImageResult:
    """A version measured as Segment measures a result. Cells that nobody touched keep the score of the proposal.

    What is no cell, such as platelets, is among the small cells. Raises StoreError.
    """
    parted = part_objects(store.labels(version), store.marks(version), store.class_set(), least_px=1)
    labels = parted.cells
    known = known_classes([(item, version)], store.class_set())
    classes, others = _classifications(parted, tuple(one.name for one in known))
    scores = np.full(int(labels.max(initial=0)), np.nan, np.float32)
    root = origin(version, item.versions)
    if known := store.details(root).scores:
        same = same_cells(labels, store.labels(root))[1:]
        there = (same > 0) & (same <= len(known))
        scores[there] = np.asarray(known, np.float32)[same[there] - 1]
    return ImageResult.measure(
        store.image(item.info.id), labels, scores, item.info.pixel_size_um, name=item.info.name, stem=stem,
        diameter_px=median_diameter(labels) or float("nan"), weights=version.weights,
        correction=Correction(version.edit_count, version.time, version.author), classes=classes, small_cells=others,
    )  # fmt: skip


def _classifications(parted: PartedObjects, names: tuple[str, ...]) -> tuple[Classification | None, SmallCells | None]:
    """Of the cells, and of what is none; nothing where no class is known."""
    if not parted.marks:
        return None, None
    names = tuple(dict.fromkeys([*names, *(mark.name for mark in parted.marks.values())]))
    count = int(parted.cells.max(initial=0))
    known = Classification.unknown(count + int(parted.others.max(initial=0)), names)
    for cell, mark in parted.marks.items():
        known.number[cell - 1] = names.index(mark.name)
        known.score[cell - 1] = np.nan if mark.by == "person" else 1.0 if mark.score is None else mark.score
    rows = np.arange(len(known))
    return known.take(rows[:count]), SmallCells.of(parted.others, known.take(rows[count:]))


def cell_columns() -> list[str]:
    """Columns of a cell, with those in µm and its class."""
    blank = np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.int32), np.zeros(0, np.float32)
    return list(cell_table(ImageResult.measure(*blank, 1.0, name="", stem="", diameter_px=1.0)))


def _rows(result: ImageResult) -> pd.DataFrame:
    return table_with_small_cells(result).reindex(columns=cell_columns())


def zip_measures(files: Iterable[tuple[str, bytes | BinaryIO]], target: BinaryIO) -> None:
    """Write the files as a zip."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            if isinstance(data, bytes):
                archive.writestr(name, data, zipfile.ZIP_STORED if name.endswith(".zip") else zipfile.ZIP_DEFLATED)
            else:
                with archive.open(name, "w", force_zip64=True) as member:
                    shutil.copyfileobj(data, member)


def write_measures(files: Iterable[tuple[str, bytes | BinaryIO]], folder: Path) -> None:
    """Write the files below a folder."""
    (folder / PROBLEMS).unlink(missing_ok=True)  # of an earlier export
    for name, data in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as out:
            if isinstance(data, bytes):
                out.write(data)
            else:
                shutil.copyfileobj(data, out)


def _facts(item: Item, version: Version, stem: str) -> dict[str, object]:
    stands = item.best is not None and item.best.id == version.id
    values = (
        item.info.name, item.info.id, version.id, version.author, version.status, stands, item.info.split, stem,
    )  # fmt: skip
    return dict(zip(FACTS, values, strict=True))


def _with_facts(facts: dict[str, object], table: pd.DataFrame) -> pd.DataFrame:
    """The table with the facts in front of every row."""
    return pd.concat([pd.DataFrame([facts] * len(table), index=table.index, columns=list(facts)), table], axis=1)


def _rewound(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file


class CocoFiles:
    """A COCO file that grows image by image on the disk: two open files take the rows of its two long lists."""

    def __init__(self, images: BinaryIO, annotations: BinaryIO, classes: tuple[CellClass, ...]) -> None:
        self._head = coco(classes=classes)
        self._parts = {"images": images, "annotations": annotations}
        self._count = dict.fromkeys(self._parts, 0)

    def append(self, result: ImageResult) -> None:
        """Add an image with its cells."""
        images, annotations = self._count["images"], self._count["annotations"]
        one = {**self._head, "images": [], "annotations": []}  # categories are added in place
        append_result(one, f"{result.stem}.png", result)
        for row in one["images"]:
            row["id"] += images
        for row in one["annotations"]:
            row["id"], row["image_id"] = row["id"] + annotations, row["image_id"] + images
        for name, part in self._parts.items():
            for row in one[name]:
                part.write((b",\n" if self._count[name] else b"") + as_json(row))
                self._count[name] += 1

    def join(self, out: BinaryIO) -> BinaryIO:
        """Write the whole file; returns it, to be read."""
        out.write(as_json({name: value for name, value in self._head.items() if name not in self._parts}).rstrip()[:-1])
        for name, part in self._parts.items():
            out.write(f', "{name}": [\n'.encode())
            shutil.copyfileobj(_rewound(part), out)
            out.write(b"]")
        out.write(b"}")
        return _rewound(out)
