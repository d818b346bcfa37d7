"""The collection and the studies of this server, shared by all who use it."""

import threading
from pathlib import Path

import streamlit as st

from bccseg.annotation.store import LabelStore
from bccseg.folders import collection_folder, runs_folder, slides_folder, studies_folder
from bccseg.studies.process import resume
from bccseg.studies.store import StudyStore

__all__ = [
    "collection_folder", "find_hub_jobs", "resume_slides", "resume_studies", "runs_folder", "slides_folder", "store",
    "studies", "studies_folder",
]  # fmt: skip


@st.cache_resource(show_spinner=False)
def _store(root: str) -> LabelStore:
    return LabelStore(Path(root))


def store() -> LabelStore:
    """The collection. Raises StoreError if its folder cannot be made."""
    return _store(str(collection_folder()))


def studies() -> StudyStore:
    """The studies. Their folder is made when the first one is."""
    return StudyStore(studies_folder())


@st.cache_resource(show_spinner=False)
def find_hub_jobs(folder: str) -> threading.Thread:
    """Once a server, beside the pages: trainings on Hugging Face that it looked on at are looked on at again."""
    thread = threading.Thread(target=_find_again, args=(Path(folder),), name="bccseg-hub-jobs", daemon=True)
    thread.start()
    return thread


def _find_again(folder: Path) -> None:
    from bccseg.jobs.hub_relay import find_again  # loads PyTorch, which no page waits for

    find_again(folder)


@st.cache_resource(show_spinner=False)
def resume_studies(folder: str) -> int:
    """Once a server: what was being segmented when it was switched off goes on. How many studies that were."""
    return len(resume(StudyStore(Path(folder))))


@st.cache_resource(show_spinner=False)
def resume_slides(folder: str) -> threading.Thread | None:
    """Once a server, beside the pages: slides that were being counted when it was switched off go on."""
    if not Path(folder).is_dir():
        return None
    thread = threading.Thread(target=_count_on, args=(Path(folder),), name="bccseg-slides", daemon=True)
    thread.start()
    return thread


def _count_on(folder: Path) -> None:
    from bccseg.slides.library import SlideLibrary  # loads readers of slides, which no other page waits for

    SlideLibrary(folder).resume()
