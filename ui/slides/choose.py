"""Which slide, and which count of it; and bringing slides here."""

from datetime import datetime

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.accounts.server import ServerSettings
from bccseg.errors import BccsegError, StoreError
from bccseg.slides.library import UPLOADED, SlideLibrary
from bccseg.slides.runs import SlideRun
from ui.shared.account import acting, allowed, require
from ui.shared.errors import plain
from ui.slides.looking import Look

PARAMETER = "slide"  # in the address, so that a link opens it
COUNT, UPLOADS, TROUBLE = "slide_count", "slide_uploads", "slide_trouble"
NEW = "new"
STEPS = (
    "**1. Bring a slide.** SVS, NDPI, BigTIFF, OME-TIFF or OME-Zarr, as the scanner wrote it; it may be of any size.",
    "**2. Say where to count.** Even, sharp fields of single cells, regions that you draw, or all of it.",
    "**3. Take the numbers.** Counts by region and together, a map of cells per mm², tables, and files for QuPath.",
)


def choose_slide(slides: SlideLibrary) -> str | None:
    """The slide at hand, by the address or the menu; None where there is none."""
    require(Action.OPEN_SLIDE)
    if trouble := st.session_state.pop(TROUBLE, ""):
        st.error(plain(trouble, 600), icon=":material/error:")
    names = slides.names()
    if not names:
        _show_empty(slides)
        return None
    named = st.query_params.get(PARAMETER, "")
    if named and named not in names:
        st.warning(f"There is no slide '{plain(named)}' on this server.", icon=":material/search_off:")
    key = "slide_name"
    if st.session_state.get(key) not in names:
        st.session_state[key] = named if named in names else names[0]
    with st.container(horizontal=True, vertical_alignment="bottom", key="slide_head"):
        name = st.selectbox("Slide", names, key=key, on_change=_note_name)
        if allowed(Action.COUNT_SLIDE):
            with st.popover("Add a slide", icon=":material/add:"):
                _ask_for_file(slides)
    if not named:
        st.query_params[PARAMETER] = name
    return name


def _note_name() -> None:
    st.query_params[PARAMETER] = st.session_state["slide_name"]


def _show_empty(slides: SlideLibrary) -> None:
    for column, text in zip(st.columns(3), STEPS, strict=True):
        column.container(border=True, height="stretch").markdown(text)
    if allowed(Action.COUNT_SLIDE):
        _ask_for_file(slides)
    if not ServerSettings.shared():
        st.caption("Slides too large to be uploaded: put them, or links to them, into this folder, and load the page "
                   "anew. `BCCSEG_SLIDES` names another one.")  # fmt: skip
        st.code(str(slides.folder), language=None)


def _ask_for_file(slides: SlideLibrary) -> None:
    number = st.session_state.setdefault(UPLOADS, 0)
    file = st.file_uploader("Slide", [kind.strip(".") for kind in UPLOADED], key=f"slide_upload_{number}",
                            help="Larger ones are put into the folder of slides by those who keep this "
                                 "server.")  # fmt: skip
    if file is None:
        return
    st.session_state[UPLOADS] = number + 1  # an empty uploader, ready for more
    try:
        with acting(Action.COUNT_SLIDE, file.name):
            name = slides.add(file.name, file)
    except BccsegError as error:
        st.session_state[TROUBLE] = str(error)
    else:
        st.session_state.pop("slide_name", None)
        st.query_params[PARAMETER] = name
    st.rerun()


def show_facts(look: Look) -> None:
    """What the file says of itself."""
    height, width = look.shape
    size = (
        f"one pixel is {look.pixel_size_um:.4g} µm ({plain(look.pixel_size_from)})"
        if look.pixel_size_um
        else "pixel size not known: type it in the sidebar to have µm and densities"
    )
    levels = f"{look.levels} resolutions" if look.levels > 1 else "one resolution"
    st.caption(f"{width:,} × {height:,} px · {width * height / 1e6:,.0f} megapixels · {levels} · {size}")


def choose_count(slides: SlideLibrary, name: str) -> SlideRun | None:
    """The count that is shown, the last one unless another is chosen; None for a new one."""
    runs = {run.number: run for run in slides.runs(name)}
    if not runs:
        return None
    key = f"{COUNT} {name}"
    choices = [NEW, *runs]
    if st.session_state.get(key) not in choices:
        st.session_state[key] = next(iter(runs))
    with st.container(horizontal=True, vertical_alignment="bottom", key="count_head"):
        picked = st.selectbox("Count", choices, key=key,
                              format_func=lambda one: "New count …" if one == NEW else _words(runs[one]))  # fmt: skip
    return runs.get(picked)


def begin_shown(name: str, run: SlideRun) -> None:
    """Show a count that was begun just now; for callbacks."""
    st.session_state[f"{COUNT} {name}"] = run.number


def where_words(run: SlideRun) -> str:
    """Where a count counts."""
    try:
        asked = run.request.regions
    except StoreError:
        return "cannot be read"
    if asked == "auto":
        return "fields chosen by the program"
    if asked == "all":
        return "whole slide"
    return f"{len(asked)} region{'' if len(asked) == 1 else 's'}"


def _words(run: SlideRun) -> str:
    """Which count it is. It never changes: a menu takes another text for another choice."""
    try:
        request = run.request
        when = f"{datetime.fromisoformat(request.when).astimezone():%-d %b %Y, %H:%M}" if request.when else ""
        who = request.who
    except StoreError:
        when = who = ""
    return " · ".join(part for part in (f"{int(run.number)}", when, where_words(run), who) if part)
