"""The slides of a server: files in one folder, and what was counted in each.

<folder>/a.svs                        as somebody put it there, or uploaded it
<folder>/counts/a.svs/regions.json    drawn on it
<folder>/counts/a.svs/001/            see `runs`
"""

import contextlib
import re
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from bccseg.errors import BccsegError, SettingsError, StoreError
from bccseg.files import TEMPORARY_SUFFIX, write_atomically
from bccseg.imaging.regions import Region, read_regions, write_regions
from bccseg.slides.open import open_slide
from bccseg.slides.request import SlideRequest
from bccseg.slides.runs import SlideRun

KINDS = (".svs", ".ndpi", ".tif", ".tiff", ".btf", ".scn", ".bif", ".mrxs", ".vms", ".vmu", ".qptiff", ".zarr")
UPLOADED = tuple(kind for kind in KINDS if kind not in {".mrxs", ".vms", ".vmu", ".zarr"})  # those that are one file
COUNTS = "counts"
COPY_BYTES = 1 << 22  # at once
LONGEST_NAME = 100


class SlideLibrary:
    """The folder of slides; made when something is put into it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Of all slides, in order."""
        return sorted((path.name for path in self._files()), key=str.lower)

    def path(self, name: str) -> Path:
        """Where a slide of the list lies. Raises StoreError for any other name."""
        for path in self._files():
            if path.name == name:
                return path
        raise StoreError(f"There is no slide '{name}' on this server any more. Choose another.")

    def add(self, name: str, data: BinaryIO) -> str:
        """Take a file in, if it is a slide; the name it got. Raises ImageError, UnsupportedImage, StoreError."""
        clean = _clean(name)
        if not clean.lower().endswith(UPLOADED):
            raise SettingsError(f"{name} is no slide that can be uploaded: {', '.join(UPLOADED)} can.")
        temporary = self.folder / f"{clean}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}"  # two may bring one name at once
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with temporary.open("wb") as file:
                while part := data.read(COPY_BYTES):
                    file.write(part)
            with open_slide(temporary):
                pass
            target = self._free(clean)
            temporary.rename(target)
        except OSError as error:
            raise StoreError(
                f"{name} cannot be kept ({error.strerror}). Make room on the disk, then try again."
            ) from error
        except BccsegError as error:
            raise type(error)(str(error).replace(temporary.name, name)) from error
        finally:
            temporary.unlink(missing_ok=True)
        return target.name

    def runs(self, name: str) -> list[SlideRun]:
        """Counts of a slide, the last one first."""
        path = self.path(name)
        return [
            SlideRun(path, self._counts(name) / number) for number in sorted(self._numbers(name), key=int, reverse=True)
        ]

    def begin(self, name: str, request: SlideRequest) -> SlideRun:
        """Start another count. Raises StoreError."""
        path = self.path(name)
        request = request.replace(when=datetime.now(UTC).isoformat(timespec="seconds"))
        try:
            folder = self._new_folder(name)
            write_atomically(folder / "request.json", request.to_json(indent=1))
        except OSError as error:
            raise StoreError(
                f"Counting cannot begin ({error.strerror}). Make room on the disk, then try again."
            ) from error
        run = SlideRun(path, folder)
        run.start()
        return run

    def regions(self, name: str) -> tuple[Region, ...]:
        """Drawn on a slide, px of level 0."""
        with contextlib.suppress(OSError, UnicodeDecodeError, SettingsError):
            return read_regions((self._counts(name) / "regions.json").read_text("utf-8"))
        return ()

    def set_regions(self, name: str, regions: Sequence[Region]) -> None:
        """Keep them. Raises StoreError."""
        self.path(name)
        try:
            self._counts(name).mkdir(parents=True, exist_ok=True)
            write_atomically(self._counts(name) / "regions.json", write_regions(tuple(regions)).encode())
        except OSError as error:
            raise StoreError(f"The regions cannot be kept ({error.strerror}).") from error

    def resume(self) -> list[SlideRun]:
        """Begin again what was under way when the computer was switched off; these counts."""
        counted = (run for name in self.names() for run in self.runs(name))
        return [run for run in counted if run.waits and run.start()]

    def _files(self) -> list[Path]:
        with contextlib.suppress(OSError):
            return [path for path in self.folder.iterdir() if path.suffix.lower() in KINDS]
        return []

    def _counts(self, name: str) -> Path:
        return self.folder / COUNTS / name

    def _numbers(self, name: str) -> list[str]:
        with contextlib.suppress(OSError):
            return [path.parent.name for path in self._counts(name).glob("[0-9]*/request.json")]
        return []

    def _new_folder(self, name: str) -> Path:
        number = max(map(int, self._numbers(name)), default=0)
        while True:
            number += 1
            folder = self._counts(name) / f"{number:03d}"
            with contextlib.suppress(FileExistsError):
                folder.mkdir(parents=True)
                return folder

    def _free(self, name: str) -> Path:
        stem, kind = Path(name).stem, Path(name).suffix
        k, path = 2, self.folder / name
        while path.exists():
            path, k = self.folder / f"{stem} ({k}){kind}", k + 1
        return path


def _clean(name: str) -> str:
    """A file name of a visitor as one that every system takes, without a folder."""
    base = name.replace("\\", "/").rsplit("/", 1)[-1]
    stem, dot, kind = base.rpartition(".")
    stem = re.sub(r"[^\w\- .()]", "_", stem).strip(". ")[:LONGEST_NAME] or "slide"
    return f"{stem}{dot}{re.sub(r'[^A-Za-z0-9]', '', kind)}"
