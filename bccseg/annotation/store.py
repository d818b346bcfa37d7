"""The collection on disk: images by their content, versions that never change, reviews.

    images/<sha256>.png, .json          pixels once; name, size, split, who, licence
    labels/<sha256>/<version>.png       16-bit labels
    labels/<sha256>/<version>.json      the version; its appearance is what makes the version exist
    labels/<sha256>/<version>.review-<id>.json   accepted or rejected, by whom, why
    classes/<id>.json                   class sets; the last one counts (class_sets.py)
    changes/<sha256>/<id>.json          the image taken out, taken back in, put into another split (image_changes.py)

Append-only: a file is written under another name, flushed, then renamed, and no other is ever changed. So a crash
leaves nothing half-written that can be read, and people who save at once both keep their work. Files go only when an
image is deleted, after its tombstone is written.
"""

import hashlib
import json
import threading
from pathlib import Path

import cv2
import numpy as np

from bccseg.annotation.class_sets import ClassSets
from bccseg.annotation.disk import disk_errors, read_record
from bccseg.annotation.image_store import ImageStore
from bccseg.annotation.records import (
    DECISIONS,
    IMAGE_ID,
    MAX_NAME,
    MAX_TEXT,
    STATUSES,
    VERSION_ID,
    Decision,
    Details,
    Review,
    Status,
    Version,
    VersionFile,
    clean_text,
    new_id,
    now,
    validate_id,
)
from bccseg.classes import CellMarks, ClassSet
from bccseg.errors import StoreError
from bccseg.files import write_atomically
from bccseg.imaging.label_image import Labels, count_cells, without
from bccseg.io.label_files import labels_png

REVIEW = ".review-"


