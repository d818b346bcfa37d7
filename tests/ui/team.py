"""A server in mode team, with people of every role."""

import time

import pytest

from bccseg.accounts.audit import AuditLog
from bccseg.accounts.person import account_of
from bccseg.accounts.roles import Role
from bccseg.accounts.roles_store import RolesStore
from bccseg.accounts.rules import AccountRule

ISSUER = "https://login.example"


def claims(who):
    """What an ID token says of somebody."""
    return {
        "is_logged_in": True, "iss": ISSUER, "sub": who, "iat": time.time(), "name": who.title(),
        "preferred_username": who,
    }  # fmt: skip


def account(who):
    return account_of(ISSUER, who)


class Team:
    """Its roles and its audit log."""

    def __init__(self, folder):
        self.roles, self.log = RolesStore(folder), AuditLog(folder)
        self.give({role: (role,) for role in Role})

    def give(self, roles):
        """Accounts by name, each with its roles."""
        rules = tuple(
            AccountRule(issuer=ISSUER, subject=who, name=who.title(), roles=tuple(given))
            for who, given in roles.items()
        )
        self.roles.change(lambda file: file.replace(accounts=rules))

    def logged(self):
        """The lines of the audit log as (outcome, who, action)."""
        return [(d.outcome, d.first.who, d.first.action) for d in reversed(self.log.deeds())]


@pytest.fixture
def team(tmp_path, monkeypatch):
    """Set up as by the owner of the server; accounts are called as their role."""
    for name in ("STORE", "RUNS", "STUDIES", "ACCOUNTS"):
        monkeypatch.setenv(f"BCCSEG_{name}", str(tmp_path / name.lower()))
    monkeypatch.setenv("BCCSEG_MODE", "team")
    return Team(tmp_path / "accounts")
