"""Samples from a spreadsheet: read, shown, its columns mapped, and taken."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from bccseg.errors import DataError
from bccseg.studies.records import Sample, StudyImage
from bccseg.studies.sample_sheet import Mapping, Match, guess_mapping, match_table, read_table
from bccseg.studies.study import Study
from ui.shared.clicks import clicked
from ui.shared.errors import plain
from ui.studies.list import count
from ui.studies.opened import change, say

NUMBER = "study_sheets"
NOTHING = "–"
MOST_NAMED = 12


def ask_for_table(study: Study, images: Sequence[StudyImage], samples: Sequence[Sample]) -> None:
    """The uploader of a table; then a preview, what its columns mean, and what taking it would do."""
    number = st.session_state.setdefault(NUMBER, 0)
    key = f"study_sheet_{number}"
    with st.expander("From a spreadsheet", icon=":material/table_view:", expanded=bool(st.session_state.get(key))):
        file = st.file_uploader("CSV or XLSX with a row a sample, or a row an image", ["csv", "tsv", "txt", "xlsx"],
                                key=key)  # fmt: skip
        if not file:
            return
        try:
            table = read_table(file.name, file.getvalue())
            st.dataframe(table.head(8), hide_index=True)
            if len(table) > 8:
                st.caption(f"and {len(table) - 8:,} more rows")
            mapping = _ask_mapping(table, number)
            match = match_table(table, mapping, images, samples)
        except DataError as error:
            st.error(plain(str(error), 300), icon=":material/error:")
            return
        _say_what_it_does(match, mapping)
        wanted = clicked("Take over", type="primary", icon=":material/check:", key="take_table",
                           disabled=not match.rows or bool(match.conflicts))  # fmt: skip
        if wanted and change(study, study.samples.take, match.rows):
            st.session_state[NUMBER] = number + 1
            say(f"{count(len(match.rows), 'sample')} described.")
            st.rerun()


def _ask_mapping(table: pd.DataFrame, number: int) -> Mapping:
    guess, choices = guess_mapping(table), [NOTHING, *table.columns]
    asked = {"sample": ("Sample", guess.sample), "group": ("Group", guess.group), "image": ("Image", guess.image)}
    chosen: dict[str, str] = {}
    with st.container(horizontal=True):
        for role, (title, guessed) in asked.items():
            picked = st.selectbox(title, choices, choices.index(guessed or NOTHING), key=f"map_{role}_{number}",
                                  help="Which column says it.")  # fmt: skip
            chosen[role] = "" if picked == NOTHING else picked
    rest = [c for c in table.columns if c not in chosen.values()]
    free = st.multiselect("Further columns to keep", rest, [c for c in guess.free if c in rest],
                          key=f"map_free_{number}_{'_'.join(chosen.values())}")  # fmt: skip
    return Mapping(**chosen, free=tuple(free))


def _say_what_it_does(match: Match, mapping: Mapping) -> None:
    new = len(match.rows) - match.samples_before
    words = [f"{count(len(match.rows), 'sample')} ({match.samples_before} in the study, {new} new)"]
    if mapping.image:
        words.append(f"{count(match.images, 'image')} named")
    st.markdown(" · ".join(words))
    if match.conflicts:
        st.error("Rows of one sample say different things: "
                 + plain("; ".join(match.conflicts[:MOST_NAMED]), 600), icon=":material/error:")  # fmt: skip
    if match.unknown and mapping.image:
        st.warning("Not found among the images, or fitting several: "
                   + plain(", ".join(match.unknown[:MOST_NAMED]), 600)
                   + (" …" if len(match.unknown) > MOST_NAMED else ""), icon=":material/warning:")  # fmt: skip
