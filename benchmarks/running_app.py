"""An app of its own on an empty disk, and the browser that looks at it."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    """A port nobody uses."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextmanager
def running_app(home: Path) -> Iterator[str]:
    """The address of an app that keeps everything in a folder."""
    url = f"http://127.0.0.1:{free_port()}"
    server = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", url.rpartition(":")[2],
         "--server.headless", "true"],
        cwd=ROOT, env={**os.environ, "BCCSEG_STORE": str(home / "collection")}, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        while True:
            with suppress(OSError):
                urllib.request.urlopen(f"{url}/_stcore/health", timeout=1).close()  # noqa: S310
                break
            time.sleep(0.02)
        yield url
    finally:
        server.terminate()
        server.wait()


@contextmanager
def browser_page(width: int, height: int) -> Iterator[Page]:
    """An empty page of the system's Chromium."""
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(path for name in names if (path := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser.new_page(viewport={"width": width, "height": height})
        browser.close()
