"""Calibrations of a server's microscopes, kept by name: a JSON file each."""

import hashlib
import logging
from pathlib import Path

from bccseg.errors import StoreError
from bccseg.files import write_atomically
from bccseg.imaging.calibration import Calibration

log = logging.getLogger("bccseg")


class Calibrations:
    """Those in one folder. Writing is atomic; of two people who keep one name, the last one counts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def all(self) -> list[Calibration]:
        """In order of name. A file that cannot be read is left out; the log names it."""
        found = []
        for path in sorted(self.folder.glob("*.json")):
            try:
                found.append(Calibration.from_json(path.read_bytes()))
            except (StoreError, OSError) as error:
                log.warning("the calibration %s cannot be read: %s", path.name, error)
        return sorted(found, key=lambda one: one.name.casefold())

    def get(self, name: str) -> Calibration | None:
        """The one of that name; upper and lower case are the same."""
        return next((one for one in self.all() if one.name.casefold() == name.strip().casefold()), None)

    def keep(self, calibration: Calibration) -> None:
        """Add one, or put it in the place of the one of its name. Raises StoreError if the disk refuses."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path(calibration.name), calibration.to_json(indent=1))
        except OSError as error:
            raise StoreError(f"The calibration could not be kept: the disk refused ({error.strerror}).") from error

    def delete(self, name: str) -> None:
        """Forget one; results that were measured with it stay as they are. Raises StoreError if the disk refuses."""
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"The calibration could not be deleted: the disk refused ({error.strerror}).") from error

    def _path(self, name: str) -> Path:
        """No name becomes part of a path."""
        return self.folder / f"{hashlib.sha256(name.strip().casefold().encode()).hexdigest()[:32]}.json"
