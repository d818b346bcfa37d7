"""The folder of all studies of a server."""

import re
import secrets
import shutil
from pathlib import Path

from bccseg.annotation.disk import disk_errors
from bccseg.annotation.records import now
from bccseg.errors import StoreError
from bccseg.studies.catalogue import FILE
from bccseg.studies.image_list import clean_name
from bccseg.studies.records import StudyInfo, StudySettings
from bccseg.studies.study import Study

STUDY_ID = re.compile(r"[0-9a-f]{16}")
REMOVED = "removed"  # folder of studies that were removed


class StudyStore:
    """Studies in a folder, one folder each. Methods raise StoreError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def create(self, name: str, settings: StudySettings | None = None) -> Study:
        """A new study, without images."""
        if not (name := clean_name(name)):
            raise StoreError("A study needs a name.")
        folder = self.folder / f".{secrets.token_hex(8)}.part"
        with disk_errors("Making the study"):
            for part in ("files", "results", "thumbnails"):
                (folder / part).mkdir(parents=True)
            time = now().isoformat(timespec="seconds")
            facts = {"name": name, "created": time, "settings": (settings or StudySettings()).to_json().decode()}
            Study(folder).catalogue.make(facts)
            return Study(folder.rename(self.folder / folder.name[1:17]))

    def open(self, study: str) -> Study:
        """The study of an id. Raises StoreError if there is none, or its catalogue cannot be read."""
        if not STUDY_ID.fullmatch(study) or not (self.folder / study).is_dir():
            raise StoreError("This study is not on this server. It may have been removed.")
        found = Study(self.folder / study)
        found.info()
        return found

    def find(self, name: str) -> Study:
        """The study of an id, or the only one of that name, whatever its case. Raises StoreError."""
        if STUDY_ID.fullmatch(name) and (self.folder / name).is_dir():
            return self.open(name)
        fits = [info for info in self.list() if info.name.lower() == clean_name(name).lower()]
        if len(fits) != 1:
            number = "no study" if not fits else f"{len(fits)} studies"
            raise StoreError(f"There is {number} called '{name}'. Name one by its id." if fits else
                             f"There is {number} called '{name}' in {self.folder}.")  # fmt: skip
        return self.open(fits[0].id)

    def list(self) -> list[StudyInfo]:
        """All studies, the one that changed last first. What cannot be opened says why."""
        return sorted((_info(folder) for folder in self._folders()), key=lambda i: i.changed, reverse=True)

    def remove(self, study: str) -> None:
        """Take a study off the list. Its folder is kept until `delete_removed`."""
        self.open_folder(study)
        with disk_errors("Removing the study"):
            (self.folder / REMOVED).mkdir(exist_ok=True)
            (self.folder / study).rename(self.folder / REMOVED / study)

    def restore(self, study: str) -> None:
        """Bring a removed study back."""
        if STUDY_ID.fullmatch(study) and (self.folder / REMOVED / study).is_dir():
            with disk_errors("Bringing the study back"):
                (self.folder / REMOVED / study).rename(self.folder / study)

    def removed(self) -> "list[StudyInfo]":
        """Studies that were removed."""
        return [_info(f) for f in (self.folder / REMOVED).glob("*") if STUDY_ID.fullmatch(f.name)]

    def delete_removed(self, study: str) -> None:
        """Delete a removed study for good."""
        if STUDY_ID.fullmatch(study):
            shutil.rmtree(self.folder / REMOVED / study, ignore_errors=True)

    def open_folder(self, study: str) -> Path:
        """Folder of a study, whether or not it can be opened."""
        if not STUDY_ID.fullmatch(study) or not (self.folder / study).is_dir():
            raise StoreError("This study is not on this server any more.")
        return self.folder / study

    def _folders(self) -> "list[Path]":
        if not self.folder.is_dir():
            return []
        return [f for f in self.folder.iterdir() if STUDY_ID.fullmatch(f.name) and f.is_dir()]


def _info(folder: Path) -> StudyInfo:
    try:
        return Study(folder).info()
    except StoreError as error:
        return StudyInfo(folder.name, f"{folder.name} ({FILE})", problem=str(error))
