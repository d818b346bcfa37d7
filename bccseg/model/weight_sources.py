"""Where weights come from: what the person chose, then BCCSEG_WEIGHTS, then the shipped folder."""

import os
from pathlib import Path

from bccseg.config import DEFAULT_WEIGHTS
from bccseg.errors import WeightsError

_PACKAGE = Path(__file__).resolve().parents[1]
# Beside the package in a checkout; inside it where it was installed.
SHIPPED = next(
    (p for p in (_PACKAGE.parent / "weights", _PACKAGE / "weights") if (p / DEFAULT_WEIGHTS).is_dir()), _PACKAGE
)
HUB_PREFIX = "hf://"
ENVIRONMENT = "BCCSEG_WEIGHTS"


def shipped_names() -> list[str]:
    """Names of the weights that come with bccseg, the default first."""
    names = sorted(p.parent.name for p in SHIPPED.glob("*/config.json"))
    return sorted(names, key=lambda name: name != DEFAULT_WEIGHTS)


def default_name() -> str:
    """What is used when nothing was chosen."""
    return os.environ.get(ENVIRONMENT, "").strip() or DEFAULT_WEIGHTS


def locate(name: str | None = None, *, allow_paths: bool = True) -> tuple[Path, str]:
    """Local folder of the weights called `name`, and their exact source.

    name: None (BCCSEG_WEIGHTS or the default), a shipped name, hf://owner/repo[@revision], or, where
    `allow_paths`, a folder. Hub weights are fetched and pinned: the source then names the commit.
    Raises WeightsError, HubError.
    """
    if not name:
        name, allow_paths = default_name(), True  # the environment is the owner's, not the visitor's
    if name.startswith(HUB_PREFIX):
        from bccseg.hub import fetch_weights

        return fetch_weights(name)
    if name in shipped_names():
        return SHIPPED / name, name
    if allow_paths and Path(name).is_dir():
        return Path(name), name
    raise WeightsError(
        f"There are no weights called '{name}'. Choose {', '.join(shipped_names()) or 'none shipped'}"
        + (", a folder," if allow_paths else "")
        + " or hf://owner/repo."
    )
