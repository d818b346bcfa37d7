"""How a server is started for others: the file with the login's secrets, the options, and when it does not start."""

import os
import re
import shlex
import stat
import subprocess
import sys
import tomllib

import pytest
import yaml

from bccseg.errors import SettingsError
from deploy.start import login_section, options
from tests.paths import ROOT

LOGIN = {
    "OPENID_PROVIDER_URL": "https://login.example/realms/lab/", "OAUTH_CLIENT_ID": "bccseg",
    "OAUTH_CLIENT_SECRET": 'a "quoted" \\ secret', "BCCSEG_URL": "https://cells.example/",
}  # fmt: skip
SPACE = {"SPACE_ID": "lab/cells", "SPACE_HOST": "lab-cells.hf.space"}


def test_the_secrets_file_is_for_this_account_alone(tmp_path):
    folder = tmp_path / "accounts"
    found = options({**LOGIN, "BCCSEG_MODE": "team", "OAUTH_SCOPES": "openid profile email"}, folder)
    path = folder / "secrets.toml"
    assert found[-1] == f"--secrets.files={path}"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    auth = tomllib.loads(path.read_text())["auth"]
    assert auth["redirect_uri"] == "https://cells.example/oauth2callback"
    assert auth["server_metadata_url"] == "https://login.example/realms/lab/.well-known/openid-configuration"
    assert auth["client_secret"] == LOGIN["OAUTH_CLIENT_SECRET"]
    assert auth["client_kwargs"]["scope"] == "openid profile email"
    options({**LOGIN, "BCCSEG_MODE": "team"}, folder)
    assert tomllib.loads(path.read_text())["auth"]["cookie_secret"] == auth["cookie_secret"]  # logins outlive a restart
    assert re.fullmatch("[0-9a-f]{64}", auth["cookie_secret"])
    assert stat.S_IMODE((folder / "cookie_secret").stat().st_mode) == 0o600


def test_inside_the_frame_of_a_space(tmp_path):
    assert options(SPACE, tmp_path) == ["--server.enableXsrfProtection=false"]  # no login: nothing to protect
    found = options({**LOGIN, **SPACE, "BCCSEG_URL": ""}, tmp_path)
    assert "--server.xsrfCookieSameSite=none" in found
    assert "--server.enableXsrfProtection=false" not in found
    assert login_section({**LOGIN, **SPACE, "BCCSEG_URL": ""}, "x")["redirect_uri"] == (
        "https://lab-cells.hf.space/oauth2callback"
    )


def test_elsewhere_the_protection_stays_on(tmp_path):
    assert options({}, tmp_path) == []
    assert options({"BCCSEG_MODE": "team", "BCCSEG_USER_HEADER": "X-User"}, tmp_path) == []


@pytest.mark.parametrize(
    ("environment", "words"),
    [({"BCCSEG_MODE": "team"}, "nobody could get in"), ({**LOGIN, "OAUTH_CLIENT_SECRET": " "}, "OAUTH_CLIENT_SECRET"),
     ({**LOGIN, "BCCSEG_URL": ""}, "BCCSEG_URL"), ({"BCCSEG_MODE": "open"}, "one of local, team, demo")],
)  # fmt: skip
def test_half_a_setup_does_not_start(environment, words, tmp_path):
    with pytest.raises(SettingsError, match=words):
        options(environment, tmp_path)


def test_it_says_why_it_does_not_start(tmp_path):
    done = subprocess.run(
        [sys.executable, "deploy/start.py"], cwd=ROOT, check=False, capture_output=True, text=True,
        env={**os.environ, "BCCSEG_MODE": "team", "BCCSEG_ACCOUNTS": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "bccseg does not start: In mode team nobody could get in" in done.stderr


def test_compose_file():
    file = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())
    app = file["services"]["app"]
    assert app["environment"]["BCCSEG_MODE"] == "team"
    assert "ports" not in app  # the proxy alone reaches it
    assert app["volumes"] == ["data:/data"]
    assert set(file["volumes"]) == {"data", "certificates"}
    assert (ROOT / "deploy" / app["build"]["context"] / "Dockerfile").exists()
    stored = app["environment"]["BCCSEG_STORE"]
    assert stored.startswith("/data/")
    lines = (ROOT / "deploy" / "example.env").read_text().splitlines()
    names = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
    assert {"BCCSEG_HOST", "BCCSEG_ADMINS", "OPENID_PROVIDER_URL", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET"} == names


def test_systemd_unit():
    text = (ROOT / "deploy" / "bccseg.service").read_text()
    found = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    command = shlex.split(found["ExecStart"])
    assert (ROOT / command[1]).exists()
    assert "--server.address=127.0.0.1" in command  # the web server in front alone reaches it
    assert "BCCSEG_MODE=team" in found["Environment"].split()
    assert found["User"] == "bccseg"
