"""How this server is shared, by environment variables that its owner sets: one setting says which mode it is in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bccseg.config import LOGIN_DAYS
from bccseg.errors import SettingsError

MODE = "BCCSEG_MODE"
SPACE = "SPACE_ID"  # set on Hugging Face Spaces, which anybody can reach
YES = ("1", "true", "yes", "on")


class Mode(StrEnum):
    """Who uses a server."""

    LOCAL = "local"  # one computer, one person: no login, everything is allowed
    TEAM = "team"  # nothing without login
    DEMO = "demo"  # anybody segments and corrects in a session of their own; what is shared changes with a login only


WORDS = {
    Mode.LOCAL: "One computer: no login, and everything is allowed.",
    Mode.TEAM: "A team: only people who logged in and have a role get in.",
    Mode.DEMO: "A public demo: anybody may segment and correct in a session of their own. What is shared changes only "
    "by people who logged in and have a role.",
}


@dataclass(frozen=True)
class ServerSettings:
    """What the owner of a server decides before it starts; nobody can change it on a page."""

    mode: Mode = Mode.LOCAL
    admins: tuple[str, ...] = ()  # confirmed e-mail addresses, or subjects of the provider
    creator: str = ""  # subject of the person a Space belongs to
    provider: str = ""  # issuer whose subject `creator` is
    trust_email: bool = False  # the provider hands out only addresses it has checked, without saying so
    user_header: str = ""  # of a proxy that does the login; '': such headers are never read
    email_header: str = ""
    login_days: float = LOGIN_DAYS

    @staticmethod
    def shared(environment: Mapping[str, str] = os.environ) -> bool:
        """Whether several people use this server; also where its mode cannot be read."""
        try:
            return ServerSettings.read(environment).mode is not Mode.LOCAL
        except SettingsError:
            return True

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "ServerSettings":
        """From environment variables. Raises SettingsError for a mode that there is not: nothing is guessed then."""
        named = environment.get(MODE, "").strip().lower()
        if named and named not in [*Mode]:
            raise SettingsError(f"{MODE} is one of {', '.join(Mode)}, not '{named:.40}'. Set it and start again.")
        mode = Mode(named) if named else Mode.DEMO if environment.get(SPACE) else Mode.LOCAL
        admins = (name.strip() for name in environment.get("BCCSEG_ADMINS", "").split(","))
        return cls(
            mode,
            tuple(name for name in admins if name),
            environment.get("SPACE_CREATOR_USER_ID", "").strip() if environment.get(SPACE) else "",
            environment.get("OPENID_PROVIDER_URL", "").strip().rstrip("/"),
            environment.get("BCCSEG_TRUST_EMAIL", "").strip().lower() in YES,
            environment.get("BCCSEG_USER_HEADER", "").strip(),
            environment.get("BCCSEG_EMAIL_HEADER", "").strip(),
        )
