"""A study as tidy tables for other programs, and what each column means."""

import io

import pandas as pd

from bccseg.errors import BccsegError
from bccseg.report.tables import csv
from bccseg.statistics.measures import FACTS, SAMPLE, Measure, sample_values, study_measures, with_columns
from bccseg.statistics.tables import StudyTables

UNFLAGGED = "_unflagged"  # ending of the same measure without flagged cells and crowded images
# Columns of cells and images -> unit and meaning. Columns that end in _um or _um2 have the meaning of _px.
MEANINGS: dict[str, tuple[str, str]] = {
    "group": ("", "group of the sample, as it was named"),
    "sample": ("", "sample (patient, slide, animal): what n counts"),
    "image": ("", "image, as it was named"),
    "cell_id": ("", "number of the cell in its image: its value in the label image"),
    "centroid_x": ("px", "centre of the cell, from the left edge"),
    "centroid_y": ("px", "centre of the cell, from the top edge"),
    "area": ("px²", "area of what is seen of the cell"),
    "area_full": ("px²", "estimated area of the whole cell, where others hide a part"),
    "area_full_error": ("px²", "standard deviation of that estimate"),
    "perimeter": ("px", "length of the smoothed outline"),
    "equivalent_diameter": ("px", "diameter of the circle of the same area"),
    "major_axis": ("px", "long axis of the ellipse with the same second moments"),
    "minor_axis": ("px", "short axis of that ellipse"),
    "eccentricity": ("0 to 1", "elongation of that ellipse; 0 is a circle"),
    "solidity": ("0 to 1", "area over that of the convex hull"),
    "circularity": ("0 to 1", "4π area / perimeter²; 1 is a circle"),
    "mean_red": ("0 to 255", "mean red of the cell's pixels"),
    "mean_green": ("0 to 255", "mean green of the cell's pixels"),
    "mean_blue": ("0 to 255", "mean blue of the cell's pixels"),
    "touches_border": ("", "whether the image's edge cuts the cell; sizes and shapes leave it out"),
    "in_frame": ("", "whether the cell is in the counting frame, which densities go by"),
    "score": ("0 to 1", "how sure the network is; empty for cells that a person drew"),
    "flag": ("", "why the cell's numbers should not be trusted; empty: no reason known"),
    "class": ("", "class of the cell"),
    "class_score": ("0 to 1", "how sure the network is of the class"),
    "class_by": ("", "who gave the class: network or person"),
    "image_too_crowded": ("", "whether the cell's image is too crowded to be counted"),
    "files": ("", "what the names of the image's result files begin with"),
    "cell_count": ("", "cells of the image"),
    "cell_count_inside": ("", "cells that the edge does not cut"),
    "cell_count_in_frame": ("", "cells in the counting frame"),
    "area_fraction": ("0 to 1", "share of the image that is cell"),
    "median_diameter": ("px", "median diameter of the cells that the edge does not cut"),
    "median_diameter_px_unflagged": ("px", "the same without flagged cells"),
    "diameter_cv_percent": ("%", "coefficient of variation of the diameter (sample standard deviation over mean)"),
    "diameter_cv_percent_unflagged": ("%", "the same without flagged cells"),
    "density_per_mm2": ("1/mm²", "cells in the counting frame over the area"),
    "flagged_count": ("", "flagged cells"),
    "too_crowded": ("", "whether the image is too crowded to be counted"),
    "width": ("px", "width of the image"),
    "height": ("px", "height of the image"),
    "counted_px": ("px²", "area that was counted; empty: the whole image"),
    "pixel_size": ("µm", "width of a pixel; empty: not known"),
    "pixel_size_from": ("", "where the pixel size comes from; empty: not known"),
    "region": ("", "regions of the image in which the cell counts"),
    "expected_diameter": ("px", "typical cell that was looked for"),
    "weights": ("", "weights of the network"),
    "note": ("", "note on the image"),
    "edits": ("", "corrections by hand"),
    "corrected_by": ("", "who corrected"),
    "white_per_100_red": ("", "white cells per 100 red ones"),
    "platelets_per_1000_red": ("", "platelets per 1,000 red cells, an estimate"),
    "images": ("", "images of the sample"),
    "images_crowded": ("", "of these, too crowded to be counted"),
    "images_without_scale": ("", "of these, without a pixel size: not in sizes and densities"),
    "cells": ("", "cells of the sample's images"),
    "cells_flagged": ("", "of these, flagged"),
}


