"""What should not be trusted of an image's numbers, and what they are without it."""

import streamlit as st

from bccseg.imaging.flags import BLURRED, SEVERAL
from bccseg.report.result import MeasuredImage

FLAG_WORDS = {SEVERAL: "probably several cells", BLURRED: "out of focus"}


def warn_of_crowd(result: MeasuredImage) -> None:
    """Say that a field cannot be counted."""
    s = result.summary
    if s.too_crowded:
        st.warning(
            f"**This field is too crowded to count.** Cells cover {100 * s.area_fraction:.0f} % of it and "
            f"{s.flagged_count} of {s.cell_count} are flagged. Choose a thinner part of the smear.",
            icon=":material/groups:",
        )


def show_flags(result: MeasuredImage) -> None:
    """Which cells should not be trusted, and what the numbers are without them."""
    s = result.summary
    if not s.flagged_count:
        return
    kinds = result.cells.loc[result.cells["flag"] != "", "flag"].value_counts()
    named = ", ".join(f"{FLAG_WORDS[kind]} ({n})" for kind, n in kinds.items())
    without = ""
    if s.median_diameter_px_unflagged is not None:
        size, unit, digits = s.median_diameter_px_unflagged, "px", 1
        if result.pixel_size_um:
            size, unit, digits = size * result.pixel_size_um, "µm", 2
        without = f" Without them: {s.cell_count - s.flagged_count:,} cells, median diameter {size:.{digits}f} {unit}"
        if s.diameter_cv_percent_unflagged is not None:
            without += f", size variation {s.diameter_cv_percent_unflagged:.1f} %"
        without += "."
    st.caption(
        f":material/flag: **{s.flagged_count} cell{'s' if s.flagged_count > 1 else ''} to look at**: {named}.{without} "
        "They are named in the table, and *Correct* goes to them first."
    )
