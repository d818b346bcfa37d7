"""What each role may do: the one table that every action asks."""

from collections.abc import Collection
from enum import StrEnum

from bccseg.accounts.server import Mode


class Role(StrEnum):
    """What a person is on a server. Somebody may have several."""

    VIEWER = "viewer"
    ANNOTATOR = "annotator"
    REVIEWER = "reviewer"
    TRAINER = "trainer"
    ADMIN = "admin"


ROLE_WORDS = {
    Role.VIEWER: "sees and downloads everything, changes nothing",
    Role.ANNOTATOR: "also submits corrections, works on studies and counts on slides",
    Role.REVIEWER: "also accepts and rejects, imports, takes images out, keeps the classes",
    Role.TRAINER: "an annotator who also trains, promotes and publishes weights",
    Role.ADMIN: "everything, roles and the audit log included",
}


class Action(StrEnum):
    """What can be done on a server; the value is what the audit log says."""

    SEGMENT = "segment"
    CORRECT = "correct"
    LOOK = "look at what is shared"
    EXPORT = "export"
    OPEN_STUDY = "open a study"
    SUBMIT = "submit"
    CHANGE_STUDY = "change a study"
    CALIBRATE = "keep calibrations"
    REVIEW = "review"
    WITHDRAW = "withdraw"
    IMPORT = "import"
    EDIT_CLASSES = "edit classes"
    REMOVE_STUDY = "remove a study"
    OPEN_SLIDE = "open a slide"
    COUNT_SLIDE = "count on a slide"
    REMOVE_COUNT = "remove a count"
    SYNC = "sync"
    HUB_WEIGHTS = "use weights from the Hub"
    TRAIN = "train"
    DELETE_RUN = "delete a run"
    PROMOTE = "promote"
    PUBLISH = "publish"
    DELETE_IMAGE = "delete an image for good"
    GIVE_ROLES = "give roles"
    READ_AUDIT = "read the audit log"


ANYBODY = "anybody"  # stands for people without a role, where the server is a public demo
_ALL = frozenset(Role)
_WORKERS = _ALL - {Role.VIEWER}
_REVIEWERS = frozenset({Role.REVIEWER, Role.ADMIN})
_TRAINERS = frozenset({Role.TRAINER, Role.ADMIN})
_ADMINS = frozenset({Role.ADMIN})

ALLOWED: dict[Action, frozenset[str]] = {
    Action.SEGMENT: _ALL | {ANYBODY},
    Action.CORRECT: _ALL | {ANYBODY},
    Action.LOOK: _ALL | {ANYBODY},
    Action.EXPORT: _ALL,
    Action.OPEN_STUDY: _ALL,
    Action.SUBMIT: _WORKERS,
    Action.CHANGE_STUDY: _WORKERS,
    Action.CALIBRATE: _WORKERS,
    Action.REVIEW: _REVIEWERS,
    Action.WITHDRAW: _REVIEWERS,
    Action.IMPORT: _REVIEWERS,
    Action.EDIT_CLASSES: _REVIEWERS,
    Action.REMOVE_STUDY: _REVIEWERS,
    Action.OPEN_SLIDE: _ALL,
    Action.COUNT_SLIDE: _WORKERS,
    Action.REMOVE_COUNT: _REVIEWERS,
    Action.SYNC: _REVIEWERS | _TRAINERS,
    Action.HUB_WEIGHTS: _TRAINERS,  # what is private is fetched with the server's token
    Action.TRAIN: _TRAINERS,
    Action.DELETE_RUN: _TRAINERS,
    Action.PROMOTE: _TRAINERS,
    Action.PUBLISH: _TRAINERS,
    Action.DELETE_IMAGE: _ADMINS,
    Action.GIVE_ROLES: _ADMINS,
    Action.READ_AUDIT: _ADMINS,
}


def may(roles: Collection[Role], action: Action, mode: Mode) -> bool:
    """Whether somebody with these roles may do this; without any role only what a public demo lets anybody do."""
    if mode is Mode.LOCAL:
        return True
    allowed = ALLOWED[action]
    return not allowed.isdisjoint(roles) or (mode is Mode.DEMO and ANYBODY in allowed)


def who_may(action: Action) -> str:
    """The roles that may do this, in words."""
    *others, last = [role for role in Role if role in ALLOWED[action]]
    return f"{', '.join(others)} or {last}" if others else str(last)
