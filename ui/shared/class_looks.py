"""How the classes of cells look, wherever they are shown."""

from collections.abc import Iterable

from bccseg.classes import UNCLASSIFIED
from bccseg.report.class_numbers import class_shares
from bccseg.report.result import MeasuredImage
from ui.components.chips import Chip
from ui.shared.storage import store

NOTHING_KNOWN = Chip(UNCLASSIFIED, "Unclassified", "#8A8F98")


def looks(names: Iterable[str]) -> dict[str, Chip]:
    """How classes look, by the name that cells have; in the order of the collection's class set, UNCLASSIFIED last."""
    names = list(names)
    classes = store().class_set()
    every = classes.known(name for name in names if name != UNCLASSIFIED)
    found = {
        name: (k, Chip(name, one.words, one.colour, one.key))
        for name in names
        for k, one in enumerate(every)
        if one is classes.find(name) or one.name == name
    }
    out = {name: chip for name, (_, chip) in sorted(found.items(), key=lambda item: item[1][0])}
    return out | ({UNCLASSIFIED: NOTHING_KNOWN} if UNCLASSIFIED in names else {})


def classes_of(result: MeasuredImage) -> dict[str, Chip]:
    """Those that a result has cells of; none where no class is known."""
    names = [one.name for one in class_shares(result)]
    return looks(names) if set(names) - {UNCLASSIFIED} else {}
