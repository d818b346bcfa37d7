"""The Collection page in parts: what there is, one image with its versions, totals, import and export, the Hub."""

import io
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from bccseg.imaging import charts
from bccseg.imaging.view import draw_view, jpeg, make_view, overview
from bccseg.labels.drafts import draft_from_version
from bccseg.labels.exporting import LAYOUTS, Layout, chosen_versions, dataset_files, zip_dataset
from bccseg.labels.importing import import_dataset
from bccseg.labels.records import SPLITS, Version
from bccseg.labels.review import Item, between_annotators, collection_table, queue, totals_over_time
from bccseg.labels.store import LabelStore
from ui.bench import put_on_bench
from ui.bench_start import CORRECT_PAGE, LICENCES
from ui.desk import remembered_author
from ui.errors import plain, shown
from ui.hub_sync import saved, syncer
from ui.results_view import PLOT

STATUS = {
    "proposal": ":gray-badge[proposal]", "submitted": ":blue-badge[waits for review]",
    "accepted": ":green-badge[accepted]", "rejected": ":red-badge[rejected]",
}  # fmt: skip
THUMBNAIL_PX = 96
PANEL_PX = 620


@st.cache_data(show_spinner=False, max_entries=4000)
def _thumbnail(root: str, image: str, version: str, side: int, _store: LabelStore, _version: Version | None) -> bytes:
    """JPEG of an image with its cells tinted. Versions never change, so it is made once."""
    del root, version
    pixels = _store.image(image)
    labels = _store.labels(_version) if _version else pixels[..., 0].astype("int32") * 0
    return jpeg(overview(pixels, labels, side))


def thumbnail(store: LabelStore, item: Item, side: int = THUMBNAIL_PX) -> bytes:
    """Small picture of an image with the labels that stand for it."""
    best = item.best
    return _thumbnail(str(store.root), item.info.id, best.id if best else "", side, store, best)


def show_images(store: LabelStore, found: list[Item]) -> None:
    """Filters, the table with thumbnails, and the chosen image."""
    table = collection_table(found)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        status = st.multiselect("Status", list(STATUS), placeholder="any", width=240)
        split = st.multiselect("Part", SPLITS, placeholder="any", width=240)
        people = sorted({v.author for item in found for v in item.versions if v.status != "proposal"})
        who = st.multiselect("Person", people, placeholder="any", width=240)
        words = st.text_input("Name contains", width=200)
    keep = pd.Series(data=True, index=table.index)
    if status:
        keep &= table["status"].isin(status)
    if split:
        keep &= table["split"].isin(split)
    if who:
        keep &= table["people"].apply(lambda names: any(name in names.split(", ") for name in who))
    if words:
        keep &= table["image"].str.contains(words, case=False, regex=False)
    rows = [k for k in table.index[keep]]
    if not rows:
        st.info("No image fits these filters.")
        return
    shown_rows = table.loc[rows].drop(columns="id")
    shown_rows.insert(0, "picture", [_as_url(thumbnail(store, found[k])) for k in rows[:200]] + [None] * max(0, len(rows) - 200))
    event = st.dataframe(
        shown_rows, hide_index=True, on_select="rerun", selection_mode="single-row", key="collection_table",
        row_height=56, height=min(420, 60 + 56 * len(rows)), column_config=_columns(),
    )  # fmt: skip
    picked = event.selection.rows
    if picked and picked[0] < len(rows):
        show_item(store, found[rows[picked[0]]], review=False)
    else:
        st.caption("Select a row to see the image and its versions.")


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "picture": column.ImageColumn("", width="small"), "image": "Image", "status": "Status", "people": "People",
        "versions": "Versions", "cells": "Cells", "edits": "Edits", "split": "Part",
        "doubt": column.NumberColumn("Doubt", format="percent", help="How unsure the network was."),
        "disagreement": column.NumberColumn("Changed", format="percent", help="1 − F1 of correction and proposal."),
        "added": column.DatetimeColumn("Added", format="YYYY-MM-DD HH:mm"),
    }  # fmt: skip


def _as_url(data: bytes) -> str:
    import base64

    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def show_queue(store: LabelStore, found: list[Item]) -> None:
    """The most urgent image that waits, for review."""
    waiting = queue(found)
    if not waiting:
        st.info("Nothing waits for review.", icon=":material/check_circle:")
        return
    st.caption(f"{len(waiting)} image{'s wait' if len(waiting) > 1 else ' waits'} for review; the most doubtful comes first.")
    index = min(st.session_state.get("queue_at", 0), len(waiting) - 1)
    if len(waiting) > 1:
        names = [f"{k}. {item.info.name}" for k, item in enumerate(waiting, start=1)]
        index = st.selectbox("In the queue", range(len(names)), index=index, format_func=names.__getitem__, key="queue_pick")
    show_item(store, waiting[index], review=True)


