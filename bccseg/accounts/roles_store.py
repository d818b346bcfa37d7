"""The roles file of a server: read at each action, changed by admins only, written all or nothing."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock

from bccseg.accounts.person import Person, clean
from bccseg.accounts.roles import Role
from bccseg.accounts.rules import AccountRule, DomainRule, Invitation, OrganisationRule, RolesFile, roles_of
from bccseg.accounts.server import ServerSettings
from bccseg.errors import StoreError
from bccseg.files import write_atomically

FILE = "roles.json"
MOST_NAME = 200


class RolesStore:
    """Methods raise StoreError. A file that cannot be read gives nobody a role."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE
        self._seen: tuple[bytes, RolesFile] | None = None

    def read(self) -> RolesFile:
        """The rules as they are now. The file is small and read each time: times of files are too coarse to go by."""
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return RolesFile()
        except OSError as error:
            raise StoreError(f"{FILE} cannot be read: the disk refused ({error.strerror}).") from error
        seen = self._seen
        if seen is None or seen[0] != data:
            self._seen = seen = data, RolesFile.from_json(data)
        return seen[1]

    def change(self, how: Callable[[RolesFile], RolesFile]) -> RolesFile:
        """Change the rules; two admins at once do not undo each other's."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with FileLock(self.path.with_suffix(".lock"), timeout=20):
                new = how(self.read())
                write_atomically(self.path, new.to_json(indent=1))
                self.path.chmod(0o600)
        except OSError as error:  # also a lock that nobody lets go
            raise StoreError(f"The roles could not be saved: the disk refused ({error}).") from error
        return new

    # --- what admins do

    def set_account(self, account: str, roles: tuple[Role, ...], *, blocked: bool = False) -> None:
        """Roles of a person who has been here."""
        self.change(lambda rules: rules.replace(accounts=tuple(
            one.replace(roles=roles, blocked=blocked) if one.account == account else one for one in rules.accounts
        )))  # fmt: skip

    def invite(self, name: str, roles: tuple[Role, ...], by: str) -> None:
        """Roles for whoever first logs in as `name`, a user name or a confirmed e-mail address."""
        name = _named(name, "A person is invited by a user name or an e-mail address.").lower()
        if not roles:
            raise StoreError("Choose at least one role.")
        new = Invitation(name=name, roles=roles, by=by, time=datetime.now(UTC).isoformat(timespec="seconds"))
        self.change(lambda r: r.replace(invitations=(*(i for i in r.invitations if i.name != name), new)))

    def take_back_invitation(self, name: str) -> None:
        """Nobody can take it up any more."""
        self.change(lambda r: r.replace(invitations=tuple(i for i in r.invitations if i.name != name)))

    def set_organisation(self, name: str, role_there: str, roles: tuple[Role, ...]) -> None:
        """Roles of the members of an organisation; none: the rule goes."""
        name, there = _named(name, "Which organisation or group?").lower(), clean(role_there, MOST_NAME).lower()

        def how(rules: RolesFile) -> RolesFile:
            others = tuple(o for o in rules.organisations if (o.organisation, o.role_there) != (name, there))
            new = (OrganisationRule(organisation=name, role_there=there, roles=roles),) if roles else ()
            return rules.replace(organisations=(*others, *new))

        self.change(how)

    def set_domain(self, domain: str, roles: tuple[Role, ...]) -> None:
        """Roles of an e-mail domain; none: the rule goes."""
        domain = _named(domain, "Which e-mail domain?").lower().rpartition("@")[2]

        def how(rules: RolesFile) -> RolesFile:
            new = (DomainRule(domain=domain, roles=roles),) if roles else ()
            return rules.replace(domains=(*(d for d in rules.domains if d.domain != domain), *new))

        self.change(how)

    def set_everyone(self, roles: tuple[Role, ...], *, own_review: bool) -> None:
        """Roles of all who can log in, and whether people may review their own work."""
        self.change(lambda rules: rules.replace(everyone=roles, own_review=own_review))

    # --- at a login

    def admit(self, person: Person, server: ServerSettings) -> tuple[Person, frozenset[Role]]:
        """The person under the name that is theirs here, and their roles. Who has any role is noted at the first login,
        and takes up an invitation that names them.
        """
        rules = self.read()
        if not person.known:
            return person, frozenset()
        own, invited = rules.find(person.account), _invitations(rules, person)
        if not invited and (own is not None or not roles_of(person, rules, server)):
            return (_called(person, own.name) if own else person), roles_of(person, rules, server)

        def note(rules: RolesFile) -> RolesFile:
            own, invited = rules.find(person.account), _invitations(rules, person)
            given = {role for one in invited for role in one.roles} | set(own.roles if own else ())
            others = tuple(one for one in rules.accounts if one.account != person.account)
            name = own.name if own else _free_name(person.name, {one.name.lower() for one in others})
            roles, blocked = tuple(r for r in Role if r in given), bool(own and own.blocked)
            mine = AccountRule(issuer=person.issuer, subject=person.subject, name=name, roles=roles, blocked=blocked)
            left = tuple(i for i in rules.invitations if i not in invited)
            return rules.replace(accounts=(*others, mine), invitations=left)

        rules = self.change(note)
        own = rules.find(person.account)
        return _called(person, own.name if own else person.name), roles_of(person, rules, server)


def _invitations(rules: RolesFile, person: Person) -> list[Invitation]:
    names = {person.username, person.email} - {""}
    return [one for one in rules.invitations if one.name in names and one.open()]


def _called(person: Person, name: str) -> Person:
    return Person(name, person.issuer, person.subject, person.email, person.username, person.organisations)


def _free_name(name: str, taken: set[str]) -> str:
    numbered = (f"{name} ({k})" for k in range(2, len(taken) + 3))
    return name if name.lower() not in taken else next(one for one in numbered if one.lower() not in taken)


def _named(name: str, otherwise: str) -> str:
    if not (name := clean(name, MOST_NAME)):
        raise StoreError(otherwise)
    return name
