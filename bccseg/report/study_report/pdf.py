"""The page as PDF, by a browser of the Chromium family if this computer has one.

A page made for print is printed by every browser, so nothing has to be installed for it: without one here, the reader's
own browser prints the same pages.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from bccseg.errors import BccsegError

BROWSER = "BCCSEG_BROWSER"  # environment variable that names one
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
FLAGS = (
    "--headless=new", "--disable-gpu", "--no-first-run", "--no-default-browser-check", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-pdf-header-footer",
    "--disable-dev-shm-usage",
)  # fmt: skip
SECONDS = 120.0
FAILED = "The browser of this server did not print the report"
NO_BROWSER = (
    "There is no browser on this server that could print. Open the HTML report and print it from your browser "
    "(Ctrl+P, save as PDF): it is made for A4."
)


def find_browser() -> str | None:
    """A browser that prints; None if there is none."""
    named = os.environ.get(BROWSER, "").strip()
    if named:
        return shutil.which(named)
    return next((path for name in NAMES if (path := shutil.which(name))), None) or next(
        (path for path in PLACES if Path(path).exists()), None
    )


def can_print() -> bool:
    """Whether this computer makes PDFs."""
    return find_browser() is not None


def print_pdf(html: bytes) -> bytes:
    """A report of `report_html` as PDF. Raises BccsegError where there is no browser, or it fails."""
    browser = find_browser()
    if browser is None:
        raise BccsegError(NO_BROWSER)
    with tempfile.TemporaryDirectory(prefix="bccseg_report_", ignore_cleanup_errors=True) as folder:
        page, paper = Path(folder, "report.html"), Path(folder, "report.pdf")
        page.write_bytes(html)
        # Its sandbox works neither for root nor in most containers. The page has no script, and nothing foreign.
        for sandbox in ((), ("--no-sandbox",)):
            command = [browser, *FLAGS, *sandbox, f"--user-data-dir={Path(folder, 'profile')}",
                       f"--print-to-pdf={paper}", page.as_uri()]  # fmt: skip
            try:
                subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)  # noqa: S603
            except (OSError, subprocess.TimeoutExpired) as error:
                raise BccsegError(
                    f"The browser did not print the report ({type(error).__name__}). {NO_BROWSER}"
                ) from error
            if paper.exists() and paper.stat().st_size:
                return paper.read_bytes()
    raise BccsegError(f"{FAILED}. {NO_BROWSER}")
