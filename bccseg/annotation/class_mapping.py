"""Classes of another collection, program or file, mapped onto those of this collection."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from bccseg.classes import (
    CLASS_SETS,
    MOST_CLASSES,
    NOT_A_CELL,
    SPARE_COLOURS,
    UNCLASSIFIED,
    CellClass,
    CellMark,
    CellMarks,
    ClassSet,
)
from bccseg.errors import BccsegError, DataError

# What others call our classes: small letters, one space between words, no plural.
SYNONYMS: dict[str, tuple[str, ...]] = {
    "red": ("red", "rbc", "red blood cell", "red cell", "red blood corpuscle", "erythrocyte"),
    "white": ("white", "wbc", "white blood cell", "white cell", "leukocyte", "leucocyte"),
    "platelet": ("platelet", "plt", "thrombocyte", "blood platelet"),
    NOT_A_CELL.name: ("not a cell", "no cell", "artefact", "artifact", "debri", "dirt", "stain", "ignore"),
}
# What says of an object that it is one, and not which.
UNTOLD = ("", UNCLASSIFIED, "cell", "blood cell", "object", "region", "nuclei", "nucleu", "none", "unknown")


@dataclass(frozen=True)
class ClassMap:
    """Which class of the collection each name of the other side becomes."""

    names: dict[str, str]  # ours by theirs; "" leaves the cells unclassified
    classes: ClassSet  # of the collection, with those that the mapping adds
    unused: tuple[str, ...] = field(default=())  # names that were asked for and are not there

    def marks(self, marks: CellMarks) -> CellMarks:
        """Marks by our names; what becomes unclassified has none."""
        found = {cell: self.names.get(mark.name, "") for cell, mark in marks.items()}
        return {cell: _renamed(marks[cell], name) for cell, name in found.items() if name}


def _renamed(mark: CellMark, name: str) -> CellMark:
    return mark if mark.name == name else mark.replace(name=name)


def map_classes(
    theirs: Iterable[str],
    classes: ClassSet,
    chosen: Mapping[str, str] | None = None,
    definitions: Mapping[str, CellClass] | None = None,
) -> ClassMap:
    """Map their names onto ours.

    chosen: what a person decided, ours by theirs, "" for unclassified; a name that the collection does not have becomes
    a new class. Names that nobody decided about follow `suggest_class`. definitions: colours and the like that come
    with their names. Raises DataError for a chosen name that no class can have, or one class too many.
    """
    theirs, chosen, definitions = list(dict.fromkeys(theirs)), chosen or {}, definitions or {}
    names: dict[str, str] = {}
    for name in theirs:
        ours = chosen.get(name)
        wanted = suggest_class(name, classes) if ours is None else ours.strip()
        try:
            names[name], classes = _with_class(wanted, classes, definitions.get(name))
        except BccsegError as error:
            if ours is not None:
                raise DataError(f"'{name}' cannot become the class '{wanted[:60]}'. {error}") from error
            names[name] = ""
    return ClassMap(names, classes, tuple(name for name in chosen if name not in names))


def suggest_class(theirs: str, classes: ClassSet) -> str:
    """What their name probably means here: a class that the collection has, a new one of that name, or "" where it says
    nothing or cannot be a name.
    """
    words = _plain(theirs)
    if found := next((one for one in classes.classes if words in map(_plain, (one.name, *one.formerly))), None):
        return found.name
    if words in UNTOLD:
        return ""
    for ours, others in SYNONYMS.items():
        if words in others:
            same = (one for one in classes.classes if any(_plain(n) in others for n in (one.name, *one.formerly)))
            return next((one.name for one in same), ours)
    if ":" in theirs and (last := suggest_class(theirs.rpartition(":")[2], classes)) in {*SYNONYMS, *_names(classes)}:
        return last  # QuPath's "Blood: RBC"
    known = (one.name for one in _definitions() if _plain(one.name) == words or _plain(one.words) == words)
    return next(known, class_name(theirs))


def class_name(text: str) -> str:
    """A name that a class can have, as near to `text` as may be; "" if nothing is left of it."""
    words = " ".join(re.sub(r"[^A-Za-z0-9_-]+", " ", text).split())
    if words[:1].isdigit():
        words = f"class {words}"
    return words.lstrip("_- ")[:40].rstrip()


def _plain(name: str) -> str:
    words = " ".join(re.sub(r"[^\w]+|_", " ", name.lower()).split())
    return words[:-1] if len(words) > 3 and words.endswith("s") and not words.endswith("ss") else words


def _names(classes: ClassSet) -> list[str]:
    return [one.name for one in classes.classes]


def _definitions() -> list[CellClass]:
    return [one for kinds in (ClassSet(), *CLASS_SETS.values()) for one in kinds.classes]


def _with_class(name: str, classes: ClassSet, theirs: CellClass | None) -> tuple[str, ClassSet]:
    """The present name, and the set with the class in it."""
    if not name:
        return "", classes
    if found := classes.find(name):
        return found.name, classes
    if len(classes.classes) >= MOST_CLASSES:
        raise DataError(f"A collection has at most {MOST_CLASSES} classes.")
    known = next((one for one in _definitions() if one.name == name), None) or theirs
    used = {one.colour for one in classes.classes}
    spare = next((colour for colour in SPARE_COLOURS if colour not in used), SPARE_COLOURS[0])
    new = CellClass(name=name, colour=spare) if known is None else known.replace(name=name, formerly=())
    if new.key in {one.key for one in classes.classes}:
        new = new.replace(key="")
    return name, ClassSet(classes=(*classes.classes, new))
