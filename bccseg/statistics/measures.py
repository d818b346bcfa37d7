"""Which numbers of a study are compared, and what each is of one sample.

Cells and images of one sample are not independent of each other, so they are pooled first and each sample counts once
(Lord et al. 2020, doi 10.1083/jcb.202001064).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from bccseg.classes import UNCLASSIFIED, ClassSet, words
from bccseg.statistics.tables import NO_SAMPLE, StudyTables

Kind = Literal["number", "size", "shape", "colour", "class"]
SAMPLE = ["group", "sample"]  # what names a sample
# Columns of `sample_values` that describe a sample and are not compared.
FACTS = ["images", "images_crowded", "images_without_scale", "cells", "cells_flagged"]
CELL_COLUMNS = ["flag", "touches_border", "circularity", "eccentricity", "mean_red", "mean_green", "mean_blue",
                "equivalent_diameter_px"]  # fmt: skip
IMAGE_COLUMNS = ["cell_count", "cell_count_in_frame", "area_fraction", "too_crowded", "width_px", "height_px"]
RED, WHITE, PLATELET = "count_red", "count_white", "count_platelet"


@dataclass(frozen=True)
class Measure:
    """A number that each sample has."""

    key: str  # column of `sample_values`
    title: str
    unit: str  # "" where it has none
    kind: Kind
    column: str = ""  # of the cell table, where it is a distribution of cells

    @property
    def axis(self) -> str:
        """Title with unit."""
        return f"{self.title} ({self.unit})" if self.unit else self.title


def study_measures(tables: StudyTables) -> list[Measure]:
    """The measures that a study has: numbers, sizes, shapes, colours, classes.

    Sizes are in µm if any image has a pixel size, and then go by those images alone; else in px.
    """
    found = [Measure("cells_per_image", "Cells per image", "", "number")]
    scaled = has_scale(tables)
    if scaled:
        found.append(Measure("density_per_mm2", "Density of cells", "cells/mm²", "number"))
    found.append(Measure("area_percent", "Area covered by cells", "%", "number"))
    unit, ending = ("µm", "um") if scaled else ("px", "px")
    column = f"equivalent_diameter_{ending}"
    found += [
        Measure(f"diameter_{ending}", "Diameter", unit, "size", column),
        Measure("diameter_cv_percent", "Size variation (CV)", "%", "size"),
        Measure("circularity", "Roundness", "1 = circle", "shape", "circularity"),
        Measure("eccentricity", "Elongation", "0 = circle", "shape", "eccentricity"),
    ]
    found += [Measure(f"mean_{c}", f"Colour: {c}", "0–255", "colour", f"mean_{c}") for c in ("red", "green", "blue")]
    for name in _classes(tables.cells):
        found.append(Measure(f"share_{_key(name)}_percent", words(name), "% of cells", "class"))
    if {RED, WHITE} <= set(tables.images):
        found.append(Measure("white_per_100_red", "White cells per 100 red", "", "class"))
    if {RED, PLATELET} <= set(tables.images):
        found.append(Measure("platelets_per_1000_red", "Platelets per 1,000 red", "", "class"))
    return found


def has_scale(tables: StudyTables) -> bool:
    """Whether any image has a pixel size."""
    return "pixel_size_um" in tables.images and bool(tables.images["pixel_size_um"].notna().any())


def sample_values(tables: StudyTables, *, without_flagged: bool = False) -> pd.DataFrame:
    """A row a sample: `group`, `sample`, its free columns, FACTS, and every measure by its key.

    Cells of all images of a sample are pooled. Sizes and shapes are of cells off the border; diameter, roundness and
    elongation are medians, colours means, the CV is the sample standard deviation over the mean. Densities are cells in
    the counting frames over the area of the images that have a pixel size. without_flagged: flagged cells are left out
    of sizes, shapes, colours and shares of classes, and crowded images of everything; FACTS still count all.
    A sample without images has NaN. Images that belong to no sample are left out.
    """
    tables = with_columns(tables)
    measures = study_measures(tables)
    images, cells = sorted_only(tables.images), sorted_only(tables.cells)
    facts = _facts(images, cells)
    if without_flagged:
        images, cells = images[~images["too_crowded"].astype(bool)], counted_cells(tables, without_flagged=True)
    named = pd.concat([sorted_only(tables.samples)[SAMPLE], images[SAMPLE]]).drop_duplicates()
    values = named.set_index(SAMPLE)
    for part in (_of_images(images), _of_cells(cells, measures)):
        values = values.join(part)
    table = sorted_only(tables.samples).merge(facts, how="outer", on=SAMPLE, sort=False)
    table = table.merge(values.reset_index(), how="left", on=SAMPLE)
    table[FACTS] = table[FACTS].fillna(0).astype(np.int64)
    for one in measures:
        if one.key not in table:
            table[one.key] = np.nan
    table[[m.key for m in measures]] = table[[m.key for m in measures]].astype(np.float64)
    free = [name for name in tables.samples.columns if name not in SAMPLE]
    order = tables.samples[SAMPLE].drop_duplicates().reset_index(drop=True).reset_index(names="_at")
    table = table.merge(order, how="left", on=SAMPLE).sort_values("_at", kind="stable", na_position="last")
    return table[[*SAMPLE, *free, *FACTS, *(m.key for m in measures)]].reset_index(drop=True)


def with_columns(tables: StudyTables) -> StudyTables:
    """With the columns that are needed, where a study has no results yet."""
    frames = (tables.cells, CELL_COLUMNS), (tables.images, IMAGE_COLUMNS)
    cells, images = (f.reindex(columns=[*f, *(c for c in needed if c not in f)]) for f, needed in frames)
    return StudyTables(cells, images, tables.samples)


def sorted_only(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows that belong to a sample."""
    return frame[frame["sample"] != NO_SAMPLE]


