"""Cell classes: what a cell can be, and what is known about the cells of one image."""

from typing import Annotated, ClassVar

from pydantic import Field

from bccseg.errors import BccsegError, DataError
from bccseg.schema import Schema

UNCLASSIFIED = "unclassified"  # what tables say of a cell whose class nobody knows


class CellClass(Schema):
    """One class of a class set."""

    title = "cell class"

    name: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9 _-]{0,39}$")]  # in files: red, white, platelet
    colour: Annotated[str, Field(pattern=r"^#[0-9A-Fa-f]{6}$")]
    key: Annotated[str, Field(pattern=r"^[0-9a-z]?$")] = ""  # that gives it to a cell
    # Much smaller than the cells that the size of a field goes by, and found by the class maps alone.
    small: bool = False


DEFAULT_CLASSES = (
    CellClass(name="red", colour="#E4572E", key="1"),
    CellClass(name="white", colour="#2E86DE", key="2"),
    CellClass(name="platelet", colour="#8E44AD", key="3", small=True),
)


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
