"""The tab Compare of a study: do groups of samples differ, and how sure is that."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from bccseg.report.conclusion import concern_words, conclusion, number, overall, p_number, plus_minus
from bccseg.report.study_charts import group_chart
from bccseg.report.study_export import cells_frame, cells_parquet, columns_frame, samples_frame
from bccseg.report.tables import csv
from bccseg.report.texts import Texts
from bccseg.statistics.compare import TESTS, Comparison, Difference, Test, compare_groups
from bccseg.statistics.concerns import concerns
from bccseg.statistics.distributions import spread_of_groups
from bccseg.statistics.measures import Measure, counted_cells, sample_values, study_measures
from bccseg.statistics.tables import NO_SAMPLE, StudyTables
from ui.shared.errors import plain
from ui.shared.plots import PLOT

TEST_WORDS: dict[Test, str] = {
    "rank": "By ranks (Mann-Whitney U; Kruskal-Wallis for three groups and more)",
    "permutation": "By exchanging samples between the groups (permutation test of the means)",
}
LONGEST = 900  # of a sentence
N_HELP = (
    "Cells and images of one sample resemble each other, so they do not count as independent: all images of a sample "
    "are pooled, and n is the number of samples."
)


def show_comparison(tables: StudyTables, state: tuple[str, int]) -> None:
    """Groups side by side: a sentence, a picture, the numbers, the tables to take along.

    state: which study, and as of which change; what was computed for it is kept.
    """
    sorted_images = tables.images[tables.images["sample"] != NO_SAMPLE]
    if sorted_images.empty:
        st.info("Nothing to compare yet: images that are segmented and belong to a sample appear here.",
                icon=":material/science:")  # fmt: skip
        return
    groups = [name for name in tables.groups() if (sorted_images["group"] == name).any()]
    if not groups:
        st.info("The samples have no groups yet. Name groups on the tab with the samples, such as *control* and "
                "*treated*; then they are compared here.", icon=":material/workspaces:")  # fmt: skip
        _downloads(tables)
        return
    measures = study_measures(tables)
    with st.container(horizontal=True, vertical_alignment="bottom", key="compare_bar"):
        chosen = groups
        if len(groups) > 2:
            chosen = st.multiselect("Groups", groups, default=groups, key="compare_groups", format_func=plain)
            chosen = [name for name in groups if name in chosen]
        first = next(k for k, one in enumerate(measures) if one.kind == "size")  # cells have it: the fullest picture
        measure = st.selectbox("Measure", measures, first, key="compare_measure", format_func=lambda one: one.axis)
        without = st.toggle("Without flagged cells", key="compare_unflagged", help="Leaves flagged cells out of sizes, "
                            "shapes, colours and classes, and crowded images out of everything.")  # fmt: skip
    if not chosen or measure is None:
        st.info("Choose a group.", icon=":material/workspaces:")
        return
    tested, test = _how(measures, measure)
    values = _values(state, without, tables)
    found = _compared(values, tuple(tested), tuple(chosen), test)
    _show_sentence(found, measure, tables, values, chosen)
    spread = _spread(state, without, measure, tuple(chosen), tables)
    st.plotly_chart(group_chart(values, measure, chosen, spread), key="compare_plot", config=PLOT)
    st.caption(
        "Each point is a sample, the line the mean of the samples"
        + (", the shape behind all cells of the group." if any(map(len, spread.values())) else ".")
    )
    if len(chosen) > 1:
        st.dataframe(_table(found), hide_index=True, key="compare_table")
    _downloads(tables)


@st.cache_data(max_entries=20, show_spinner=False)
def _values(state: tuple[str, int], without: bool, _tables: StudyTables) -> pd.DataFrame:  # noqa: FBT001
    """Thousands of cells take a tenth of a second."""
    del state
    return sample_values(_tables, without_flagged=without)


@st.cache_data(max_entries=100, show_spinner=False)
def _spread(
    state: tuple[str, int],
    without: bool,  # noqa: FBT001
    measure: Measure,
    groups: tuple[str, ...],
    _tables: StudyTables,
) -> dict[str, NDArray[np.float64]]:
    del state
    return spread_of_groups(counted_cells(_tables, without_flagged=without), measure, groups)


@st.cache_data(max_entries=50, show_spinner=False)
def _compared(values: pd.DataFrame, tested: Sequence[Measure], groups: Sequence[str], test: Test) -> list[Comparison]:
    """Intervals of a dozen measures take half a second."""
    return compare_groups(values, tested, groups, test)


def _how(measures: Sequence[Measure], shown: Measure) -> tuple[list[Measure], Test]:
    """Which measures are tested together, and how."""
    with st.expander("How it is tested", icon=":material/rule:"):
        keys = [one.key for one in measures]
        titles = {one.key: one.axis for one in measures}
        usual = [one.key for one in measures if one.kind in ("number", "size", "shape")]
        asked = st.multiselect(
            "Measures tested together", keys, default=usual, key="compare_tested", format_func=titles.__getitem__,
            help="The more measures are tested, the more often one differs by chance. p values are corrected for their "
            "number (Holm), so choose beforehand what the study is about.",
        )  # fmt: skip
        test = st.radio("Test", TESTS, key="compare_test", format_func=TEST_WORDS.__getitem__)
        st.caption(N_HELP)
    return [one for one in measures if one.key in asked or one.key == shown.key], test


def _show_sentence(
    found: Sequence[Comparison], measure: Measure, tables: StudyTables, values: pd.DataFrame, groups: Sequence[str]
) -> None:
    texts = Texts()
    tested = sum(one.tested for one in found)
    one = next(one for one in found if one.measure.key == measure.key)
    if len(groups) > 1:
        told = conclusion(one, tested, texts)
        st.markdown(f"**{plain(told.finding, LONGEST)}** {plain(told.details, LONGEST)}")
        st.caption(plain(overall(found, groups, texts), LONGEST))
    else:
        group = one.groups[0]
        st.markdown(f"One group, {plain(group.name)}: {group.n} samples, mean {number(group.mean)}.")
    for concern in concerns(tables, values, groups, found):
        words = plain(concern_words(concern, texts), LONGEST)
        if concern.serious:
            st.warning(words, icon=":material/warning:")
        else:
            st.caption(f":material/info: {words}")


def _table(found: Sequence[Comparison]) -> pd.DataFrame:
    """A row a measure; mean ± standard deviation of the samples."""
    rows = []
    for one in found:
        row = {"Measure": one.measure.axis}
        for group in one.groups:
            row[f"{group.name} (n = {group.n})"] = plus_minus(group.mean, group.sd)
        if len(one.differences) == 1:
            d = one.differences[0]
            row["Difference"] = number(d.value)
            row["95 % interval"] = f"{number(d.low)} to {number(d.high)}"
            row["Larger in"] = _larger(d)
        row["p"] = p_number(one.p)
        row["p, corrected"] = p_number(one.p_corrected)
        rows.append(row)
    return pd.DataFrame(rows)


def _larger(d: Difference) -> str:
    """Which group's sample is the larger one, and in how many of all pairs."""
    if d.superiority == 0.5 or not d.superiority >= 0:
        return "–"
    name = d.group if d.superiority > 0.5 else d.reference
    return f"{name}, {100 * max(d.superiority, 1 - d.superiority):.0f} % of pairs"


def _downloads(tables: StudyTables) -> None:
    st.caption("For R, Prism, SPSS or Excel, with names for everything:")
    with st.container(horizontal=True, key="compare_downloads"):
        st.download_button("Samples (CSV)", lambda: csv(samples_frame(tables)), file_name="samples.csv",
                           help="A row a sample, with and without flagged cells.", on_click="ignore",
                           icon=":material/table:", type="primary")  # fmt: skip
        st.download_button("All cells (CSV)", lambda: csv(cells_frame(tables)), file_name="all_cells.csv",
                           help="A row a cell, with its image, sample and group.", on_click="ignore",
                           icon=":material/table_rows:")  # fmt: skip
        st.download_button("All cells (Parquet)", lambda: cells_parquet(tables), file_name="all_cells.parquet",
                           help="The same, ten times smaller, for Python and R.", on_click="ignore",
                           icon=":material/database:")  # fmt: skip
        st.download_button("What the columns mean (CSV)", lambda: csv(columns_frame(tables)), file_name="columns.csv",
                           on_click="ignore", icon=":material/help:")  # fmt: skip
