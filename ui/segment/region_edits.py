"""What a hand does to the regions of an image, applied to what the browser's visit has."""

import zlib
from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from bccseg.report.stored_result import StoredResult
from ui.components.shapes import shape_commands
from ui.shared.region_commands import Regions, apply_commands
from ui.shared.visitor import VisitorState

SURFACE, DONE = "region_surface", "regions_done"  # the drawing surface, and the last command by image
HEAD_BYTES = 65_536


def place_of(stored: StoredResult) -> str:
    """Names an image of the visit, also after a reload."""
    head = zlib.crc32(stored.source[:HEAD_BYTES], len(stored.source) & 0xFFFFFFFF)  # not all: asked of every image
    return f"{stored.measured.stem} {head:08x}"


def take_strokes(state: VisitorState) -> None:
    """Apply what was drawn since the last run; for use as a callback."""
    done: dict[str, int] = st.session_state.setdefault(DONE, {})
    commands = shape_commands(SURFACE, 0)
    for place in dict.fromkeys(command.place for command in commands):
        new = [command for command in commands if command.place == place and command.number > done.get(place, 0)]
        if new:
            change_regions(state, place, lambda regions, new=new: apply_commands(regions, new))
            done[place] = new[-1].number


def change_regions(state: VisitorState, place: str, change: Callable[[Regions], Regions]) -> None:
    """Change the regions of an image. The open picture stays as it is: its cells are the same."""
    with state.lock:
        for k, stored in enumerate(state.results):
            regions = stored.measured.regions
            if place_of(stored) != place or (new := change(regions)) == regions:
                continue
            state.results[k] = stored.with_regions(new)
            _keep_open(stored, state.results[k])
    state.changed()


def _keep_open(before: StoredResult, after: StoredResult) -> None:
    """What is unpacked need not be unpacked again."""
    opened = st.session_state.get("open_result")
    for old, new in ((before, after), (before.found, after.found)):
        if opened and old is not None and opened[0] is old:
            result = replace(opened[1], regions=after.measured.regions)
            st.session_state["open_result"] = (new, result)
