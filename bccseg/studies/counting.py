"""What counts of a result, as the catalogue of its study says."""

from dataclasses import replace

import numpy as np
import pandas as pd

from bccseg.imaging.measure import summarise
from bccseg.imaging.regions import read_regions
from bccseg.imaging.small_cells import SmallCells
from bccseg.report.recount import with_pixel_size
from bccseg.report.region_counts import cells_in_regions, counted_part
from bccseg.report.result import ImageResult, MeasuredImage
from bccseg.report.tables import cell_table, summary_table
from bccseg.studies.records import StudyImage


def counted(measured: MeasuredImage, image: StudyImage) -> MeasuredImage:
    """The result by the name of its image, in its pixel size and with its regions."""
    size = image.pixel_size_um
    typed = None if size == measured.stated_pixel_size_um else size
    if size != measured.pixel_size_um or (image.calibrated and image.pixel_size_from != measured.pixel_size_source):
        measured = with_pixel_size(measured, typed, image.pixel_size_from)
    return replace(measured, name=image.name, regions=read_regions(image.regions))


def frames_of(measured: MeasuredImage) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cells of an image, see `cell_table`, and its row, see `summary_table`, without its names."""
    return cell_table(measured), summary_table([measured]).drop(columns=["image", "files"])


def frames_in_regions(result: ImageResult) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same of the cells that count in the regions of the result, each once; `counted_px` is the area of those."""
    rows, area = counted_part(result)
    cells = result.cells[rows].reset_index(drop=True)
    summary = summarise(cells, result.shape, result.pixel_size_um, in_frame=len(cells))
    share = float(cells["area_px"].sum() / area) if area else 0.0
    density = len(cells) / (area * result.pixel_size_um**2 / 1e6) if result.pixel_size_um and area else None
    ids = cells["cell_id"].to_numpy() - 1
    part = replace(
        result.without_pixels(), cells=cells, small_cells=_small_in_regions(result),
        summary=replace(summary, area_fraction=share, density_per_mm2=density),
        classes=None if result.classes is None else result.classes.take(ids),
    )  # fmt: skip
    of_cells = cell_table(result.without_pixels())[rows].reset_index(drop=True)
    return of_cells, summary_table([part]).drop(columns=["image", "files"]).assign(counted_px=area)


def _small_in_regions(result: ImageResult) -> SmallCells | None:
    if result.small_cells is None:
        return None
    found = cells_in_regions(result)
    counting = [inside for of, inside in zip(result.regions, found.members, strict=True) if of.kind != "excluded"]
    counts = (np.any(counting, axis=0) if counting else ~found.excluded)[found.small]
    number = np.zeros(len(counts) + 1, np.int32)
    number[1:][counts] = np.arange(1, counts.sum() + 1)
    labels = number[result.small_cells.labels(result.shape)]
    return SmallCells.of(labels, result.small_cells.classes.take(np.flatnonzero(counts)))
