"""The measures of the collection's cells: tables of all of them, and outlines for QuPath, ImageJ and COCO.

    README.md                   columns, counts, people, licences
    cells.csv                   a row a cell: image, version, author, and the columns of `measure_cells`
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

from bccseg.annotation.dataset_export import chosen_versions, data_card
from bccseg.annotation.records import Version, origin
from bccseg.annotation.review import Item
from bccseg.annotation.store import LabelStore
from bccseg.errors import StoreError
from bccseg.imaging.label_image import median_diameter, relabel_consecutive
from bccseg.io.archive import flat_stem, safe_stem, unique
from bccseg.io.encode import as_json
from bccseg.report.coco import append_coco, coco
from bccseg.report.corrected import same_cells
from bccseg.report.geojson import geojson
from bccseg.report.result import Correction, ImageResult
from bccseg.report.roi import imagej_rois
from bccseg.report.tables import csv, summary_table

PROBLEMS = "not exported.txt"
FACTS = ("image", "image_id", "version", "author", "status", "stands", "split", "files")  # before the measures
COLUMNS_CARD = """
## Files

* `cells.csv`: a row a cell. `image` is the name as uploaded, `image_id` the sha256 of its pixels, `version` one set of
  labels of it, `author` who made it. `stands` is True for the one version that counts where an image has several:
  keep these rows alone to count each cell once. The other columns are those of the app's table; those in µm are empty
  where the pixel size is not known, `score` where a person drew or changed the cell.
* `images.csv`: a row a version, with counts, median diameter, size variation and density.
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
    yield "README.md", (data_card(standing) + COLUMNS_CARD).encode()
    taken: set[str] = set()
    problems: list[str] = []
    summaries: list[pd.DataFrame] = []
    with ExitStack() as opened:
        cells, images, annotations, joined = (opened.enter_context(tempfile.TemporaryFile()) for _ in range(4))
        boxes = CocoFiles(images, annotations)
        cells.write(csv(pd.DataFrame(columns=[*FACTS, *cell_columns()])))
        for item, version in versions:
            stem = unique(flat_stem(safe_stem(item.info.name)), taken)
            try:
                result = measure_version(store, item, version, stem)
            except StoreError as error:  # one damaged file must not keep the others back
                problems.append(f"{item.info.name}, version {version.id}: {error}")
                continue
            facts = _facts(item, version, stem)
            cells.write(csv(_with_facts(facts, result.cells.reindex(columns=cell_columns())), header=False))
            summary = summary_table([result])
            summaries.append(_with_facts(facts, summary.drop(columns=["image", "files", "corrected_by"])))
            if facts["stands"]:
                boxes.append(result)
            yield f"geojson/{stem}.geojson", as_json(geojson(result))
            yield f"rois/{stem}_rois.zip", imagej_rois(result)
        yield "cells.csv", _rewound(cells)
        yield "images.csv", csv(pd.concat(summaries) if summaries else pd.DataFrame(columns=FACTS))
        yield "coco.json", boxes.join(joined)
    if problems:
        yield PROBLEMS, "\n".join(problems).encode()


def measure_version(store: LabelStore, item: Item, version: Version, stem: str = "") -> ImageResult:
    """A version measured as Segment measures a result. Cells that nobody touched keep the score of the proposal.

    Raises StoreError.
    """
    labels = relabel_consecutive(store.labels(version))
    scores = np.full(int(labels.max(initial=0)), np.nan, np.float32)
    root = origin(version, item.versions)
    if known := store.details(root).scores:
        same = same_cells(labels, store.labels(root))[1:]
        there = (same > 0) & (same <= len(known))
        scores[there] = np.asarray(known, np.float32)[same[there] - 1]
    return ImageResult.measure(
        store.image(item.info.id), labels, scores, item.info.pixel_size_um, name=item.info.name, stem=stem,
        diameter_px=median_diameter(labels) or float("nan"), weights=version.weights,
        correction=Correction(version.edit_count, version.time, version.author),
    )  # fmt: skip


def cell_columns() -> list[str]:
    """Columns of a cell, with those in µm."""
    blank = np.zeros((2, 2, 3), np.uint8), np.zeros((2, 2), np.int32), np.zeros(0, np.float32)
    return list(ImageResult.measure(*blank, 1.0, name="", stem="", diameter_px=1.0).cells)


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

    def __init__(self, images: BinaryIO, annotations: BinaryIO) -> None:
        self._parts = {"images": images, "annotations": annotations}
        self._count = dict.fromkeys(self._parts, 0)

    def append(self, result: ImageResult) -> None:
        """Add an image with its cells."""
        one, images, annotations = coco(), self._count["images"], self._count["annotations"]
        append_coco(one, f"{result.stem}.png", result.labels, result.scores)
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
        out.write(as_json({name: value for name, value in coco().items() if name not in self._parts}).rstrip()[:-1])
        for name, part in self._parts.items():
            out.write(f', "{name}": [\n'.encode())
            shutil.copyfileobj(_rewound(part), out)
            out.write(b"]")
        out.write(b"}")
        return _rewound(out)
