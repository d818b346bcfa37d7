"""Cell classes: what a cell can be, and what is known about the cells of one image."""

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal, Self
from zlib import crc32

from pydantic import ConfigDict, Field, model_validator

from bccseg.errors import BccsegError, DataError
from bccseg.schema import Schema

UNCLASSIFIED = "unclassified"  # what tables say of a cell whose class nobody knows
Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9 _-]{0,39}$")]
MOST_CLASSES = 30


class CellClass(Schema):
    """One class of a class set."""

    title = "cell class"

    name: Name  # in files: red, white, platelet
    colour: Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]
    key: Annotated[str, Field(pattern=r"^[0-9a-z]?$")] = ""  # that gives it to a cell
    # Much smaller than the cells that the size of a field goes by, and found by the class maps alone.
    small: bool = False
    counted: bool = True  # False: what has this class is no cell, and is in no number
    formerly: tuple[Name, ...] = ()  # names that it had; what was marked under them has this class

    @property
    def words(self) -> str:
        """For people: "Red cell"."""
        return words(self.name)


def words(name: str) -> str:
    """What people call the class of a name."""
    return TITLES.get(name, name[:1].upper() + name[1:])


TITLES = {
    "red": "Red cell", "white": "White cell",
    "normal": "Normal red cell", "target": "Target cell", "teardrop": "Teardrop cell", "burr": "Echinocyte (burr cell)",
    "hypochromic": "Hypochromic cell", "uncategorised": "Uncategorised red cell",
}  # fmt: skip
DEFAULT_CLASSES = (
    CellClass(name="red", colour="#E4572E", key="1"),
    CellClass(name="white", colour="#2E86DE", key="2"),
    CellClass(name="platelet", colour="#8E44AD", key="3", small=True),
)


# Of classes that a set does not know: they come from elsewhere, or were taken out of it.
SPARE_COLOURS = ("#16A085", "#B8860B", "#5D6D7E", "#AD1457", "#6D4C41", "#00838F", "#7CB342", "#5E35B1")
NOT_A_CELL = CellClass(name="not a cell", colour="#7F8C8D", key="4", counted=False)

# Shapes of red cells: the classes of Chula RBC-12 (Naruenatthanaset et al. 2021, arXiv 2012.01321) and elliptocytes, by
# the names of the ICSH (Palmer et al. 2015, doi 10.1111/ijlh.12327). No weights that come with bccseg tell them apart;
# a laboratory can teach its own (`training.few_labels`).
MORPHOLOGY_CLASSES = (
    CellClass(name="normal", colour="#E4572E", key="1"),
    CellClass(name="macrocyte", colour="#1F77B4", key="2"),
    CellClass(name="microcyte", colour="#2CA02C", key="3"),
    CellClass(name="spherocyte", colour="#D4A017", key="4"),
    CellClass(name="target", colour="#9467BD", key="5"),
    CellClass(name="stomatocyte", colour="#17BECF", key="6"),
    CellClass(name="ovalocyte", colour="#E377C2", key="7"),
    CellClass(name="teardrop", colour="#8C564B", key="8"),
    CellClass(name="burr", colour="#3B3F8F", key="9"),
    CellClass(name="schistocyte", colour="#C2185B", key="g"),
    CellClass(name="uncategorised", colour="#7F7F7F", key="i"),
    CellClass(name="hypochromic", colour="#F4A582", key="l"),
    CellClass(name="elliptocyte", colour="#6B8E23", key="o"),
)


class CellMark(Schema):
    """What is known about the class of one cell, and from whom."""

    model_config = ConfigDict(extra="ignore")
    title = "class of a cell"

    name: str
    by: Literal["network", "person"] = "person"
    score: Annotated[float, Field(ge=0, le=1)] | None = None  # how sure the network is


CellMarks = dict[int, CellMark]  # by id; cells without one are unclassified


