"""A small HTTP server that answers as the Hugging Face Hub does, for the real huggingface_hub client.

Routes and headers follow huggingface.co: resolve with X-Repo-Commit and ETag, errors with X-Error-Code; for pushing
repos/create, repo info, preupload, the LFS batch with basic transfer, and commits as NDJSON with parentCommit. For
jobs see `tests.hub_jobs`.
"""

import base64
import hashlib
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from tests.hub_jobs import Jobs

LFS_FROM_BYTES = 200  # small, so that the suite's pictures take the way of large files


@dataclass
class Repo:
    """Files by commit; branches and tags by name."""

    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    token: str = ""  # needed to read, if any
    gated: bool = False
    private: bool = False
    messages: list[str] = field(default_factory=list)

    def commit(self, files: dict[str, bytes], ref: str = "main") -> str:
        """Add a commit on a branch; returns its id."""
        digest = hashlib.sha1(repr((len(self.commits), sorted(files.items()))).encode()).hexdigest()
        self.commits[digest] = dict(files)
        self.refs[ref] = digest
        return digest

    @property
    def files(self) -> dict[str, bytes]:
        """Files of the main branch."""
        return self.commits.get(self.refs.get("main", ""), {})


class Hub:
    """The server. `hub.repos["owner/name"]` holds models, `hub.repos["datasets/owner/name"]` datasets.

    `fail_with` answers everything with a status; `fail_when(method, path)` may name one for a request; `cut_after`
    ends a download early; `before_commit` is called before a commit is taken.
    """

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.requests: Counter[str] = Counter()
        self.fail_with: int | None = None
        self.fail_when = lambda _method, _path: None
        self.cut_after: int | None = None
        self.before_commit = lambda: None
        self.write_token = ""
        self.blobs: dict[str, bytes] = {}
        self.jobs = Jobs(self)
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                hub.answer(self, body=False)

            def do_GET(self) -> None:
                hub.answer(self, body=True)

            def do_POST(self) -> None:
                hub.take(self)

            def do_PUT(self) -> None:
                hub.take(self)

            def do_DELETE(self) -> None:
                hub.take(self)

            def log_message(self, *args) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.jobs.close()
        self.server.shutdown()
        self.server.server_close()

    # --- reading

    def answer(self, request: BaseHTTPRequestHandler, *, body: bool) -> None:
        if self._refuses(request):
            return None
        parts = [unquote(p) for p in request.path.split("?")[0].strip("/").split("/")]
        if parts[:2] == ["api", "jobs"] or parts == ["api", "whoami-v2"]:
            return self.jobs.answer(request, parts)
        if parts[0] == "api":
            return self._info(request, parts) if len(parts) > 3 else self.error(request, 404, "", "no such route")
        name, rest = self._split(parts)
        if len(rest) < 3 or rest[0] != "resolve":
            return self.error(request, 404, "", "no such route")
        repo = self.repos.get(name)
        if not self._may_read(request, repo):
            return None
        commit = repo.refs.get(rest[1], rest[1])
        if commit not in repo.commits:
            return self.error(request, 404, "RevisionNotFound", "Invalid rev id")
        data = repo.commits[commit].get("/".join(rest[2:]))
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

    def _info(self, request, parts: list[str]) -> None:
        name, _ = self._split(parts[1:] if parts[1] == "datasets" else parts[2:])
        repo = self.repos.get(name)
        if not self._may_read(request, repo):
            return
        commit = repo.refs["main"]
        values = {
            "id": name.removeprefix("datasets/"), "sha": commit, "private": repo.private, "tags": [], "downloads": 0,
            "likes": 0, "siblings": [{"rfilename": path} for path in sorted(repo.commits[commit])],
        }  # fmt: skip
        self.json(request, values)

    def _may_read(self, request, repo: Repo | None) -> bool:
        sent = request.headers.get("Authorization", "")
        if repo is None or (repo.token and sent != f"Bearer {repo.token}"):
            self.error(request, 404 if sent else 401, "RepoNotFound", "Repository not found")
            return False
        if repo.gated:
            self.error(request, 403, "GatedRepo", "Access to this repository is restricted")
            return False
        return True

    # --- writing

    def take(self, request: BaseHTTPRequestHandler) -> None:  # noqa: C901
        data = read_body(request)
        if self._refuses(request):
            return
        path = request.path.split("?")[0]
        parts = [unquote(p) for p in path.strip("/").split("/")]
        if self.write_token and parts[0] != "upload" and path != "/api/validate-yaml":
            sent = request.headers.get("Authorization", "")
            if sent != f"Bearer {self.write_token}":
                self.error(request, 403 if sent else 401, "", "You don't have the rights to write here")
                return
        if path == "/api/validate-yaml":
            self.json(request, {"errors": [], "warnings": []})
        elif parts[:2] == ["api", "jobs"]:
            self.jobs.take(request, parts, data)
        elif path == "/api/repos/create":
            self._create(request, json.loads(data))
        elif path == "/api/repos/delete":
            self._delete(request, json.loads(data))
        elif parts[0] == "upload":
            if hashlib.sha256(data).hexdigest() != parts[1]:
                self.error(request, 400, "", "checksum differs")
                return
            self.blobs[parts[1]] = data
            self.json(request, {})
        elif path.endswith("/info/lfs/objects/batch"):
            self._batch(request, json.loads(data))
        elif "preupload" in parts:
            self._preupload(request, parts, json.loads(data))
        elif "commit" in parts:
            self._commit(request, parts, data)
        else:
            self.error(request, 404, "", "no such route")

    def _create(self, request, wanted: dict) -> None:
        kind = "datasets/" if wanted.get("type") == "dataset" else ""
        owner = wanted.get("organization") or "me"
        name = f"{kind}{owner}/{wanted['name']}"
        url = f"{self.url}/{name}"
        if name in self.repos:
            self.json(request, {"url": url, "error": "You already created this repo"}, 409)
            return
        self.repos[name] = Repo(private=bool(wanted.get("private") or wanted.get("visibility") == "private"))
        self.repos[name].commit({".gitattributes": b"*.png filter=lfs"})
        self.json(request, {"url": url, "name": f"{owner}/{wanted['name']}", "id": name})

    def _delete(self, request, wanted: dict) -> None:
        kind = "datasets/" if wanted.get("type") == "dataset" else ""
        if self.repos.pop(f"{kind}{wanted['organization']}/{wanted['name']}", None) is None:
            self.error(request, 404, "RepoNotFound", "Repository not found")
        else:
            self.json(request, {})

    def _preupload(self, request, parts: list[str], wanted: dict) -> None:
        files = [
            {
                "path": f["path"], "uploadMode": "lfs" if f["size"] > LFS_FROM_BYTES and f["path"].endswith(
                    (".png", ".safetensors")) else "regular",
                "shouldIgnore": False, "oid": None,
            }
            for f in wanted["files"]
        ]  # fmt: skip
        self.json(request, {"files": files})

    def _batch(self, request, wanted: dict) -> None:
        objects = []
        for o in wanted["objects"]:
            entry = {"oid": o["oid"], "size": o["size"]}
            if o["oid"] not in self.blobs:
                entry["actions"] = {"upload": {"href": f"{self.url}/upload/{o['oid']}", "header": {}}}
            objects.append(entry)
        self.json(request, {"transfer": "basic", "objects": objects})

    def _commit(self, request, parts: list[str], data: bytes) -> None:
        self.before_commit()
        name, _ = self._split(parts[1:] if parts[1] == "datasets" else parts[2:])
        repo = self.repos[name]
        files, message, parent = dict(repo.files), "", None
        for line in data.splitlines():
            item = json.loads(line)
            key, value = item["key"], item["value"]
            if key == "header":
                message, parent = value["summary"], value.get("parentCommit")
            elif key == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                files[value["path"]] = self.blobs[value["oid"]]
            elif key == "deletedFile":
                del files[value["path"]]
        if parent and parent != repo.refs["main"]:
            self.error(request, 412, "", "A commit has happened since. Please refresh and try again.")
            return
        pull = "create_pr=1" in request.path
        commit = repo.commit(files, "refs/pr/1" if pull else "main")
        repo.messages.append(message)
        answer = {
            "success": True,
            "commitOid": commit,
            "commitUrl": f"{self.url}/{name}/commit/{commit}",
            "hookOutput": "",
        }
        if pull:
            answer["pullRequestUrl"] = f"{self.url}/{name}/discussions/1"
        self.json(request, answer)

    # --- small things

    def _split(self, parts: list[str]) -> tuple[str, list[str]]:
        """'datasets/owner/name' or 'owner/name', and the rest of the path."""
        size = 3 if parts[0] == "datasets" else 2
        return "/".join(parts[:size]), parts[size:]

    def _refuses(self, request) -> bool:
        self.requests[f"{request.command} {request.path}"] += 1
        status = self.fail_with or self.fail_when(request.command, request.path)
        if status == "cut":
            request.connection.close()
            request.close_connection = True
        elif status == "slow":
            time.sleep(3)
            request.close_connection = True
        elif status:
            self.error(request, status, "", "out of order")
        return bool(status)

    def json(self, request, values: dict | list, status: int = 200) -> None:
        data = json.dumps(values).encode()
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(data)))
        request.end_headers()
        request.wfile.write(data)

    def error(self, request, status: int, code: str, message: str, commit: str = "") -> None:
        request.send_response(status)
        if code:
            request.send_header("X-Error-Code", code)
        if commit:
            request.send_header("X-Repo-Commit", commit)
        request.send_header("X-Error-Message", message)
        request.send_header("Content-Length", "0")
        request.end_headers()


def read_body(request: BaseHTTPRequestHandler) -> bytes:
    """The body of a request, chunked or not."""
    if request.headers.get("Transfer-Encoding", "").lower() != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length") or 0))
    data = b""
    while size := int(request.rfile.readline().split(b";")[0], 16):
        data += request.rfile.read(size)
        request.rfile.readline()
    request.rfile.readline()
    return data
