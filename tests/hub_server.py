"""A small HTTP server that answers as the Hugging Face Hub does, for the real huggingface_hub client.

Routes and headers follow huggingface.co: /{repo}/resolve/{revision}/{file} with X-Repo-Commit and ETag,
errors with X-Error-Code.
"""

import hashlib
import threading
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote


@dataclass
class Repo:
    """Files by commit; branches and tags by name."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    token: str = ""  # needed to read, if any
    gated: bool = False

    def commit(self, files: dict[str, bytes], ref: str = "main") -> str:
        """Add a commit on a branch; returns its id."""
        digest = hashlib.sha1(repr(sorted(files.items())).encode()).hexdigest()
        self.commits[digest] = dict(files)
        self.refs[ref] = digest
        return digest


class Hub:
    """The server. `hub.repos["owner/name"]` holds the repositories; `fail_with` and `cut_after` break it."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.requests: Counter[str] = Counter()
        self.fail_with: int | None = None
        self.cut_after: int | None = None
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                hub.answer(self, body=False)

            def do_GET(self) -> None:
                hub.answer(self, body=True)

            def log_message(self, *args) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request: BaseHTTPRequestHandler, *, body: bool) -> None:
        self.requests[f"{request.command} {request.path}"] += 1
        if self.fail_with:
            return self.error(request, self.fail_with, "", "out of order")
        parts = [unquote(p) for p in request.path.split("?")[0].strip("/").split("/")]
        if len(parts) < 5 or parts[2] != "resolve":
            return self.error(request, 404, "", "no such route")
        repo = self.repos.get("/".join(parts[:2]))
        sent = request.headers.get("Authorization", "")
        if repo is None or (repo.token and sent != f"Bearer {repo.token}"):
            return self.error(request, 404 if sent else 401, "RepoNotFound", "Repository not found")
        if repo.gated:
            return self.error(request, 403, "GatedRepo", "Access to this repository is restricted")
        commit = repo.refs.get(parts[3], parts[3])
        if commit not in repo.commits:
            return self.error(request, 404, "RevisionNotFound", "Invalid rev id")
        data = repo.commits[commit].get("/".join(parts[4:]))
        if data is None:
            return self.error(request, 404, "EntryNotFound", "Entry not found", commit)
        request.send_response(200)
        request.send_header("X-Repo-Commit", commit)
        request.send_header("ETag", f'"{hashlib.sha256(data).hexdigest()}"')
        request.send_header("Content-Length", str(len(data)))
        request.send_header("Accept-Ranges", "bytes")
        request.end_headers()
        if body:
            if self.cut_after is not None and len(data) > self.cut_after:
                request.wfile.write(data[: self.cut_after])
                request.wfile.flush()
                request.connection.close()
                request.close_connection = True
            else:
                request.wfile.write(data)
        return None

    def error(self, request, status: int, code: str, message: str, commit: str = "") -> None:
        request.send_response(status)
        if code:
            request.send_header("X-Error-Code", code)
        if commit:
            request.send_header("X-Repo-Commit", commit)
        request.send_header("X-Error-Message", message)
        request.send_header("Content-Length", "0")
        request.end_headers()
