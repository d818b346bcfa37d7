"""What can be tested of the container without a Docker engine: its files, and its start command run as an
unprivileged process on a read-only checkout with HOME elsewhere."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import free_port, wait_for_server
from tests.paths import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMMAND = json.loads(re.search(r"^CMD (\[[^\]]*\])$", DOCKERFILE, re.MULTILINE).group(1).replace("\\\n", ""))
PARTS = ("app.py", "pages", "ui", "bccseg", "weights", ".streamlit", "deploy")


def test_space_front_matter_and_dockerfile_agree():
    front = (ROOT / "README.md").read_text(encoding="utf-8").split("---")[1]
    assert "sdk: docker" in front
    assert "app_port: 7860" in front
    assert "--server.port=7860" in COMMAND
    assert "EXPOSE 7860" in DOCKERFILE
    assert "useradd --create-home --uid 1000" in DOCKERFILE
    assert DOCKERFILE.index("USER user") < DOCKERFILE.index("CMD")
    assert "ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu" in DOCKERFILE
    assert COMMAND[:2] == ["python", "deploy/start.py"]
    assert "hf_oauth: true" in front


def unprivileged():
    """What to put before a command, and options for Popen, so that it may write nothing it does not own."""
    if os.name != "posix" or os.geteuid() != 0:
        return [], {}
    python = Path(sys.executable).resolve()
    if all(p.stat().st_mode & 0o001 for p in [python, *python.parents]):
        return [], {"user": 1000, "group": 1000, "extra_groups": []}
    if shutil.which("setpriv"):  # root without any of root's rights
        return ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"], {}
    pytest.skip("running as root, with no way to give up its rights")
    return None


@pytest.fixture
def container(tmp_path):
    """The start command, running; its address."""
    app, home = tmp_path / "app", tmp_path / "home"
    app.mkdir()
    home.mkdir()
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, app / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, app / part)
    prefix, options = unprivileged()
    if options:
        for folder in (tmp_path, *tmp_path.parents[:2]):
            folder.chmod(0o755)
        os.chown(home, 1000, 1000)
    for path in [app, *app.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    port = free_port()
    command = [*prefix, sys.executable, *(c.replace("7860", str(port)) for c in COMMAND[1:])]
    environment = {"HOME": str(home), "PATH": os.environ["PATH"], "PYTHONUNBUFFERED": "1"}
    log = (home / "log").open("w")
    process = subprocess.Popen(command, cwd=app, env=environment, stdout=log, stderr=log, **options)
    try:
        wait_for_server(f"http://127.0.0.1:{port}", process)
        yield f"http://127.0.0.1:{port}", home / "log", app
    finally:
        process.terminate()
        process.wait(10)
        log.close()
        for path in [app, *app.rglob("*")]:
            path.chmod(0o755)


@pytest.mark.browser
def test_start_command_serves_and_segments(container, browser):
    url, log, app = container
    before = set(app.rglob("*"))
    page = browser.new_page()
    page.set_default_timeout(90_000)
    page.goto(url)
    page.get_by_role("button", name="Try an example").first.click()
    page.locator(".stage[data-ready]").wait_for()
    expect(page.get_by_test_id("stMetric").first).to_be_visible()
    page.close()
    assert set(app.rglob("*")) == before
    assert "Traceback" not in log.read_text()
