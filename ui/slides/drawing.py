"""The slide to draw regions on, or with the regions of a count that is under way."""

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.slides.library import SlideLibrary
from bccseg.slides.runs import SlideRun
from ui.components.shapes import shape_commands, shapes
from ui.shared.account import allowed
from ui.shared.region_commands import apply_commands
from ui.slides.library import change
from ui.slides.looking import Look

SURFACE, DONE = "slide_regions", "slide_regions_done"  # the drawing surface, and the last command by slide
WAY, DRAWN = "slide_way", "drawn"  # where to count, and that it is in what is drawn
HOW = (
    "Draw regions to count in them: cells whose centre lies in one. **Exclude** what is to be left out, such as a "
    "fold. They are kept with the slide."
)


def show_drawing(slides: SlideLibrary, name: str, look: Look, count: SlideRun | None) -> None:
    """The overview with regions: of a count, those it counts in, else those that are drawn."""
    job = count.job if count else None
    if count and not job:
        st.image(look.picture, width="stretch")
        return
    draws = count is None and allowed(Action.COUNT_SLIDE)
    place = f"{name} {count.number}" if count else name
    regions = tuple(job.regions) if job else slides.regions(name)
    if draws:
        st.caption(HOW)
    shapes(
        SURFACE, place, f"{look.shape} {len(look.picture)}", lambda: look.picture, look.shape,
        st.session_state.get(DONE, {}).get(place, 0), regions=regions, pixel_size_um=look.pixel_size_um,
        frames=False, on_change=lambda: _take(slides, name),
    )  # fmt: skip


def _take(slides: SlideLibrary, name: str) -> None:
    """Apply what was drawn since the last run. On the picture of a count nothing can be drawn."""
    done: dict[str, int] = st.session_state.setdefault(DONE, {})
    commands = [c for c in shape_commands(SURFACE, done.get(name, 0)) if c.place == name]
    if not commands:
        return
    before = slides.regions(name)
    after = apply_commands(before, commands)
    if len(after) > len(before):
        st.session_state[WAY] = DRAWN
    if after == before or change(Action.COUNT_SLIDE, name, slides.set_regions, name, after):
        done[name] = commands[-1].number
