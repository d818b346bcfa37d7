"""How far a count is, and stopping it; or how it ended."""

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.slides.runs import SlideProgress, SlideRun
from ui.shared.account import allowed
from ui.shared.duration import duration
from ui.shared.errors import plain
from ui.slides.choose import where_words
from ui.slides.library import change

POLL_SECONDS = 1.0
STAGES = {
    "waiting": "Waits for its turn: slides are counted one after the other.",
    "looking": "Looking for cells, their size, and where to count.",
    "tables": "Writing tables and maps.",
}


def show_progress(count: SlideRun) -> None:
    """The side of a count: its progress, or what came of it in short."""
    if count.running:
        _poll(count, regions_known=count.job is not None)
        return
    progress = count.progress
    if not progress.finished:
        _show_cut_off(count, progress)
        return
    job = count.job
    st.metric("Cells", f"{progress.cells:,}")
    if job:
        st.caption(f"{where_words(count).capitalize()} · cell diameter {job.diameter_px:.0f} px "
                   f"({job.diameter_from}) · {plain(job.asked.weights)} · {plain(job.device)}")  # fmt: skip
    if allowed(Action.REMOVE_COUNT):
        st.button("Remove this count", icon=":material/delete:", key=f"remove_{count.number}",
                  help="Deletes its results from this server. The slide stays.",
                  on_click=change, args=(Action.REMOVE_COUNT, count.slide.name, count.delete))  # fmt: skip


@st.fragment(run_every=POLL_SECONDS)
def _poll(count: SlideRun, *, regions_known: bool) -> None:
    if not count.running or (not regions_known and count.job is not None):
        st.rerun()  # the whole page: results, or regions to be drawn
    progress, stopping = count.progress, count.process.stopped
    st.metric("Cells so far", f"{progress.cells:,}")
    left = f" · about {duration(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    words = STAGES.get(progress.stage, f"Part {progress.done:,} of {progress.total:,}{left}")
    st.progress(progress.share if progress.stage != "tables" else 1.0, words)
    st.button("Stopping …" if stopping else "Stop", disabled=stopping, icon=":material/stop_circle:", key="slide_stop",
              on_click=change, args=(Action.COUNT_SLIDE, count.slide.name, count.stop),
              help="What is counted by then is kept, and it can go on from there.")  # fmt: skip
    st.caption("This goes on when you leave the page or close the browser.")


def _show_cut_off(count: SlideRun, progress: SlideProgress) -> None:
    if progress.failure:
        st.error(plain(progress.failure, 600), icon=":material/error:")
    elif progress.total:
        st.info(f"Stopped after part {progress.done:,} of {progress.total:,}, with {progress.cells:,} cells.",
                icon=":material/pause_circle:")  # fmt: skip
    else:
        st.info("Stopped before the first part.", icon=":material/pause_circle:")
    with st.container(horizontal=True, key="slide_cut_off"):
        if allowed(Action.COUNT_SLIDE):
            st.button("Try again" if progress.failure else "Go on", type="primary", icon=":material/play_arrow:",
                      key="slide_go_on", on_click=change,
                      args=(Action.COUNT_SLIDE, count.slide.name, count.start))  # fmt: skip
        if allowed(Action.REMOVE_COUNT):
            st.button("Remove this count", icon=":material/delete:", key=f"remove_{count.number}", on_click=change,
                      args=(Action.REMOVE_COUNT, count.slide.name, count.delete))  # fmt: skip
