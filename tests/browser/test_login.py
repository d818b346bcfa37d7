"""Logging in for real: Chromium, the start script, and an OpenID Connect provider on this machine."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager, suppress
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from bccseg.accounts.audit import AuditLog
from bccseg.accounts.roles_store import RolesStore
from tests.browser.conftest import free_port, wait_for_server
from tests.paths import ROOT

ANN = {"sub": "a1", "name": "Ann Lee", "preferred_username": "ann", "email": "ann@lab.example", "email_verified": True}
BOB = {"sub": "b2", "name": "Bob Roy", "preferred_username": "bob", "email": "bob@lab.example", "email_verified": True}
FRAME = "<iframe src='{}' style='width:100%;height:800px'></iframe>"


@contextmanager
def running(command, log, url, ready, **environment):
    with log.open("w") as file:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **environment}, stdout=file, stderr=subprocess.STDOUT
        )
        try:
            ready(url, process)
            yield
        finally:
            process.terminate()
            process.wait(10)


def answers(url, process):
    for _ in range(300):
        with suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return
        assert process.poll() is None
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


@pytest.fixture
def team_server(tmp_path):
    """Address of an app in mode team, as the start script starts it; Ann is its first admin."""
    ports = [free_port(), free_port()]
    provider, url = (f"http://localhost:{port}" for port in ports)
    users = [part for claims in (ANN, BOB) for part in ("--user-claims", json.dumps(claims))]
    login = [sys.executable, "-m", "oidc_provider_mock", "--host", "localhost", "--port", str(ports[0]), *users]
    app = [sys.executable, "deploy/start.py", "--server.port", str(ports[1]), "--server.address", "localhost"]
    with (
        running(login, tmp_path / "provider", provider, answers),
        running(
            app, tmp_path / "log", url, wait_for_server, BCCSEG_MODE="team", BCCSEG_URL=url,
            BCCSEG_ADMINS="ann@lab.example", BCCSEG_STORE=str(tmp_path / "collection"), OPENID_PROVIDER_URL=provider,
            OAUTH_CLIENT_ID="bccseg", OAUTH_CLIENT_SECRET="a secret",
        ),
    ):  # fmt: skip
        yield url, tmp_path


def log_in(page, who):
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("button", name=who, exact=True).click()  # the provider's page


@pytest.mark.browser
def test_log_in_be_invited_and_be_refused(team_server, browser):
    url, folder = team_server
    ann = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
    ann.set_default_timeout(60_000)
    ann.goto(f"{url}/collection")
    expect(ann.get_by_text("This server is for a team. Log in to go on.")).to_be_visible(timeout=60_000)
    expect(ann.get_by_text("Everything that was submitted")).to_have_count(0)
    log_in(ann, "a1")
    expect(ann.get_by_test_id("stSidebar").get_by_text("Ann Lee")).to_be_visible(timeout=60_000)
    ann.get_by_role("link", name="Settings").click()
    ann.get_by_label("Name", exact=True).fill("bob")
    ann.get_by_label("Name", exact=True).press("Tab")
    ann.locator(".st-key-invite_roles input").fill("annotator")
    ann.get_by_role("option", name="annotator").click()
    ann.keyboard.press("Escape")
    ann.get_by_role("button", name="Invite").click()
    expect(ann.get_by_text("bob: annotator, by Ann Lee")).to_be_visible(timeout=60_000)

    bob = browser.new_context().new_page()
    bob.set_default_timeout(60_000)
    bob.goto(url)
    log_in(bob, "b2")
    expect(bob.get_by_test_id("stSidebar").get_by_text("annotator")).to_be_visible(timeout=60_000)
    expect(bob.get_by_role("link", name="Audit")).to_have_count(0)
    bob.goto(f"{url}/train")  # a new tab, with the cookie alone
    expect(bob.get_by_text("To train needs the role trainer or admin.").first).to_be_visible(timeout=60_000)
    bob.get_by_role("button", name="Log out").click()
    bob.wait_for_url("**/oauth2/end_session?**")  # out at the provider, too
    bob.goto(url)
    expect(bob.get_by_role("button", name="Log in")).to_be_visible(timeout=60_000)

    ann.get_by_role("link", name="Audit").click()
    expect(ann.get_by_text("1 of 1 entries")).to_be_visible(timeout=60_000)
    accounts = folder / "accounts"
    assert [d.note for d in AuditLog(accounts).deeds()] == ["invited bob: annotator"]
    assert {a.name for a in RolesStore(accounts).read().accounts} == {"Ann Lee", "Bob Roy"}
    text = (folder / "log").read_text()
    assert "bccseg: mode team" in text
    assert "a secret" not in text + (accounts / "audit.jsonl").read_text()

    framed = browser.new_context().new_page()  # of another site: the login would not hold there
    framed.set_default_timeout(60_000)
    forged = json.dumps({"is_logged_in": True, "iss": "x", "sub": "a1", "iat": time.time(), "origin": url})
    framed.context.add_cookies([{"name": "_streamlit_user", "value": quote(forged), "url": url}])
    framed.goto(f"{url}/audit")  # a login that no provider gave
    expect(framed.get_by_role("button", name="Log in")).to_be_visible(timeout=60_000)
    (folder / "site").mkdir()
    (folder / "site" / "index.html").write_text(FRAME.format(url))
    site = f"http://127.0.0.1:{free_port()}"
    serve = [sys.executable, "-m", "http.server", site.rpartition(":")[2], "--bind", "127.0.0.1", "--directory"]
    with running([*serve, str(folder / "site")], folder / "site.log", site, answers):
        framed.goto(site)
        link = framed.frame_locator("iframe").get_by_role("link", name="Open in its own tab to log in")
        expect(link).to_be_visible(timeout=60_000)
        assert link.get_attribute("href").startswith(url)
    for context in (ann.context, bob.context, framed.context):
        context.close()
