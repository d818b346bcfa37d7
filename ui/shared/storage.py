"""The collection and the studies of this server, shared by all who use it."""

from pathlib import Path

import streamlit as st

from bccseg.annotation.store import LabelStore
from bccseg.folders import collection_folder, runs_folder, studies_folder
from bccseg.studies.process import resume
from bccseg.studies.store import StudyStore

__all__ = ["collection_folder", "resume_studies", "runs_folder", "store", "studies", "studies_folder"]


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
def resume_studies(folder: str) -> int:
    """Once a server: what was being segmented when it was switched off goes on. How many studies that were."""
    return len(resume(StudyStore(Path(folder))))
