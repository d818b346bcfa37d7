"""The samples of a study: their groups and free columns."""

import sqlite3
from collections.abc import Mapping, Sequence

from bccseg.annotation.records import MAX_NAME, clean_text
from bccseg.errors import StoreError
from bccseg.studies.catalogue import Catalogue
from bccseg.studies.image_list import clean_name, sample_id
from bccseg.studies.records import Sample

MOST_COLUMNS = 50
TAKEN = ("group", "sample", "image", "images")  # names of columns that are there anyhow


class SampleList:
    """Samples of one study, in the order in which they came. Every method raises StoreError."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue

    def all(self) -> list[Sample]:
        """Every sample, also those without images; with all free columns."""
        with self.catalogue.read() as db:
            names = _columns(db)
            values: dict[int, dict[str, str]] = {}
            rows = db.execute("SELECT sample, field.name, value FROM field_value JOIN field ON field.id = field")
            for sample, name, value in rows:
                values.setdefault(sample, {})[name] = value
            rows = db.execute(
                'SELECT sample.id, sample.name, "group", count(image.id) FROM sample LEFT JOIN image '
                "ON image.sample = sample.id AND image.removed = '' GROUP BY sample.id ORDER BY sample.id"
            )
            return [
                Sample(number, name, group, {c: values.get(number, {}).get(c, "") for c in names}, images)
                for number, name, group, images in rows
            ]

    def columns(self) -> list[str]:
        """Names of the free columns."""
        with self.catalogue.read() as db:
            return _columns(db)

    def add(self, name: str, group: str = "") -> None:
        """A sample of that name, if there is none."""
        with self.catalogue.write() as db:
            sample_id(db, name, group)

    def rename(self, sample: int, name: str) -> None:
        """Another name. Where another sample has it, the two become one, with the images of both."""
        if not (name := clean_name(name)):
            return
        with self.catalogue.write() as db:
            other = db.execute("SELECT id FROM sample WHERE name = ? AND id != ?", [name, sample]).fetchone()
            if other is None:
                db.execute("UPDATE sample SET name = ? WHERE id = ?", [name, sample])
                return
            db.execute("UPDATE image SET sample = ? WHERE sample = ?", [other["id"], sample])
            db.execute("UPDATE OR IGNORE field_value SET sample = ? WHERE sample = ?", [other["id"], sample])
            db.execute("DELETE FROM sample WHERE id = ?", [sample])

    def set_group(self, sample: int, group: str) -> None:
        """The group of a sample; "": none."""
        with self.catalogue.write() as db:
            db.execute('UPDATE sample SET "group" = ? WHERE id = ?', [clean_name(group), sample])

    def set_value(self, sample: int, column: str, value: str) -> None:
        """What a free column says of a sample; the column is made if there is none."""
        with self.catalogue.write() as db:
            _set_value(db, sample, column, value)

    def add_column(self, name: str) -> None:
        """A free column, such as age, stain or day."""
        with self.catalogue.write() as db:
            _column_id(db, name)

    def rename_column(self, old: str, new: str) -> None:
        """Another name of a free column."""
        with self.catalogue.write() as db:
            new = _check_column(db, new, besides=old)
            db.execute("UPDATE field SET name = ? WHERE name = ?", [new, old])

    def remove_column(self, name: str) -> None:
        """Remove a free column with all it says."""
        with self.catalogue.write() as db:
            db.execute("DELETE FROM field WHERE name = ?", [name])

    def remove_empty(self) -> None:
        """Forget the samples that no image is of, removed images included."""
        with self.catalogue.write() as db:
            db.execute("DELETE FROM sample WHERE id NOT IN (SELECT sample FROM image WHERE sample IS NOT NULL)")

    def take(self, rows: Sequence["SampleRow"]) -> None:
        """What a table says, all of it or, after an error, nothing: samples are made, groups and columns set, images
        put into them. Cells that are empty change nothing.
        """
        with self.catalogue.write() as db:
            for row in rows:
                number = sample_id(db, row.sample)
                if number is None:
                    continue
                if group := clean_name(row.group):
                    db.execute('UPDATE sample SET "group" = ? WHERE id = ?', [group, number])
                for name, value in row.free.items():
                    if value:
                        _set_value(db, number, name, value)
                db.executemany("UPDATE image SET sample = ? WHERE id = ?", [[number, image] for image in row.images])


class SampleRow:
    """A row of a table of samples: the sample, its group, free columns, and the images that are of it."""

    def __init__(
        self, sample: str, group: str = "", free: Mapping[str, str] | None = None, images: Sequence[int] = ()
    ) -> None:
        self.sample, self.group, self.free, self.images = sample, group, dict(free or {}), list(images)


def _columns(db: sqlite3.Connection) -> list[str]:
    return [row["name"] for row in db.execute("SELECT name FROM field ORDER BY id")]


def _check_column(db: sqlite3.Connection, name: str, besides: str = "") -> str:
    name = clean_name(name)
    others = [c.lower() for c in _columns(db) if c != besides]
    if not name or name.lower() in TAKEN or name.lower() in others:
        raise StoreError(f"A column cannot be called '{name}'. Choose a name that is not there yet, such as age.")
    return name


def _column_id(db: sqlite3.Connection, name: str) -> int:
    found = db.execute("SELECT id FROM field WHERE name = ?", [clean_name(name)]).fetchone()
    if found:
        return int(found["id"])
    if len(_columns(db)) >= MOST_COLUMNS:
        raise StoreError(f"A study has at most {MOST_COLUMNS} columns of its own.")
    return int(db.execute("INSERT INTO field (name) VALUES (?)", [_check_column(db, name)]).lastrowid or 0)


def _set_value(db: sqlite3.Connection, sample: int, column: str, value: str) -> None:
    number, value = _column_id(db, column), " ".join(clean_text(value, MAX_NAME).split())
    if value:
        db.execute("INSERT OR REPLACE INTO field_value VALUES (?, ?, ?)", [sample, number, value])
    else:
        db.execute("DELETE FROM field_value WHERE sample = ? AND field = ?", [sample, number])
