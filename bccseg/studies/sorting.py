"""Samples and groups from the names of files: "control/patient 1/10.jpg"."""

import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal, Self

from bccseg.io.archive import inner_path

SampleFrom = Literal["folder", "archive", "none"]
GroupFrom = Literal["folder above", "archive", "none"]


@dataclass(frozen=True)
class Place:
    """Where an image belongs; "" where nothing says so."""

    sample: str = ""
    group: str = ""


@dataclass(frozen=True)
class Sorting:
    """What says where images belong.

    samples: the folder that a file is in, or the zip that it came in. groups: the folder above that, or the zip.
    """

    samples: SampleFrom = "folder"
    groups: GroupFrom = "folder above"

    @classmethod
    def proposed(cls, names: list[tuple[str, str]]) -> Self:
        """The sorting that fits files best. names: each file's path, and the zip or file that it came in.

        Folders are samples. Where folders lie in several others, those are groups; else several zips with folders are
        groups. Several zips without folders are samples.
        """
        folders = {inner_path(name).rpartition("/")[0] for name, _ in names} - {""}
        zips = {archive for name, archive in names if archive != name}
        if not folders:
            return cls("archive" if len(zips) > 1 else "none", "none")
        above = {PurePosixPath(folder).parent.name for folder in folders} - {""}
        nested = len(above) > 1
        same = {PurePosixPath(archive).stem.lower() for archive in zips} == {f.lower() for f in folders}
        if nested or same or len(zips) < 2:  # a zip of one folder is called like it
            return cls("folder", "folder above" if nested else "none")
        return cls("folder", "archive")

    def place(self, name: str, archive: str) -> Place:
        """Where the file with this path belongs. archive: name of the zip or file that it came in."""
        *folders, _ = inner_path(name).split("/")
        came_in = PurePosixPath(inner_path(archive)).stem if archive != name else ""
        sample = {"folder": folders[-1] if folders else "", "archive": came_in, "none": ""}[self.samples]
        above = folders[-2] if len(folders) > 1 else ""
        group = {"folder above": above, "archive": came_in, "none": ""}[self.groups]
        if self.samples != "none" and not sample:
            return Place()  # a file beside the folders
        return Place(sample, group if sample else "")


def names_in(name: str, file: Path | BinaryIO) -> list[tuple[str, str]]:
    """Path and archive, as `Sorting.proposed` takes them, of all that a file holds, without unpacking it."""
    try:
        with zipfile.ZipFile(file) as archive:
            inside = [inner_path(m.filename) for m in archive.infolist() if not m.is_dir()]
            shown = [n for n in inside if not any(part.startswith((".", "__MACOSX")) for part in n.split("/"))]
            return [(inner, name) for inner in shown]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return [(name, name)]
