"""Studies: images with samples and groups, kept on the server, compared and reported."""

import streamlit as st

from ui.shared.errors import show_errors
from ui.shared.handover import take_up_corrections
from ui.shared.page import open_page
from ui.shared.session import visitor_state
from ui.shared.storage import studies
from ui.shared.study_drafts import take_up_study
from ui.studies.comparison import show_comparison
from ui.studies.head import show_head
from ui.studies.images import show_images
from ui.studies.list import show_studies
from ui.studies.opened import images_of, opened_study, show_damaged, show_said, tables_of
from ui.studies.report import show_report
from ui.studies.samples import show_samples
from ui.studies.work import show_problems, show_work

open_page("pages/studies.py")  # an open study has its own heading
with show_errors():
    show_said()
    study = opened_study()
    if study is None:
        show_studies(studies())
        st.stop()
    info = show_head(study)
    busy = show_work(study, info)
    show_problems(study)
    take_up_corrections(visitor_state())
    take_up_study(study, images_of(study))
    images = images_of(study)

    def compare() -> None:
        """Damaged results are named, and the rest is compared."""
        state = (str(study.folder), study.revision)  # before the tables are read, which may be newer, never older
        tables, damaged = tables_of(study)
        show_damaged(study, damaged)
        show_comparison(tables, state)

    parts = {
        "Images": lambda: show_images(study, images, busy=busy),
        "Samples": lambda: show_samples(study, images),
        "Compare": compare,
        "Report": lambda: show_report(study),
    }
    # Only the open one is drawn. The address keeps it over a reload.
    tabs = st.tabs(list(parts), key="study_part", on_change="rerun", bind="query-params")
    for tab, title in zip(tabs, parts, strict=True):
        if tab.open:
            with tab:
                parts[title]()
