"""Logging in and out, and the door of a server that is for a team alone."""

import os

import streamlit as st

from bccseg.accounts.roles import Action, Role, who_may
from bccseg.accounts.server import Mode
from bccseg.errors import BccsegError
from ui.components.local_storage import FRAMED, remembered
from ui.shared.account import AtWork, at_work
from ui.shared.errors import BANNER, plain

NO_LOGIN = "This server is for a team, but no login is set up. docs/security.md of bccseg says how."
NO_ROLE = """
You are logged in as **{}**, but have no role on this server yet. Ask one of its admins to invite you by one of these
names: {}. Then load this page again.
"""
WAITS = "This server is for a team. Log in to go on."
FRAME = "The page is shown inside another one, where browsers keep no login. Open it in a tab of its own to log in."


def show_account() -> None:
    """Who is at work, in the sidebar, with the way in and out; nothing on one's own computer."""
    who = at_work()
    if not who.shared:
        return
    with st.sidebar, st.container(key="account", gap="xsmall"):
        if not who.person.known:
            ask_to_log_in("account")
            return
        roles = ", ".join(role for role in Role if role in who.roles) or "no role yet"
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/person: **{plain(who.person.name, 40)}**  \n:gray[{roles}]")
            if can_log_in():
                st.button("Log out", on_click=st.logout, key="log_out", icon=":material/logout:")


def keep_door() -> None:
    """On a team's server, show nothing to those who have no role there."""
    try:
        who = at_work()
    except BccsegError as error:  # a mode that there is not, or roles that cannot be read: closed
        st.error(plain(str(error), 600), icon=":material/error:")
        st.stop()
    if who.mode is not Mode.TEAM or who.roles:
        return
    with st.container(key="door", width=560):
        st.header("bccseg", anchor=False)
        if who.person.known:
            _say_no_role(who)
        elif can_log_in():
            st.info(WAITS, icon=":material/lock:")
            ask_to_log_in("door")
        else:
            st.error(NO_LOGIN, icon=":material/lock:")
        st.caption(BANNER)
    st.stop()


def is_open() -> bool:
    """Whether the person at work gets in; whoever does not needs no list of pages."""
    try:
        who = at_work()
    except BccsegError:
        return False
    return who.mode is not Mode.TEAM or bool(who.roles)


def keep_page(needs: Action) -> None:
    """Show nothing more of a page to those who may not do what it is for."""
    who = at_work()
    if not who.may(needs):
        st.info(f"To {needs} needs the role {who_may(needs)}.", icon=":material/lock:")
        if not who.person.known:
            ask_to_log_in("page")
        st.stop()


def offered(path: str, needs: Action | None) -> bool:
    """Whether a page is in the list: not where its visitor may not do what it is for, nor a log that there is not."""
    try:
        who = at_work()
    except BccsegError:  # the page itself says what is wrong
        return needs is None
    return (who.shared or path != "pages/audit.py") and (needs is None or who.may(needs))


def _say_no_role(who: AtWork) -> None:
    names = dict.fromkeys(filter(None, (who.person.username, who.person.email))) or {who.person.subject: None}
    st.warning(NO_ROLE.format(plain(who.person.name), ", ".join(f"**{plain(name)}**" for name in names)),
               icon=":material/lock:")  # fmt: skip


def ask_to_log_in(key: str, words: str = "Log in") -> None:
    """The button; inside a frame a link to a tab of its own, because the cookie of the login stays outside frames."""
    if not can_log_in():
        return
    if remembered(FRAMED) == "yes":
        st.link_button("Open in its own tab to log in", own_address(), icon=":material/open_in_new:", help=FRAME)
    else:
        st.button(words, on_click=st.login, key=f"log_in_{key}", icon=":material/login:")


def can_log_in() -> bool:
    """Whether the server's secrets name a login provider."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:  # no secrets file
        return False


def own_address() -> str:
    """Where the app is outside of frames."""
    host = os.environ.get("SPACE_HOST", "")
    return f"https://{host}" if host else str(st.context.url or "/")
