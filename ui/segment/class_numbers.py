"""What is said of the classes of an image's cells, and how sure the numbers are."""

import streamlit as st

from bccseg.classes import UNCLASSIFIED
from bccseg.config import FEW_RED_CELLS, FEW_WHITE_CELLS
from bccseg.report.class_numbers import (
    PLATELET,
    RED,
    WHITE,
    Estimate,
    class_counts,
    class_shares,
    platelets_per_1000_red,
    sum_of_counts,
    white_per_100_red,
)
from bccseg.report.result import MeasuredImage
from ui.segment.class_filter import looks
from ui.shared.errors import plain

WHITE_HELP = (
    "Below it the 95 % interval (Wilson): how far chance alone may have moved the ratio. It does not say what the "
    "network takes for another class; the gallery shows each cell, and moves those that are wrong."
)
PLATELET_HELP = (
    "An estimate: platelets are small and hard to find; some are missed, and dirt is taken for others. They are in no "
    "count of cells. Below it those of this field, and the 95 % interval of the ratio by chance alone."
)
FEW = ", few"


def ratio_metrics(result: MeasuredImage) -> list[tuple[str, str, str, str]]:
    """Label, value, what stands below, and help of the ratios that can be said."""
    counts = class_counts(result)
    out = []
    if (white := white_per_100_red(counts)) is not None:
        below = f"95 %: {interval(white)}" + (FEW if few_cells(counts) else "")
        out.append(("White per 100 red", digits(white.value), below, WHITE_HELP))
    if (small := platelets_per_1000_red(counts)) is not None:
        below = f"{counts[PLATELET]:,} here, 95 %: {interval(small)}"
        out.append(("Platelets per 1,000 red, est.", digits(small.value), below, PLATELET_HELP))
    return out


def counts_words(result: MeasuredImage) -> str:
    """How many cells of each class, in a few words: "283 red, 2 white"; of those that are cells."""
    cells = [one for one in class_shares(result) if one.share is not None]
    if not cells or all(one.name == UNCLASSIFIED for one in cells):
        return ""
    short = {RED: "red", WHITE: "white"}
    names = looks(one.name for one in cells)
    return ", ".join(f"{one.count:,} {short.get(one.name, names[one.name].words.lower())}" for one in cells[:4])


def few_cells(counts: dict[str, int]) -> str:
    """Which cells are too few for a ratio of white to red ones, in words; empty if there are enough."""
    if WHITE not in counts or RED not in counts:
        return ""
    red, white = counts[RED], counts[WHITE]
    few = [f"{white or 'no'} white cell{'s' if white != 1 else ''}"] if white < FEW_WHITE_CELLS else []
    if red < FEW_RED_CELLS:
        few.append(f"{red or 'no'} red cell{'s' if red != 1 else ''}")
    return " and ".join(few)


def warn_of_few(counts: dict[str, int]) -> None:
    """Say where a ratio goes by too few cells."""
    if few := few_cells(counts):
        st.caption(
            f":material/scatter_plot: **Few cells**: {few}. The interval of the ratio is wide; count more "
            "fields before it says something about the smear."
        )


def show_shares(result: MeasuredImage) -> None:
    """A row a class: count, share with its interval, and how many a person has classified."""
    counted = class_shares(result)
    if all(one.name == UNCLASSIFIED for one in counted):
        return
    chips = looks(one.name for one in counted)
    by_hand = dict.fromkeys(chips, 0)
    for part in (result.classes, result.small_cells.classes if result.small_cells is not None else None):
        told = [] if part is None else zip(part.name_of_each(), part.by_of_each(), strict=True)
        for name, by in told:
            by_hand[name] += by == "person"
    rows = {one.name: one for one in counted}
    lines = [["Class", "Cells", "Share", "95 % interval", "By hand"], [":--", "--:", "--:", ":--", "--:"]]
    for name, chip in chips.items():
        one, part = rows[name], rows[name].share
        shares = (
            [f"{100 * part.value:.1f} %", f"{100 * part.low:.1f} to {100 * part.high:.1f} %"]
            if part
            else ["–", "beside the cells, an estimate"]
        )
        lines.append([plain(chip.words), f"{one.count:,}", *shares, str(by_hand[name])])
    shown = 5 if any(by_hand.values()) else 4
    st.subheader("Classes", anchor=False)
    st.markdown("\n".join(f"| {' | '.join(line[:shown])} |" for line in lines), width="content")
    warn_of_few(class_counts(result))


def show_together(images: list[MeasuredImage]) -> None:
    """The ratios of all images together."""
    counts = sum_of_counts(images)
    white, small = white_per_100_red(counts), platelets_per_1000_red(counts)
    words = []
    if white is not None:
        words.append(f"**{digits(white.value)} white per 100 red** (95 %: {interval(white)})")
    if small is not None:
        words.append(f"**{digits(small.value)} platelets per 1,000 red**, estimated (95 %: {interval(small)})")
    if words:
        told = f"{counts[RED]:,} red cells, {counts.get(WHITE, 0):,} white"
        if small is not None:
            fields = sum(r.classes is not None for r in images)
            told += f", {counts[PLATELET]:,} platelets ({digits(counts[PLATELET] / fields)} a field)"
        st.markdown(f"All fields together: {' · '.join(words)}. Counted: {told}.")
        warn_of_few(counts)


def digits(value: float) -> str:
    """Two or three digits that say something: 0.71, 4.2, 42."""
    return "0" if value == 0 else f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def interval(found: Estimate) -> str:
    """Its ends, in words."""
    return f"{digits(found.low)}–{digits(found.high)}"
