"""What was decided about images after they were added: taken out of the collection, taken back in, put into a split.

    changes/<sha256>/<id>.json      what, by whom, when, why; never changed, never deleted

They outlive the image: whoever syncs or imports learns from them that it is not to come back.
"""

import threading
from dataclasses import dataclass
from pathlib import Path

from bccseg.annotation.disk import disk_errors, read_record
from bccseg.annotation.records import IMAGE_ID, VERSION_ID, ImageChange, Split, new_id, now
from bccseg.files import write_atomically


@dataclass(frozen=True)
class Standing:
    """What all changes of an image amount to."""

    tombstone: ImageChange | None = None  # it is out of the collection
    split: Split | None = None  # None: as it was added

    @property
    def deleted(self) -> bool:
        """Whether pixels and labels are to be gone for good."""
        return self.tombstone is not None and self.tombstone.what == "deleted"


class ImageChanges:
    """The changes below a folder; each file is read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._lock = threading.Lock()
        self._read: dict[Path, ImageChange] = {}

    def add(self, image: str, change: ImageChange) -> None:
        """Keep a change; when this returns it is on disk. Raises StoreError."""
        path = self.folder / image / f"{new_id(now())}.json"
        with disk_errors("Saving the change"):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, change.to_json())

    def files(self, image: str) -> list[Path]:
        """Files of an image, oldest first."""
        return sorted(p for p in (self.folder / image).glob("*.json") if VERSION_ID.fullmatch(p.stem))

    def of(self, image: str) -> Standing:
        """Where an image stands. Raises StoreError if a change cannot be read."""
        tombstone, split = None, None
        for path in self.files(image):
            change = self._change(path)
            if change.what == "split":
                split = change.split
            elif tombstone is None or tombstone.what != "deleted":
                tombstone = None if change.what == "restored" else change
        return Standing(tombstone, split)

    def all(self) -> dict[str, Standing]:
        """Every image that something was decided about."""
        if not self.folder.is_dir():
            return {}
        return {p.name: self.of(p.name) for p in self.folder.iterdir() if IMAGE_ID.fullmatch(p.name)}

    def _change(self, path: Path) -> ImageChange:
        with self._lock:
            if path not in self._read:
                self._read[path] = read_record(ImageChange, path)
            return self._read[path]
