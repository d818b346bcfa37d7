"""Adding images to a study: files, zips or a folder, and what their names say of samples and groups."""

import io
from typing import get_args

import pandas as pd
import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.io.archive import Entry
from bccseg.studies.sorting import GroupFrom, Place, SampleFrom, Sorting, names_in
from bccseg.studies.study import Study
from ui.shared.account import author, require
from ui.shared.clicks import clicked
from ui.shared.given_images import TYPES
from ui.studies.at_work import Adding
from ui.studies.list import count
from ui.studies.work import adding_now

KIND, NUMBER, ADD = "study_upload_kind", "study_uploads", "study_adding"  # the last: whether the uploader is shown
FILES, FOLDER = "Images or zips", "A folder"
MOST_SHOWN = 6
SAMPLE_WORDS: dict[SampleFrom, str] = {
    "folder": "the folder each image is in", "archive": "the zip each image came in", "none": "not said by names",
}  # fmt: skip
GROUP_WORDS: dict[GroupFrom, str] = {
    "folder above": "the folder above that", "archive": "the zip it came in", "none": "not said by names",
}  # fmt: skip


def ask_for_images(study: Study) -> None:
    """The uploader; after files are there, where they belong, and the button that adds them."""
    number = st.session_state.setdefault(NUMBER, 0)
    kind = st.segmented_control("Add", [FILES, FOLDER], default=FILES, key=KIND, label_visibility="collapsed",
                                required=True)  # fmt: skip
    files = st.file_uploader(
        "Smear images", TYPES, accept_multiple_files="directory" if kind == FOLDER else True,
        key=f"study_upload_{number}", label_visibility="collapsed",
    )  # fmt: skip
    if not files:
        st.caption("PNG, JPEG, TIFF (8 or 16 bit, several pages), BMP, WebP, or zips of them. Of a picture such as "
                   "*control / patient 1 / 10.jpg*, *patient 1* is the sample and *control* the group.")  # fmt: skip
        return
    names = [pair for file in files for pair in names_in(file.name, io.BytesIO(file.getvalue()))]
    sorting, sample = _ask_where(names, number)
    if clicked(f"Add {count(len(names), 'image')}", type="primary", icon=":material/add:", key="add_images"):
        entries = [Entry(file.name, file.getvalue()) for file in files]
        require(Action.CHANGE_STUDY, study.id)
        adding = Adding(study, entries, sorting, author(), sample=sample)
        adding_now().setdefault(study.id, []).append(adding.start())
        st.session_state[NUMBER] = number + 1  # an empty uploader, ready for more
        st.session_state[ADD] = False
        st.rerun()


def _ask_where(names: list[tuple[str, str]], number: int) -> tuple[Sorting, str]:
    """Where samples and groups come from, with examples; and the sample of all, where names say nothing."""
    proposed = Sorting.proposed(names)
    zips, folders = any(a != n for n, a in names), any("/" in n for n, _ in names)
    if not zips and not folders:
        sample = st.text_input("Sample of all these images", key=f"study_sample_{number}", max_chars=200,
                               placeholder="can be left empty and typed later", width=380)  # fmt: skip
        return Sorting("none", "none"), sample or ""
    with st.container(horizontal=True):
        samples = st.selectbox("Samples are", get_args(SampleFrom), get_args(SampleFrom).index(proposed.samples),
                               format_func=SAMPLE_WORDS.__getitem__, key=f"study_samples_{number}")  # fmt: skip
        groups = st.selectbox("Groups are", get_args(GroupFrom), get_args(GroupFrom).index(proposed.groups),
                              format_func=GROUP_WORDS.__getitem__, key=f"study_groups_{number}")  # fmt: skip
    sorting = Sorting(samples, groups)
    places: dict[Place, str] = {}
    for name, archive in names:
        places.setdefault(sorting.place(name, archive), name)
    shown = list(places.items())[:MOST_SHOWN]
    st.dataframe(
        pd.DataFrame([(name, place.sample or "–", place.group or "–") for place, name in shown],
                     columns=["For example", "Sample", "Group"]),
        hide_index=True,
    )  # fmt: skip
    if len(places) > len(shown):
        st.caption(f"and {len(places) - len(shown):,} more samples")
    return sorting, ""
