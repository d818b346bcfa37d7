"""What kind of server this is, who is at work, and what each role may do."""

import pandas as pd
import streamlit as st

from bccseg.accounts.roles import ALLOWED, ANYBODY, ROLE_WORDS, Action, Role
from bccseg.accounts.server import MODE, WORDS, Mode
from ui.shared.account import at_work
from ui.shared.errors import plain

TITLES = {Mode.LOCAL: "Local", Mode.TEAM: "Team", Mode.DEMO: "Public demo"}
SET_BY = f"Whoever starts the app chooses it, with the environment variable `{MODE}`: `local`, `team` or `demo`."
OPEN = (
    ":material/warning: In this mode whoever reaches the app's address may change everything. Before others can reach "
    "it, choose another; `docs/security.md` says how."
)


def show_mode() -> None:
    """The mode in words, and where it is set."""
    who = at_work()
    st.subheader(f"Mode: {TITLES[who.mode]}", anchor=False)
    st.markdown(f"{WORDS[who.mode]} {SET_BY}")
    if who.shared:
        show_me()
        show_table()
    else:
        st.caption(OPEN)


def show_me() -> None:
    """Name and roles of the person at work."""
    who = at_work()
    if not who.person.known:
        st.markdown("You are **not logged in**.")
        return
    roles = [f"**{role}** ({ROLE_WORDS[role]})" for role in Role if role in who.roles]
    st.markdown(f"You are **{plain(who.person.name)}**: {', '.join(roles) or 'without a role'}.")


def show_table() -> None:
    """Which role may do what: the very table that the server asks."""
    with st.expander("What each role may do", icon=":material/table_chart:"):
        columns = [*([ANYBODY] if at_work().mode is Mode.DEMO else []), *Role]
        rows = [
            {"Action": str(action), **{c: "✓" if c in ALLOWED[action] else "" for c in columns}} for action in Action
        ]
        st.dataframe(pd.DataFrame(rows), hide_index=True, height="content", key="role_table")
