"""The images of the collection: pixels by their content, what is known of them, and which were taken out again."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from bccseg.annotation.disk import disk_errors, read_png, read_record
from bccseg.annotation.image_changes import ImageChanges, Standing
from bccseg.annotation.records import (
    IMAGE_ID,
    MAX_NAME,
    MAX_TEXT,
    Change,
    ImageChange,
    ImageInfo,
    Split,
    clean_text,
    image_id,
    now,
    split_of,
    validate_id,
)
from bccseg.errors import StoreError, WithdrawnError
from bccseg.files import write_once
from bccseg.io.encode import png


@dataclass(frozen=True)
class Withdrawn:
    """An image that was taken out of the collection."""

    id: str
    name: str  # empty once it is deleted, or where it never was on this server
    tombstone: ImageChange


class ImageStore:
    """The images in the folder of a collection, which is made if need be. Safe for many threads and processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.changes = ImageChanges(root / "changes")
        self._images: dict[str, ImageInfo] = {}  # as added
        with disk_errors("Opening the collection"):
            for name in ("images", "labels", "drafts"):
                (root / name).mkdir(parents=True, exist_ok=True)
        self.purge_deleted()

    # --- what is there

    def add_image(
        self,
        image: NDArray[np.uint8],
        name: str,
        *,
        pixel_size_um: float | None = None,
        added_by: str = "",
        licence: str = "",
        split: Split | None = None,
    ) -> ImageInfo:
        """Keep an image uint8 (H, W, 3). One that is there already stays as it is, split included.

        split: None derives it from the pixels. Raises WithdrawnError for one that was taken out.
        """
        key = image_id(image)
        self._refuse_withdrawn(key)
        path = self.root / "images" / f"{key}.json"
        if not path.exists():
            info = ImageInfo(
                id=key, name=clean_text(name, MAX_NAME) or "unnamed", height=image.shape[0], width=image.shape[1],
                split=split or split_of(key), pixel_size_um=pixel_size_um, added=now().isoformat(),
                added_by=clean_text(added_by, MAX_NAME), licence=licence,
            )  # fmt: skip
            with disk_errors("Saving the image"):
                write_once(path.with_suffix(".png"), png(image))
                write_once(path, info.to_json())
        return self.image_info(key)

    def image_info(self, image: str) -> ImageInfo:
        """What is known of an image. Raises StoreError if it is not there, WithdrawnError if it was taken out."""
        validate_id(IMAGE_ID, image, "an image")
        split = self._refuse_withdrawn(image).split
        info = self._added(image)
        return info.replace(split=split) if split and split != info.split else info

    def _added(self, image: str) -> ImageInfo:
        if image not in self._images:
            info = read_record(ImageInfo, self.root / "images" / f"{image}.json")
            if info.id != image:
                raise StoreError(f"{image}.json is the record of another image.")
            self._images[image] = info
        return self._images[image]

    def image(self, image: str) -> NDArray[np.uint8]:
        """Pixels uint8 (H, W, 3). Raises StoreError if they are missing or damaged."""
        pixels = read_png(self.root / "images" / f"{validate_id(IMAGE_ID, image, 'an image')}.png", cv2.IMREAD_COLOR)
        pixels = np.ascontiguousarray(pixels[..., ::-1])
        if image_id(pixels) != image:
            raise StoreError(f"Image {image[:12]} is damaged on disk: its pixels have changed.")
        return pixels

    def images(self) -> list[ImageInfo]:
        """All images that were not taken out, oldest first."""
        changed = self.changes.all()
        out = []
        for path in (self.root / "images").glob("*.json"):
            standing = changed.get(path.stem)
            if IMAGE_ID.fullmatch(path.stem) and not (standing and standing.tombstone):
                info = self._added(path.stem)
                out.append(info.replace(split=standing.split) if standing and standing.split else info)
        return sorted(out, key=lambda i: (i.added, i.id))

    # --- what was decided about them

    def withdraw(self, image: str, by: str, reason: str, *, delete: bool = False) -> None:
        """Take an image with all its versions out of the collection: it is not listed, exported, trained on or synced
        any more, nor taken in again. A tombstone says when, who and why.

        delete: its pixels and labels are removed for good; otherwise `restore` brings everything back.
        Raises StoreError if it is not there, or without a name and a reason.
        """
        validate_id(IMAGE_ID, image, "an image")
        if not self.changes.of(image).tombstone:
            self._added(image)
        self._decide(image, "deleted" if delete else "withdrawn", by, reason)
        self.purge_deleted()

    def restore(self, image: str, by: str, reason: str) -> ImageInfo:
        """Take a withdrawn image back in, with its versions. Raises StoreError; one that was deleted is gone."""
        if self.changes.of(validate_id(IMAGE_ID, image, "an image")).deleted:
            raise WithdrawnError("This image was deleted for good; nothing is left to bring back.")
        self._decide(image, "restored", by, reason)
        return self.image_info(image)

    def set_split(self, image: str, split: Split, by: str, reason: str = "moved") -> ImageInfo:
        """Put an image into another split, to keep it for comparing, say. Raises StoreError."""
        self.image_info(image)
        self._decide(image, "split", by, reason, split)
        return self.image_info(image)

    def withdrawn(self) -> list[Withdrawn]:
        """Images that were taken out, the last one first."""
        found = []
        for image, standing in self.changes.all().items():
            if standing.tombstone:
                path = self.root / "images" / f"{image}.json"
                name = self._added(image).name if path.exists() and not standing.deleted else ""
                found.append(Withdrawn(image, name, standing.tombstone))
        return sorted(found, key=lambda w: w.tombstone.time, reverse=True)

    def purge_deleted(self) -> None:
        """Remove what is left of deleted images: after a tombstone came from elsewhere, or after a crash."""
        for image, standing in self.changes.all().items():
            if standing.deleted:
                with disk_errors("Deleting the image"):
                    for ending in ("json", "png"):
                        (self.root / "images" / f"{image}.{ending}").unlink(missing_ok=True)
                    for small in (self.root / "thumbnails").glob(f"{image[:16]}_*"):
                        small.unlink(missing_ok=True)
                    if (self.root / "labels" / image).is_dir():
                        shutil.rmtree(self.root / "labels" / image)
                self._images.pop(image, None)

    def _decide(self, image: str, what: Change, by: str, reason: str, split: Split | None = None) -> None:
        by, reason = clean_text(by, MAX_NAME), clean_text(reason, MAX_TEXT)
        if not (by and reason):
            raise StoreError("Please say who you are and why.")
        self.changes.add(image, ImageChange(what=what, by=by, reason=reason, time=now().isoformat(), split=split))

    def _refuse_withdrawn(self, image: str) -> Standing:
        standing = self.changes.of(image)
        if gone := standing.tombstone:
            raise WithdrawnError(
                f"This image was {gone.what} from the collection on {gone.time[:10]} by {gone.by}: {gone.reason}"
            )
        return standing
