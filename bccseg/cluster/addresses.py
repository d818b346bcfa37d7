"""Files by URL: what fsspec opens (https, s3, gs, …). Paths go another way, so that they need no package more."""

import time
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from bccseg.errors import SettingsError
from bccseg.io.images import SUFFIXES

TRIES, WAIT_SECONDS = 3, 1.0  # a server that stumbles once costs no field
FOR_GOOD = (FileNotFoundError, PermissionError, IsADirectoryError)
STAMPS = ("ETag", "etag", "LastModified", "last_modified", "mtime", "md5Hash", "created")  # as file systems call it


def is_url(text: str) -> bool:
    """Whether this names a file on another system: 's3://bucket/smear.png'."""
    return "://" in text


def read(address: str) -> bytes:
    """The bytes of a path or URL. Raises OSError, after some tries where that may help."""
    if not is_url(address):
        return Path(address).read_bytes()
    import fsspec

    for left in reversed(range(TRIES)):
        try:
            with fsspec.open(address, "rb") as file:
                return bytes(file.read())
        except FOR_GOOD:
            raise
        except Exception as error:  # each file system lets errors of its own client through
            if not left:
                raise OSError(f"{type(error).__name__}: {error}") from error
        time.sleep(WAIT_SECONDS * (TRIES - left))
    raise AssertionError


def opened(address: str) -> AbstractContextManager[BinaryIO]:
    """A path or URL to read from; of a URL no more is fetched than is read. Raises OSError."""
    if not is_url(address):
        return Path(address).open("rb")
    system, path = _system(address)
    return system.open(path, "rb")


def walk_url(url: str) -> list[tuple[str, PurePosixPath, str]]:
    """The file at a URL, or the image files and zips below it in order of name: URL, name below it, stamp.

    A URL of https is one file, unless it ends with "/". Raises SettingsError.
    """
    system, path = _system(url)
    try:
        one = not url.endswith("/") if url.startswith(("http://", "https://")) else not system.isdir(path)
        if one:
            return [(url, PurePosixPath(PurePosixPath(path).name), stamp(system.info(path)))]
        found = system.find(path, detail=True)
    except Exception as error:  # as in `read`
        raise SettingsError(f"'{url}' cannot be listed ({type(error).__name__}: {error}).") from error
    root = PurePosixPath(path.rstrip("/"))
    files = [(PurePosixPath(name), info) for name, info in sorted(found.items())]
    return [
        (str(system.unstrip_protocol(str(name))), name.relative_to(root) if name.is_relative_to(root) else name,
         stamp(info))
        for name, info in files
        if name.suffix.lower() in (*SUFFIXES, ".zip") and not name.name.startswith(".")
    ]  # fmt: skip


def stamp(info: dict[str, Any]) -> str:
    """What changes when a file does, as far as its file system tells: its size, and the first of STAMPS."""
    when = next((info[name] for name in STAMPS if info.get(name) is not None), "")
    return f"{info.get('size')} {when}"


def _system(url: str) -> tuple[Any, str]:
    try:
        from fsspec.core import url_to_fs

        return url_to_fs(url)
    except ImportError as error:  # fsspec itself, or what it opens this kind of address with
        raise SettingsError(f"'{url}' needs a package more: {error}") from error
    except ValueError as error:
        raise SettingsError(f"'{url}' is no address that can be opened: {error}") from error