def counted_cells(tables: StudyTables, *, without_flagged: bool = False) -> pd.DataFrame:
    """The cells that `sample_values` goes by."""
    cells = sorted_only(tables.cells)
    if not without_flagged:
        return cells
    crowded = tables.images[tables.images["too_crowded"].astype(bool)]
    return cells[(cells["flag"] == "") & ~_rows(cells).isin(_rows(crowded))]


def _rows(frame: pd.DataFrame) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(frame[[*SAMPLE, "image"]])


def _key(name: str) -> str:
    return name.replace(" ", "_")


def _classes(cells: pd.DataFrame) -> list[str]:
    names = set(cells["class"].unique()) - {UNCLASSIFIED, ""} if "class" in cells else set()
    return [one.name for one in ClassSet().known(names) if one.name in names]


def _facts(images: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    by = images.groupby(SAMPLE, sort=False)
    no_scale = images["pixel_size_um"].isna() if "pixel_size_um" in images else pd.Series(True, images.index)
    return pd.DataFrame(
        {
            "images": by.size(),
            "images_crowded": by["too_crowded"].sum(),
            "images_without_scale": no_scale.groupby([images[k] for k in SAMPLE], sort=False).sum(),
            "cells": by["cell_count"].sum(),
            "cells_flagged": (cells["flag"] != "").groupby([cells[k] for k in SAMPLE], sort=False).sum(),
        }
    ).rename_axis(SAMPLE).reset_index()  # fmt: skip


def _of_images(images: pd.DataFrame) -> pd.DataFrame:
    """Measures that go by what is counted in images."""
    area = (images["width_px"] * images["height_px"]).astype(np.float64)
    if "counted_px" in images:
        area = images["counted_px"].fillna(area)
    size = images["pixel_size_um"].astype(np.float64) if "pixel_size_um" in images else np.nan
    mm2 = area * size**2 / 1e6
    sums = pd.DataFrame(
        {
            "cells": images["cell_count"],
            "framed": images["cell_count_in_frame"].where(mm2.notna()),
            "mm2": mm2,
            "covered": images["area_fraction"] * area,
            "area": area,
            **{name: images[name].astype(np.float64) for name in (RED, WHITE, PLATELET) if name in images},
        }
    ).groupby([images[k] for k in SAMPLE], sort=False)  # fmt: skip
    total = sums.sum()
    out = pd.DataFrame(index=total.index)
    out["cells_per_image"] = total["cells"] / sums.size()
    out["density_per_mm2"] = _ratio(total["framed"], total["mm2"])
    out["area_percent"] = 100 * _ratio(total["covered"], total["area"])
    for name, key, scale in ((WHITE, "white_per_100_red", 100), (PLATELET, "platelets_per_1000_red", 1000)):
        if name in total and RED in total:
            out[key] = scale * _ratio(total[name], total[RED])
    return out


def _of_cells(cells: pd.DataFrame, measures: list[Measure]) -> pd.DataFrame:
    """Measures that go by cells."""
    number = cells.groupby(SAMPLE, sort=False).ngroup()  # of the sample; one column of numbers is grouped much faster
    named = pd.MultiIndex.from_frame(cells[SAMPLE].drop_duplicates())
    whole = ~cells["touches_border"].astype(bool)
    out = pd.DataFrame(index=range(len(named)))
    for one in measures:
        if not one.column:
            continue
        if one.kind == "colour":
            out[one.key] = cells[one.column].groupby(number).mean()
            continue
        values = cells.loc[whole, one.column].groupby(number[whole])
        out[one.key] = values.median()
        if one.kind == "size":
            out["diameter_cv_percent"] = 100 * _ratio(values.std(ddof=1), values.mean())
    for name in _classes(cells):
        out[f"share_{_key(name)}_percent"] = 100 * (cells["class"] == name).groupby(number).mean()
    absent = {m.key for m in measures if m.kind == "class" and m.key.startswith("share_")} - set(out)
    return out.assign(**dict.fromkeys(absent, 0.0)).set_index(named)


def _ratio(a: pd.Series, b: pd.Series) -> pd.Series:
    return a / b.where(b > 0)
