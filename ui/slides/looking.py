"""A slide at a glance, looked at beside the page: without levels that takes a while."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from bccseg.io.encode import jpeg
from bccseg.slides.open import open_slide
from bccseg.slides.overview import look_at

POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Look:
    """What the page shows of a slide."""

    shape: tuple[int, int]  # (H, W) of level 0
    levels: int
    pixel_size_um: float | None
    pixel_size_from: str
    picture: bytes  # JPEG
    cover: float  # share that is cell, about


@st.cache_resource(show_spinner=False)
def _eyes() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="bccseg-slides")


@st.cache_resource(show_spinner=False, max_entries=20)
def _looked_at(path: str, changed: int, size: int) -> "Future[Look]":
    del changed, size
    return _eyes().submit(_look, Path(path))


def _look(path: Path) -> Look:
    with open_slide(path) as slide:
        overview = look_at(slide)
        return Look(
            slide.shape, len(slide.levels), slide.pixel_size_um, slide.pixel_size_from, jpeg(overview.picture),
            float(overview.cell.mean()),
        )  # fmt: skip


def look_at_slide(path: Path) -> Look | None:
    """What is to be seen of it; None while it is looked at, which is said. Raises ImageError, UnsupportedImage."""
    facts = path.stat()
    future = _looked_at(str(path), facts.st_mtime_ns, facts.st_size)
    if not future.done():
        _poll(future)
        return None
    return future.result()


@st.fragment(run_every=POLL_SECONDS)
def _poll(future: "Future[Look]") -> None:
    if future.done():
        st.rerun()
    st.caption(":material/hourglass_top: Looking at the slide …")
