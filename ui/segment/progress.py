"""Progress of the running batch, with time left and a stop button."""

import streamlit as st

from ui.shared.duration import duration
from ui.shared.errors import plain
from ui.shared.segmentation_job import Job, jobs_open
from ui.shared.session import VisitorState

POLL_SECONDS, SLOWER, LONGEST_SECONDS = 0.5, 0.06, 2.0  # with one job; more for each other one; at most


def show_progress(state: VisitorState, *, busy: bool) -> None:
    """The bar while a job runs; afterwards how it ended, if not well."""
    job = state.job
    if job is None:
        return
    if busy:  # if it has ended since, the first poll draws the page again
        # The more wait, the longer it takes, and the less is to be seen: pages that look must not hold up the work.
        seconds = min(LONGEST_SECONDS, POLL_SECONDS + SLOWER * (jobs_open() - 1))
        st.fragment(_poll, run_every=seconds)(state, len(state.results))
    elif job.error:
        st.error(plain(job.error, 600))
    elif job.stopped and not state.waiting:  # else `show_kept` tells, and offers the rest
        st.info(stopped_words(job))


def stopped_words(job: Job) -> str:
    """How far a job came that was stopped."""
    return f"Stopped after {job.done} of {job.total} files. What was finished is kept."


def _poll(state: VisitorState, seen: int) -> None:
    job = state.job
    if job is None or job.finished.is_set() or len(state.results) > seen == 0:
        st.rerun()  # the whole page: results are there
    bar, button = st.columns([6, 1], vertical_alignment="center")
    number = min(job.done + 1, job.total)
    left = f" · about {duration(job.seconds_left)} left" if job.seconds_left is not None else ""
    what = plain(job.current, 60) if job.current else "preparing the network"
    bar.progress(job.progress, text=f"Image {number} of {job.total}: {what}{left}")
    button.button("Stop", on_click=state.stop, icon=":material/stop_circle:", width="stretch", key="stop_job")
