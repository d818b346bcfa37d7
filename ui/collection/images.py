"""The Collection page: what there is, the review queue, one image with its versions."""

import base64
from typing import Any

import pandas as pd
import streamlit as st

from bccseg.annotation.drafts import draft_from_version
from bccseg.annotation.records import SPLITS, Version, origin
from bccseg.annotation.review import Item, annotator_agreement, collection_table, queue
from bccseg.annotation.store import LabelStore
from bccseg.io.encode import jpeg
from bccseg.report.viewport import draw_view, make_view
from ui.collection.thumbnails import thumbnail
from ui.components.local_storage import remember, remembered
from ui.shared.background_sync import saved
from ui.shared.errors import plain, show_errors
from ui.shared.handover import CORRECT_PAGE, hand_over

STATUS = {
    "proposal": ":gray-badge[proposal]", "submitted": ":blue-badge[waits for review]",
    "accepted": ":green-badge[accepted]", "rejected": ":red-badge[rejected]",
}  # fmt: skip
PANEL_PX = 620


def show_images(store: LabelStore, found: list[Item]) -> None:
    """Filters, the table with thumbnails, and the chosen image."""
    table = collection_table(found)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        status = st.multiselect("Status", list(STATUS), placeholder="any", width=240)
        split = st.multiselect("Split", SPLITS, placeholder="any", width=240)
        people = sorted({v.author for item in found for v in item.versions if v.status != "proposal"})
        who = st.multiselect("Person", people, placeholder="any", width=240)
        words = st.text_input("Name contains", width=200)
    save = pd.Series(data=True, index=table.index)
    if status:
        save &= table["status"].isin(status)
    if split:
        save &= table["split"].isin(split)
    if who:
        save &= table["people"].apply(lambda names: any(name in names.split(", ") for name in who))
    if words:
        save &= table["image"].str.contains(words, case=False, regex=False)
    rows = list(table.index[save])
    if not rows:
        st.info("No image fits these filters.")
        return
    shown_rows = table.loc[rows].drop(columns="id")
    shown_rows.insert(
        0, "picture", [_as_url(thumbnail(store, found[k])) for k in rows[:200]] + [None] * max(0, len(rows) - 200)
    )
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
        "versions": "Versions", "cells": "Cells", "edits": "Edits", "split": "Split",
        "uncertainty": column.NumberColumn(
            "Uncertainty", format="percent", help="Share of the proposal expected to be wrong, by the network's scores."
        ),
        "change": column.NumberColumn("Changed", format="percent", help="1 − F1 of correction and proposal."),
        "disagreement": column.NumberColumn("Disagreement", format="percent", help="1 − F1 between two people."),
        "added": column.DatetimeColumn("Added", format="YYYY-MM-DD HH:mm"),
    }  # fmt: skip