class LabelStore(ImageStore):
    """A collection in a folder, which is made if need be. Safe for many threads and processes at once."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.class_sets = ClassSets(root)
        self._lock = threading.Lock()
        self._versions: dict[str, Version] = {}  # as saved
        self._reviews: dict[str, dict[str, Review]] = {}  # by version and file name

    # --- classes

    def class_set(self) -> ClassSet:
        """The classes of this collection."""
        return self.class_sets.last()

    def save_class_set(self, classes: ClassSet) -> None:
        """From now on these are the classes. Cells keep theirs: a class that was renamed has its former names."""
        self.class_sets.save(classes)

    def marks(self, version: Version) -> CellMarks:
        """The classes of the cells of a version, by their present names. Raises StoreError."""
        classes = self.class_set()
        return {c: m.replace(name=classes.current(m.name)) for c, m in self.details(version).cells.items()}

    # --- saving

    def save_version(
        self,
        image: str,
        labels: Labels,
        *,
        author: str,
        account: str = "",
        version_id: str = "",
        status: Status = "submitted",
        details: Details | None = None,
        licence: str = "",
        comment: str = "",
        parent: str | None = None,
        weights: str = "",
        uncertainty: float | None = None,
        agreement: dict[str, int | float] | None = None,
        disagreement: float | None = None,
    ) -> Version:
        """Save labels int32 (H, W) of an image of the collection; when this returns they are on disk.

        The number of cells leaves out what is none, such as platelets. version_id: made beforehand by `new_id`, so that
        who saves again after a crash saves the same version. The other arguments are fields of `Version`.
        Raises StoreError, with nothing saved.
        """
        info = self.image_info(image)
        if labels.shape != (info.height, info.width):
            raise StoreError("These labels are not of the size of the image.")
        if status not in STATUSES:
            raise StoreError(f"'{status}' is not a status of a version.")
        details, time, data = details or Details(), now(), labels_png(labels)
        classes = self.class_set()
        cells, counts = without(labels, classes.uncounted(details.cells)), classes.count(details.cells)
        version = Version(
            id=validate_id(VERSION_ID, version_id or new_id(time), "a version"), image=image,
            author=clean_text(author, MAX_NAME) or "anonymous", time=time.isoformat(),
            status=status, cells=count_cells(cells), class_counts=counts, sha256=hashlib.sha256(data).hexdigest(),
            comment=clean_text(comment, MAX_TEXT), licence=licence, edit_count=len(details.edits), parent=parent,
            weights=weights, uncertainty=uncertainty, agreement=agreement, disagreement=disagreement, account=account,
        )  # fmt: skip
        folder = self.root / "labels" / image
        with disk_errors("Saving"):
            folder.mkdir(exist_ok=True)
            write_atomically(folder / f"{version.id}.png", data)
            record = json.dumps({**version.to_dict(), "details": details.to_dict()})
            write_atomically(folder / f"{version.id}.json", record.encode())
        return version

    def labels(self, version: Version) -> Labels:
        """Labels int32 (H, W) of a version. Raises StoreError if they are missing or damaged."""
        path = self._path(version, ".png")
        with disk_errors("Reading the labels"):
            data = path.read_bytes() if path.exists() else b""
        if hashlib.sha256(data).hexdigest() != version.sha256:
            raise StoreError(f"The labels of version {version.id} are missing or damaged on disk.")
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).astype(np.int32)

    def cell_labels(self, version: Version) -> Labels:
        """Labels int32 (H, W) of a version without what is no cell, such as platelets. Raises StoreError."""
        return without(self.labels(version), self.class_set().uncounted(self.details(version).cells))

    def details(self, version: Version) -> Details:
        """Edit commands, scores and rejected objects of a version. Raises StoreError."""
        return read_record(VersionFile, self._path(version, ".json")).details

    def version(self, image: str, version: str) -> Version:
        """One version, its latest review applied. Raises StoreError if it is not there."""
        validate_id(VERSION_ID, version, "a version")
        found = next((v for v in self.versions(image) if v.id == version), None)
        if found is None:
            raise StoreError("That version is not in the collection.")
        return found

    def versions(self, image: str | None = None) -> list[Version]:
        """Versions of an image, or all, oldest first, each with its latest review applied; none of withdrawn images."""
        base = self.root / "labels"
        if image is not None:
            gone = self.changes.of(validate_id(IMAGE_ID, image, "an image")).tombstone
            folders = [] if gone else [base / image]
        else:
            gone = {name for name, standing in self.changes.all().items() if standing.tombstone}
            folders = [p for p in base.iterdir() if IMAGE_ID.fullmatch(p.name) and p.name not in gone]
        with self._lock:
            found = [v for folder in folders if folder.is_dir() for v in self._read_folder(folder)]
        return sorted(found, key=lambda v: v.id)

    def review(self, version: Version, status: Decision, reviewer: str, reason: str = "", account: str = "") -> Version:
        """Accept or reject a version; returns it as it is now. Raises StoreError."""
        if status not in DECISIONS:
            raise StoreError("A review accepts, rejects, or puts a version back into the queue.")
        self.image_info(version.image)
        time = now()
        review = Review(
            status=status, reviewer=clean_text(reviewer, MAX_NAME) or "anonymous",
            reason=clean_text(reason, MAX_TEXT), time=time.isoformat(), account=account,
        )  # fmt: skip
        path = self._path(version, f"{REVIEW}{new_id(time)}.json")
        with disk_errors("Saving the review"):
            write_atomically(path, review.to_json())
        return self.version(version.image, version.id)

    # --- reading

    def _path(self, version: Version, ending: str) -> Path:
        folder = validate_id(IMAGE_ID, version.image, "an image")
        return self.root / "labels" / folder / f"{validate_id(VERSION_ID, version.id, 'a version')}{ending}"

    def _read_folder(self, folder: Path) -> list[Version]:
        """Versions in one folder. Files never change, so each is read once and remembered."""
        ids = []
        for path in folder.glob("*.json"):
            name, _, review = path.name[: -len(".json")].partition(REVIEW)
            if not VERSION_ID.fullmatch(name):
                continue
            if review:
                known = self._reviews.setdefault(name, {})
                if path.name not in known:
                    known[path.name] = read_record(Review, path)
                continue
            if name not in self._versions:
                self._versions[name] = read_record(Version, path)
            ids.append(name)
        return [self._reviewed(self._versions[name]) for name in ids]

    def _reviewed(self, version: Version) -> Version:
        reviews = self._reviews.get(version.id)
        if not reviews:
            return version
        last = reviews[max(reviews)]
        # The values were checked when they were read, and a copy takes a third of the time of a checked one.
        return version.model_copy(update={"status": last.status, "reviewer": last.reviewer, "reason": last.reason})
