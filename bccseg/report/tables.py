"""Results as tables: a row an image, and CSV that spreadsheets open safely."""

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from bccseg.imaging.measure import ImageSummary
from bccseg.report.result import MeasuredImage

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv(table: pd.DataFrame, *, header: bool = True) -> bytes:
    """CSV, UTF-8, 4 decimals. header: whether the names of the columns come first.

    Text that a spreadsheet would run as a formula gets a leading apostrophe.
    """
    table = table.copy()
    for name in table.columns[[pd.api.types.is_string_dtype(t) for t in table.dtypes]]:
        table[name] = [f"'{v}" if isinstance(v, str) and v.startswith(FORMULA_STARTS) else v for v in table[name]]
    return table.to_csv(index=False, header=header, float_format="%.4f").encode("utf-8")


def summary_table(results: Sequence[MeasuredImage]) -> pd.DataFrame:
    """A row an image: what its files begin with, its summary, its size, and the settings it was found with."""
    rows = [
        {
            "image": r.name,
            "files": r.stem,
            **asdict(r.summary),
            "width_px": r.shape[1],
            "height_px": r.shape[0],
            "pixel_size_um": r.pixel_size_um,
            "expected_diameter_px": r.diameter_px,
            "weights": r.weights,
            "edits": r.correction.edits if r.correction else 0,
            "corrected_by": r.correction.author if r.correction else "",
        }
        for r in results
    ]
    columns = [
        "image", "files", *ImageSummary.__dataclass_fields__, "width_px", "height_px", "pixel_size_um",
        "expected_diameter_px", "weights", "edits", "corrected_by",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=columns)
