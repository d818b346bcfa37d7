"""The collection and the studies of this server, shared by all who use it."""

from pathlib import Path

import streamlit as st

from bccseg.annotation.store import LabelStore
from bccseg.folders import collection_folder, runs_folder, studies_folder
from bccseg.studies.store import StudyStore

__all__ = ["collection_folder", "runs_folder", "store", "studies"]


@st.cache_resource(show_spinner=False)
def _store(root: str) -> LabelStore:
    return LabelStore(Path(root))


def store() -> LabelStore:
    """The collection. Raises StoreError if its folder cannot be made."""
    return _store(str(collection_folder()))


def studies() -> StudyStore:
    """The studies. Their folder is made when the first one is."""
    return StudyStore(studies_folder())
