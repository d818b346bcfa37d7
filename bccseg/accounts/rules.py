"""Who has which roles: the records of the roles file, and what they amount to for a person."""

from datetime import UTC, datetime, timedelta

from pydantic import ConfigDict, Field

from bccseg.accounts.person import Person, account_of
from bccseg.accounts.roles import Role
from bccseg.accounts.server import ServerSettings
from bccseg.config import INVITATION_DAYS
from bccseg.errors import StoreError
from bccseg.schema import Schema


class _Rule(Schema):
    """What later versions add is ignored. Raises StoreError."""

    model_config = ConfigDict(extra="ignore")
    error = StoreError
    title = "roles"

    roles: tuple[Role, ...] = ()


class AccountRule(_Rule):
    """A person who has been here, with the roles that are theirs beside those of organisation and domain."""

    issuer: str
    subject: str
    name: str  # no two people have the same
    blocked: bool = False  # has no role at all, whatever other rules say

    @property
    def account(self) -> str:
        """See `Person.account`."""
        return account_of(self.issuer, self.subject)


class OrganisationRule(_Rule):
    """Roles of the members of an organisation or group of the login provider."""

    organisation: str  # lower case
    role_there: str = ""  # that a member must have; '': any


class DomainRule(_Rule):
    """Roles of everybody with a confirmed address of an e-mail domain."""

    domain: str  # lower case


class Invitation(_Rule):
    """Roles for whoever first logs in under a name; from then on they belong to that account."""

    name: str  # user name or confirmed e-mail address, lower case
    by: str = ""
    time: str = ""  # ISO 8601, UTC

    def open(self, now: datetime | None = None) -> bool:
        """Whether it still can be taken up."""
        try:
            begun = datetime.fromisoformat(self.time)
        except ValueError:
            return False
        return (now or datetime.now(UTC)) - begun < timedelta(days=INVITATION_DAYS)


class RolesFile(Schema):
    """All rules of a server. A person has what any of them gives."""

    model_config = ConfigDict(extra="ignore")
    error = StoreError
    title = "roles"

    accounts: tuple[AccountRule, ...] = ()
    organisations: tuple[OrganisationRule, ...] = ()
    domains: tuple[DomainRule, ...] = ()
    invitations: tuple[Invitation, ...] = ()
    everyone: tuple[Role, ...] = ()  # of all who can log in
    own_review: bool = Field(False, description="whether people may review their own work")

    def find(self, account: str) -> AccountRule | None:
        """The rule of an account."""
        return next((one for one in self.accounts if one.account == account), None)


def roles_of(person: Person, rules: RolesFile, server: ServerSettings) -> frozenset[Role]:
    """What a person is here, now. Nobody has no role."""
    if not person.known:
        return frozenset()
    if is_first_admin(person, server):  # before blocking, so that nobody can be locked out of their own server
        return frozenset({Role.ADMIN})
    own = rules.find(person.account)
    if own is not None and own.blocked:
        return frozenset()
    found = set(rules.everyone) | set(own.roles if own else ())
    for rule in rules.organisations:
        if any(n == rule.organisation and rule.role_there in ("", r) for n, r in person.organisations):
            found |= set(rule.roles)
    domain = person.email.rpartition("@")[2]
    found |= {role for rule in rules.domains if domain and rule.domain == domain for role in rule.roles}
    return frozenset(found)


def is_first_admin(person: Person, server: ServerSettings) -> bool:
    """Whether the owner of the server named this person, or is this person."""
    named = {name.lower() if "@" in name else name for name in server.admins}
    creator = server.creator and person.subject == server.creator and person.issuer == server.provider
    return bool(creator) or person.subject in named or (bool(person.email) and person.email in named)


def own_work(person: Person, author: str, account: str) -> bool:
    """Whether something was made by this person: by account where it is noted, else by name, as older files have it."""
    return account == person.account if account and person.account else author == person.name
