"""The class sets that a collection has had, each a file that never changes: classes/<id>.json; the last one counts.

So a set travels with the Hub as everything else does, and of two that were saved at once neither is lost: the later
one is in force everywhere, and cells whose class it does not know are shown under the name that they have.
"""

import logging
from pathlib import Path

from bccseg.annotation.disk import disk_errors
from bccseg.annotation.records import VERSION_ID, new_id, now
from bccseg.classes import ClassSet
from bccseg.errors import BccsegError
from bccseg.files import write_atomically

FOLDER = "classes"
log = logging.getLogger("bccseg")


class ClassSets:
    """Those of the collection in a folder."""

    def __init__(self, root: Path) -> None:
        self._folder = root / FOLDER
        self._known: tuple[str, ClassSet] = ("", ClassSet())  # file name, and what is in it

    def files(self) -> list[Path]:
        """Oldest first."""
        with disk_errors("Reading the classes"):
            found = list(self._folder.iterdir()) if self._folder.is_dir() else []
        return sorted(path for path in found if path.suffix == ".json" and VERSION_ID.fullmatch(path.stem))

    def last(self) -> ClassSet:
        """The set in force; the default one, where none was ever saved. Damaged files are passed over: a class set
        must not keep anybody from saving labels.
        """
        for path in reversed(self.files()):
            if self._known[0] == path.name:
                return self._known[1]
            try:
                with disk_errors("Reading the classes"):
                    self._known = path.name, ClassSet.from_json(path.read_bytes())
            except BccsegError as error:
                log.warning("%s cannot be read: %s", path.name, error)
            else:
                return self._known[1]
        return ClassSet()

    def save(self, classes: ClassSet) -> None:
        """From now on this one is in force. Raises StoreError."""
        with disk_errors("Saving the classes"):
            self._folder.mkdir(exist_ok=True)
            write_atomically(self._folder / f"{new_id(now())}.json", classes.to_json(indent=1))
