"""Everything of a batch in one zip."""

import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bccseg.imaging.label_image import separated_mask
from bccseg.io.encode import as_json, png
from bccseg.io.label_files import labels_png
from bccseg.report.coco import append_result, coco
from bccseg.report.geojson import geojson
from bccseg.report.overlay import class_colours, draw_overlay
from bccseg.report.region_counts import region_table, with_regions
from bccseg.report.region_drawing import draw_regions
from bccseg.report.result import ImageResult
from bccseg.report.roi import imagej_rois
from bccseg.report.run_record import FILE_NAME, RunRecorder
from bccseg.report.scale_bar import draw_scale_bar
from bccseg.report.tables import cell_table, csv, labels_with_small_cells, summary_table, table_with_small_cells


def _overlay(result: ImageResult) -> bytes:
    """Outlines by class, platelets too, where classes are known; else green."""
    if result.classes is None or (result.classes.number < 0).all():
        return _finished(result, draw_overlay(result.image, result.labels, result.hidden.values()))
    names = result.classes.name_of_each() + (result.small_cells.classes.name_of_each() if result.small_cells else [])
    labels, colours = labels_with_small_cells(result), class_colours(names)
    return _finished(result, draw_overlay(result.image, labels, result.hidden.values(), colours))


def _finished(result: ImageResult, overlay: NDArray[np.uint8]) -> bytes:
    """With the regions and, where the pixel size is known, a scale bar."""
    return png(draw_scale_bar(draw_regions(overlay, result.regions), result.pixel_size_um))


# What is written for each image: ending of the file name, and how it is made.
IMAGE_FILES: dict[str, Callable[[ImageResult], bytes]] = {
    "_labels.png": lambda r: labels_png(r.labels),
    "_mask.png": lambda r: png(separated_mask(r.labels)),
    "_overlay.png": _overlay,
    "_cells.csv": lambda r: csv(with_regions(cell_table(r), r)),
    ".geojson": lambda r: as_json(geojson(r)),
    "_rois.zip": imagej_rois,
}
# The same with the cells of small classes, such as platelets, as ids and rows after the others.
WITH_SMALL_CELLS: dict[str, Callable[[ImageResult], bytes]] = {
    "_labels.png": lambda r: labels_png(labels_with_small_cells(r)),
    "_cells.csv": lambda r: csv(with_regions(table_with_small_cells(r), r)),
}
BASIC_FILES = ("_labels.png", "_mask.png", "_overlay.png", "_cells.csv")


def batch_files(results: Iterable[ImageResult], user: str = "") -> Iterator[tuple[str, bytes]]:
    """Name and content of every file of a batch, made one at a time; one image is in memory at a time.

    user: who asks for it, for the run record.
    """
    recorder = RunRecorder(user)
    summaries: list[pd.DataFrame] = []
    regions: list[pd.DataFrame] = []
    together = coco()
    for result in results:
        for ending, make in IMAGE_FILES.items():
            yield result.stem + ending, make(result)
        recorder.add(result)
        summaries.append(summary_table([result]))
        if result.regions:
            regions.append(region_table(result).assign(image=result.name))
        append_result(together, result.name, result)
    yield "summary.csv", csv(pd.concat(summaries) if summaries else summary_table([]))
    if regions:
        rows = pd.concat(regions, ignore_index=True)
        yield "regions.csv", csv(rows[["image", *(name for name in rows if name != "image")]])
    yield "coco.json", as_json(together)
    yield FILE_NAME, recorder.record().to_json(indent=1)


def write_zip(results: Iterable[ImageResult], target: BinaryIO, user: str = "") -> None:
    """One zip with everything of a batch. PNGs are stored as they are, text is packed. user: see `batch_files`."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in batch_files(results, user):
            packed = name.endswith((".png", ".zip"))
            archive.writestr(name, data, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)
