"""Taking an image out of the collection, with a reason, and taking it back in."""

import pandas as pd
import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.annotation.review import Item
from bccseg.annotation.store import LabelStore
from bccseg.errors import BccsegError
from ui.components.local_storage import remember, remembered
from ui.shared.account import acting, allowed, at_work, author
from ui.shared.background_sync import saved
from ui.shared.clicks import clicked
from ui.shared.errors import plain, show_errors

SAID = "withdraw_said"  # what was done last: text, and the image that can be taken back in
WAYS = {
    "Withdraw": "Nobody sees, exports or trains on it any more. It can be taken back in.",
    "Delete for good": "Pixels, labels and all versions are removed too, and it is never taken in again. No way back.",
}
REACH = (
    "It also leaves the dataset on the Hub and every server that syncs with it. What stays are the Hub's history of "
    "former commits, copies that others downloaded, open drafts, and the data of trainings that have begun."
)
WORDS = {"withdrawn": "withdrawn", "deleted": "deleted for good"}


def ask_to_withdraw(store: LabelStore, item: Item) -> None:
    """Asks how, why and who, and does it."""
    if allowed(Action.WITHDRAW):
        with st.popover("Take out …", icon=":material/delete:"):
            _ask(store, item)


def _ask(store: LabelStore, item: Item) -> None:
    key, count = item.info.id[:12], sum(v.status != "proposal" for v in item.versions)
    st.markdown(f"**{plain(item.info.name)}** with {count} version{'' if count == 1 else 's'} by people.")
    who, ways = at_work(), WAYS if allowed(Action.DELETE_IMAGE) else {"Withdraw": WAYS["Withdraw"]}
    way = st.radio("How", list(ways), captions=list(ways.values()), label_visibility="collapsed", key=f"way_{key}")
    reason = st.text_input("Why", max_chars=2000, key=f"why_{key}", placeholder="no consent, wrong patient, …")
    name = (
        who.person.name
        if who.shared
        else st.text_input("Your name", value=remembered("author"), max_chars=80, key=f"who_{key}")
    )
    st.caption(REACH)
    delete = way == "Delete for good"
    if clicked(way, type="primary", icon=":material/delete_forever:" if delete else ":material/visibility_off:",
                 key=f"take_out_{key}"):  # fmt: skip
        with show_errors():
            with acting(Action.DELETE_IMAGE if delete else Action.WITHDRAW, item.info.id[:16]) as note:
                note.text = reason
                store.withdraw(item.info.id, name, reason, delete=delete)
            remember("author", name.strip())
            saved(store)
            done = WORDS["deleted" if delete else "withdrawn"]
            st.session_state[SAID] = (f"**{plain(item.info.name)}** is {done}.", "" if delete else item.info.id)
            st.rerun()
    st.caption("Name and reason stay with the collection, so that everybody can see who decided what.")


def show_said(store: LabelStore) -> None:
    """What was taken out or back in just now, with its undo."""
    if SAID in st.session_state:
        text, image = st.session_state.pop(SAID)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.success(text)
            if image:
                st.button("Undo", icon=":material/undo:", key="withdraw_undo", on_click=_restore,
                          args=(store, image, "taken out by mistake"))  # fmt: skip


def show_withdrawn(store: LabelStore) -> None:
    """All images that are out: when, who, why; and the way back."""
    gone = store.withdrawn()
    if not gone:
        return
    with st.expander(f"Taken out ({len(gone)})", icon=":material/visibility_off:"):
        table = pd.DataFrame(
            [{"Image": w.name or f"{w.id[:12]} …", "How": WORDS[w.tombstone.what], "When": w.tombstone.time,
              "Who": w.tombstone.by, "Why": w.tombstone.reason} for w in gone]
        )  # fmt: skip
        when = st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm")
        st.dataframe(table, hide_index=True, key="withdrawn_table", column_config={"When": when})
        back = [w for w in gone if w.tombstone.what == "withdrawn"]
        if not back:
            return
        with st.container(horizontal=True, vertical_alignment="bottom"):
            pick = st.selectbox("Withdrawn", range(len(back)), key="withdrawn_pick", width=280,
                                format_func=lambda k: back[k].name or f"{back[k].id[:12]} …")  # fmt: skip
            why = st.text_input("Why take it back in", key="withdrawn_why", max_chars=2000, width=280)
            st.button("Take back in", icon=":material/undo:", key="withdrawn_back", on_click=_restore,
                      disabled=not allowed(Action.WITHDRAW), args=(store, back[pick].id, why))  # fmt: skip


def _restore(store: LabelStore, image: str, reason: str) -> None:
    try:
        name = author() or "anonymous"
        with acting(Action.WITHDRAW, image[:16]) as note:
            note.text = f"taken back in {reason}"
            info = store.restore(image, name, reason)
        saved(store)
        st.session_state[SAID] = (f"**{plain(info.name)}** is in the collection again, with all its versions.", "")
    except BccsegError as error:
        st.session_state[SAID] = (plain(str(error), 600), "")