def show_item(store: LabelStore, item: Item, *, review: bool) -> None:
    """One image: its versions, proposal, correction and difference, and what can be done."""
    versions = item.waiting if review else item.versions
    if not versions:
        st.info("This image has no labels yet.")
        return
    st.subheader(plain(item.info.name), anchor=False)
    order = list(reversed(versions))
    pick = 0
    if len(order) > 1:
        names = [f"{v.author}, {v.time[:16].replace('T', ' ')}, {v.status}" for v in order]
        pick = st.selectbox("Version", range(len(names)), format_func=names.__getitem__, key=f"version_{item.info.id[:12]}_{review}")
    version = order[pick]
    _facts(item, version)
    _panels(store, item, version)
    people = between_annotators(store, item)
    if people:
        st.dataframe(
            pd.DataFrame(
                [{"One": a.author, "Other": b.author, "Dice": g.dice, "F1 at IoU 0.5": g.f1, "Cells more or fewer": g.count_difference}
                 for a, b, g in people]
            ), hide_index=True,
        )  # fmt: skip
    _actions(store, version, review=review)


def _facts(item: Item, version: Version) -> None:
    parts = [STATUS.get(version.status, version.status), f"**{version.cells:,}** cells", f"{version.edit_count} edits", f"by **{plain(version.author)}**"]
    if version.agreement:
        g = version.agreement
        parts.append(f"with what it began from: Dice {g['dice']:.3f}, F1 {g['f1']:.3f}, {g['count_difference']:+d} cells")
    parts.append(f"part: {item.info.split}")
    if version.reviewer:
        parts.append(f"reviewed by {plain(version.reviewer)}")
    st.markdown(" · ".join(parts))
    for text in (version.comment, version.reason):
        if text:
            st.markdown(f"> {plain(text, 2000)}")


def _panels(store: LabelStore, item: Item, version: Version) -> None:
    """Proposal, correction and difference side by side, zoomed alike."""
    image, labels = store.image(item.info.id), store.labels(version)
    chain = {v.id: v for v in item.versions}
    root = version
    while root.parent in chain:
        root = chain[root.parent]
    base = store.labels(root) if root is not version else labels
    shape = image.shape[:2]
    with st.container(horizontal=True):
        zoom = st.slider("Zoom", 1.0, 8.0, 1.0, 0.5, key=f"zoom_{version.id}", format="%.1f×", width=200)
        across = st.slider("Across", 0, 100, 50, key=f"x_{version.id}", width=160, disabled=zoom == 1) / 100
        down = st.slider("Down", 0, 100, 50, key=f"y_{version.id}", width=160, disabled=zoom == 1) / 100
    whole = min(PANEL_PX / shape[1], PANEL_PX / shape[0])
    view = make_view(shape, whole * zoom, (across * shape[1], down * shape[0]), (PANEL_PX, PANEL_PX))
    columns = st.columns(3)
    for column, title, which, show in (
        (columns[0], "Proposal" if root is not version else "These labels", base, "outlines"),
        (columns[1], "Correction", labels, "outlines"),
        (columns[2], "Difference: green added, red removed, blue moved", labels, "changes"),
    ):
        column.image(jpeg(draw_view(view, image, which, base, show)), caption=title, width="stretch")


def _actions(store: LabelStore, version: Version, *, review: bool) -> None:
    key = version.id
    reviewer = st.text_input("Your name", value=remembered_author(), max_chars=80, key=f"reviewer_{key}") if review else ""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if review:
            reason = st.text_input("Reason", max_chars=2000, key=f"reason_{key}", placeholder="needed to reject", width=320)
            if st.button("Accept", type="primary", icon=":material/check:", key=f"accept_{key}"):
                _review(store, version, "accepted", reviewer, reason)
            if st.button("Reject", icon=":material/close:", key=f"reject_{key}"):
                if reason.strip():
                    _review(store, version, "rejected", reviewer, reason)
                else:
                    st.warning("Please give the reason, so that the annotator can learn from it.")
        if st.button("Correct on", icon=":material/draw:", key=f"correct_{key}_{review}",
                     help="Opens these labels on the Correct page. They stay; yours become a new version."):  # fmt: skip
            put_on_bench(draft_from_version(store, version))
            st.switch_page(CORRECT_PAGE)


