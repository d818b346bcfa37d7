"""The head of an open study: its name, its note, how it is segmented, and the way back."""

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.config import DEVICES
from bccseg.errors import SettingsError
from bccseg.imaging.pixel_size import read_pixel_size
from bccseg.studies.process import Segmenting
from bccseg.studies.records import StudyInfo, StudySettings
from bccseg.studies.study import Study
from ui.shared.account import acting
from ui.shared.clicks import clicked, noting_button, take_click
from ui.shared.errors import BANNER, plain, show_errors
from ui.shared.promoted import weights_title
from ui.shared.settings import DEVICE_TITLES, FROM_HUB, weight_choices
from ui.shared.storage import studies
from ui.studies.list import count
from ui.studies.opened import change, close_study, say

SERVERS = "What the server uses"


def show_head(study: Study) -> StudyInfo:
    """One line: back, name, what it holds, and what can be changed of it."""
    info = study.info()
    with st.container(horizontal=True, vertical_alignment="center", key="study_head"):
        st.button("Studies", on_click=close_study, icon=":material/arrow_back:", key="all_studies", type="tertiary")
        with st.container(gap="xxsmall", key="study_name"):
            st.header(plain(info.name), anchor=False)
            words = [count(info.images, "image"), count(info.samples, "sample"), count(len(info.groups), "group")]
            st.caption(" · ".join([*words, *([plain(info.note, 200)] if info.note else []), BANNER]))
        if clicked("Settings …", icon=":material/tune:", key="study_settings",
                     help="Name, note, and how its images are segmented."):  # fmt: skip
            _change(study, info)
    return info


@st.dialog("Study", width="medium")
def _change(study: Study, info: StudyInfo) -> None:
    name = st.text_input("Name", info.name, max_chars=200)
    note = st.text_area("Note", info.note, max_chars=2000, placeholder="What it is about, who works on it")
    before = study.settings
    st.markdown("**How its images are segmented**, all alike so that they can be compared")
    choices = [SERVERS, *(c for c in weight_choices() if c != FROM_HUB)]
    if before.weights and before.weights not in choices:
        choices.append(before.weights)
    with st.container(horizontal=True):
        weights = st.selectbox("Weights", choices, choices.index(before.weights or SERVERS),
                               format_func=lambda c: c if c == SERVERS else weights_title(c))  # fmt: skip
        device = st.selectbox("Device", DEVICES, DEVICES.index(before.device), format_func=DEVICE_TITLES.__getitem__)
    with st.container(horizontal=True):
        size = st.text_input("Pixel size (µm)", f"{before.pixel_size_um:g}" if before.pixel_size_um else "",
                             placeholder="from the files, if they say",
                             help="Width of one pixel on the slide, for all images of the study.")  # fmt: skip
        diameter = st.number_input("Cell diameter (px)", 3.0, 5000.0, before.segment.diameter_px, 1.0,
                                   placeholder="found automatically")  # fmt: skip
    border = st.toggle("Leave out cells cut by the border", before.segment.drop_border_cells)
    st.caption("These apply to images that come from now on. *Save and segment all again* applies them to all; "
               "corrections by hand are kept.")  # fmt: skip
    with st.container(horizontal=True):
        noting_button("Save", type="primary", key="save_study")
        noting_button("Save and segment all again", key="again_study", disabled=not info.images)
        noting_button("Remove study", icon=":material/delete:", key="remove_study",
                      help="Takes it off the list. It can be brought back there.")  # fmt: skip
    if take_click("remove_study"):
        with show_errors():
            with acting(Action.REMOVE_STUDY, study.id):
                Segmenting(study).stop()
                studies().remove(study.id)
            close_study()
            say("The study is removed. It can be brought back below the list.")
            st.rerun()
    again = take_click("again_study")
    if not (take_click("save_study") or again):
        return
    try:
        segment = before.segment.replace(diameter_px=diameter, drop_border_cells=border)
        chosen = before.replace(weights=None if weights == SERVERS else weights, device=device, segment=segment,
                                pixel_size_um=read_pixel_size(size))  # fmt: skip
    except SettingsError as error:
        st.error(plain(str(error), 300))
        return
    if change(study, _save, study, name or "", note or "", chosen, again):
        st.rerun()


def _save(study: Study, name: str, note: str, settings: StudySettings, again: bool) -> None:  # noqa: FBT001, in one deed
    study.rename(name)
    study.write_note(note)
    study.set_settings(settings)
    if again:
        study.images.segment_again()
        Segmenting(study).start()
