"""The files of one result, in a folder."""

from collections.abc import Collection
from pathlib import Path

from bccseg.files import write_atomically
from bccseg.io.encode import as_json
from bccseg.report.bundle import BASIC_FILES, IMAGE_FILES, WITH_SMALL_CELLS
from bccseg.report.coco import coco
from bccseg.report.result import ImageResult

EXTRAS = {"geojson": ".geojson", "roi": "_rois.zip"}  # what may be asked for besides, and COCO


def write_result(result: ImageResult, out: Path, also: Collection[str], *, small_cells: bool = False) -> None:
    """The files of one image, each whole or not at all. small_cells: whether those of small classes are in labels and
    table.
    """
    make = IMAGE_FILES | (WITH_SMALL_CELLS if small_cells else {})
    (out / result.stem).parent.mkdir(parents=True, exist_ok=True)
    for ending in (*BASIC_FILES, *(ending for name, ending in EXTRAS.items() if name in also)):
        write_atomically(out / f"{result.stem}{ending}", make[ending](result))
    if "coco" in also:
        write_atomically(out / f"{result.stem}_coco.json", as_json(coco([result])))