class ClassSet(Schema):
    """The classes of a collection, or of weights, in their order."""

    model_config = ConfigDict(extra="ignore")
    error: ClassVar[type[BccsegError]] = DataError
    title = "class set"

    classes: Annotated[tuple[CellClass, ...], Field(max_length=MOST_CLASSES)] = (*DEFAULT_CLASSES, NOT_A_CELL)

    @model_validator(mode="after")
    def _check_unique(self) -> Self:
        names = [name for one in self.classes for name in (one.name, *one.formerly)]
        keys = [one.key for one in self.classes if one.key]
        for kind, values in (("name", names), ("key", keys)):
            twice = sorted({v for v in values if values.count(v) > 1})
            if twice:
                raise DataError(f"Two classes cannot have the same {kind}: {', '.join(twice)}.")
        return self

    def find(self, name: str) -> CellClass | None:
        """The class that is or was called so; None if there is none."""
        return next((one for one in self.classes if name == one.name or name in one.formerly), None)

    def current(self, name: str) -> str:
        """What a class is called now; a name that the set does not know stays as it is."""
        found = self.find(name)
        return found.name if found else name

    def known(self, names: Iterable[str]) -> tuple[CellClass, ...]:
        """The classes of the set, then one for each name that it does not know, in the order of the alphabet.

        Those have their own name, whatever it is, and always the same colour. `names` may be present or former ones.
        """
        unknown = sorted({name for name in names if name and self.find(name) is None})
        spare = [SPARE_COLOURS[crc32(name.encode()) % len(SPARE_COLOURS)] for name in unknown]
        return *self.classes, *(
            CellClass.model_construct(name=name, colour=colour) for name, colour in zip(unknown, spare, strict=True)
        )

    def count(self, marks: CellMarks) -> dict[str, int]:
        """Cells of each class that has any, by its present name: first those of the set, in its order."""
        found = Counter(self.current(mark.name) for mark in marks.values() if mark.name)
        return {one.name: found[one.name] for one in self.known(found) if found[one.name]}

    def renamed(self, old: str, new: str) -> "ClassSet":
        """With one class called otherwise; its cells keep it. Raises DataError."""
        found = self.find(old)
        if found is None:
            raise DataError(f"There is no class called '{old}'.")
        formerly = tuple(name for name in dict.fromkeys([*found.formerly, found.name]) if name != new)
        changed = found.replace(name=new, formerly=formerly)
        return ClassSet(classes=tuple(changed if one is found else one for one in self.classes))

    def uncounted(self, marks: CellMarks) -> set[int]:
        """Ids that are no cells for any number: platelets and other small ones, and what is not a cell."""
        skipped = {name for one in self.classes if one.small or not one.counted for name in (one.name, *one.formerly)}
        return {cell for cell, mark in marks.items() if mark.name in skipped}


# What a collection may begin with, by its name for people. What is no red cell keeps its class among the shapes, too.
CLASS_SETS = {
    "Cells of blood": ClassSet(),
    "Shapes of red cells": ClassSet(
        classes=(
            *MORPHOLOGY_CLASSES,
            *(one.replace(key=key) for one, key in zip((*DEFAULT_CLASSES[1:], NOT_A_CELL), "wtx", strict=True)),
        )
    ),
}


class ImageClasses(Schema):
    """classes/<stem>.json, beside labels/<stem>.png of a dataset: what is known about the cells of one image."""

    error: ClassVar[type[BccsegError]] = DataError
    title = "cell classes of an image"

    classes: tuple[CellClass, ...] = ()
    cells: dict[int, str] = Field(default_factory=dict)  # name of the class, by id; cells without one are unclassified
    complete: tuple[str, ...] = ()  # classes of which every cell is marked, so that the rest is none of them

    def small_cells(self) -> list[int]:
        """Ids of the cells of small classes."""
        small = {cell_class.name for cell_class in self.classes if cell_class.small}
        return [cell for cell, name in self.cells.items() if name in small]

    def no_cells(self) -> list[int]:
        """Ids that are in no number of cells: of small classes, and what is not a cell."""
        return sorted(ClassSet.model_construct(classes=self.classes).uncounted(
            {cell: CellMark(name=name) for cell, name in self.cells.items()}
        ))  # fmt: skip