def _review(store: LabelStore, version: Version, status: Any, reviewer: str, reason: str) -> None:
    if not reviewer.strip():
        st.warning("Please give your name.")
        return
    with shown():
        store.review(version, status, reviewer, reason)
        st.session_state["remembered_author"] = reviewer.strip()
        saved(store)
        st.rerun()


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
    totals = totals_over_time(found)
    figure = go.Figure()
    for column, title, colour in (("images", "images", charts.COLOUR), ("versions", "versions", "#5b7fb5")):
        figure.add_scatter(x=totals["day"], y=totals[column], name=title, mode="lines+markers", line_color=colour, line_shape="hv")
    figure.update_xaxes(type="date", dtick="D1" if len(totals) < 10 else None)
    figure.update_yaxes(rangemode="tozero")
    figure.update_layout(title="Collected over time", height=280, margin={"l": 40, "r": 10, "t": 40, "b": 30})
    st.plotly_chart(figure, key="plot_totals", config=PLOT)


def show_import(store: LabelStore) -> None:
    """A zip from elsewhere joins the collection."""
    st.markdown("A zip with `original/` and `mask/` folders of the same file names (also below `train/` and `test/`), or images "
                "with `…_labels.png` beside them. Labels may be masks, or 8, 16 or 32 bit pictures with a number for each cell.")  # fmt: skip
    with st.form("import_form", clear_on_submit=True, border=False):
        data = st.file_uploader("Dataset (zip)", ["zip"])
        left, right = st.columns(2)
        author = left.text_input("Who labelled it", value=remembered_author(), max_chars=80)
        licence = right.selectbox("Licence", LICENCES)
        sent = st.form_submit_button("Import", icon=":material/upload:")
    if not sent:
        return
    if data is None:
        st.warning("Choose a zip first.")
        return
    with shown():
        bar, report = st.progress(0.0, "Reading"), None
        for report in import_dataset(store, data.getvalue(), author, licence):
            done = report.added + report.already + len(report.failed)
            bar.progress(done % 100 / 100, f"{done} images read")
        bar.empty()
        saved(store)
        if report:
            st.success(f"{report.added} images with {report.cells:,} cells were added; {report.already} were there already.")
            for title, lines in (
                ("without a partner", report.lonely), ("could not be used", [f"{n}: {why}" for n, why in report.failed]),
            ):  # fmt: skip
                if lines:
                    with st.expander(f"{len(lines)} files {title}"):
                        st.markdown("\n".join(f"* {plain(line, 300)}" for line in lines[:500]))


def show_export(store: LabelStore, found: list[Item]) -> None:
    """The dataset as a zip."""
    layout: Layout = st.radio("Layout", list(LAYOUTS), format_func=LAYOUTS.__getitem__, horizontal=True, key="export_layout")
    also = st.toggle("Also labels that wait for review", key="export_all")
    chosen = chosen_versions(found, submitted=also)
    if not chosen:
        st.info("There are no accepted labels yet. Review what was submitted, or export what waits for review too.")
        return
    parts = {split: sum(item.info.split == split for item, _ in chosen) for split in SPLITS}
    st.caption(f"{len(chosen)} images: " + ", ".join(f"{n} {split}" for split, n in parts.items()) +
               ". A data card with counts, people and licences comes along.")  # fmt: skip
    st.download_button(
        "Download dataset (zip)", lambda: _zip(store, chosen, layout), file_name=f"bccseg_dataset_{layout}.zip",
        type="primary", icon=":material/download:", on_click="ignore", key="export_zip",
    )  # fmt: skip


def _zip(store: LabelStore, chosen: list[tuple[Item, Version]], layout: Layout) -> io.BytesIO:
    buffer = io.BytesIO()
    zip_dataset(dataset_files(store, chosen, layout), buffer)
    buffer.seek(0)
    return buffer


@st.fragment(run_every=2.0)
def show_hub(store: LabelStore) -> None:
    """How the collection stands with its dataset repository."""
    one = syncer(store)
    if one is None:
        st.info("This server does not sync. To keep the collection on the Hugging Face Hub, set `BCCSEG_DATASET` to `owner/name` "
                "and `HF_TOKEN` to a token that may write, then start the app anew.", icon=":material/cloud_off:")  # fmt: skip
        return
    state, name = one.state, plain(one.repo)
    when = f" at {state.when:%Y-%m-%d %H:%M} UTC" if state.when else ""
    if state.kind == "done" and state.report:
        st.success(f"In step with **{name}**: {state.report.pushed} files pushed, {state.report.pulled} fetched{when}.", icon=":material/cloud_done:")
    elif state.kind == "failed":
        st.error(f"Syncing with {name} failed{when}: {plain(state.text, 400)}", icon=":material/cloud_off:")
        st.caption("It is tried again by itself.")
    else:
        st.info(f"{plain(state.text)}: {name} …", icon=":material/cloud_sync:")
    if st.button("Sync now" if state.kind != "failed" else "Try again", icon=":material/sync:", disabled=state.kind == "running"):
        one.request()
        st.rerun(scope="fragment")

