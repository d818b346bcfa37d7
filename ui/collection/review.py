"""The review queue: one version after the other is accepted or rejected, and each decision can be undone."""

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from bccseg.accounts.roles import Action, who_may
from bccseg.annotation.records import Version
from bccseg.annotation.review import Item, queue
from bccseg.annotation.store import LabelStore
from bccseg.errors import BccsegError
from ui.collection.versions import ask_for_versions, show_agreement, show_versions
from ui.components.hotkeys import hotkeys
from ui.components.local_storage import remember, remembered
from ui.shared.account import acting, allowed, at_work, others_review, refuse_own_work
from ui.shared.background_sync import saved
from ui.shared.clicks import leads_on
from ui.shared.errors import plain, show_errors
from ui.shared.handover import CORRECT_PAGE, draft_of_version, hand_over
from ui.shared.session import visitor_state

KEY = "review_state"
REASONS = (
    "Cells are missing", "Cells are joined or split", "Outlines are off", "Things are marked that are no cells",
    "The image is not usable",
)  # fmt: skip
QUEUE = "{} in the queue, the most uncertain first."
OWN = ":material/info: These are your own labels. A second pair of eyes finds more."
MARKS = {"success": ("check_circle", "green"), "warning": ("warning", "orange"), "error": ("error", "red")}
STYLE = (  # the words of the arrows are for screen readers
    "<style>.st-key-review_go [data-testid=stMarkdownContainer] { position: absolute; width: 1px; height: 1px; "
    "overflow: hidden; clip-path: inset(50%); } .st-key-review_keys { position: absolute; }</style>"
)
KEYS = {"r": "reject"}  # Streamlit keeps R for itself as a button's shortcut


@dataclass
class ReviewState:
    """Where a reviewer is."""

    image: str = ""  # on view
    position: int = 0  # of it in the queue
    kind: str = ""  # of the message
    message: str = ""
    decided: list[tuple[str, str, str]] = field(default_factory=list)  # image, version, status; the last can be undone

    def say(self, message: str, kind: str = "success") -> None:
        """What is told above the queue, until the next thing is."""
        self.kind, self.message = kind, message


def review_state() -> ReviewState:
    """Of this visitor."""
    return st.session_state.setdefault(KEY, ReviewState())


def show_queue(store: LabelStore, found: list[Item]) -> None:
    """The image on view with its decision, of those that wait."""
    state, waiting = review_state(), queue(found)
    if not waiting:
        _say(state, "")
        _offer_undo(store, state)
        st.info("Nothing waits for review.", icon=":material/check_circle:")
        return
    images = [item.info.id for item in waiting]
    if state.image in images:
        state.position = images.index(state.image)
    state.position = min(state.position, len(images) - 1)
    state.image = images[state.position]
    item = waiting[state.position]
    st.html(STYLE)  # fixed text, nothing from outside
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _go_through(state, waiting)
        version, base = ask_for_versions(item, item.waiting, key=f"review_{item.info.id[:12]}", compact=True)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _decide_on(store, state, version)
        _offer_undo(store, state)
    own = not at_work().shared and (st.session_state.get("reviewer") or "").strip() == version.author
    _say(state, OWN if own else QUEUE.format(len(waiting)))
    show_versions(store, item, version, base)
    show_agreement(store, item)
    if leads_on("Continue correcting", icon=":material/draw:", key=f"correct_{version.id}",
                 help="Opens these labels on the Correct page. They stay; yours are a new version."):  # fmt: skip
        with show_errors():
            hand_over(draft_of_version(visitor_state(), version))
            st.switch_page(CORRECT_PAGE, query_params={})  # {}: it refuses to clear what a widget is bound to


def _say(state: ReviewState, otherwise: str) -> None:
    """What happened, in a line that is always there, so that the pictures keep their place."""
    if state.message:
        icon, colour = MARKS[state.kind]
        st.markdown(f":{colour}[:material/{icon}:] {state.message}")
    elif otherwise:
        st.markdown(f":gray[{otherwise}]")


def _offer_undo(store: LabelStore, state: ReviewState) -> None:
    if state.decided and allowed(Action.REVIEW):
        st.button("Undo", icon=":material/undo:", key="review_undo", shortcut="Z", on_click=undo,
                  args=(store, state), help="Puts the last one you decided on back into the queue.")  # fmt: skip


