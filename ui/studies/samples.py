"""The tab Samples of a study: samples, groups and free columns, typed or from a table."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from bccseg.studies.records import Sample, StudyImage
from bccseg.studies.study import Study
from ui.shared.errors import plain
from ui.studies.editing import edit_table
from ui.studies.list import count
from ui.studies.opened import change
from ui.studies.sheet import ask_for_table

IMAGE, SAMPLE, GROUP, IMAGES = "Image", "Sample", "Group", "Images"


def show_samples(study: Study, images: Sequence[StudyImage]) -> None:
    """Everything of the tab."""
    samples, columns = study.samples.all(), study.samples.columns()
    if not images and not samples:
        st.info("Samples come with the images: from folders and zips, typed here, or from a spreadsheet.",
                icon=":material/science:")  # fmt: skip
        return
    without = sum(not image.sample for image in images)
    if without:
        st.info(f"{count(without, 'image')} of no sample yet. Type samples in the second table below, or take "
                "them from a spreadsheet.", icon=":material/help:")  # fmt: skip
    st.markdown("A **sample** is what is compared: a patient, animal or slide. Its images are pooled, and groups are "
                "compared sample by sample.")  # fmt: skip
    if samples:
        _edit_samples(study, samples, columns)
    with st.container(horizontal=True, key="sample_actions"):
        with st.popover("Columns …", icon=":material/view_column:", help="What else is known: age, stain, day."):
            _change_columns(study, columns)
        if any(not sample.images for sample in samples):
            st.button("Forget samples without images", on_click=change, args=(study, study.samples.remove_empty),
                      key="forget_empty", icon=":material/cleaning_services:")  # fmt: skip
    ask_for_table(study, images, samples)
    st.markdown("**Which image is of which sample**")
    _edit_images(study, images)


def _edit_samples(study: Study, samples: list[Sample], columns: list[str]) -> None:
    table = pd.DataFrame({SAMPLE: [s.name for s in samples], GROUP: [s.group for s in samples]}, dtype=object)
    for name in columns:
        table[name] = [s.free[name] for s in samples]
    table[IMAGES] = [s.images for s in samples]

    def apply(sample: int, column: str, text: str) -> None:
        if column == SAMPLE:
            change(study, study.samples.rename, sample, text)
        elif column == GROUP:
            change(study, study.samples.set_group, sample, text)
        else:
            change(study, study.samples.set_value, sample, column, text)

    text = st.column_config.TextColumn
    config = {
        SAMPLE: text(required=True, max_chars=200, help="Two samples of one name become one."),
        GROUP: text(max_chars=200, help="What is compared, such as control and treated."),
        **{name: text(max_chars=200) for name in columns},
        IMAGES: st.column_config.NumberColumn(width="small"),
    }
    edit_table(f"samples_{study.id}", table, [s.id for s in samples], apply, config, disabled=[IMAGES])


def _edit_images(study: Study, images: Sequence[StudyImage]) -> None:
    table = pd.DataFrame({IMAGE: [i.name for i in images], SAMPLE: [i.sample for i in images]}, dtype=object)

    def apply(image: int, column: str, text: str) -> None:
        if column == SAMPLE:
            change(study, study.images.put_into_sample, [image], text)

    config = {SAMPLE: st.column_config.TextColumn(max_chars=200, help="Type a name; a new one makes a new sample.")}
    edit_table(f"places_{study.id}", table, [i.id for i in images], apply, config, disabled=[IMAGE])


def _add_column(study: Study) -> None:
    if name := st.session_state["new_column_name"].strip():
        change(study, study.samples.add_column, name)


def _change_columns(study: Study, columns: list[str]) -> None:
    with st.form("new_column", border=False, clear_on_submit=True):
        st.text_input("New column", max_chars=200, placeholder="age", key="new_column_name")
        st.form_submit_button("Add column", icon=":material/add:", on_click=_add_column, args=(study,))
    if columns:
        gone = st.selectbox("Remove a column", columns, None, key="column_to_remove", placeholder="Choose one")
        if gone:
            st.caption(f"{plain(gone)} and all that is typed in it will be gone.")
        st.button("Remove column", disabled=not gone, key="remove_column", icon=":material/delete:",
                  on_click=change, args=(study, study.samples.remove_column, gone or ""))  # fmt: skip
