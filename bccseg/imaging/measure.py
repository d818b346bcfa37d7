"""Measures of cells and of whole images, from labels. Definitions are scikit-image's where it has them.

Written for whole label images at once, because scikit-image's regionprops, cell by cell, would take
longer than the network (see benchmarks/speed.py). Tests hold both to the same numbers.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bccseg.imaging.contours import measure_outlines
from bccseg.imaging.flags import is_crowded
from bccseg.imaging.label_image import Labels, border_ids, equivalent_diameter, outside_frame
from bccseg.imaging.runs import Runs

LENGTHS = ("perimeter", "equivalent_diameter", "major_axis", "minor_axis")
CHANNELS = ("red", "green", "blue")
COLUMNS = [
    "cell_id", "centroid_x_px", "centroid_y_px", "area_px", "perimeter_px", "equivalent_diameter_px",
    "major_axis_px", "minor_axis_px", "eccentricity", "solidity", "circularity",
    "mean_red", "mean_green", "mean_blue", "touches_border", "in_frame", "score",
]  # fmt: skip
UM_COLUMNS = ["centroid_x_um", "centroid_y_um", "area_um2", *(f"{name}_um" for name in LENGTHS)]


def measure_cells(
    labels: Labels,
    image: NDArray[np.uint8],
    scores: NDArray[np.float32] | None = None,
    pixel_size_um: float | None = None,
) -> pd.DataFrame:
    """A row a cell, in order of id.

    labels: int32 (H, W). image: uint8 (H, W, 3). scores: float32 (N,), 0 to 1, by id.
    Columns COLUMNS, and UM_COLUMNS if the pixel size is known. Coordinates are of pixel centres, (0, 0)
    the top left one. Intensities are 0 to 255. `in_frame`: whether the cell counts for a density, see
    `label_image.outside_frame`. No cells: no rows, same columns and types.

    Examples
    --------
    >>> image, labels = bccseg.draw_smear((300, 400), cells=12, diameter_px=50, seed=2)
    >>> cells = bccseg.measure_cells(labels, image, pixel_size_um=0.15)
    >>> cells[["cell_id", "area_px", "touches_border"]].head(2)
       cell_id  area_px  touches_border
    0        1     4418           False
    1        2     2057           False
    >>> round(float(cells["equivalent_diameter_um"].median()), 1)
    7.2
    """
    runs = Runs.along_rows(labels)
    ids, length, colour = runs.owner, runs.length, _colours(runs, image)
    rows, first = np.divmod(runs.start, max(1, labels.shape[1]))
    last = first + length - 1
    present = np.flatnonzero(np.bincount(ids))
    index = np.zeros(int(ids.max(initial=0)) + 1, np.intp)
    index[present] = np.arange(len(present))
    group, n = index[ids], len(present)

    def total(values: NDArray) -> NDArray[np.float64]:
        return np.bincount(group, weights=values, minlength=n).astype(np.float64)

    area = total(length)
    x, y = total(length * (first + last) / 2) / area, total(length * rows) / area
    dx, dy = (first + last) / 2 - x[group], rows - y[group]  # of the middle of a run ...
    within = length * (length**2 - 1) / 12  # ... and the squares of its pixels about that
    spread = (total(length * dx * dx + within), total(length * dy * dy), total(length * dx * dy))
    major, minor, eccentricity = _ellipse(*(value / area for value in spread))
    perimeter, solidity = measure_outlines(labels, present, area, runs)
    table = pd.DataFrame(
        {
            "cell_id": present.astype(np.int64),
            "centroid_x_px": x,
            "centroid_y_px": y,
            "area_px": area.astype(np.int64),
            "perimeter_px": perimeter,
            "equivalent_diameter_px": equivalent_diameter(area),
            "major_axis_px": major,
            "minor_axis_px": minor,
            "eccentricity": eccentricity,
            "solidity": solidity,
            "circularity": _ratio(4 * np.pi * area, perimeter**2).clip(0, 1),
            **{f"mean_{name}": total(colour[:, k]) / area for k, name in enumerate(CHANNELS)},
            "touches_border": np.isin(present, border_ids(labels)) if labels.size else np.zeros(0, bool),
            "in_frame": ~np.isin(present, outside_frame(labels)),
            "score": np.full(n, np.nan) if scores is None else np.asarray(scores, np.float64),
        }
    )
    return add_micrometres(table, pixel_size_um)


def _colours(runs: Runs, image: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Sum of the colours of each run: (R, 3). A field has a hundred times fewer runs than pixels."""
    ends = np.stack([runs.start, runs.start + runs.length], axis=1).ravel()
    if not len(ends):
        return np.zeros((0, 3), np.uint32)
    if ends[-1] == image.shape[0] * image.shape[1]:
        ends = ends[:-1]
    planes = [np.add.reduceat(plane.ravel(), ends, dtype=np.uint32)[::2] for plane in cv2.split(image)]
    return np.stack(planes, axis=1)


