"""Results of a study's images: what was measured, and the labels, as files that nothing unpickles.

    results/<id>.npz      what was measured (`io.packing`)
    results/<id>.labels   labels int32, zlib
    results/<id>.found    id of the result that the network found, where a person corrected it

A result never changes; a new one has another id, and the catalogue says which one stands.
"""

import re
import secrets
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from bccseg.annotation.disk import disk_errors
from bccseg.errors import StoreError
from bccseg.files import write_atomically
from bccseg.io.packing import pack, unpack
from bccseg.report.result import ImageResult, MeasuredImage
from bccseg.report.stored_result import StoredResult

RESULT_ID = re.compile(r"[0-9a-f]{32}")
YOUNG_SECONDS = 3600.0  # a file that no image names may be one that is just being written


@dataclass(frozen=True)
class _Kept:
    """What a results file holds."""

    measured: MeasuredImage


class ResultFiles:
    """The results of one study."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "results"

    def write(self, result: ImageResult, found: str = "") -> str:
        """Keep a result; its id. found: id of what the network found, where a person corrected it."""
        return self.write_stored(StoredResult.pack(result, b""), found)

    def write_stored(self, stored: StoredResult, found: str = "") -> str:
        """The same of a result that is packed already."""
        name = secrets.token_hex(16)
        with disk_errors("Keeping the result"):
            self.folder.mkdir(exist_ok=True)
            write_atomically(self.folder / f"{name}.labels", stored.labels)
            if found:
                write_atomically(self.folder / f"{name}.found", found.encode())
            write_atomically(self.folder / f"{name}.npz", pack(_Kept(stored.measured)))
        return name

    def measured(self, name: str) -> MeasuredImage:
        """What was measured. Raises StoreError that names the file."""
        path = self._path(name, "npz")
        try:
            return unpack(_Kept, path.read_bytes()).measured
        except OSError as error:
            raise StoreError(f"results/{path.name} is missing or cannot be read.") from error
        except StoreError as error:
            raise StoreError(f"results/{path.name} is damaged.") from error

    def stored(self, name: str, source: bytes) -> StoredResult:
        """A result with its file, as pages show it. Raises StoreError that names the file."""
        measured, path = self.measured(name), self._path(name, "labels")
        try:
            labels = path.read_bytes()
            size = len(zlib.decompress(labels))
        except (OSError, zlib.error) as error:
            raise StoreError(f"results/{path.name} is missing or damaged.") from error
        if size != 4 * measured.shape[0] * measured.shape[1]:
            raise StoreError(f"results/{path.name} is damaged.")
        found = self.found(name)
        return StoredResult(measured, source, labels, self.stored(found, source) if found else None)

    def found(self, name: str) -> str:
        """Id of what the network found before a person corrected it; "" where nobody did."""
        path = self._path(name, "found")
        text = path.read_text(encoding="ascii", errors="replace") if path.exists() else ""
        return text if RESULT_ID.fullmatch(text) else ""

    def delete(self, name: str) -> None:
        """Remove a result that no image names any more."""
        if name:
            for ending in ("npz", "labels", "found"):
                self._path(name, ending).unlink(missing_ok=True)

    def tidy(self, named: set[str]) -> None:
        """Remove what a killed process left behind. named: results of images; what those were found from stays."""
        wanted = named | {self.found(name) for name in named}
        for path in self.folder.glob("*") if self.folder.is_dir() else []:
            if path.name.split(".")[0] not in wanted and time.time() - path.stat().st_mtime > YOUNG_SECONDS:
                path.unlink(missing_ok=True)

    def _path(self, name: str, ending: str) -> Path:
        if not RESULT_ID.fullmatch(name):
            raise StoreError(f"'{name:.40}' is no name of a result.")
        return self.folder / f"{name}.{ending}"
