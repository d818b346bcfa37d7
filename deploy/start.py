"""Start the app on a server that others reach: says how it is shared, and sets up the login.

    python deploy/start.py [options of streamlit run ...]

docs/security.md lists the environment variables. The login provider comes from OPENID_PROVIDER_URL, OAUTH_CLIENT_ID and
OAUTH_CLIENT_SECRET, which Hugging Face sets on a Space with `hf_oauth: true`; they are handed to Streamlit in a file
that only this account can read.
"""

import json
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bccseg.accounts.server import WORDS, Mode, ServerSettings  # noqa: E402
from bccseg.errors import SettingsError  # noqa: E402
from bccseg.files import write_atomically  # noqa: E402
from bccseg.folders import accounts_folder, collection_folder  # noqa: E402

PROVIDER = ("OPENID_PROVIDER_URL", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET")
ADDRESS = "BCCSEG_URL"
HIDDEN = ("OAUTH_CLIENT_SECRET", "BCCSEG_COOKIE_SECRET")  # the app and the trainings it starts need not know them


def login_section(environment: Mapping[str, str], cookie_secret: str) -> dict[str, str] | None:
    """What Streamlit's secrets say of the login; None without a provider. Raises SettingsError if half of it is set."""
    given = [name for name in PROVIDER if environment.get(name, "").strip()]
    if not given:
        return None
    host = environment.get("SPACE_HOST", "").strip()
    address = environment.get(ADDRESS, "").strip() or (f"https://{host}" if host else "")
    missing = [name for name in PROVIDER if name not in given] + ([] if address else [ADDRESS])
    if missing:
        raise SettingsError(f"The login needs {', '.join(missing)} too. Set them and start again.")
    url, client, secret = (environment[name].strip() for name in PROVIDER)
    return {
        "redirect_uri": f"{address.rstrip('/')}/oauth2callback",
        "cookie_secret": cookie_secret,
        "client_id": client,
        "client_secret": secret,
        "server_metadata_url": f"{url.rstrip('/')}/.well-known/openid-configuration",
    }


def write_secrets(path: Path, section: Mapping[str, str], scopes: str) -> None:
    """The file, for this account alone from its first moment on."""
    lines = ["[auth]", *(f"{name} = {json.dumps(value)}" for name, value in section.items())]
    if scopes:
        lines += ["[auth.client_kwargs]", f"scope = {json.dumps(scopes)}"]
    before = os.umask(0o077)
    try:
        write_atomically(path, ("\n".join(lines) + "\n").encode())
    finally:
        os.umask(before)
    path.chmod(0o600)


def kept_cookie_secret(folder: Path, environment: Mapping[str, str]) -> str:
    """What logins are signed with: as set, else made at the first start, so that a restart logs nobody out."""
    if named := environment.get("BCCSEG_COOKIE_SECRET", "").strip():
        return named
    path = folder / "cookie_secret"
    if path.exists():
        return path.read_text(encoding="utf-8").strip()
    made, before = secrets.token_hex(32), os.umask(0o077)
    try:
        write_atomically(path, made.encode())
    finally:
        os.umask(before)
    return made


def options(environment: Mapping[str, str], folder: Path) -> list[str]:
    """Options of `streamlit run` for this server. Raises SettingsError where nobody could get in."""
    server = ServerSettings.read(environment)
    framed = bool(environment.get("SPACE_ID"))  # Spaces show the app in a frame of another origin
    has_login = any(environment.get(name, "").strip() for name in PROVIDER)
    if server.mode is Mode.TEAM and not (has_login or server.user_header):
        raise SettingsError(f"In mode team nobody could get in: set {', '.join(PROVIDER)} (or BCCSEG_USER_HEADER).")
    if not has_login:  # without cookies of a login there is nothing for a foreign page to use
        return ["--server.enableXsrfProtection=false"] if framed else []
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    section = login_section(environment, kept_cookie_secret(folder, environment))
    write_secrets(folder / "secrets.toml", section or {}, environment.get("OAUTH_SCOPES", "").strip())
    files = [path for path in (ROOT / ".streamlit" / "secrets.toml", folder / "secrets.toml") if path.exists()]
    found = [f"--secrets.files={path}" for path in files]
    return [*found, "--server.xsrfCookieSameSite=none"] if framed else found  # else uploads in the frame answer 403


def main(arguments: list[str]) -> int:
    """Become the app."""
    try:
        server, more = ServerSettings.read(), options(os.environ, accounts_folder())
    except (SettingsError, OSError) as error:
        print(f"bccseg does not start: {error}", file=sys.stderr)
        return 2
    print(f"bccseg: mode {server.mode}. {WORDS[server.mode]}")
    print(f"Collection: {collection_folder()}. Login: {os.environ.get('OPENID_PROVIDER_URL') or 'none'}.", flush=True)
    if server.mode is Mode.LOCAL:
        print(
            "Whoever reaches this address may change everything. For others set BCCSEG_MODE to team or demo.",
            flush=True,
        )
    environment = {name: value for name, value in os.environ.items() if name not in HIDDEN}
    os.chdir(ROOT)
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless=true", *more, *arguments]
    os.execve(sys.executable, command, environment)  # noqa: S606
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