def add_micrometres(table: pd.DataFrame, pixel_size_um: float | None) -> pd.DataFrame:
    """The table with UM_COLUMNS for a pixel size in µm; without them if it is unknown."""
    table = table[COLUMNS].copy()
    if pixel_size_um:
        for axis in "xy":
            table[f"centroid_{axis}_um"] = table[f"centroid_{axis}_px"] * pixel_size_um
        table["area_um2"] = table["area_px"] * pixel_size_um**2
        for name in LENGTHS:
            table[f"{name}_um"] = table[f"{name}_px"] * pixel_size_um
    return table


def _ratio(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    return np.divide(a, b, out=np.zeros(len(a)), where=np.asarray(b) > 0)


def _ellipse(xx: NDArray, yy: NDArray, xy: NDArray) -> tuple[NDArray, NDArray, NDArray]:
    """Full axes and eccentricity of the ellipse with the same second moments (skimage regionprops)."""
    mean, spread = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    large, small = mean + spread, np.maximum(mean - spread, 0)
    eccentricity = np.sqrt(np.clip(1 - _ratio(small, large), 0, 1)) * (large > 0)
    return 4 * np.sqrt(large), 4 * np.sqrt(small), eccentricity


@dataclass(frozen=True)
class ImageSummary:
    """Numbers of one image. Diameters are of cells off the border, whose size is known."""

    cell_count: int
    cell_count_inside: int  # cells that do not touch the border
    cell_count_in_frame: int  # cells that touch neither the left nor the top edge; those of the density
    area_fraction: float  # share of the image that is cell, 0 to 1
    median_diameter_px: float | None
    diameter_cv_percent: float | None  # size variation, as RDW says in a blood count
    median_diameter_um: float | None
    density_per_mm2: float | None  # cells in the frame over the area of the image
    flagged_count: int  # cells whose numbers should not be trusted; see `imaging.flags`
    median_diameter_px_unflagged: float | None  # of the others
    diameter_cv_percent_unflagged: float | None
    too_crowded: bool  # to be counted


def summarise(
    cells: pd.DataFrame, shape: tuple[int, int], pixel_size_um: float | None = None, in_frame: int | None = None
) -> ImageSummary:
    """Summary of one image of `shape` (H, W) from its `measure_cells` table.

    A column `flag` (`imaging.flags`) says which cells are flagged; without it none is. Without cells the diameters are
    None. CV is the sample standard deviation over the mean. The density goes by the unbiased counting frame
    (`label_image.outside_frame`): cells that touch the left or top edge of the image are out, those that touch the
    right or bottom edge in. in_frame: how many those are, where the table lacks cut cells; None: as the table says.
    """
    flagged = cells["flag"] != "" if "flag" in cells else np.zeros(len(cells), bool)
    inside = ~cells["touches_border"]
    diameter = cells["equivalent_diameter_px"]
    median, spread = _median_and_cv(diameter[inside])
    plain_median, plain_spread = _median_and_cv(diameter[inside & ~flagged])
    pixels = shape[0] * shape[1]
    area_fraction = float(cells["area_px"].sum() / pixels) if pixels else 0.0
    in_frame = int(cells["in_frame"].sum()) if in_frame is None else in_frame
    return ImageSummary(
        cell_count=len(cells),
        cell_count_inside=int(inside.sum()),
        cell_count_in_frame=in_frame,
        area_fraction=area_fraction,
        median_diameter_px=median,
        diameter_cv_percent=spread,
        median_diameter_um=median * pixel_size_um if median and pixel_size_um else None,
        density_per_mm2=in_frame / (pixels * pixel_size_um**2 / 1e6) if pixel_size_um and pixels else None,
        flagged_count=int(flagged.sum()),
        median_diameter_px_unflagged=plain_median,
        diameter_cv_percent_unflagged=plain_spread,
        too_crowded=is_crowded(len(cells), int(flagged.sum()), area_fraction),
    )


def _median_and_cv(diameter: pd.Series) -> tuple[float | None, float | None]:
    median = float(diameter.median()) if len(diameter) else None
    return median, float(100 * diameter.std(ddof=1) / diameter.mean()) if len(diameter) > 1 else None
