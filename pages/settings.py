"""Settings: what kind of server this is, who has which role, and what it keeps."""

from ui.accounts.kept import show_kept_data
from ui.accounts.mode import show_mode
from ui.accounts.people import show_people
from ui.shared.errors import show_errors
from ui.shared.page import open_page

open_page("pages/settings.py", "What kind of server this is, who may do what on it, and what it keeps of you.")
with show_errors():
    show_mode()
    show_people()
    show_kept_data()
