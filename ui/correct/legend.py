"""The classes beside the picture: their colours, how many cells have each, and which is in hand."""

import streamlit as st

from bccseg.classes import UNCLASSIFIED
from ui.correct.class_hand import ClassCount
from ui.correct.session import CorrectionSession
from ui.shared.class_dots import dot_style
from ui.shared.class_editor import edit_classes
from ui.shared.clicks import clicked
from ui.shared.errors import plain

LEGEND = ".st-key-class_legend button { min-height: 1.9rem; padding: 0 0.55rem; }"


def show_legend(session: CorrectionSession, *, editable: bool = True) -> None:
    """A button a class; the one in hand is pressed. editable: with the way to change the classes."""
    lines = session.classing.counts()
    st.html(f"<style>{LEGEND}</style>")
    dot_style("hold_class", "button", [line.colour for line in lines])
    with st.container(key="class_legend", horizontal=True, gap="xsmall", vertical_alignment="center"):
        for k, line in enumerate(lines):
            if line.name == UNCLASSIFIED or line.cells or session.classing.classes.find(line.name):
                _show_class(session, k, line)
        if editable and clicked("Classes …", icon=":material/edit:", type="tertiary", key="class_edit",
                     help="Names, colours, keys and order of the classes of this collection."):  # fmt: skip
            edit_classes()


def _show_class(session: CorrectionSession, k: int, line: ClassCount) -> None:
    held = line.name == session.classing.name
    key = f"\u2002{line.key.upper()}" if held else f"\u2002:gray[{line.key.upper()}]"
    confirmed = line.cells - line.by_network
    st.button(
        f"{plain(line.words, 40)} **{line.cells:,}**{key if line.key else ''}", key=f"hold_class_{k}",
        type="primary" if held else "secondary",
        on_click=session.in_turn, args=(session.hold, line.name),
        help=f"{confirmed:,} by a person, {line.by_network:,} by the network." if line.by_network else None,
    )  # fmt: skip
