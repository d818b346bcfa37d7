"""Making the weights of a run the app's, under a name that a person gives, and the way back."""

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.annotation.records import MAX_NAME
from bccseg.jobs.promotion import own_name
from bccseg.jobs.training_run import RunSnapshot
from ui.shared.account import acting, allowed
from ui.shared.clicks import clicked
from ui.shared.errors import plain, show_errors
from ui.shared.promoted import promoted
from ui.shared.session import note_settings, visitor_state
from ui.shared.settings import choose_weights

PROMOTE_HELP = "Makes these the app's weights, for everyone. One click goes back."


def show_in_use() -> None:
    """Which weights the app uses, where they are of its own training, and the way back."""
    own = promoted()
    if not own.names:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"The app uses weights of its own training: **{plain(own.title(own.current))}**")
        if allowed(Action.PROMOTE) and clicked(
            "Restore the previous weights", icon=":material/undo:", key=f"back_{own.current}"
        ):
            with show_errors():
                with acting(Action.PROMOTE, own.title(own.current), own.current) as note:
                    note.text = "taken back"
                    own.take_back(own.current)  # by its name: a second click takes back no second one
                st.rerun()


def ask_to_promote(run: RunSnapshot, *, compared: bool, key: str = "") -> None:
    """Name and button. compared: there is a comparison to go by. key: of the place, where a run is shown at two."""
    own, name = promoted(), own_name(run.id)
    if own.current == name:
        st.markdown(f":green[:material/check_circle:] The app uses these weights, as **{plain(own.title(name))}**.")
        return
    if not allowed(Action.PROMOTE):
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        title = st.text_input("Name of the weights", value=own.titles.get(name) or own.free_title(run.spec.name),
                              max_chars=MAX_NAME, key=f"title_{key}{run.id}", width=300,
                              help="What they are called wherever weights are chosen.")  # fmt: skip
        if clicked("Promote", type="primary" if compared else "secondary", icon=":material/upgrade:",
                     key=f"promote_{key}{run.id}", help=PROMOTE_HELP):  # fmt: skip
            with show_errors():
                with acting(Action.PROMOTE, title, own.current) as note:
                    note.text = f"run {run.id}"
                    promoted_now = own.promote(run.run, title)
                choose_weights(promoted_now)  # also where this browser had chosen others
                note_settings(visitor_state())
                st.rerun()