def _go_through(state: ReviewState, waiting: list[Item]) -> None:
    last = len(waiting) - 1
    st.session_state["queue_pick"] = state.position
    st.selectbox(
        "Waits for review", range(last + 1), key="queue_pick", width=250, label_visibility="collapsed",
        format_func=lambda k: f"{k + 1}. {waiting[k].info.name}",
        on_change=lambda: _go(state, waiting, st.session_state["queue_pick"]),
    )  # fmt: skip
    with st.container(horizontal=True, width="content", key="review_go", gap="xsmall"):
        st.button("Previous", icon=":material/arrow_back:", shortcut="P", disabled=state.position == 0,
                  on_click=_go, args=(state, waiting, state.position - 1), key="review_previous")  # fmt: skip
        st.button("Next", icon=":material/arrow_forward:", shortcut="N", disabled=state.position == last,
                  on_click=_go, args=(state, waiting, state.position + 1), key="review_next")  # fmt: skip


def _decide_on(store: LabelStore, state: ReviewState, version: Version) -> None:
    who = at_work()
    if not who.may(Action.REVIEW):
        st.markdown(f":gray[:material/lock: To decide needs the role {who_may(Action.REVIEW)}.]")
        return
    if others_review(version.author, version.account):
        st.markdown(":gray[:material/info: These are your own labels: somebody else reviews them.]")
        return
    if who.shared:
        st.session_state["reviewer"] = who.person.name
    elif not st.session_state.get("reviewer"):
        st.session_state["reviewer"] = remembered("author")
    st.text_input("Your name", max_chars=80, key="reviewer", width=150, placeholder="Your name", disabled=who.shared,
                  label_visibility="collapsed")  # fmt: skip
    st.button("Accept", type="primary", icon=":material/check:", shortcut="A", key=f"accept_{version.id}",
              on_click=decide, args=(store, state, version, "accepted"))  # fmt: skip
    st.button("Reject\u2002:gray[R]", icon=":material/close:", key=f"reject_{version.id}",
              on_click=decide, args=(store, state, version, "rejected"))  # fmt: skip
    st.selectbox("Reason", REASONS, index=None, accept_new_options=True, key=f"reason_{version.id}", width=240,
                 placeholder="Reason, needed to reject", label_visibility="collapsed")  # fmt: skip
    hotkeys("review_keys", KEYS, lambda _: decide(store, state, version, "rejected"))


def _go(state: ReviewState, waiting: list[Item], position: int) -> None:
    state.position, state.message = position, ""
    state.image = waiting[position].info.id


def decide(store: LabelStore, state: ReviewState, version: Version, status: Any) -> None:
    """Accept or reject, say so, and let the next one of the queue come. For use as a callback: name and reason are read
    here, because they may have been typed a moment ago.
    """
    if state.decided and state.decided[-1][1] == version.id:
        return None  # a second click, before the first was answered
    who = at_work()
    reviewer = who.person.name if who.shared else (st.session_state.get("reviewer") or "").strip()
    reason = (st.session_state.get(f"reason_{version.id}") or "").strip()
    if not reviewer and not who.shared:
        return state.say("Please give your name.", "warning")
    if status == "rejected" and not reason:
        return state.say("Please give the reason, so that the annotator can learn from it.", "warning")
    try:
        name, now = plain(store.image_info(version.image).name), store.version(version.image, version.id)
        if now.status != "submitted":  # another reviewer was faster
            return state.say(f"{plain(now.reviewer)} has {now.status} **{name}** meanwhile; that stays.", "warning")
        refuse_own_work(version.author, version.account, version.id)
        with acting(Action.REVIEW, version.image[:16], version.id) as note:
            note.text = f"{status} {reason}"
            store.review(version, status, reviewer, reason, who.person.account)
    except BccsegError as error:
        return state.say(plain(str(error), 600), "error")
    remember("author", reviewer)
    saved(store)
    state.decided.append((version.image, version.id, status))
    return state.say(f"**{name}**, labelled by {plain(version.author)}, is {status}.")


def undo(store: LabelStore, state: ReviewState) -> None:
    """Put the version of the last decision back into the queue, and look at it. For use as a callback."""
    image, version, status = state.decided.pop()
    try:
        name, now = plain(store.image_info(image).name), store.version(image, version)
        if now.status != status:
            return state.say(f"**{name}** was {now.status} by {plain(now.reviewer)} meanwhile; that stays.", "warning")
        who = at_work()
        with acting(Action.REVIEW, image[:16], version) as note:
            note.text = "decision taken back"
            reviewer = who.person.name if who.shared else now.reviewer
            store.review(now, "submitted", reviewer, "decision taken back", who.person.account)
    except BccsegError as error:
        return state.say(plain(str(error), 600), "error")
    saved(store)
    state.image = image
    return state.say(f"**{name}** waits for review again.")
