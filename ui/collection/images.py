"""The Collection page: what there is, and one image with its versions."""

import base64
from typing import Any

import pandas as pd
import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.annotation.records import SPLITS
from bccseg.annotation.review import Item, collection_table
from bccseg.annotation.store import LabelStore
from ui.collection.thumbnails import thumbnail
from ui.collection.versions import STATUS, ask_for_versions, show_agreement, show_versions
from ui.collection.withdraw import ask_to_withdraw, show_withdrawn
from ui.shared.account import acting, allowed, at_work, author
from ui.shared.background_sync import saved
from ui.shared.class_editor import edit_classes
from ui.shared.clicks import clicked, leads_on
from ui.shared.errors import plain, show_errors
from ui.shared.handover import CORRECT_PAGE, draft_of_version, hand_over
from ui.shared.session import visitor_state


def show_images(store: LabelStore, found: list[Item]) -> None:
    """Filters, the table with thumbnails, and the chosen image."""
    table = collection_table(found, store.class_set())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        status = st.multiselect("Status", list(STATUS), placeholder="any", width=240)
        split = st.multiselect("Split", SPLITS, placeholder="any", width=240)
        people = sorted({v.author for item in found for v in item.versions if v.status != "proposal"})
        who = st.multiselect("Person", people, placeholder="any", width=240)
        words = st.text_input("Name contains", width=200)
        if clicked("Classes …", icon=":material/label:", key="collection_classes",
                     help="Names, colours, keys and order of the classes that cells can have here."):  # fmt: skip
            edit_classes()
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
        show_withdrawn(store)
        return
    shown_rows = table.loc[rows].drop(columns="id")
    shown_rows.insert(
        0, "picture", [_as_url(thumbnail(store, found[k])) for k in rows[:200]] + [None] * max(0, len(rows) - 200)
    )
    key = f"collection_table_{len(found)}"  # once an image has come or gone, another would be selected
    event = st.dataframe(
        shown_rows, hide_index=True, on_select="rerun", selection_mode="single-row", key=key,
        row_height=56, height=min(420, 60 + 56 * len(rows)), column_config=_columns(),
    )  # fmt: skip
    picked = event.selection.rows
    if picked and picked[0] < len(rows):
        show_item(store, found[rows[picked[0]]])
    else:
        st.caption("Select a row to see the image and its versions.")
    show_withdrawn(store)


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "picture": column.ImageColumn("", width="small"), "image": "Image", "status": "Status", "people": "People",
        "versions": "Versions", "cells": "Cells",
        "classes": column.TextColumn("Classes", help="Of the version that stands for the image, where any are known."),
        "edits": "Edits", "split": "Split",
        "uncertainty": column.NumberColumn(
            "Uncertainty", format="percent", help="Share of the proposal expected to be wrong, by the network's scores."
        ),
        "change": column.NumberColumn("Changed", format="percent", help="1 − F1 of correction and proposal."),
        "disagreement": column.NumberColumn("Disagreement", format="percent", help="1 − F1 between two people."),
        "added": column.DatetimeColumn("Added", format="YYYY-MM-DD HH:mm"),
    }  # fmt: skip


def _as_url(data: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def show_item(store: LabelStore, item: Item) -> None:
    """One image with its versions, and what can be done with it."""
    if not item.versions:
        st.info(f"{plain(item.info.name)} has no labels yet.")
        ask_to_withdraw(store, item)
        return
    with st.container(horizontal=True):
        version, base = ask_for_versions(item, item.versions, key=item.info.id[:12])
    show_versions(store, item, version, base)
    show_agreement(store, item)
    with st.container(horizontal=True, vertical_alignment="bottom"), show_errors():
        if leads_on("Continue correcting", icon=":material/draw:", key=f"correct_{version.id}",
                     help="Opens these labels on the Correct page. They stay; yours are a new version."):  # fmt: skip
            hand_over(draft_of_version(visitor_state(), version))
            st.switch_page(CORRECT_PAGE, query_params={})  # {}: it refuses to clear what a widget is bound to
        if version.status in ("accepted", "rejected") and allowed(Action.REVIEW) and clicked(
            "Review again", icon=":material/undo:", key=f"again_{version.id}",
            help="Puts this version back into the queue of those that wait for review.",
        ):  # fmt: skip
            name, account = author(), at_work().person.account
            with acting(Action.REVIEW, item.info.name, version.id) as note:
                note.text = "to be reviewed again"
                store.review(version, "submitted", name, "to be reviewed again", account)
            saved(store)
            st.rerun()
        ask_to_withdraw(store, item)
