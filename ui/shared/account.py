"""Who is at work, and whether they may do what they are about to do. Each action on a page asks here, where it is done:
a button that is not shown stops nobody.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import streamlit as st

from bccseg.accounts.audit import AuditLog
from bccseg.accounts.person import NOBODY, Person, person_of_claims, person_of_headers
from bccseg.accounts.roles import Action, Role, may, who_may
from bccseg.accounts.roles_store import RolesStore
from bccseg.accounts.rules import own_work
from bccseg.accounts.server import Mode, ServerSettings
from bccseg.errors import AccessError, BccsegError
from bccseg.folders import accounts_folder
from ui.components.local_storage import remembered
from ui.shared.errors import plain


@dataclass(frozen=True)
class AtWork:
    """The person of this tab, with what they are here at this moment."""

    mode: Mode
    person: Person = NOBODY
    roles: frozenset[Role] = frozenset()

    @property
    def shared(self) -> bool:
        """Whether the server is for several people."""
        return self.mode is not Mode.LOCAL

    def may(self, action: Action) -> bool:
        """See `bccseg.accounts.roles.may`."""
        return may(self.roles, action, self.mode)


@dataclass
class Note:
    """What came of a deed, for the audit log; written when it has ended."""

    text: str = field(default="")


@st.cache_resource(show_spinner=False)
def _roles_store(folder: str) -> RolesStore:
    del folder
    return RolesStore(accounts_folder())


@st.cache_resource(show_spinner=False)
def _audit_log(folder: str) -> AuditLog:
    del folder
    return AuditLog(accounts_folder())


def roles_store() -> RolesStore:
    """The roles of this server."""
    return _roles_store(str(accounts_folder()))


def audit_log() -> AuditLog:
    """What was done on this server."""
    return _audit_log(str(accounts_folder()))


def at_work() -> AtWork:
    """Who it is, by the login, and what they are, by the roles file as it is now. Raises SettingsError, StoreError."""
    server = ServerSettings.read()
    if server.mode is Mode.LOCAL:
        return AtWork(Mode.LOCAL)
    person = person_of_headers(st.context.headers, server) if server.user_header else NOBODY
    if not person.known:
        person = person_of_claims(st.user.to_dict(), server)
    return AtWork(server.mode, *roles_store().admit(person, server))


def allowed(action: Action) -> bool:
    """Whether to offer an action; whoever does it asks again, see `acting`. Raises SettingsError, StoreError."""
    return at_work().may(action)


def require(action: Action, on: str = "") -> AtWork:
    """Raises AccessError where the person may not, which is logged."""
    who = at_work()
    if not who.may(action):
        why = f"needs the role {who_may(action)}"
        audit_log().refuse(who.person, action, on, why)
        first = "You may not do this" if who.person.known else "Log in to do this"
        raise AccessError(f"{first}: to {action} {why}. An admin of this server can give it on the page Settings.")
    return who


@contextmanager
def acting(action: Action, on: str = "", version: str = "") -> Iterator[Note]:
    """Around what is done: asks whether it may be, and logs that it begins and how it ended. on: what it is done to, by
    name or id; version: what was there before. Raises AccessError.

    Nothing in it asks Streamlit for anything: Streamlit ends a run wherever it is asked, and the deed would be halved.
    """
    who, note = require(action, on), Note()
    if not who.shared:
        yield note
        return
    log = audit_log()
    begun = log.begin(who.person, action, on, version)
    try:
        yield note
    except BaseException as error:
        log.end(begun, "failed", str(error) if isinstance(error, BccsegError) else note.text)
        raise
    log.end(begun, "done", note.text)


def guarded(action: Action, do: Callable[..., object], on: str = "", version: str = "") -> Callable[..., None]:
    """A button's callback that does this inside `acting`; what may not be or goes wrong is said in a corner.

    A text that it returns is what came of it, for the audit log.
    """

    @wraps(do)
    def callback(*args: Any) -> None:
        try:
            with acting(action, on, version) as note:
                came_of_it = do(*args)
                note.text = came_of_it if isinstance(came_of_it, str) else ""
        except BccsegError as error:
            st.toast(plain(str(error), 600), icon=":material/block:", duration="long")

    return callback


def author() -> str:
    """The name under which work is kept: of the login, or on one's own computer the one given last."""
    who = at_work()
    return who.person.name if who.shared else remembered("author")


def account() -> str:
    """See `Person.account`; '' on one's own computer."""
    return at_work().person.account


def others_review(author: str, account: str) -> bool:
    """Four eyes: whether this is the work of the person at work, and no admin has let people review their own."""
    who = at_work()
    return who.shared and not roles_store().read().own_review and own_work(who.person, author, account)


def refuse_own_work(author: str, account: str, on: str) -> None:
    """Raises AccessError where others review; it is logged."""
    if others_review(author, account):
        audit_log().refuse(at_work().person, Action.REVIEW, on, "these are their own labels")
        raise AccessError("These are your own labels: somebody else reviews them.")
