"""The tab Report of a study: one file to hand in, its paper, and everything it was made from."""

import io
import zipfile
from datetime import UTC, datetime

import streamlit as st

from bccseg.report.conclusion import number
from bccseg.report.study_report import can_print
from bccseg.report.study_report.pdf import NO_BROWSER
from bccseg.statistics.measures import study_measures
from bccseg.studies.report import HTML, PDF, ReportOptions, StudyReport, print_report, study_report
from bccseg.studies.study import Study
from ui.components.local_storage import remember, remembered
from ui.shared.errors import plain, show_errors
from ui.studies.opened import tables_of

MADE = "study_report_made"  # study, revision, report and paper that were made last
PICTURE_WORDS = {"all": "All images", "first": "One of each sample", "none": "None"}
CONTENT = (
    "Samples, pictures with outlines and scale bar, groups compared, classes, distributions, fields to look at, a "
    "methods paragraph with references, settings, weights and files with their sha256, and the record to repeat it."
)
