"""Audit: who did what on this server, and what was refused."""

from ui.accounts.audit import show_audit
from ui.shared.errors import show_errors
from ui.shared.page import open_page

open_page("pages/audit.py", "Who did what on this server, and what was refused.")
with show_errors():
    show_audit()
