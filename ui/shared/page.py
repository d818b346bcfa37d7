"""The list of pages, and the frame of each."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.accounts.server import ServerSettings
from bccseg.jobs.hub_machines import can_offer
from ui.components.local_storage import FRAMED, VISITOR, local_storage
from ui.shared.background_sync import dataset_name, syncer
from ui.shared.clicks import forget_clicks_elsewhere, keep_callbacks_whole
from ui.shared.errors import BANNER, show_errors
from ui.shared.login import is_open, keep_door, keep_page, offered, show_account
from ui.shared.logo import ICON, show_logo
from ui.shared.storage import (
    find_hub_jobs,
    resume_slides,
    resume_studies,
    runs_folder,
    slides_folder,
    store,
    studies_folder,
)

STYLE = Path(__file__).with_name("page.css")


@dataclass(frozen=True)
class PageInfo:
    """One entry of the page list."""

    path: str
    title: str
    icon: str
    default: bool = False
    wide: bool = False  # wants the whole width: the sidebar is folded away
    needs: Action | None = None  # that the person at work must be allowed


PAGES = (
    PageInfo("pages/start.py", "Start", ":material/home:", default=True),
    PageInfo("pages/segment.py", "Segment", ":material/biotech:"),
    PageInfo("pages/studies.py", "Studies", ":material/science:", needs=Action.OPEN_STUDY),
    PageInfo("pages/slides.py", "Slides", ":material/map:", needs=Action.OPEN_SLIDE),
    PageInfo("pages/correct.py", "Correct", ":material/draw:", wide=True),
    PageInfo("pages/collection.py", "Collection", ":material/collections_bookmark:"),
    PageInfo("pages/train.py", "Train", ":material/model_training:"),
    PageInfo("pages/weights.py", "Weights", ":material/hub:"),
    PageInfo("pages/guide.py", "Guide", ":material/help:"),
    PageInfo("pages/settings.py", "Settings", ":material/settings:"),
    PageInfo("pages/audit.py", "Audit", ":material/history:", needs=Action.READ_AUDIT),
)


@cache
def _style() -> str:
    """How all pages look, fixed text."""
    return f"<style>{STYLE.read_text(encoding='utf-8')}</style>"


def list_pages() -> st.Page:
    """Show the list of pages; returns the one that was asked for, to be run."""
    st.session_state["pages_listed"] = True
    return st.navigation(
        [
            st.Page(page.path, title=page.title, icon=page.icon, default=page.default,
                    visibility="visible" if offered(page.path, page.needs) else "hidden")
            for page in PAGES
        ],
        position="sidebar" if is_open() else "hidden",
    )  # fmt: skip


def open_page(path: str, subtitle: str = "") -> None:
    """Begin a page: browser title, heading, and what the person must know. Call first on each page.

    Without a subtitle there is no heading yet: see `show_title`.
    """
    if "pages_listed" not in st.session_state:  # a link straight to this page, on a fresh server: Streamlit runs it
        list_pages()  # alone, and lists file names. Now it knows the list, and runs app.py
        st.rerun()
    info = next(page for page in PAGES if page.path == path)
    st.set_page_config(page_title=f"{info.title} · bccseg", page_icon=ICON, layout="wide",
                       initial_sidebar_state="collapsed" if info.wide else "auto")  # fmt: skip
    keep_callbacks_whole()
    forget_clicks_elsewhere(path)
    show_logo()
    st.html(_style())
    local_storage("visitor", {}, (VISITOR, FRAMED) if ServerSettings.shared() else (VISITOR,))
    keep_door()
    show_account()
    if subtitle:
        show_title(info.title, subtitle)
    if info.needs:
        keep_page(info.needs)
    with show_errors():
        resume_studies(str(studies_folder()))
        resume_slides(str(slides_folder()))
    if can_offer():
        find_hub_jobs(str(runs_folder()))
    if dataset_name():  # fetches the collection on an empty disk, whichever page is opened first
        with show_errors():
            syncer(store())


def show_title(title: str, subtitle: str) -> None:
    """The heading of a page."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="page_title", gap="xxsmall"):
        st.header(title, anchor=False, width="content")
        st.caption(f"{subtitle} {BANNER}", width="content")
