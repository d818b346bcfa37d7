"""A study's report: one HTML file without anything from outside, and the same as PDF.

`ReportContent` is what it says, `report_html` the page, `print_pdf` the paper.
"""

from bccseg.report.study_report.content import ReportContent, ReportPicture
from bccseg.report.study_report.page import report_html
from bccseg.report.study_report.pdf import can_print, print_pdf
from bccseg.report.study_report.pictures import report_picture

__all__ = ["ReportContent", "ReportPicture", "can_print", "print_pdf", "report_html", "report_picture"]
