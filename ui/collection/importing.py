"""The Collection page's import: a zip from elsewhere, what its classes become here, and what came of it."""

from collections.abc import Mapping

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from bccseg.accounts.roles import Action, who_may
from bccseg.annotation.dataset_import import ImportReport, import_dataset
from bccseg.annotation.import_parts import Dataset
from bccseg.annotation.import_sources import open_dataset
from bccseg.annotation.store import LabelStore
from bccseg.config import LICENCES
from ui.components.local_storage import remembered
from ui.shared.account import acting, at_work, require
from ui.shared.background_sync import saved
from ui.shared.class_mapping import ask_for_classes
from ui.shared.clicks import click_waits, noting_button, take_click
from ui.shared.errors import plain, show_errors

HELP = """
A zip of images with what is known of their cells:

* **Masks or labels**: folders `original/` and `mask/` with the same file names (also below `train/` and `test/`), or
  `…_labels.png` beside the images. Masks, or 8, 16 or 32 bit pictures with a number for each cell.
* **Annotations, with their classes**: COCO, GeoJSON (QuPath), YOLO, LabelMe or Label Studio (JSON) files beside the
  images. Boxes become ellipses and wait for review, and so does what a network predicted.
"""
TURN, SEEN, REPORT, IMPORT = "import_turn", "import_seen", "import_report", "import_dataset"


def show_import(store: LabelStore) -> None:
    """Ask for a zip, then for its classes, then import."""
    who = at_work()
    if not who.may(Action.IMPORT):
        st.info(f"To import needs the role {who_may(Action.IMPORT)}.", icon=":material/lock:")
        return
    st.markdown(HELP)
    turn = st.session_state.setdefault(TURN, 0)  # another number empties the upload
    data = st.file_uploader("Dataset (zip)", ["zip"], key=f"import_zip_{turn}")
    names: Mapping[str, str] = {}
    if data is not None:
        st.session_state.pop(REPORT, None)
        with show_errors():
            names = ask_for_classes(_looked_through(data), store.class_set(), f"import_class_{data.file_id}")
    with st.form("import_form", border=False):
        left, right = st.columns(2)
        name = who.person.name if who.shared else remembered("author")
        author = left.text_input("Who labelled it", value=name, max_chars=80, disabled=who.shared)
        licence = right.selectbox("Licence", LICENCES)
        noting_button("Import", IMPORT, icon=":material/upload:", button=st.form_submit_button)
    if data is None and take_click(IMPORT):
        st.session_state.pop(REPORT, None)
        st.warning("Choose a zip first.")
    elif data is not None and click_waits(IMPORT):
        with show_errors():
            st.session_state[REPORT] = _import(store, data, author, licence, names)
            st.session_state[TURN] = turn + 1
        if take_click(IMPORT) and st.session_state[TURN] > turn:
            st.rerun()
    if report := st.session_state.get(REPORT):
        _show_report(report)


def _looked_through(data: UploadedFile) -> Dataset:
    """The class names of a zip; it is looked through once."""
    file, about = st.session_state.get(SEEN, ("", Dataset()))
    if file != data.file_id:
        with st.spinner("Looking through the zip"):
            found = open_dataset(data.getvalue())
        about = Dataset(class_counts=found.class_counts, classes=found.classes)  # without the zip itself
        st.session_state[SEEN] = data.file_id, about
    return about


def _import(store: LabelStore, data: UploadedFile, author: str, licence: str, names: Mapping[str, str]) -> ImportReport:
    who = require(Action.IMPORT, data.name)
    found, report = open_dataset(data.getvalue()), ImportReport()
    bar = st.progress(0.0, "Reading")
    author = who.person.name if who.shared else author
    with acting(Action.IMPORT, data.name) as note:
        for done, report in enumerate(import_dataset(store, found, author, licence, names), start=1):  # noqa: B007
            note.text = f"{done:,} of {len(found.pairs):,} images"  # also where the page is left meanwhile
            bar.progress(done / len(found.pairs), note.text)
    bar.empty()
    saved(store)
    return report


def _show_report(report: ImportReport) -> None:
    waits = f" ({report.waiting:,} wait for review)" if report.waiting else ""
    st.success(
        f"{report.added:,} images with {report.cells:,} cells were added{waits}; {report.already:,} were there already."
    )
    if report.class_map and report.class_map.names:
        words = {one.name: one.words for one in report.class_map.classes.classes}
        lines = [f"{plain(theirs, 60)} → {words.get(ours, ours) or 'unclassified'}"
                 for theirs, ours in report.class_map.names.items()]  # fmt: skip
        st.caption("Classes: " + ", ".join(lines))
    failed = [f"{name}: {why}" for name, why in report.failed]
    for title, lines in (("without a partner", report.lonely), ("could not be used", failed)):
        if lines:
            with st.expander(f"{len(lines):,} files {title}"):
                st.markdown("\n".join(f"* {plain(line, 300)}" for line in lines[:500]))