def cells_frame(tables: StudyTables) -> pd.DataFrame:
    """A row a cell, with the free columns of its sample behind; what `all_cells.csv` holds."""
    tables = with_columns(tables)
    crowded = tables.images[[*SAMPLE, "image", "too_crowded"]].rename(columns={"too_crowded": "image_too_crowded"})
    cells = tables.cells.merge(crowded.drop_duplicates([*SAMPLE, "image"]), how="left", on=[*SAMPLE, "image"])
    free = tables.samples[[name for name in tables.samples if name in SAMPLE or name not in cells]]
    return cells.merge(free.drop_duplicates(SAMPLE), how="left", on=SAMPLE)


def samples_frame(tables: StudyTables) -> pd.DataFrame:
    """A row a sample: its free columns, and every measure with and without (UNFLAGGED) flagged cells."""
    keys = [one.key for one in study_measures(tables)]
    plain = sample_values(tables, without_flagged=True)[keys]
    return pd.concat([sample_values(tables), plain.add_suffix(UNFLAGGED)], axis=1)


def columns_frame(tables: StudyTables) -> pd.DataFrame:
    """Every column of the tables: table, column, unit, meaning."""
    measures = {one.key: one for one in study_measures(tables)}
    frames = {"all_cells": cells_frame(tables), "images": tables.images, "samples": samples_frame(tables)}
    free = [name for name in tables.samples if name not in SAMPLE]
    rows = []
    for table, frame in frames.items():
        for column in frame:
            of_sample = measures.get(column.removesuffix(UNFLAGGED)) if table == "samples" else None
            if column in free and column not in (*FACTS, *measures):
                rows.append((table, column, "", "of the sample, as it was entered"))
            elif of_sample is not None:
                rows.append((table, column, of_sample.unit, _of_sample(of_sample, column)))
            else:
                rows.append((table, column, *meaning(column)))
    return pd.DataFrame(rows, columns=["table", "column", "unit", "meaning"])


def meaning(column: str) -> tuple[str, str]:
    """Unit and meaning of a column of cells or images; ("", "") for one that nobody knows."""
    if column in MEANINGS:
        return MEANINGS[column]
    if column.startswith("count_"):
        return "", f"cells of the class {column.removeprefix('count_').replace('_', ' ')}"
    for ending, unit in (("_um2", "µm²"), ("_um", "µm"), ("_px", "")):
        name = column.removesuffix(ending)
        if name != column and name in MEANINGS:
            known, words = MEANINGS[name]
            return unit or known, words
    return "", ""


def _of_sample(measure: Measure, column: str) -> str:
    of = f"{measure.title}, all images of the sample pooled"
    if measure.column:
        of += ", mean of its cells" if measure.kind == "colour" else ", median of its cells"
    return f"{of}; without flagged cells and crowded images" if column.endswith(UNFLAGGED) else of


def study_files(tables: StudyTables) -> dict[str, bytes]:
    """The tables as CSV, by file name."""
    return {
        "all_cells.csv": csv(cells_frame(tables)),
        "images.csv": csv(tables.images),
        "samples.csv": csv(samples_frame(tables)),
        "columns.csv": csv(columns_frame(tables)),
    }


def cells_parquet(tables: StudyTables) -> bytes:
    """`cells_frame` as Parquet: a tenth of the CSV, and with types. Raises BccsegError without pyarrow."""
    buffer = io.BytesIO()
    try:
        cells_frame(tables).to_parquet(buffer, index=False)
    except ImportError as error:
        raise BccsegError("For Parquet, install pyarrow; all_cells.csv has the same.") from error
    return buffer.getvalue()
