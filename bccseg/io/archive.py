"""Zip files of images, opened in memory and with limits; no name in them ever reaches the file system."""

import io
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO

from bccseg.errors import ImageError, ImageTooLarge

MAX_FILES = 2000
MAX_DATASET_FILES = 20_000  # a dataset is read one pair at a time
MAX_UNPACKED_BYTES = 4_000_000_000
MAX_FILE_BYTES = 1_000_000_000
MAX_RATIO = 100  # images hardly compress further; more is a zip bomb ...
RATIO_FROM_BYTES = 20_000_000  # ... unless the file is small anyway
MAX_STEM = 100  # letters of a name; of a folder, too
MAX_FOLDERS = 6  # that files are written into, the nearest ones
DRIVE = re.compile(r"[A-Za-z]:")
RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # by Windows
RESULT = re.compile(r".*\.(csv|json|geojson|png|zip)", re.IGNORECASE)  # a folder of such a name may be in a file's way


@dataclass(frozen=True)
class Entry:
    """A file to be segmented: its name as shown, with its folder in a zip, and its bytes or why it cannot be read."""

    name: str
    data: bytes = b""
    error: ImageError | None = None


def is_zip(data: bytes) -> bool:
    """Whether the bytes are a zip archive, whatever the file is called."""
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def expand(name: str, data: bytes) -> Iterator[Entry]:
    """The file itself, or, for a zip, each of the files in it, one at a time.

    Folders, hidden files and macOS resource forks are left out. A file that breaks a limit comes with
    an error in place of its bytes, and the rest goes on.
    """
    if not is_zip(data):
        yield Entry(name, data)
        return
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        yield Entry(name, error=ImageError("The zip is damaged or cut off. Make it again and upload it again."))
        return
    with archive:
        members = _members(archive)
        if not members:
            yield Entry(name, error=ImageError("The zip holds no files."))
        if len(members) > MAX_FILES:
            reason = f"The zip holds {len(members):,} files; at most {MAX_FILES:,} can be opened. Split it."
            yield Entry(name, error=ImageTooLarge(reason))
            return
        total = 0
        for member in members:
            entry = _read(archive, member, MAX_UNPACKED_BYTES - total)
            total += len(entry.data)
            yield entry


def zip_names(file: BinaryIO) -> list[str]:
    """What `expand` will call the entries of a zip, from its list alone; [] where that cannot be read."""
    try:
        with zipfile.ZipFile(file) as archive:
            return [inner_path(m.filename) for m in _members(archive)]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return []


def zip_members(data: bytes) -> dict[str, Callable[[], bytes]]:
    """Files of a zip by their path inside it, each with what reads it when it is needed.

    The same limits as `expand`. Raises ImageError for a damaged zip; so do the readers, file by file.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise ImageError("The zip is damaged or cut off. Make it again and upload it again.") from error
    members = _members(archive)
    if len(members) > MAX_DATASET_FILES:
        raise ImageTooLarge(
            f"The zip holds {len(members):,} files; at most {MAX_DATASET_FILES:,} can be opened. Split it."
        )

    def reader(member: zipfile.ZipInfo) -> Callable[[], bytes]:
        def read() -> bytes:
            entry = _read(archive, member, MAX_FILE_BYTES)
            if entry.error:
                raise entry.error
            return entry.data

        return read

    return {m.filename.replace("\\", "/"): reader(m) for m in members}


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Files that a person put in: no folders, and nothing hidden. A damaged zip has names that are empty."""
    return [m for m in archive.infolist() if m.filename and not m.is_dir() and not _is_hidden(m.filename)]


def _is_hidden(name: str) -> bool:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    return any(part.startswith((".", "__MACOSX")) and part != ".." for part in parts)


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo, room: int) -> Entry:
    name = inner_path(member.filename)
    if member.flag_bits & 1:
        return Entry(name, error=ImageError("It is locked with a password. Make a zip without one."))
    ratio = member.file_size / max(1, member.compress_size)
    bomb = member.file_size > RATIO_FROM_BYTES and ratio > MAX_RATIO
    limit = min(MAX_FILE_BYTES, room)
    if bomb or member.file_size > limit:
        reason = (
            f"It unpacks to {member.file_size / 1e6:,.0f} MB, more than is allowed from a zip. Upload it by itself."
        )
        return Entry(name, error=ImageTooLarge(reason))
    try:
        with archive.open(member) as file:
            data = file.read(limit + 1)  # the size written in the zip may be a lie
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError, zlib.error):
        return Entry(name, error=ImageError("It is damaged inside the zip. Make the zip again."))
    if len(data) > limit:
        return Entry(name, error=ImageTooLarge("It unpacks to more than is allowed. Upload it by itself."))
    if is_zip(data):
        return Entry(name, error=ImageError("It is a zip within a zip. Unpack it first, then upload the images."))
    return Entry(name, data)


def inner_path(name: str) -> str:
    """A path inside a zip as people know it, "patientA/10.jpg": without drive, root and steps upwards."""
    parts = [part for part in re.split(r"[/\\]", name) if part not in ("", ".", "..")]
    if parts and DRIVE.match(parts[0]):
        parts[:1] = [rest] if (rest := parts[0][2:]) else []
    return "/".join(parts) or "unnamed"


def safe_stem(name: str) -> str:
    """A name without its suffix that is safe on every file system: letters, digits, . _ - and space.

    Folders stay, "patientA/10", and are as safe: none leads upwards or out. See `flat_stem`.
    """
    *folders, last = inner_path(name).split("/")
    parts = [*folders[-MAX_FOLDERS:], PurePosixPath(last).stem]
    parts = [re.sub(r"[^\w.\- ]+", "_", part).strip(" .")[:MAX_STEM].strip(" .") for part in parts]
    parts[:-1] = [f"{part}_" if RESULT.fullmatch(part) else part for part in parts[:-1]]
    parts = [f"{part}_" if RESERVED.fullmatch(part) else part for part in parts]
    return "/".join([*filter(None, parts[:-1]), parts[-1] or "image"])


def flat_stem(stem: str) -> str:
    """A safe stem where there are no folders: "patientA_10"."""
    return stem.replace("/", "_")


def unique(stem: str, taken: set[str]) -> str:
    """`stem`, or `stem-2`, `stem-3`, ... if it is taken; the answer is added to `taken`. Case is ignored."""
    candidate, k = stem, 1
    while candidate.lower() in taken:
        k += 1
        candidate = f"{stem}-{k}"
    taken.add(candidate.lower())
    return candidate


def count_files(data: bytes) -> int:
    """How many entries `expand` will give for these bytes, at least 1."""
    if not is_zip(data):
        return 1
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return max(1, sum(not m.is_dir() and not _is_hidden(m.filename) for m in archive.infolist()))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return 1
