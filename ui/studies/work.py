"""What goes on in a study: files being added, images being segmented, and what went wrong."""

import time

import streamlit as st

from bccseg.studies.process import Segmenting
from bccseg.studies.records import StudyInfo
from bccseg.studies.study import Study
from ui.shared.duration import duration
from ui.shared.errors import plain
from ui.studies.at_work import Adding
from ui.studies.list import count
from ui.studies.opened import change, images_of, remove, say, segment_again

POLL_SECONDS = 1.0
MOST_NAMED = 20


@st.cache_resource(show_spinner=False)
def adding_now() -> dict[str, list[Adding]]:
    """Files on their way, by study; of all visitors, because what one adds all see."""
    return {}


def is_busy(study: Study, info: StudyInfo) -> bool:
    """Whether something goes on that changes the page by itself."""
    return bool(adding_now().get(study.id)) or (info.waiting > 0 and Segmenting(study).running)


def show_work(study: Study, info: StudyInfo) -> bool:
    """The progress, with time left and a way to stop; returns whether something goes on."""
    work, busy = Segmenting(study), is_busy(study, info)
    if busy:
        _poll(study, info.images)
        return True
    if info.waiting:
        failure = work.progress.failure
        if not work.stopped and not failure and work.start():  # images came while its process was just ending
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center", key="study_waiting"):
            if failure:
                st.error(plain(failure, 600), icon=":material/error:")
            else:
                st.info(
                    f"{count(info.waiting, 'image')} wait{'s' if info.waiting == 1 else ''} to be segmented.",
                    icon=":material/pause_circle:",
                )
            st.button("Segment them", type="primary", on_click=change, args=(study, work.start),
                      icon=":material/play_arrow:", key="segment_study")  # fmt: skip
    return False


@st.fragment(run_every=POLL_SECONDS)
def _poll(study: Study, seen: int) -> None:
    """seen: images when the page was drawn; once the first ones are there, all of it is drawn anew."""
    work, files = Segmenting(study), adding_now().get(study.id, [])
    for adding in [a for a in files if a.finished.is_set()]:
        if adding in files:
            files.remove(adding)
            _tell(adding)
            st.rerun()
    info = study.info()
    if (not files and not (info.waiting and work.running)) or info.images > seen == 0:
        st.rerun()
    for adding in files:
        st.progress(min(1.0, adding.done / max(1, adding.total)), f"Adding file {adding.done + 1} of {adding.total}")
    if not info.waiting or not work.running:
        return
    progress, now = work.progress, time.time()
    left = progress.seconds_left(now)
    words = f"Image {progress.done + 1} of {progress.done + info.waiting}: {plain(progress.current, 60)}"
    with st.container(horizontal=True, vertical_alignment="center", key="study_progress"):
        st.progress(progress.progress, (words if progress.current else "Preparing the network")
                    + (f" · about {duration(left)} left" if left is not None else ""))  # fmt: skip
        stopping = work.stopped
        st.button("Stopping …" if stopping else "Stop", on_click=change, args=(study, work.stop), disabled=stopping,
                  icon=":material/stop_circle:", key="stop_study")  # fmt: skip
    st.caption("This goes on when you leave the page or close the browser.")


def _tell(adding: Adding) -> None:
    """What became of files, once they are all there; it stays until it is put away."""
    report, parts = adding.report, []
    if report.added:
        parts.append(f"{count(len(report.added), 'image')} added")
    if report.already:
        parts.append(f"{len(report.already)} were in the study already")
    if parts:
        say(", ".join(parts) + ".")
    if report.failed or adding.error:
        st.session_state.setdefault("study_not_added", []).append((adding.error, report.failed))


def show_problems(study: Study) -> None:
    """Files that are no pictures, and images that could not be segmented."""
    told = st.session_state.get("study_not_added", [])
    for error, failed in told:
        if error:
            st.error(plain(error, 600), icon=":material/error:")
        if failed:
            with st.expander(f"{count(len(failed), 'file')} could not be used", icon=":material/warning:"):
                _name(failed)
    if told:
        st.button("Put away", on_click=told.clear, icon=":material/close:", key="put_away")
    failed_images = [image for image in images_of(study) if image.state == "failed"]
    if failed_images:
        title = f"{count(len(failed_images), 'image')} could not be segmented"
        with st.container(key="study_failures"), st.expander(title, icon=":material/warning:"):
            _name([(image.name, image.reason) for image in failed_images])
            with st.container(horizontal=True):
                st.button("Try again", on_click=segment_again, args=(study, [i.id for i in failed_images]),
                          icon=":material/refresh:", key="try_failed")  # fmt: skip
                st.button("Remove them", on_click=remove, args=(study, [i.id for i in failed_images]),
                          icon=":material/delete:", key="remove_failed")  # fmt: skip


def _name(problems: list[tuple[str, str]]) -> None:
    for name, reason in problems[:MOST_NAMED]:
        st.markdown(f"**{plain(name)}**: {plain(reason, 300)}")
    if len(problems) > MOST_NAMED:
        st.caption(f"and {len(problems) - MOST_NAMED:,} more")
