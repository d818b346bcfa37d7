"""What a hand does to the regions of an image, applied to what the browser's visit has."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import streamlit as st

from bccseg.errors import SettingsError
from bccseg.imaging.regions import LONGEST_NAME, MOST_REGIONS, Region
from bccseg.report.stored_result import StoredResult
from ui.components.shapes import ShapeCommand, shape_commands
from ui.shared.visitor import VisitorState

SURFACE, DONE = "region_surface", "regions_done"  # the drawing surface, and the last command by image
Regions = tuple[Region, ...]


def place_of(stored: StoredResult) -> str:
    """Names an image of the visit, also after a reload."""
    return f"{stored.measured.stem} {zlib.crc32(stored.source):08x}"


def take_strokes(state: VisitorState) -> None:
    """Apply what was drawn since the last run; for use as a callback."""
    done: dict[str, int] = st.session_state.setdefault(DONE, {})
    commands = shape_commands(SURFACE, 0)
    for place in dict.fromkeys(command.place for command in commands):
        new = [command for command in commands if command.place == place and command.number > done.get(place, 0)]
        if new:
            change_regions(state, place, lambda regions, new=new: apply_commands(regions, new))
            done[place] = new[-1].number


def apply_commands(regions: Regions, commands: Sequence[ShapeCommand]) -> Regions:
    """The regions after what a hand did. What makes no region changes nothing; what comes twice is done once."""
    for command in commands:
        if command.act == "delete":
            regions = tuple(one for one in regions if one.name != command.name)
        elif command.act == "put":
            try:
                region = Region(name=command.name, kind=command.kind, points=command.points)
            except SettingsError:
                continue
            regions = put(regions, region, is_new=command.is_new)
    return regions


def put(regions: Regions, region: Region, *, is_new: bool) -> Regions:
    """With a region that is new, under a name that is free; or in the place of the one of its name."""
    if region in regions:
        return regions
    names = [one.name for one in regions]
    if is_new or region.name not in names:
        if len(regions) >= MOST_REGIONS:
            return regions
        return (*regions, region.replace(name=free_name(region.name, names)))
    return tuple(region if one.name == region.name else one for one in regions)


def free_name(name: str, taken: Sequence[str]) -> str:
    """The name, or one with a number that no other region has."""
    candidate, k = name, 1
    while candidate in taken:
        k += 1
        ending = f" ({k})"
        candidate = name[: LONGEST_NAME - len(ending)] + ending
    return candidate


def rename(regions: Regions, old: str, new: str) -> Regions:
    """With another name for a region. Raises SettingsError if it is none."""
    others = [one.name for one in regions if one.name != old]
    return tuple(one.replace(name=free_name(new.strip(), others)) if one.name == old else one for one in regions)


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
