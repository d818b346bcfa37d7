"""Counts and classes in the regions of an image; see `imaging.regions` for which cells count in each."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bccseg.imaging.regions import areas_px, counted_in, excluded_cells
from bccseg.report.class_numbers import PLATELET, RED, WHITE, class_counts, platelets_per_1000_red, white_per_100_red
from bccseg.report.result import ImageResult
from bccseg.report.tables import PLATELETS, WHITES, labels_with_small_cells, table_with_small_cells

WHOLE_IMAGE = "Whole image"
JOIN, EXCLUDED = "; ", "excluded: "  # of the names of the regions of one cell


class InRegions(NamedTuple):
    """The cells of an image, small ones too, and where they count."""

    table: pd.DataFrame  # `table_with_small_cells`
    small: NDArray[np.bool_]  # (N,): rows of small cells, which are no cells
    excluded: NDArray[np.bool_]  # (N,): those that count nowhere
    members: list[NDArray[np.bool_]]  # (N,) for each region


def cells_in_regions(result: ImageResult) -> InRegions:
    """Which cells count in which region of the result."""
    table = table_with_small_cells(result)
    ids, centres = table["cell_id"].to_numpy(), table[["centroid_x_px", "centroid_y_px"]].to_numpy()
    members = counted_in(result.regions, labels_with_small_cells(result), ids, centres)
    return InRegions(table, ids > len(result.scores), excluded_cells(result.regions, centres), members)


def region_table(result: ImageResult) -> pd.DataFrame:
    """A row for the whole image, without what is excluded, and one for each region, in order; without regions no row.

    Columns region, kind, cell_count, flagged_count, area_px, and, if the pixel size is known, area_mm2 and
    density_per_mm2, median_diameter_px (and _um) and diameter_cv_percent of cells that the image's edge does not cut,
    count_<class> and ratios where classes are known. Of an excluded region: what it takes away. A region's count goes
    by its rule; that of the whole image has all cells, and its density those in the image as a counting frame.
    """
    found, size = cells_in_regions(result), result.pixel_size_um
    areas, out = areas_px(result.regions, result.shape)
    whole = ~found.excluded
    rows = [_row(result, found, WHOLE_IMAGE, "image", whole, result.shape[0] * result.shape[1] - out)]
    in_frame = found.table["in_frame"].to_numpy(bool) & whole & ~found.small
    if size and rows[0]["area_px"]:
        rows[0]["density_per_mm2"] = int(in_frame.sum()) / rows[0]["area_mm2"]
    if size and not out:  # also cut cells that are left out of the table
        rows[0]["density_per_mm2"] = result.summary.density_per_mm2
    for region, inside, area in zip(result.regions, found.members, areas, strict=True):
        rows.append(_row(result, found, region.name, region.kind, inside, int(area)))
    table = pd.DataFrame(rows)
    for name in table:
        if name.startswith("count_"):
            table[name] = table[name].astype("Int64")
    return table if result.regions else table.iloc[:0]


def _row(
    result: ImageResult, found: InRegions, name: str, kind: str, inside: NDArray[np.bool_], area_px: int
) -> dict[str, object]:
    cells = found.table[inside & ~found.small]
    diameter = cells.loc[~cells["touches_border"].astype(bool), "equivalent_diameter_px"]
    row: dict[str, object] = {
        "region": name, "kind": kind, "cell_count": len(cells), "flagged_count": int((cells["flag"] != "").sum()),
        "area_px": area_px,
    }  # fmt: skip
    median, size = float(diameter.median()) if len(diameter) else None, result.pixel_size_um
    if size:
        row["area_mm2"] = area_px * size**2 / 1e6
        row["density_per_mm2"] = len(cells) / row["area_mm2"] if area_px and kind != "excluded" else None
    row["median_diameter_px"] = median
    if size:
        row["median_diameter_um"] = median and median * size
    spread = len(diameter) > 1
    row["diameter_cv_percent"] = float(100 * diameter.std(ddof=1) / diameter.mean()) if spread else None
    known = found.table.loc[inside, "class"].value_counts()
    counts = {of: int(known.get(of, 0)) for of in class_counts(result)}
    row |= {f"count_{of.replace(' ', '_')}": n for of, n in counts.items()}
    if RED in counts and WHITE in counts:
        row[WHITES] = getattr(white_per_100_red(counts), "value", None)
    if RED in counts and PLATELET in counts:
        row[PLATELETS] = getattr(platelets_per_1000_red(counts), "value", None)
    return row


def with_regions(table: pd.DataFrame, result: ImageResult) -> pd.DataFrame:
    """A table of cells of the result, by `cell_id`, with the column `region`: the names of the regions in which each
    counts, joined by "; ", or "excluded: " and the name; "" in none. Without regions: the table itself.
    """
    if not result.regions:
        return table
    found = cells_in_regions(result)
    names: dict[int, list[str]] = {cell: [] for cell in found.table["cell_id"]}
    for region, inside in zip(result.regions, found.members, strict=True):
        for cell in found.table.loc[inside, "cell_id"]:
            names[cell].append(EXCLUDED + region.name if region.kind == "excluded" else region.name)
    return table.assign(region=[JOIN.join(names.get(cell, [])) for cell in table["cell_id"]])


def counted_part(result: ImageResult) -> tuple[NDArray[np.bool_], int]:
    """Rows of `result.cells` that count, each once, where an image counts by its regions alone; and the area in px that
    they are of: bool (N,). Where nothing is drawn but what is excluded, all else counts, as in the image's own frame.
    """
    found = cells_in_regions(result)
    kept = ~found.small
    pairs = zip(result.regions, found.members, strict=True)
    counting = [inside for region, inside in pairs if region.kind != "excluded"]
    areas = np.zeros(result.shape, bool)
    for region in result.regions:
        if region.kind != "excluded":
            window, inside = region.pixels(result.shape)
            areas[window] |= inside
    if not counting:
        areas[:] = True
    for region in result.regions:
        if region.kind == "excluded":
            window, inside = region.pixels(result.shape)
            areas[window] &= ~inside
    counts = np.any(counting, axis=0) if counting else ~found.excluded
    return counts[kept], int(areas.sum())
