"""Who somebody is, and which roles that gives: by account, organisation, domain, invitation; and who is first."""

import stat
import threading
from datetime import UTC, datetime, timedelta

import pytest

from bccseg.accounts.person import NOBODY, Person, person_of_claims, person_of_headers
from bccseg.accounts.roles import Role
from bccseg.accounts.roles_store import RolesStore
from bccseg.accounts.rules import AccountRule, DomainRule, Invitation, OrganisationRule, RolesFile, own_work, roles_of
from bccseg.accounts.server import Mode, ServerSettings
from bccseg.errors import StoreError

ISSUER = "https://login.example"
TEAM = ServerSettings(Mode.TEAM)
ANN = Person("Ann", ISSUER, "a1", "ann@lab.example", "ann")
BOB = Person("Bob", ISSUER, "b2", "bob@other.example", "bob")
V, A, R, T, ADMIN = Role
NOW = 1_800_000_000.0
CLAIMS = {
    "is_logged_in": True, "iss": ISSUER, "sub": "a1", "iat": NOW - 60, "name": "Ann  Lee\n", "email": "Ann@Lab.example",
    "email_verified": True, "preferred_username": "Ann",
}  # fmt: skip


def person(**changes):
    return person_of_claims(CLAIMS | changes, TEAM, NOW)


def test_claims_say_who_somebody_is():
    assert person() == Person("Ann Lee", ISSUER, "a1", "ann@lab.example", "ann")
    assert person(name="").name == "Ann"
    member = person(orgs=[{"preferred_username": "Lab", "roleInOrg": "write"}, "odd"], groups=["/Cells", 7])
    assert member.organisations == (("lab", "write"), ("/cells", ""))


@pytest.mark.parametrize(
    "changes",
    [
        {"is_logged_in": False},
        {"is_logged_in": "yes"},
        {"sub": ""},
        {"iss": None},
        {"iat": None},
        {"iat": NOW - 8 * 86400},
    ],
)
def test_without_a_fresh_login_it_is_nobody(changes):
    assert person(**changes) == NOBODY
    assert not NOBODY.known
    assert NOBODY.account == ""


def test_an_address_counts_where_it_was_confirmed():
    assert person(email_verified=False).email == ""
    assert person(email_verified="true").email == ""
    trusting = ServerSettings(Mode.TEAM, trust_email=True)
    assert person_of_claims(CLAIMS | {"email_verified": False}, trusting, NOW).email == "ann@lab.example"


def test_headers_are_read_only_where_the_owner_named_them():
    headers = {"X-User": "ann", "X-Email": "ann@lab.example"}
    assert person_of_headers(headers, TEAM) == NOBODY
    server = ServerSettings(Mode.TEAM, user_header="X-User", email_header="X-Email")
    assert person_of_headers(headers, server) == Person("ann", "proxy", "ann", "ann@lab.example", "ann")
    assert person_of_headers({}, server) == NOBODY


def test_each_kind_of_rule_gives_its_roles():
    rules = RolesFile(
        accounts=(AccountRule(issuer=ISSUER, subject="a1", name="Ann", roles=(R,)),),
        organisations=(OrganisationRule(organisation="lab", role_there="write", roles=(T,)),
                       OrganisationRule(organisation="guests", roles=(V,))),
        domains=(DomainRule(domain="lab.example", roles=(A,)),),
    )  # fmt: skip
    assert roles_of(ANN, rules, TEAM) == {R, A}
    assert roles_of(BOB, rules, TEAM) == set()
    assert roles_of(Person("B", ISSUER, "b", organisations=(("lab", "write"),)), rules, TEAM) == {T}
    assert roles_of(Person("B", ISSUER, "b", organisations=(("lab", "read"), ("guests", "x"))), rules, TEAM) == {V}
    assert roles_of(Person("B", ISSUER, "b", "b@evil-lab.example"), rules, TEAM) == set()
    assert roles_of(Person("B", "https://other.example", "a1"), rules, TEAM) == set()  # another issuer's a1
    assert roles_of(NOBODY, rules.replace(everyone=(V,)), TEAM) == set()
    assert roles_of(BOB, rules.replace(everyone=(V,)), TEAM) == {V}


def test_a_blocked_account_has_nothing():
    rules = RolesFile(accounts=(AccountRule(issuer=ISSUER, subject="a1", name="Ann", roles=(ADMIN,), blocked=True),),
                      domains=(DomainRule(domain="lab.example", roles=(A,)),), everyone=(V,))  # fmt: skip
    assert roles_of(ANN, rules, TEAM) == set()