def _as_url(data: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def show_queue(store: LabelStore, found: list[Item]) -> None:
    """The image of highest priority that waits, for review."""
    waiting = queue(found)
    if not waiting:
        st.info("Nothing waits for review.", icon=":material/check_circle:")
        return
    st.caption(
        f"{len(waiting)} image{'s wait' if len(waiting) > 1 else ' waits'} for review; the most uncertain comes first."
    )
    index = min(st.session_state.get("queue_at", 0), len(waiting) - 1)
    if len(waiting) > 1:
        names = [f"{k}. {item.info.name}" for k, item in enumerate(waiting, start=1)]
        index = st.selectbox(
            "In the queue", range(len(names)), index=index, format_func=names.__getitem__, key="queue_pick"
        )
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
        pick = st.selectbox(
            "Version", range(len(names)), format_func=names.__getitem__, key=f"version_{item.info.id[:12]}_{review}"
        )
    version = order[pick]
    _facts(item, version)
    _panels(store, item, version, key=f"{version.id}_{review}")
    rows = [
        {"One": a.author, "Other": b.author, "Dice": g.dice, "F1 at IoU 0.5": g.f1, "More cells": g.count_difference}
        for a, b, g in annotator_agreement(store, item)
    ]
    if rows:
        st.caption("How much the people agree who labelled this image:")
        st.dataframe(pd.DataFrame(rows), hide_index=True)
    _actions(store, version, review=review)


def _facts(item: Item, version: Version) -> None:
    facts = [
        STATUS.get(version.status, version.status),
        f"**{version.cells:,}** cells",
        f"{version.edit_count} edits",
        f"by **{plain(version.author)}**",
    ]
    if version.agreement:
        g = version.agreement
        facts.append(
            f"with what it started from: Dice {g['dice']:.3f}, F1 {g['f1']:.3f}, {g['count_difference']:+d} cells"
        )
    facts.append(f"split: {item.info.split}")
    if version.reviewer:
        facts.append(f"reviewed by {plain(version.reviewer)}")
    st.markdown(" · ".join(facts))
    for text in (version.comment, version.reason):
        if text:
            st.markdown(f"> {plain(text, 2000)}")


def _panels(store: LabelStore, item: Item, version: Version, key: str) -> None:
    """Proposal, correction and difference side by side, zoomed alike."""
    image, labels = store.image(item.info.id), store.labels(version)
    root = origin(version, item.versions)
    base = store.labels(root) if root.id != version.id else labels
    shape = image.shape[:2]
    with st.container(horizontal=True):
        zoom = st.slider("Zoom", 1.0, 8.0, 1.0, 0.5, key=f"zoom_{key}", format="%.1f×", width=200)
        across = st.slider("Across", 0, 100, 50, key=f"x_{key}", width=160, disabled=zoom == 1) / 100
        down = st.slider("Down", 0, 100, 50, key=f"y_{key}", width=160, disabled=zoom == 1) / 100
    whole = min(PANEL_PX / shape[1], PANEL_PX / shape[0])
    view = make_view(shape, whole * zoom, (across * shape[1], down * shape[0]), (PANEL_PX, PANEL_PX))
    columns = st.columns(3)
    for column, title, which, show in (
        (columns[0], "Proposal" if root.id != version.id else "These labels", base, "outlines"),
        (columns[1], "Correction", labels, "outlines"),
        (columns[2], "Difference: green added, red removed, blue moved", labels, "changes"),
    ):
        column.image(jpeg(draw_view(view, image, which, base, show)), caption=title, width="stretch")


def _actions(store: LabelStore, version: Version, *, review: bool) -> None:
    key, reviewer = version.id, ""
    if review:
        reviewer = st.text_input("Your name", value=remembered("author"), max_chars=80, key=f"reviewer_{key}")
        if reviewer.strip() == version.author:
            st.caption(":material/info: These are your own labels. A second pair of eyes finds more.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if review:
            reason = st.text_input(
                "Reason", max_chars=2000, key=f"reason_{key}", placeholder="needed to reject", width=320
            )
            if st.button("Accept", type="primary", icon=":material/check:", key=f"accept_{key}"):
                _review(store, version, "accepted", reviewer, reason)
            if st.button("Reject", icon=":material/close:", key=f"reject_{key}"):
                if reason.strip():
                    _review(store, version, "rejected", reviewer, reason)
                else:
                    st.warning("Please give the reason, so that the annotator can learn from it.")
        if st.button("Continue correcting", icon=":material/draw:", key=f"correct_{key}_{review}",
                     help="Opens these labels on the Correct page. They stay; yours are a new version."):  # fmt: skip
            hand_over(draft_from_version(store, version))
            st.switch_page(CORRECT_PAGE)


def _review(store: LabelStore, version: Version, status: Any, reviewer: str, reason: str) -> None:
    if not reviewer.strip():
        st.warning("Please give your name.")
        return
    with show_errors():
        store.review(version, status, reviewer, reason)
        remember("author", reviewer.strip())
        saved(store)
        st.rerun()
