"""Samples, groups and free columns from a table that people keep: CSV or XLSX."""

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePosixPath
from typing import Any

import pandas as pd
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from bccseg.errors import DataError
from bccseg.studies.image_list import clean_name
from bccseg.studies.records import Sample, StudyImage
from bccseg.studies.sample_list import MOST_COLUMNS, SampleRow

MOST_ROWS = 20_000
MOST_SHEET_COLUMNS = 200
MOST_BYTES = 50_000_000
ENCODINGS = ("utf-8-sig", "cp1252")  # of what spreadsheets write; UTF-16 says so itself
GUESSES = {
    "image": ("image", "images", "file", "filename", "file name", "picture", "name of image"),
    "sample": ("sample", "patient", "subject", "animal", "donor", "slide", "case", "id", "sample id", "patient id"),
    "group": ("group", "condition", "treatment", "diagnosis", "arm", "class", "genotype"),
}


@dataclass(frozen=True)
class Mapping:
    """Which column of a table says what; "" for none. A row is an image or, without `image`, a sample."""

    image: str = ""
    sample: str = ""
    group: str = ""
    free: tuple[str, ...] = ()  # columns that become free columns


@dataclass(frozen=True)
class Match:
    """What a table would do to a study."""

    rows: list[SampleRow]
    images: int  # that it names
    samples_before: int  # of its samples those that the study has
    unknown: list[str]  # images or samples of the table that the study does not have
    conflicts: list[str]  # samples of which two rows say different things, in words


def read_table(name: str, data: bytes) -> pd.DataFrame:
    """The first sheet of an XLSX file, or a CSV with commas, semicolons or tabs, as text; empty cells are "".

    Raises DataError.
    """
    if len(data) > MOST_BYTES:
        raise DataError(f"The table '{name}' is too large ({len(data) / 1e6:,.0f} MB). Leave out what is not needed.")
    rows = _xlsx_rows(name, data) if data[:4] == b"PK\x03\x04" else _csv_rows(name, data)
    rows = [row for row in rows if any(row)]
    if len(rows) < 2:
        raise DataError(f"The table '{name}' has no rows. Its first row has the names of the columns.")
    if len(rows) > MOST_ROWS:
        raise DataError(f"The table '{name}' has more than {MOST_ROWS:,} rows.")
    width = max(k for row in rows for k, cell in enumerate(row, start=1) if cell)  # without what is empty at the right
    names: list[str] = []
    for k, text in enumerate((rows[0] + [""] * width)[:width], start=1):
        title = clean_name(text) or f"column {k}"
        names.append(title if title not in names else f"{title} ({k})")
    return pd.DataFrame([(row + [""] * width)[:width] for row in rows[1:]], columns=names, dtype=object)


def guess_mapping(table: pd.DataFrame) -> Mapping:
    """The mapping that column names suggest; all other columns become free columns."""
    found: dict[str, str] = {}
    for role, words in GUESSES.items():
        free = [c for c in table if c not in found.values()]
        found[role] = next((c for w in words for c in free if c.lower().replace("_", " ") == w), "")
    if not found["sample"] and not found["image"]:
        found["sample"] = next((c for c in table if c != found["group"]), "")
    rest = [c for c in table if c not in found.values() and not c.startswith("column ")]
    return Mapping(**found, free=tuple(rest[:MOST_COLUMNS]))


def match_table(
    table: pd.DataFrame, mapping: Mapping, images: Sequence[StudyImage], samples: Sequence[Sample]
) -> Match:
    """What the rows of a table say of these images and samples.

    An image is named by its name or path, with or without ending and folders, whatever the case, where that is one
    image alone. Two rows of one sample must not say different things.
    """
    if not mapping.sample and not mapping.image:
        raise DataError("Say which column names the samples, or the images.")
    by_name = _names_of(images)
    known = {s.name.lower() for s in samples}
    sample_of = {i.id: i.sample for i in images}
    rows: dict[str, SampleRow] = {}
    unknown, conflicts, named = [], [], 0
    for record in table.to_dict("records"):
        found = by_name.get(str(record[mapping.image]).strip().lower().replace("\\", "/")) if mapping.image else None
        sample = clean_name(record[mapping.sample]) if mapping.sample else (sample_of.get(found, "") if found else "")
        if mapping.image and record[mapping.image] and found is None:
            unknown.append(str(record[mapping.image]))
        if not sample:
            continue
        if not mapping.image and sample.lower() not in known:
            unknown.append(sample)
        row = rows.setdefault(sample.lower(), SampleRow(sample))
        if found is not None:
            row.images.append(found)
            named += 1
        said = {"group": clean_name(record[mapping.group]) if mapping.group else ""}
        said |= {c: clean_name(record[c]) for c in mapping.free}
        _note(row, said, conflicts)
    before = sum(name in known for name in rows)
    return Match(list(rows.values()), named, before, unknown, conflicts)


def _note(row: SampleRow, said: dict[str, str], conflicts: list[str]) -> None:
    for column, value in said.items():
        if not value:
            continue
        there = row.group if column == "group" else row.free.get(column, "")
        if there and there != value:
            conflicts.append(f"{row.sample}: {column} is '{there}' and '{value}'")
        elif column == "group":
            row.group = value
        else:
            row.free[column] = value


def _names_of(images: Sequence[StudyImage]) -> dict[str, int]:
    """Everything by which exactly one image can be named, lower case."""
    found: dict[str, set[int]] = {}
    for image in images:
        names = {image.name.lower(), image.file.lower()}
        names |= {PurePosixPath(n).name for n in names} | {str(PurePosixPath(n).with_suffix("")) for n in names if n}
        names |= {PurePosixPath(n).stem for n in (image.name.lower(), image.file.lower())}
        for name in names:
            found.setdefault(name, set()).add(image.id)
    return {name: next(iter(ids)) for name, ids in found.items() if len(ids) == 1}


def _csv_rows(name: str, data: bytes) -> list[list[str]]:
    encodings = ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ENCODINGS
    for encoding in encodings:
        try:
            text = data.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise DataError(f"'{name}' is no table that can be read. Save it as CSV or XLSX.")
    if "\0" in text:
        raise DataError(f"'{name}' is no table that can be read. Save it as CSV or XLSX.")
    head = text.partition("\n")[0]
    delimiter = max(";\t,", key=head.count)
    try:
        return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=delimiter)]
    except csv.Error as error:
        raise DataError(f"'{name}' is no table that can be read ({error}).") from error


def _xlsx_rows(name: str, data: bytes) -> list[list[str]]:
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        try:
            cells = book.worksheets[0].iter_rows(max_row=MOST_ROWS + 2, max_col=MOST_SHEET_COLUMNS, values_only=True)
            return [[_text(value) for value in row] for row in cells]
        finally:
            book.close()
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError, IndexError, TypeError,
            AttributeError, SyntaxError, EOFError) as error:  # fmt: skip
        raise DataError(f"'{name}' is no workbook that can be read. Save it as XLSX or CSV again.") from error


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, datetime) and value.time() == datetime.min.time():
        return value.date().isoformat()
    return value.isoformat() if isinstance(value, date | datetime) else str(value).strip()
