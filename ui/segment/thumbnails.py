"""The images of a batch as a strip of small pictures: which is shown, and which deserve a look."""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import PurePosixPath

import numpy as np
import streamlit as st

from bccseg.errors import BccsegError
from bccseg.imaging.resize import resize
from bccseg.io.encode import jpeg
from bccseg.io.images import decode
from bccseg.report.result import MeasuredImage
from bccseg.report.stored_result import StoredResult
from ui.components.thumbnails import FAILED, Thumbnail, remarks, thumbnails
from ui.shared.handover import CHOSEN
from ui.shared.session import VisitorState

KEY, PICTURES, MOVED = "thumbnails", "thumbnail_pictures", "thumbnail_chosen"
FAILURES = ".st-key-failures"
LONGEST_NAME = 15
SHORT_SIDE_PX = 120  # of a small picture: twice what is shown, for sharp screens
JOIN_S = 2.0
PATIENCE_S = 0.2  # pictures that take longer are asked for again; the page does not wait for them


def show_thumbnails(state: VisitorState, index: int, *, busy: bool) -> None:
    """The strip. index: of the image that is shown. busy: whether more images are on their way; they join the strip as
    they are done.
    """
    if len(state.results) + len(state.failures) > 1:
        st.fragment(_strip, run_every=JOIN_S if busy else None)(state, min(index, len(state.results) - 1))


def _strip(state: VisitorState, index: int) -> None:
    if st.session_state.pop(MOVED, False):
        st.rerun()  # the whole page: it shows another image
    results, failures = list(state.results), list(state.failures)
    items = [Thumbnail(_key(stored), _name(stored.measured), *_said(stored)) for stored in results]
    items += [Thumbnail(f"failed {k} {name}", name, f"{name}\n{reason}", marks=(FAILED,))
              for k, (name, reason) in enumerate(failures)]  # fmt: skip
    stored = {_key(one): one for one in results}

    def choose(at: int) -> None:
        st.session_state[CHOSEN] = at
        st.session_state[MOVED] = True

    thumbnails(
        KEY, items, index, lambda wanted: _pictures({key: stored[key] for key in wanted if key in stored}), choose
    )


def _key(stored: StoredResult) -> str:
    return f"{stored.measured.stem} {id(stored.source)}"


def _name(measured: MeasuredImage) -> str:
    """Its end, which tells images of a series apart."""
    name = PurePosixPath(measured.name).stem
    return name if len(name) <= LONGEST_NAME else f"…{name[-LONGEST_NAME:]}"


def _said(stored: StoredResult) -> tuple[str, int, tuple[str, ...]]:
    """Words at the pointer, cells, and marks."""
    measured = stored.measured
    s = measured.summary
    count = f"{s.cell_count:,} cell{'' if s.cell_count == 1 else 's'}"
    words, marks = remarks(
        too_crowded=s.too_crowded, flagged=s.flagged_count, corrected=measured.correction is not None
    )  # fmt: skip
    return "\n".join([measured.name, count, *words]), s.cell_count, tuple(marks)


@st.cache_resource(show_spinner=False)
def _maker() -> ThreadPoolExecutor:
    """Large files take seconds to read: beside the page, one after the other."""
    return ThreadPoolExecutor(1, thread_name_prefix="bccseg-thumbnails")


def _pictures(wanted: Mapping[str, StoredResult]) -> dict[str, bytes]:
    """Those that are ready in a moment."""
    made: dict[str, Future[bytes]] = st.session_state.setdefault(PICTURES, {})
    for key, stored in wanted.items():
        if key not in made:
            made[key] = _maker().submit(_small, stored.source, stored.measured.page)
    wait([made[key] for key in wanted], PATIENCE_S)
    # Sent once: the browser keeps it. One that it asks for again is made again.
    return {key: made.pop(key).result() for key in wanted if made[key].done()}


def _small(source: bytes, page: int) -> bytes:
    try:
        image = decode(source, page)[0].image
    except BccsegError:  # it could be read before
        image = np.full((SHORT_SIDE_PX, SHORT_SIDE_PX, 3), 128, np.uint8)
    return jpeg(resize(image, min(1.0, SHORT_SIDE_PX / min(image.shape[:2]))))
