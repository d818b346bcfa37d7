"""Weights of the server's own training on the Weights page."""

import json
from pathlib import Path

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.jobs.promotion import own_folder
from ui.shared.account import acting, allowed
from ui.shared.clicks import clicked
from ui.shared.errors import plain
from ui.shared.promoted import promoted
from ui.weights.other_programs import offer_export


def show_promoted() -> None:
    """Promoted weights, the ones in use first, each with what can be done."""
    own = promoted()
    if not own.names:
        return
    st.subheader("Trained and promoted here", anchor=False)
    for name in reversed(own.names):
        used = name == own.current
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            badge = " :green-badge[in use]" if used else ""
            st.markdown(f"**{plain(own.title(name))}**{badge}  \n:gray[{_origin(own.runs, name)}]")
            if folder := own_folder(own.runs, name):
                offer_export(folder, own.title(name), name)
            if not allowed(Action.PROMOTE):
                continue
            if not used and clicked("Use these", icon=":material/upgrade:", key=f"use_{name}",
                                      help="Makes these the app's weights again, for everyone."):  # fmt: skip
                with acting(Action.PROMOTE, own.title(name), own.current) as note:
                    note.text = "in use again"
                    own.use_again(name)
                st.rerun()
            if clicked("Take back", icon=":material/undo:", key=f"take_back_{name}",
                         help="Promoted no more: what was promoted before is used. The run stays."):  # fmt: skip
                with acting(Action.PROMOTE, own.title(name), name) as note:
                    note.text = "taken back"
                    own.take_back(name)
                st.rerun()


def _origin(runs: Path, name: str) -> str:
    """What the weights learned from."""
    folder = own_folder(runs, name)
    try:
        data = json.loads((folder / "config.json").read_bytes()).get("data", "") if folder else ""
    except (OSError, ValueError, AttributeError):
        data = ""
    day = name.removeprefix("own:")[:8]
    return plain(f"Run of {day[:4]}-{day[4:6]}-{day[6:]}" + (f": {data}" if data else ""), 300)
