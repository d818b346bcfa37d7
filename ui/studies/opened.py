"""Which study is open in this tab, and what its pages share."""

from collections.abc import Callable

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.errors import BccsegError, StoreError
from bccseg.statistics.tables import StudyTables
from bccseg.studies.process import Segmenting
from bccseg.studies.records import StudyImage
from bccseg.studies.study import Study
from bccseg.studies.tables import study_tables
from ui.shared.account import acting, require
from ui.shared.errors import plain
from ui.shared.storage import studies

PARAMETER = "study"  # in the address, so that a link opens it
SAID = "study_said"  # what is told once, after the page was drawn anew
REMOVED = "study_removed"  # study and images that were removed last

Damaged = list[tuple[StudyImage, str]]


def open_study(study: str) -> None:
    """Open a study; for use as a button's callback."""
    st.query_params.clear()
    st.query_params[PARAMETER] = study


def close_study() -> None:
    """Back to the list; for use as a button's callback."""
    st.query_params.clear()


def opened_study() -> Study | None:
    """The study that the address names; None for the list of studies."""
    named = st.query_params.get(PARAMETER)
    if not named:
        return None
    require(Action.OPEN_STUDY, named)
    try:
        return studies().open(named)
    except StoreError as error:
        st.error(plain(str(error), 400), icon=":material/error:")
        return None


@st.cache_resource(show_spinner="Reading the results …", max_entries=4)
def _tables(folder: str, revision: int, _study: Study) -> tuple[StudyTables, Damaged]:
    del folder, revision
    return study_tables(_study)


def tables_of(study: Study) -> tuple[StudyTables, Damaged]:
    """Frames of a study as it is now, and the images whose results cannot be read; not to be changed."""
    return _tables(str(study.folder), study.revision, study)


@st.cache_resource(show_spinner=False, max_entries=8)
def _images(folder: str, revision: int, _study: Study) -> list[StudyImage]:
    del folder, revision
    return _study.images.all()


def images_of(study: Study) -> list[StudyImage]:
    """The images of a study as it is now; not to be changed. Thousands take a moment to read."""
    return _images(str(study.folder), study.revision, study)


def change(study: Study, do: Callable[..., object], *args: object) -> bool:
    """Change a study, if the person at work may; whether it was done. What may not be, or goes wrong, is said in a
    corner, so that this serves as a button's callback.
    """
    try:
        with acting(Action.CHANGE_STUDY, study.id):
            do(*args)
    except BccsegError as error:
        st.toast(plain(str(error), 600), icon=":material/block:", duration="long")
        return False
    return True


def say(text: str) -> None:
    """Tell something when the page is drawn next."""
    st.session_state[SAID] = text


def show_said() -> None:
    """What was to be told."""
    if text := st.session_state.pop(SAID, ""):
        st.toast(text)


def remove(study: Study, images: list[int]) -> None:
    """Take images out, and offer to bring them back."""
    if change(study, study.images.remove, images):
        st.session_state[REMOVED] = (study.id, images)


def show_damaged(study: Study, damaged: Damaged) -> None:
    """Name the images whose results cannot be read; the rest is there."""
    if not damaged:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        names = "; ".join(f"{image.name} ({reason})" for image, reason in damaged[:5])
        st.warning(f"Left out, because their results cannot be read: {plain(names, 600)}", icon=":material/warning:")
        st.button("Segment them again", on_click=segment_again, args=(study, [i.id for i, _ in damaged]),
                  icon=":material/refresh:", key="mend_damaged")  # fmt: skip


def segment_again(study: Study, images: list[int]) -> None:
    """Let images be segmented anew; for use as a button's callback."""
    change(study, _begin_again, study, images)


def _begin_again(study: Study, images: list[int]) -> None:
    study.images.segment_again(images)
    Segmenting(study).start()
