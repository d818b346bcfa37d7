"""The images of a study: listed, added, removed, renamed, noted."""

import hashlib
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from bccseg.annotation.disk import disk_errors
from bccseg.annotation.records import MAX_NAME, MAX_TEXT, clean_text, now
from bccseg.errors import ImageError, StoreError
from bccseg.files import write_once
from bccseg.io.archive import Entry, expand
from bccseg.io.images import check_picture
from bccseg.report.result import TYPED
from bccseg.studies.catalogue import Catalogue
from bccseg.studies.records import AddReport, StudyImage
from bccseg.studies.sorting import Place, Sorting

OF_SAMPLE = ("sample", "group")
SELECT = (
    "SELECT "
    + ", ".join(f"image.{f.name}" for f in fields(StudyImage) if f.name not in OF_SAMPLE)
    + ", coalesce(sample.name, '') AS sample, coalesce(sample.\"group\", '') AS \"group\" "
    "FROM image LEFT JOIN sample ON sample.id = image.sample "
)
CHANGEABLE = {
    "result", "width", "height", "cell_count", "flagged_count", "too_crowded", "pixel_size_um", "pixel_size_from",
    "calibrated", "regions", "edits", "draft", "draft_size", "edits_before", "state", "reason", "page", "attempts",
}  # fmt: skip


class ImageList:
    """Images of one study, in the order in which they came. Every method raises StoreError."""

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self.folder, self.catalogue = folder, catalogue

    def all(self, *, removed: bool = False) -> list[StudyImage]:
        """Every image that was not removed, or those that were."""
        with self.catalogue.read() as db:
            rows = db.execute(f"{SELECT} WHERE (image.removed != '') = ? ORDER BY image.id", [removed])
            return [_image(row) for row in rows]

    def get(self, image: int) -> StudyImage | None:
        """One image, removed or not; None if the study has none of that id."""
        with self.catalogue.read() as db:
            row = db.execute(f"{SELECT} WHERE image.id = ?", [image]).fetchone()
        return _image(row) if row else None

    def file(self, image: StudyImage) -> bytes:
        """The file as it came. Raises StoreError, with its name, if it is missing or damaged."""
        path = self.folder / "files" / image.sha256
        try:
            data = path.read_bytes()
        except OSError:
            data = b""
        if hashlib.sha256(data).hexdigest() != image.sha256:
            raise StoreError(f"The file of '{image.name}' (files/{image.sha256[:12]}…) is missing or damaged. Add it "
                             "again from where it came from.")  # fmt: skip
        return data

    def add(self, entries: Iterable[Entry], sorting: Sorting | None = None, by: str = "") -> AddReport:
        """Add files, one at a time; zips are opened. What is there already, byte for byte, is left out, and comes back
        if it was removed. sorting: how samples and groups follow from names; None: by folders.
        """
        report, sorting = AddReport(), sorting or Sorting()
        for entry in entries:
            for inner in expand(entry.name, entry.data):
                self.add_file(inner, entry.name, sorting, by, report)
        return report

    def add_file(self, entry: Entry, archive: str, sorting: Sorting, by: str, report: AddReport) -> None:
        """Add one file that came in an archive, or is it; what became of it stands in the report."""
        try:
            if entry.error:
                raise entry.error
            check_picture(entry.data)
        except ImageError as error:
            report.failed.append((entry.name, str(error)))
        else:
            self._add(entry, sorting.place(entry.name, archive), by, report)

    def _add(self, entry: Entry, place: Place, by: str, report: AddReport) -> None:
        sha256 = hashlib.sha256(entry.data).hexdigest()
        with disk_errors(f"Adding '{entry.name}'"):
            write_once(self.folder / "files" / sha256, entry.data)
        name = clean_text(entry.name, MAX_NAME).replace("\n", " ") or "unnamed"
        with self.catalogue.write() as db:
            there = db.execute("SELECT id, removed FROM image WHERE sha256 = ?", [sha256]).fetchall()
            if any(not row["removed"] for row in there):
                report.already.append(name)
                return
            if there:
                _restore(db, [row["id"] for row in there])
                report.added.extend(row["id"] for row in there)
                return
            sample = sample_id(db, place.sample, place.group)
            made = db.execute(
                "INSERT INTO image (name, file, sha256, sample, added, added_by) VALUES (?, ?, ?, ?, ?, ?)",
                [_free_name(db, name), name, sha256, sample, _time(), clean_text(by, MAX_NAME)],
            )
            report.added.append(int(made.lastrowid or 0))

    def add_pages(self, image: StudyImage, pages: int) -> None:
        """What was one file turns out to have several pages: an image each, after it."""
        with self.catalogue.write() as db:
            if db.execute("UPDATE image SET page = 1 WHERE id = ? AND page IS NULL", [image.id]).rowcount and pages > 1:
                _rename(db, image.id, f"{image.name}, page 1")
                for page in range(2, pages + 1):
                    db.execute(
                        "INSERT INTO image (name, file, sha256, page, sample, added, added_by) "
                        "SELECT ?, file, sha256, ?, sample, added, added_by FROM image WHERE id = ?",
                        [_free_name(db, f"{image.name}, page {page}"), page, image.id],
                    )

    def remove(self, images: Sequence[int]) -> None:
        """Take images out of the study; `restore` brings them back as they were."""
        with self.catalogue.write() as db:
            db.executemany("UPDATE image SET removed = ? WHERE id = ? AND removed = ''", [[_time(), i] for i in images])

    def restore(self, images: Sequence[int]) -> None:
        """Bring removed images back."""
        with self.catalogue.write() as db:
            _restore(db, images)

    def rename(self, image: int, name: str) -> None:
        """Another name; numbered if it is taken. Results, tables and exports follow."""
        if name := clean_text(name, MAX_NAME).replace("\n", " "):
            with self.catalogue.write() as db:
                _rename(db, image, name)

    def write_note(self, image: int, note: str) -> None:
        """Replace the note."""
        with self.catalogue.write() as db:
            db.execute("UPDATE image SET note = ? WHERE id = ?", [clean_text(note, MAX_TEXT), image])

    def put_into_sample(self, images: Sequence[int], sample: str) -> None:
        """The sample that images are of, made if there is none of that name; "": none."""
        with self.catalogue.write() as db:
            number = sample_id(db, sample)
            db.executemany("UPDATE image SET sample = ? WHERE id = ?", [[number, image] for image in images])

    def calibrate(self, images: Sequence[int], pixel_size_um: float | None, source: str = TYPED) -> None:
        """Width of a pixel of these images, and in words where it comes from; None: as their files state it. Tables
        follow at once.
        """
        values = [pixel_size_um, source if pixel_size_um else "", int(pixel_size_um is not None)]
        with self.catalogue.write() as db:
            db.executemany(
                "UPDATE image SET pixel_size_um = ?, pixel_size_from = ?, calibrated = ? WHERE id = ?",
                [[*values, image] for image in images],
            )

    def set_regions(self, image: int, regions: str) -> None:
        """Parts of an image in which cells count, as JSON of `imaging.regions`; "": all of it."""
        self.change(image, regions=regions)

    def segment_again(self, images: Sequence[int] | None = None) -> None:
        """Let these images wait to be segmented, or all that nobody corrected; what they have is shown until then."""
        with self.catalogue.write() as db:
            change = "UPDATE image SET state = 'waiting', reason = '', attempts = 0"
            if images is None:
                db.execute(f"{change} WHERE edits = 0")
            else:
                change += ", draft = '', draft_size = 0, edits_before = 0"
                db.executemany(f"{change} WHERE id = ?", [[image] for image in images])

    def change(self, image: int, **values: Any) -> None:
        """Set columns of an image, in one transaction."""
        if unknown := values.keys() - CHANGEABLE:
            raise ValueError(f"no columns of an image: {unknown}")
        with self.catalogue.write() as db:
            columns = ", ".join(f"{name} = ?" for name in values)
            db.execute(f"UPDATE image SET {columns} WHERE id = ?", [*values.values(), image])  # noqa: S608, our names


