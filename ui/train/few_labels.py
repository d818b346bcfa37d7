"""The Train page's part for classes of one's own: what is marked, learn, and what came of it."""

import pandas as pd
import streamlit as st

from bccseg.accounts.roles import Action, who_may
from bccseg.classes import ClassSet
from bccseg.jobs.training_run import RunSnapshot
from bccseg.training.cell_head_learning import ENOUGH_CELLS, LEAST_CELLS
from ui.shared.account import acting, allowed
from ui.shared.clicks import clicked
from ui.shared.errors import plain, show_errors
from ui.shared.promoted import promoted, weights_title
from ui.shared.storage import runs_folder, store
from ui.train.few_labels_job import FewLabelsJob
from ui.train.few_labels_result import show_few_labels
from ui.train.marked_images import MarkedImage, marked_images

JOB = "few_labels_job"
USUAL_IMAGES = 12  # that are chosen at first: more take longer, and are seldom needed
INTRO = f"""
Give some cells their class, on **Segment** in the gallery or on **Correct** by a key, and let the app learn the rest:
about {ENOUGH_CELLS} cells a class, a few seconds. Where cells are is found as before; platelets stay as they are.
"""
NONE_MARKED = """
No cell has a class of yours yet. Open an image on **Correct**, click cells and press the key of their class, or select
cells in the gallery of **Segment**. Classes of your own are made under **Classes** on Collection.
"""
POLL_SECONDS = 0.5


def ask_for_few_labels(ended: list[RunSnapshot]) -> None:
    """Counts, choices, button and progress; below, what was learned last. ended: runs, the newest first."""
    st.markdown(INTRO)
    with show_errors():
        classes = store().class_set()
        found = marked_images(classes)
        if not allowed(Action.TRAIN):
            st.info(f"To learn classes needs the role {who_may(Action.TRAIN)}.", icon=":material/lock:")
        elif found:
            _ask(found, classes)
        else:
            st.info(NONE_MARKED, icon=":material/touch_app:")
        learned = [run for run in ended if run.spec.few_labels and run.weights]
        if learned:
            st.subheader("Learned last", anchor=False)
            show_few_labels(learned[0], "last")


def _ask(found: list[MarkedImage], classes: ClassSet) -> None:
    by_id = {one.source: one for one in found}
    chosen = st.multiselect(
        "Images with classified cells", list(by_id), default=[one.source for one in found[:USUAL_IMAGES]],
        format_func=lambda source: by_id[source].words, key=f"few_images_{hash(tuple(by_id))}",
        help="Your drafts, and what is in the collection. What the network proposed counts in accepted versions only.",
    )  # fmt: skip
    images = [by_id[source] for source in chosen]
    counts = {one.name: sum(image.counts[one.name] for image in images) for one in classes.classes}
    enough = sum(n >= LEAST_CELLS for n in counts.values()) > 1
    _show_counts(classes, counts)
    own = promoted()
    names = list(dict.fromkeys([own.current, *own.fallbacks]))
    left, right = st.columns(2)
    weights = left.selectbox("Cells found by", names, format_func=weights_title, key="few_weights",
                             help="The network whose weights stay as they are.")  # fmt: skip
    name = right.text_input("Name", value="Classes of my own", max_chars=80, key="few_name")
    job: FewLabelsJob | None = st.session_state.get(JOB)
    working = job is not None and not job.finished.is_set()
    if not enough:
        st.caption(f"At least two classes with {LEAST_CELLS} cells each are needed.")
    if clicked("Learn these classes", type="primary", icon=":material/bolt:", key="few_learn",
                 disabled=working or not enough) and not working:  # fmt: skip
        base = own.locate(weights)[0]
        job = FewLabelsJob(images, classes, weights, base, name, runs_folder(), store())
        with acting(Action.TRAIN, name, weights):
            job.start()
        st.session_state[JOB] = job
        st.rerun()
    if job is not None and not job.finished.is_set():
        _poll()
    elif job is not None and job.error:
        st.error(plain(job.error, 600))


def _show_counts(classes: ClassSet, counts: dict[str, int]) -> None:
    """A row a class with marked cells, and what is still missing; the other classes by name."""
    learnable = [one for one in classes.classes if not one.small and one.counted]
    marked = [one for one in learnable if counts[one.name]]
    rows = [
        {"": "■", "Class": one.words, "Marked cells": counts[one.name], "Enough?": _verdict(counts[one.name])}
        for one in marked
    ]
    colours = [f"color: {one.colour}" for one in marked]
    table = pd.DataFrame(rows, columns=["", "Class", "Marked cells", "Enough?"])
    bar = st.column_config.ProgressColumn(min_value=0, max_value=ENOUGH_CELLS, format="%d")
    columns = {"": st.column_config.TextColumn(width=20), "Marked cells": bar}
    st.dataframe(table.style.apply(lambda _column: colours, subset=[""]), hide_index=True, height="content",
                 key="few_counts", column_config=columns)  # fmt: skip
    if rest := [one.words for one in learnable if one not in marked]:
        st.caption(f"No cell is marked as {plain(', '.join(rest), 600)}: not learned.")


def _verdict(count: int) -> str:
    if count < LEAST_CELLS:
        return f"too few, {LEAST_CELLS - count} more needed"
    return "enough" if count >= ENOUGH_CELLS else f"few: {ENOUGH_CELLS - count} more would be better"


@st.fragment(run_every=POLL_SECONDS)
def _poll() -> None:
    job: FewLabelsJob = st.session_state[JOB]
    if job.finished.is_set():
        st.rerun()
    st.progress(job.share, text=plain(job.doing, 200))
    st.button("Stop", icon=":material/stop_circle:", on_click=job.stop, key="few_stop")
