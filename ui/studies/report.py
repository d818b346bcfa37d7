"""The tab Report of a study: one file to hand in, its paper, and everything it was made from."""

import io
import zipfile
from dataclasses import dataclass

import streamlit as st

from bccseg.statistics.measures import Measure, study_measures
from bccseg.studies.report import PDF, ReportOptions, StudyReport, print_report, study_report
from bccseg.studies.study import Study
from ui.shared.account import author as author_at_work
from ui.shared.clicks import click_waits, noting_button, take_click
from ui.shared.errors import plain, show_errors
from ui.studies.opened import tables_of

MADE = "study_report_made"  # what was made last in this tab
MAKE = "make_report"  # key of the button
PICTURE_WORDS = {"all": "All images", "first": "One of each sample", "none": "None"}
CONTENT = (
    "Samples, pictures with outlines and scale bar, groups compared, classes, distributions, fields to look at, a "
    "methods paragraph with references, settings, the sha256 of weights and files, and the record to repeat it. "
    "One file that opens anywhere, and for paper."
)
TO_PRINT = "No browser on this server makes PDFs. Open the HTML file and print it to PDF (Ctrl+P): it is made for A4."


@dataclass(frozen=True)
class Made:
    """A report, and of what."""

    study: str
    revision: int
    options: ReportOptions
    report: StudyReport
    paper: bytes | None


def show_report(study: Study) -> None:
    """Ask what it should have, make it, offer it."""
    tables, _ = tables_of(study)
    if not len(tables.images):
        st.info("Nothing to report yet: a report is made of images that are segmented.", icon=":material/description:")
        return
    st.caption(CONTENT)
    options = _ask(study_measures(tables))
    noting_button("Make report", MAKE, type="primary", icon=":material/description:")
    if click_waits(MAKE):
        with show_errors():
            _make(study, options)
        take_click(MAKE)
    made = st.session_state.get(MADE)
    if isinstance(made, Made) and made.study == study.id:
        _offer(made, study, options)


def _ask(measures: list[Measure]) -> ReportOptions:
    titles = {one.key: one.axis for one in measures}
    usual = [one.key for one in measures if one.kind in ("number", "size", "shape")]
    with st.container(horizontal=True, vertical_alignment="bottom", key="report_options"):
        author = st.text_input("Author", author_at_work(), max_chars=120, key="report_author",
                               placeholder="who hands it in")  # fmt: skip
        pictures = st.selectbox("Pictures", list(PICTURE_WORDS), format_func=PICTURE_WORDS.__getitem__,
                                key="report_pictures")  # fmt: skip
        without = st.toggle("Without flagged cells", key="report_unflagged", help="Leaves flagged cells out of sizes, "
                            "shapes, colours and classes, and crowded images out of everything.")  # fmt: skip
    with st.expander("What is compared", icon=":material/rule:"):
        asked = st.multiselect(
            "Measures", list(titles), default=usual, key="report_tested", format_func=titles.__getitem__,
            help="p values are corrected for their number (Holm): choose beforehand what the study is about.",
        )  # fmt: skip
    return ReportOptions(author=author.strip(), pictures=pictures, without_flagged=without, tested=tuple(asked))


def _make(study: Study, options: ReportOptions) -> None:
    revision, bar = study.revision, st.progress(0.0, "Drawing the pictures …")
    report = study_report(study, options, lambda share: bar.progress(share, "Drawing the pictures …"))
    bar.progress(1.0, "Printing …")
    paper = print_report(report)
    bar.empty()
    st.session_state[MADE] = Made(study.id, revision, options, report, paper)


def _offer(made: Made, study: Study, options: ReportOptions) -> None:
    if made.revision != study.revision or made.options != options:
        st.caption(":material/history: The study or what you ask for has changed since; *Make report* takes it up.")
    name = "".join(c if c.isalnum() else "_" for c in study.info().name)[:60] or "study"
    with st.container(horizontal=True, key="report_downloads"):
        if made.paper:
            st.download_button("Report (PDF)", made.paper, f"{name}.pdf", "application/pdf", on_click="ignore",
                               icon=":material/picture_as_pdf:", type="primary", key="report_pdf")  # fmt: skip
        st.download_button("Report (HTML)", made.report.html, f"{name}.html", "text/html", on_click="ignore",
                           icon=":material/html:", key="report_html")  # fmt: skip
        st.download_button("Report, tables and run record (zip)", lambda: _zip(made), f"{name}.zip", on_click="ignore",
                           icon=":material/folder_zip:", key="report_zip",
                           help="report.html, report.pdf, run.json, all_cells.csv, images.csv, samples.csv and what "
                           "their columns mean.")  # fmt: skip
    if not made.paper:
        st.caption(f":material/print: {TO_PRINT}")
    st.markdown("**Methods paragraph**, to be copied")
    st.code(made.report.methods, language=None, wrap_lines=True)
    if made.report.damaged:
        names = ", ".join(image.name for image, _ in made.report.damaged[:5])
        st.warning(f"Left out, because their results cannot be read: {plain(names, 300)}", icon=":material/warning:")


def _zip(made: Made) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in made.report.files(made.paper).items():
            archive.writestr(name, data, zipfile.ZIP_STORED if name == PDF else zipfile.ZIP_DEFLATED)
    buffer.seek(0)
    return buffer
