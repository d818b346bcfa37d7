"""Chips of classes, with colour and count: what they need to know. See chips.js."""

from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent


class Chip(NamedTuple):
    """A class of cells as people see it."""

    name: str  # as the cells have it
    words: str
    colour: str  # "#RRGGBB"
    key: str = ""

    def data(self, count: int) -> dict[str, Any]:
        """For the browser. count: cells that have it."""
        return {**self._asdict(), "count": count}


def chips_asset(kind: str) -> str:
    """Text of chips.css or chips.js, to stand before that of a component that has chips."""
    return (HERE / f"chips.{kind}").read_text(encoding="utf-8")
