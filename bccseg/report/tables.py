"""Results as tables: a row an image, and CSV that spreadsheets open safely."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from bccseg.classes import UNCLASSIFIED
from bccseg.imaging.label_image import Labels
from bccseg.imaging.measure import ImageSummary, measure_cells
from bccseg.report.class_numbers import class_counts, platelets_per_1000_red, white_per_100_red
from bccseg.report.result import ImageResult, MeasuredImage

RATIOS = WHITES, PLATELETS = "white_per_100_red", "platelets_per_1000_red"
FORMULA_STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\t",
    "\r",
    "\n",
    "＝",
    "＋",
    "－",
    "＠",
)  # the wide ones too: Excel reads them alike


def csv(table: pd.DataFrame, *, header: bool = True) -> bytes:
    """CSV, UTF-8, 4 decimals. header: whether the names of the columns come first.

    Text that a spreadsheet would run as a formula gets a leading apostrophe, names of columns too; numbers stay so.
    """
    table = table.copy()
    for k, dtype in enumerate(table.dtypes):
        if not pd.api.types.is_numeric_dtype(dtype):  # text, categories, and columns of several kinds
            table.isetitem(k, [_no_formula(v) for v in table.iloc[:, k]])
    table.columns = [_no_formula(name) for name in table.columns]
    return table.to_csv(index=False, header=header, float_format="%.4f").encode("utf-8")


def _no_formula(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = value.replace("\r\n", "\n").replace("\r", "\n")  # a lone \r would end the row for some readers
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def cell_table(result: MeasuredImage) -> pd.DataFrame:
    """The cells with `class`, the name of each one's class or UNCLASSIFIED, `class_score`, 0 to 1, and `class_by`:
    "network", or "person", whose classes have no score.
    """
    table = result.cells.copy()
    rows = table["cell_id"].to_numpy() - 1
    known = None if result.classes is None else result.classes.take(rows)
    table["class"] = [UNCLASSIFIED] * len(table) if known is None else known.name_of_each()
    table["class_score"] = np.nan if known is None else known.score.astype(np.float64)
    table["class_by"] = [""] * len(table) if known is None else known.by_of_each()
    return table


def labels_with_small_cells(result: ImageResult) -> Labels:
    """Labels int32 (H, W) in which the small cells follow the others: N + 1..N + K."""
    if result.small_cells is None:
        return result.labels
    small = result.small_cells.labels(result.shape)
    return np.where(small > 0, small + int(result.labels.max(initial=0)), result.labels).astype(np.int32)


def table_with_small_cells(result: ImageResult) -> pd.DataFrame:
    """`cell_table` with a row for each small cell too, by the ids of `labels_with_small_cells`. They have no flag."""
    table = cell_table(result)
    if not result.small_cells:
        return table
    kinds = result.small_cells.classes
    small = measure_cells(
        result.small_cells.labels(result.shape), result.image, kinds.score, result.pixel_size_um
    ).assign(flag="")  # fmt: skip
    rows = small["cell_id"].to_numpy() - 1
    small["class"] = kinds.take(rows).name_of_each()
    small["class_score"] = small["score"]
    small["class_by"] = kinds.take(rows).by_of_each()
    small["cell_id"] += int(result.labels.max(initial=0))
    small = small.reindex(columns=table.columns)
    return pd.concat([table, small], ignore_index=True) if len(table) else small


def class_columns(result: MeasuredImage) -> dict[str, int | float]:
    """`count_red` and so on for every class that is known, UNCLASSIFIED last, and `white_per_100_red` and
    `platelets_per_1000_red`. Small cells are counted too.

    Where no classes are known: nothing. Without red cells there is no ratio.
    """
    counts = class_counts(result)
    columns: dict[str, int | float] = {f"count_{name.replace(' ', '_')}": n for name, n in counts.items()}
    for name, ratio in ((WHITES, white_per_100_red(counts)), (PLATELETS, platelets_per_1000_red(counts))):
        if ratio is not None:
            columns[name] = ratio.value
    return columns


def summary_table(results: Sequence[MeasuredImage]) -> pd.DataFrame:
    """A row an image: what its files begin with, its summary, its size, the settings it was found with, and, if its
    weights know classes, the `class_columns`.
    """
    return table_of_rows([summary_row(result) for result in results])


SummaryRow = tuple[dict[str, Any], dict[str, int | float]]  # what every image has; its `class_columns`


def summary_row(result: MeasuredImage) -> SummaryRow:
    """The row of an image, in plain values, for `table_of_rows`."""
    facts = {
        "image": result.name,
        "files": result.stem,
        **asdict(result.summary),
        "width_px": result.shape[1],
        "height_px": result.shape[0],
        "pixel_size_um": result.pixel_size_um,
        "pixel_size_from": result.pixel_size_source,
        "expected_diameter_px": result.diameter_px,
        "weights": result.weights,
        "edits": result.correction.edits if result.correction else 0,
        "corrected_by": result.correction.author if result.correction else "",
    }
    return facts, class_columns(result)


def table_of_rows(rows: Sequence[SummaryRow]) -> pd.DataFrame:
    """`summary_table` from the rows of images that were measured elsewhere."""
    columns = [
        "image", "files", *ImageSummary.__dataclass_fields__, "width_px", "height_px", "pixel_size_um",
        "pixel_size_from", "expected_diameter_px", "weights", "edits", "corrected_by",
    ]  # fmt: skip
    told = dict.fromkeys(name for _, found in rows for name in found)
    table = pd.DataFrame([facts for facts, _ in rows], columns=columns)
    for name in told:
        values = [found.get(name) for _, found in rows]
        table[name] = pd.array(values, dtype="Float64" if name in RATIOS else "Int64")
    return table
