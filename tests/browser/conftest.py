"""A real Chromium and a real server. Without a browser these tests are skipped, except in CI."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.hub_server import Hub
from tests.paths import ROOT

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
MAC = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def find_browser():
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    return found or (MAC if Path(MAC).exists() else None)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for_server(url, process, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health", timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            assert process.poll() is None, "the server ended"
            time.sleep(0.1)
    raise AssertionError("the server does not answer")


@pytest.fixture(scope="session")
def test_hub():
    """A server that answers as the Hub does; the app's server uses it, with a token that may write."""
    hub = Hub()
    hub.write_token = "hf_of_the_server"
    yield hub
    hub.close()


@contextmanager
def running_app(**env):
    """Address of an app of its own."""
    port = free_port()
    options = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
    command = [sys.executable, "-m", "streamlit", "run", "app.py", *options]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for_server(url, process)
        yield url
    finally:
        process.terminate()
        process.wait(60)  # what it is at when it is ended, such as loading the network, it ends first


@pytest.fixture(scope="session")
def server(test_hub):
    """Address of a running app."""
    with running_app(HF_ENDPOINT=test_hub.url, HF_TOKEN=test_hub.write_token) as url:
        yield url


@pytest.fixture(scope="session")
def browser():
    path = find_browser()
    if path is None:
        assert not os.environ.get("CI"), "CI needs a Chromium on the PATH"
        pytest.skip("no Chromium on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser, server):
    """Open a page of the app, Segment unless told, in a new, empty browser profile; close all of them in the end."""
    contexts = []

    def opener(path="segment", width=1280, height=1000, **options):
        context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        opener.pages.append(page)
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.set_default_timeout(60_000)
        page.goto(f"{server}/{path}")
        return page

    opener.pages = []
    yield opener
    for context in contexts:
        context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure says what the pages showed: nobody can look at them afterwards."""
    report = yield
    if call.when == "call" and report.failed:
        for page in getattr(item.funcargs.get("open_page"), "pages", []):
            with suppress(Exception):
                report.sections.append((f"the page {page.url}", page.locator("body").inner_text(timeout=2000)[:3000]))
    return report