def test_the_owner_is_the_first_admin():
    none = RolesFile()
    assert roles_of(ANN, none, ServerSettings(Mode.TEAM, admins=("ANN@lab.example",))) == {ADMIN}
    assert roles_of(ANN, none, ServerSettings(Mode.TEAM, admins=("a1",))) == {ADMIN}
    assert (
        roles_of(ANN, none, ServerSettings(Mode.TEAM, admins=("ann",))) == set()
    )  # a user name can be taken by others
    unconfirmed = Person("Ann", ISSUER, "x", "", "ann")
    assert roles_of(unconfirmed, none, ServerSettings(Mode.TEAM, admins=("ann@lab.example",))) == set()
    space = ServerSettings(Mode.DEMO, creator="a1", provider=ISSUER)
    assert roles_of(ANN, none, space) == {ADMIN}
    assert roles_of(Person("E", "https://evil.example", "a1"), none, space) == set()


def test_own_work_goes_by_account_and_in_older_files_by_name():
    renamed = Person("Anna", ISSUER, "a1")
    assert own_work(renamed, "Ann", ANN.account)
    assert not own_work(BOB, "Bob", ANN.account)
    assert own_work(BOB, "Bob", "")
    assert not own_work(BOB, "Ann", "")


# --- the file


def test_an_invitation_is_taken_up_once(tmp_path):
    store = RolesStore(tmp_path / "accounts")
    assert store.admit(ANN, TEAM) == (ANN, set())
    assert not store.path.exists()  # people without a role leave no trace
    store.invite(" ANN ", (A, R), "Root")
    assert store.admit(BOB, TEAM)[1] == set()
    assert store.admit(ANN, TEAM) == (ANN, {A, R})
    assert store.read().invitations == ()
    thief = Person("Ann", ISSUER, "z9", "", "ann")  # took the user name later
    assert store.admit(thief, TEAM)[1] == set()
    assert store.admit(ANN, TEAM)[1] == {A, R}
    assert stat.S_IMODE(store.path.stat().st_mode) == 0o600


def test_an_invitation_ends_after_a_month(tmp_path):
    store = RolesStore(tmp_path)
    old = (datetime.now(UTC) - timedelta(days=31)).isoformat()
    store.change(lambda r: r.replace(invitations=(Invitation(name="ann", roles=(A,), time=old),)))
    assert store.admit(ANN, TEAM)[1] == set()


def test_names_are_given_once_and_stay(tmp_path):
    store = RolesStore(tmp_path)
    store.set_domain("lab.example", (A,))
    other = Person("ann", ISSUER, "c3", "c@lab.example")
    assert store.admit(ANN, TEAM)[0].name == "Ann"
    assert store.admit(other, TEAM)[0].name == "ann (2)"
    renamed = Person("Bob", ISSUER, "a1", "ann@lab.example")
    assert store.admit(renamed, TEAM)[0].name == "Ann"


def test_changes_count_at_once_also_for_another_reader(tmp_path):
    writer, reader = RolesStore(tmp_path), RolesStore(tmp_path)
    writer.set_domain("Ann@Lab.example", (A,))
    assert reader.admit(ANN, TEAM)[1] == {A}
    writer.set_account(ANN.account, (R,))
    assert reader.admit(ANN, TEAM)[1] == {A, R}
    writer.set_account(ANN.account, (), blocked=True)
    assert reader.admit(ANN, TEAM)[1] == set()
    writer.set_organisation("Lab", "", (V,))
    writer.set_organisation("Lab", "", ())
    writer.set_domain("lab.example", ())
    assert reader.read().organisations == reader.read().domains == ()


def test_two_admins_at_once_keep_both_changes(tmp_path):
    stores = [RolesStore(tmp_path) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda s=s, k=k: [s.invite(f"p{k}-{n}", (V,), "x") for n in range(10)])
        for k, s in enumerate(stores)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(RolesStore(tmp_path).read().invitations) == 40


def test_a_damaged_file_gives_nobody_a_role(tmp_path):
    store = RolesStore(tmp_path)
    store.path.write_text('{"accounts": [{"roles": ["emperor"]}]}')
    with pytest.raises(StoreError):
        store.admit(ANN, TEAM)
    with pytest.raises(StoreError):
        store.invite("", (V,), "x")
    with pytest.raises(StoreError, match="at least one role"):
        store.invite("ann", (), "x")
