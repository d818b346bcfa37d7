"""The report of a study: what `report.study_report` lays out, from the catalogue and the results."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from bccseg.errors import BccsegError
from bccseg.report.result import MeasuredImage
from bccseg.report.run_record import FILE_NAME, RunRecord, RunRecorder
from bccseg.report.study_export import study_files
from bccseg.report.study_report import ReportContent, ReportPicture, can_print, print_pdf, report_html
from bccseg.report.study_report.methods import methods
from bccseg.report.texts import Texts
from bccseg.schema import Schema
from bccseg.statistics.compare import Test
from bccseg.statistics.tables import StudyTables
from bccseg.studies.counting import counted
from bccseg.studies.pictures import picture
from bccseg.studies.records import StudyImage
from bccseg.studies.tables import study_tables

if TYPE_CHECKING:
    from bccseg.studies.study import Study

HTML, PDF = "report.html", "report.pdf"
Progress = Callable[[float], None]  # finished share, 0 to 1


class ReportOptions(Schema):
    """What a person may ask of a report."""

    title = "options of a report"

    author: str = ""
    pictures: Literal["all", "first", "none"] = "all"  # first: of each sample
    without_flagged: bool = False
    test: Test = "rank"
    tested: tuple[str, ...] = ()  # measures tested together; (): numbers, sizes and shapes
    language: str = "en"


@dataclass(frozen=True, eq=False)
class StudyReport:
    """A report that was made."""

    html: bytes
    record: RunRecord
    tables: StudyTables
    damaged: list[tuple[StudyImage, str]]  # results that cannot be read, which are left out
    methods: str = ""  # the paragraph for a paper

    def files(self, pdf: bytes | None = None) -> dict[str, bytes]:
        """All that goes with it, by file name. pdf: of `print_pdf`, where it could be made."""
        paper = {PDF: pdf} if pdf else {}
        return {HTML: self.html, **paper, FILE_NAME: self.record.to_json(indent=1), **study_files(self.tables)}


def study_report(
    study: "Study", options: ReportOptions | None = None, on_progress: Progress = lambda _share: None
) -> StudyReport:
    """Make the report of a study as it is now. on_progress may raise Stopped; pictures made until then are kept."""
    options, info = options or ReportOptions(), study.info()
    tables, damaged = study_tables(study)
    left_out = {image.id for image, _ in damaged}
    images = [image for image in study.images.all() if image.result and image.id not in left_out]
    recorder, measured = RunRecorder(options.author), {}
    for image in images:
        found = _with_file(counted(study.results.measured(image.result), image), image)
        recorder.add(found)
        measured[image.id] = (found.summary.flagged_count, found.summary.too_crowded)
    failed = [(image.name, image.reason) for image in study.images.all() if image.state == "failed"]
    content = ReportContent(
        info.name, tables, recorder.record(), datetime.now(UTC), options.author, info.note,
        failed=tuple(failed) + tuple((image.name, reason) for image, reason in damaged),
        without_flagged=options.without_flagged, test=options.test, tested=options.tested,
        pictures_of=options.pictures,
    )  # fmt: skip
    shown = _shown(images, options)
    html = report_html(content, _pictures(study, shown, measured, on_progress), options.language)
    on_progress(1.0)
    return StudyReport(html, content.record, tables, damaged, methods(content, Texts(options.language))[0])


def print_report(report: StudyReport) -> bytes | None:
    """Its PDF; None where this computer has no browser that prints, or it fails."""
    try:
        return print_pdf(report.html) if can_print() else None
    except BccsegError:
        return None


def _with_file(found: MeasuredImage, image: StudyImage) -> MeasuredImage:
    """Results of before files were noted get theirs, too."""
    if found.provenance.file_sha256:
        return found
    return replace(found, provenance=replace(found.provenance, file_sha256=image.sha256))


def _shown(images: list[StudyImage], options: ReportOptions) -> list[StudyImage]:
    if options.pictures == "none":
        return []
    if options.pictures == "all":
        return images
    first = {}
    for image in images:
        first.setdefault(image.sample or image.name, image)
    return list(first.values())


def _pictures(
    study: "Study", images: list[StudyImage], measured: dict[int, tuple[int, bool]], on_progress: Progress
) -> Iterator[ReportPicture]:
    """One at a time, kept for the next report."""
    for k, image in enumerate(images):
        on_progress(k / len(images))
        flagged, crowded = measured[image.id]
        try:
            jpeg = picture(study, image)
        except BccsegError:  # a damaged file must not hide the others; the table says that it is there
            continue
        yield ReportPicture(
            image.name,
            image.sample,
            image.group,
            jpeg,
            image.cell_count or 0,
            flagged,
            crowded,
            image.edits,
            image.note,
        )