def find(images: Iterable[StudyImage], words: str) -> list[StudyImage]:
    """Images whose name, sample, group or note have all the words, whatever their case."""
    wanted = words.lower().split()
    return [i for i in images if all(w in f"{i.name}\n{i.sample}\n{i.group}\n{i.note}".lower() for w in wanted)]


def sample_id(db: sqlite3.Connection, name: str, group: str = "") -> int | None:
    """Id of the sample of that name, made if there is none; None for "".

    group: given to it where it has none. Where it has another one, it is another sample: "patient 1 (treated)".
    """
    if not (name := clean_name(name)):
        return None
    group = clean_name(group)
    found = db.execute('SELECT "group" FROM sample WHERE name = ?', [name]).fetchone()
    if group and found and found["group"] not in ("", group):
        name = clean_name(f"{name} ({group})")
    db.execute("INSERT INTO sample (name) VALUES (?) ON CONFLICT DO NOTHING", [name])
    if group:
        db.execute('UPDATE sample SET "group" = ? WHERE name = ? AND "group" = \'\'', [group, name])
    return int(db.execute("SELECT id FROM sample WHERE name = ?", [name]).fetchone()[0])


def clean_name(text: str) -> str:
    """A name from a person, on one line."""
    return " ".join(clean_text(text, MAX_NAME).split())


def _image(row: sqlite3.Row) -> StudyImage:
    return StudyImage(**{**dict(row), **{name: bool(row[name]) for name in ("too_crowded", "calibrated")}})


def _time() -> str:
    return now().isoformat(timespec="seconds")


def _rename(db: sqlite3.Connection, image: int, name: str) -> None:
    db.execute("UPDATE image SET name = ? WHERE id = ?", [_free_name(db, name, image), image])


def _restore(db: sqlite3.Connection, images: Sequence[int]) -> None:
    for image in images:
        row = db.execute("SELECT name FROM image WHERE id = ? AND removed != ''", [image]).fetchone()
        if row:
            db.execute(
                "UPDATE image SET removed = '', name = ? WHERE id = ?", [_free_name(db, row["name"], image), image]
            )


def _free_name(db: sqlite3.Connection, name: str, image: int = 0) -> str:
    """The name, or with a number behind it, if another image has it."""
    candidate, k = name, 1
    while db.execute("SELECT 1 FROM image WHERE name = ? AND removed = '' AND id != ?", [candidate, image]).fetchone():
        k += 1
        candidate = f"{name} ({k})"
    return candidate
