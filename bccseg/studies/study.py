"""One study in its folder.

study.sqlite        the catalogue: images, samples, groups, columns, settings
files/<sha256>      files as they came, each once
results/<id>.*      see `results`
thumbnails/         small pictures, made again if they are lost
pictures/           those of the report, as well
segment.lock, progress.json, process.json, stop, console.log     see `segmenting`
"""

from dataclasses import replace
from pathlib import Path

from bccseg.annotation.records import MAX_NAME, MAX_TEXT, clean_text
from bccseg.report.result import ImageResult, MeasuredImage
from bccseg.report.stored_result import StoredResult
from bccseg.statistics.tables import StudyTables
from bccseg.studies.catalogue import Catalogue
from bccseg.studies.counting import counted
from bccseg.studies.image_list import ImageList, clean_name
from bccseg.studies.records import StudyImage, StudyInfo, StudySettings
from bccseg.studies.results import ResultFiles
from bccseg.studies.sample_list import SampleList

COUNTS = (
    "SELECT count(*) AS images, coalesce(sum(state = 'waiting'), 0) AS waiting, "
    "coalesce(sum(state = 'failed'), 0) AS failed FROM image WHERE removed = ''"
)


class Study:
    """Images with samples and groups. Several people and processes may have it open. Methods raise StoreError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.catalogue = Catalogue(folder)
        self.images = ImageList(folder, self.catalogue)
        self.samples = SampleList(self.catalogue)
        self.results = ResultFiles(folder)

    @property
    def id(self) -> str:
        """Name of the folder."""
        return self.folder.name

    def info(self) -> StudyInfo:
        """What the list of studies says of it."""
        with self.catalogue.read() as db:
            facts = dict(map(tuple, db.execute("SELECT name, value FROM fact")))
            counts = dict(db.execute(COUNTS).fetchone())
            samples = db.execute("SELECT count(*) FROM sample").fetchone()[0]
            groups = db.execute('SELECT DISTINCT "group" FROM sample WHERE "group" != \'\' ORDER BY id')
            names = {name: facts.get(name, "") for name in ("name", "note", "created", "changed")}
            return StudyInfo(self.id, **names, **counts, samples=samples, groups=tuple(g for (g,) in groups))

    @property
    def revision(self) -> int:
        """A number that goes up with every change of the catalogue, whoever makes it."""
        return int(self._fact("revision") or 0)

    def rename(self, name: str) -> None:
        """Another name."""
        if name := clean_name(name):
            self._set_fact("name", name[:MAX_NAME])

    def write_note(self, note: str) -> None:
        """Replace the note."""
        self._set_fact("note", clean_text(note, MAX_TEXT))

    @property
    def settings(self) -> StudySettings:
        """How its images are segmented."""
        return StudySettings.from_json(self._fact("settings") or "{}")

    def set_settings(self, settings: StudySettings) -> None:
        """Applies to images that are segmented from now on; see `ImageList.segment_again`."""
        self._set_fact("settings", settings.to_json().decode())

    def stored(self, image: StudyImage) -> StoredResult | None:
        """The result of an image, with its pixel size; None before there is one."""
        if not image.result:
            return None
        stored = self.results.stored(image.result, self.images.file(image))
        return replace(stored, measured=counted(stored.measured, image), draft=image.draft, draft_size=image.draft_size,
                       edits_before=image.edits_before)  # fmt: skip

    def keep(self, image: StudyImage, result: ImageResult, found: str = "") -> None:
        """What was found, or corrected, in an image is from now on its result. The one before is deleted, unless it
        is what this was `found` from.
        """
        self._keep(image, StoredResult.pack(result, b""), found)

    def _keep(self, image: StudyImage, stored: StoredResult, found: str) -> None:
        name = self.results.write_stored(stored, found)
        measured, before = stored.measured, self.images.get(image.id) or image
        size: dict[str, object] = {}
        if not before.calibrated:
            size = {"pixel_size_um": measured.pixel_size_um, "pixel_size_from": measured.pixel_size_source}
        self.images.change(image.id, result=name, state="done", reason="", attempts=0, **_counts(measured), **size)
        if before.result and before.result != found:
            older = self.results.found(before.result)
            for gone in {before.result, older} - {found, ""}:
                self.results.delete(gone)

    def keep_corrected(self, image: StudyImage, corrected: StoredResult) -> None:
        """What a person made of the cells is from now on the image's result; what the network found stays beside it."""
        self._keep(image, corrected, self.results.found(image.result) or image.result)

    def keep_found(self, image: StudyImage) -> None:
        """What the network found is the image's result again."""
        if found := self.results.found(image.result):
            self.images.change(image.id, result=found, **_counts(self.results.measured(found)))
            self.results.delete(image.result)

    def tables(self) -> StudyTables:
        """Cells, images and samples as frames; see `studies.tables`."""
        from bccseg.studies.tables import study_tables

        return study_tables(self)[0]

    def _fact(self, name: str) -> str:
        with self.catalogue.read() as db:
            row = db.execute("SELECT value FROM fact WHERE name = ?", [name]).fetchone()
        return row["value"] if row else ""

    def _set_fact(self, name: str, value: str) -> None:
        with self.catalogue.write() as db:
            db.execute("INSERT INTO fact VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value", [name, value])


def _counts(measured: MeasuredImage) -> dict[str, object]:
    """What the catalogue lists of a result."""
    s = measured.summary
    return {
        "width": measured.shape[1], "height": measured.shape[0], "cell_count": s.cell_count,
        "flagged_count": s.flagged_count, "too_crowded": int(s.too_crowded),
        "edits": measured.correction.edits if measured.correction else 0,
    }  # fmt: skip
