"""The table of actions and roles, cell by cell; and the modes."""

import pytest

from bccseg.accounts.roles import ALLOWED, ROLE_WORDS, Action, Role, may, who_may
from bccseg.accounts.server import Mode, ServerSettings
from bccseg.errors import SettingsError
from tests.paths import ROOT

COLUMNS = ("anybody", "viewer", "annotator", "reviewer", "trainer", "admin")
TABLE = """
    segment                     yes yes yes yes yes yes
    correct                     yes yes yes yes yes yes
    look at what is shared      yes yes yes yes yes yes
    export                      no  yes yes yes yes yes
    open a study                no  yes yes yes yes yes
    submit                      no  no  yes yes yes yes
    change a study              no  no  yes yes yes yes
    keep calibrations           no  no  yes yes yes yes
    review                      no  no  no  yes no  yes
    withdraw                    no  no  no  yes no  yes
    import                      no  no  no  yes no  yes
    edit classes                no  no  no  yes no  yes
    remove a study              no  no  no  yes no  yes
    open a slide                no  yes yes yes yes yes
    count on a slide            no  no  yes yes yes yes
    remove a count              no  no  no  yes no  yes
    sync                        no  no  no  yes yes yes
    use weights from the Hub    no  no  no  no  yes yes
    train                       no  no  no  no  yes yes
    delete a run                no  no  no  no  yes yes
    promote                     no  no  no  no  yes yes
    publish                     no  no  no  no  yes yes
    delete an image for good    no  no  no  no  no  yes
    give roles                  no  no  no  no  no  yes
    read the audit log          no  no  no  no  no  yes
"""
ROWS = {" ".join(row.split()[:-6]): row.split()[-6:] for row in TABLE.strip().splitlines()}
CELLS = [
    (Action(name), column, cell == "yes")
    for name, row in ROWS.items()
    for column, cell in zip(COLUMNS, row, strict=True)
]


def test_the_table_has_every_action_once():
    assert [*ROWS] == [*Action] == [*ALLOWED]
    assert [*ROLE_WORDS] == [*Role] == [*COLUMNS[1:]]


@pytest.mark.parametrize(("action", "column", "allowed"), CELLS)
def test_each_cell(action, column, allowed):
    roles = frozenset() if column == "anybody" else frozenset({Role(column)})
    assert may(roles, action, Mode.DEMO) is allowed
    assert may(roles, action, Mode.TEAM) is (allowed and column != "anybody")  # without login there is nothing
    assert may(roles, action, Mode.LOCAL)


def test_several_roles_add_up():
    both = {Role.REVIEWER, Role.TRAINER}
    assert may(both, Action.REVIEW, Mode.TEAM)
    assert may(both, Action.TRAIN, Mode.TEAM)
    assert not may(both, Action.GIVE_ROLES, Mode.TEAM)


def test_who_may_is_said_in_words():
    assert who_may(Action.SUBMIT) == "annotator, reviewer, trainer or admin"
    assert who_may(Action.GIVE_ROLES) == "admin"


@pytest.mark.parametrize(
    ("environment", "mode"),
    [({}, "local"), ({"BCCSEG_MODE": " Team "}, "team"), ({"BCCSEG_MODE": "demo"}, "demo"),
     ({"SPACE_ID": "lab/cells"}, "demo"), ({"SPACE_ID": "lab/cells", "BCCSEG_MODE": "local"}, "local")],
)  # fmt: skip
def test_the_mode_is_one_setting_and_a_space_is_never_open_by_itself(environment, mode):
    assert ServerSettings.read(environment).mode == mode


def test_a_mode_that_there_is_not_is_not_guessed():
    with pytest.raises(SettingsError, match="local, team, demo, not 'open'"):
        ServerSettings.read({"BCCSEG_MODE": "open"})


def test_settings_of_the_owner():
    read = ServerSettings.read({
        "BCCSEG_MODE": "team", "BCCSEG_ADMINS": "Ann@lab.example, 4711 ,", "SPACE_CREATOR_USER_ID": "6",
        "OPENID_PROVIDER_URL": "https://login.example/", "BCCSEG_TRUST_EMAIL": "no", "BCCSEG_USER_HEADER": "X-User",
    })  # fmt: skip
    assert read.admins == ("Ann@lab.example", "4711")
    assert read.creator == ""  # means something on a Space alone
    assert (read.provider, read.trust_email, read.user_header) == ("https://login.example", False, "X-User")
    assert ServerSettings.read({"SPACE_ID": "a/b", "SPACE_CREATOR_USER_ID": "6"}).creator == "6"


def test_the_table_of_the_documentation_is_this_one():
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    head, _, *rows = [
        line for line in text.split("## Roles")[1].split("## Audit")[0].splitlines() if line.startswith("|")
    ]
    assert [name.strip() for name in head.strip("|").split("|")][2:] == [*Role]
    written = {
        cells[0].strip(): [bool(c.strip()) for c in cells[1:]] for row in rows for cells in [row[1:-1].split("|")]
    }
    assert written == {str(a): [who in ALLOWED[a] for who in ("anybody", *Role)] for a in Action}
