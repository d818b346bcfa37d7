"""The Collection page's other half: totals, export, and how it stands with the Hub."""

import io

import plotly.graph_objects as go
import streamlit as st

from bccseg.accounts.roles import Action, who_may
from bccseg.annotation.data_card import LAYOUTS, Layout
from bccseg.annotation.dataset_export import chosen_versions, dataset_files, zip_dataset
from bccseg.annotation.records import SPLITS, Version
from bccseg.annotation.review import Item, queue, totals_over_time
from bccseg.annotation.store import LabelStore
from bccseg.report import charts
from ui.collection.measures import show_measures
from ui.shared.account import allowed, guarded, require
from ui.shared.background_sync import syncer
from ui.shared.errors import plain
from ui.shared.plots import PLOT

CLASSES: dict[Layout, str] = {
    "kaggle": "Masks hold cells alone and say nothing of classes.",
    "labels": "Classes come along in `classes/`, and platelets, which are no cells, in `others/`.",
    "coco": "Classes are categories.",
    "label-studio": "Classes are labels, and cells are predictions: README.md says how they get into Label Studio.",
}
NO_SYNC = """
This server does not sync. To keep the collection on the Hugging Face Hub, set `BCCSEG_DATASET` to `owner/name` and
`HF_TOKEN` to a token that may write, then restart the app.
"""


def show_totals(found: list[Item]) -> None:
    """Numbers and their growth."""
    versions = [v for item in found for v in item.versions if v.status != "proposal"]
    accepted = [item.best for item in found if item.status == "accepted"]
    with st.container(horizontal=True, gap="large"):
        for title, value in (
            ("Images", len(found)), ("Accepted", len(accepted)), ("Waiting", len(queue(found))),
            ("Cells accepted", sum(v.cells for v in accepted if v)), ("People", len({v.author for v in versions})),
        ):  # fmt: skip
            st.metric(title, f"{value:,}", width="content")


def show_growth(found: list[Item]) -> None:
    """How the collection grew, day by day."""
    totals = totals_over_time(found)
    figure = go.Figure()
    for column, colour in (("images", charts.COLOUR), ("versions", "#5b7fb5")):
        figure.add_scatter(x=totals["day"], y=totals[column], name=column, mode="lines+markers", line_shape="hv")
        figure.data[-1].line.color = colour
    figure.update_xaxes(type="date", dtick="D1" if len(totals) < 10 else None)
    figure.update_yaxes(rangemode="tozero")
    figure.update_layout(title="Collected over time", height=320, margin={"l": 40, "r": 10, "t": 40, "b": 30})
    st.plotly_chart(figure, key="plot_totals", config=PLOT)


def show_export(store: LabelStore, found: list[Item]) -> None:
    """The dataset as a zip, and the measures of its cells."""
    if not allowed(Action.EXPORT):
        st.info(f"To download what others labelled needs the role {who_may(Action.EXPORT)}.", icon=":material/lock:")
        return
    also = st.toggle("Also labels that wait for review", key="export_all")
    chosen = chosen_versions(found, submitted=also)
    if not chosen:
        st.info("There are no accepted labels yet. Review what was submitted, or export what waits for review too.")
        return
    st.subheader("Dataset", anchor=False, help="Images with their labels, for training.")
    layout: Layout = st.radio(
        "Layout", list(LAYOUTS), format_func=LAYOUTS.__getitem__, horizontal=True, key="export_layout"
    )
    if any(version.class_counts for _, version in chosen):
        st.caption(f":material/label: {CLASSES[layout]}")
    images = {split: sum(item.info.split == split for item, _ in chosen) for split in SPLITS}
    st.caption(f"{len(chosen)} images: " + ", ".join(f"{n} {split}" for split, n in images.items()) +
               ". A data card with counts, people and licences comes along.")  # fmt: skip
    st.download_button(
        "Download dataset (zip)", lambda: _zip(store, chosen, layout), file_name=f"bccseg_dataset_{layout}.zip",
        type="primary", icon=":material/download:", on_click="ignore", key="export_zip",
    )  # fmt: skip
    show_measures(store, found, submitted=also)


def _zip(store: LabelStore, chosen: list[tuple[Item, Version]], layout: Layout) -> io.BytesIO:
    require(Action.EXPORT)  # the browser fetches it later
    buffer = io.BytesIO()
    zip_dataset(dataset_files(store, chosen, layout), buffer)
    buffer.seek(0)
    return buffer


@st.fragment(run_every=2.0)
def show_hub(store: LabelStore) -> None:
    """How the collection stands with its dataset repository."""
    one = syncer(store)
    if one is None:
        st.info(NO_SYNC, icon=":material/cloud_off:")
        return
    state, name = one.state, plain(one.repo)
    when = f" at {state.when:%Y-%m-%d %H:%M} UTC" if state.when else ""
    if state.kind == "done" and state.report:
        st.success(
            f"In step with **{name}**: {state.report.pushed} files pushed, {state.report.pulled} fetched"
            f"{f', {state.report.removed} removed' if state.report.removed else ''}{when}.",
            icon=":material/cloud_done:",
        )
    elif state.kind == "failed":
        st.error(f"Syncing with {name} failed{when}: {plain(state.text, 400)}", icon=":material/cloud_off:")
        st.caption("It is tried again by itself.")
    else:
        st.info(f"{plain(state.text)}: {name} …", icon=":material/cloud_sync:")
    title = "Sync now" if state.kind != "failed" else "Try again"
    if allowed(Action.SYNC):
        st.button(title, icon=":material/sync:", disabled=state.kind == "running", key="sync_now",
                  on_click=guarded(Action.SYNC, one.request, on=one.repo))  # fmt: skip
