"""Who somebody is, from what a login provider or a proxy says of them."""

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bccseg.accounts.server import ServerSettings

PROXY = "proxy"  # issuer of those whom a proxy has logged in
MOST_NAME = 80
MOST_GROUPS = 200


@dataclass(frozen=True)
class Person:
    """Somebody at work; without a subject it is nobody that the server knows."""

    name: str = ""
    issuer: str = ""
    subject: str = ""  # of the issuer; never changes, unlike name and address
    email: str = ""  # only where it was confirmed; lower case
    username: str = ""  # lower case
    organisations: tuple[tuple[str, str], ...] = ()  # name, and the role the person has there

    @property
    def known(self) -> bool:
        """Whether they logged in."""
        return bool(self.subject)

    @property
    def account(self) -> str:
        """16 hex digits that stand for the person in records and logs; '' for nobody. It outlives a change of name."""
        return account_of(self.issuer, self.subject) if self.known else ""


NOBODY = Person()


def account_of(issuer: str, subject: str) -> str:
    """The account of a subject of an issuer."""
    return hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()[:16]


def person_of_claims(claims: Mapping[str, Any], server: ServerSettings, now: float | None = None) -> Person:
    """The person of an ID token that was checked already; nobody without login, or where it was too long ago.

    Claims live as long as the cookie that holds them, so they say who somebody is and never what they may do.
    """
    issuer, subject = (str(claims.get(name) or "").strip() for name in ("iss", "sub"))
    issued = claims.get("iat")
    if not (claims.get("is_logged_in") is True and issuer and subject) or not isinstance(issued, int | float):
        return NOBODY
    if (time.time() if now is None else now) - issued > server.login_days * 86400:
        return NOBODY
    trusted = claims.get("email_verified") is True or server.trust_email
    email = str(claims.get("email") or "").strip().lower() if trusted else ""
    username = str(claims.get("preferred_username") or "").strip()
    name = str(claims.get("name") or "").strip() or username or email.partition("@")[0] or subject
    return Person(
        clean(name, MOST_NAME), issuer.rstrip("/"), subject, email, username.lower(), tuple(_organisations(claims))
    )


def person_of_headers(headers: Mapping[str, str], server: ServerSettings) -> Person:
    """The person whom a proxy names, where the owner of the server trusts one; else nobody."""
    subject = str(headers.get(server.user_header) or "").strip() if server.user_header else ""
    if not subject:
        return NOBODY
    email = str(headers.get(server.email_header) or "").strip().lower() if server.email_header else ""
    email = email or (subject.lower() if "@" in subject else "")
    return Person(clean(subject, MOST_NAME), PROXY, subject, email, subject.lower())


def clean(text: str, limit: int) -> str:
    """Text from outside on one line, printable, at most `limit` characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:limit]


def _organisations(claims: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Of Hugging Face (`orgs`) and of Keycloak, Entra and others (`groups`)."""
    orgs, groups = claims.get("orgs"), claims.get("groups")
    for org in orgs[:MOST_GROUPS] if isinstance(orgs, list) else []:
        if isinstance(org, Mapping) and (name := org.get("preferred_username") or org.get("name")):
            yield str(name).strip().lower(), str(org.get("roleInOrg") or "").strip().lower()
    for group in groups[:MOST_GROUPS] if isinstance(groups, list) else []:
        if isinstance(group, str) and group.strip():
            yield group.strip().lower(), ""
