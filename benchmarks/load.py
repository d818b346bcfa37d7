"""Many visitors at once: real websocket clients of the app's own protocol upload images and wait for their results.

    python benchmarks/load.py [--sessions 20] [--images 5] [--after 60] [--json FILE]

Each client opens the page, uploads a drawn smear of 800 x 600 px, polls as a browser does, and uploads the next when it
sees the result. First one client alone, then all at once, on a server of its own; a probe opens the page every few
seconds meanwhile. Memory is the resident memory of the server and its processes. Everything is on this machine: the
clients take processor time, too.
"""

import argparse
import asyncio
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import httpx
import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.asyncio.client import ClientConnection, connect

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bccseg.imaging.synthetic import draw_smear
from bccseg.io.encode import png

ROOT = Path(__file__).resolve().parents[1]
PAGE, PICTURES = "segment", 5
PROBE_SECONDS, ANSWER_SECONDS, STALL_SECONDS, PATIENCE_SECONDS = 3.0, 3.0, 20.0, 900.0


@dataclass
class Client:
    """One tab of one browser."""

    url: str  # http://host:port
    token: str = field(default_factory=lambda: secrets.token_hex(32))
    said: dict[str, bytes] = field(default_factory=dict)  # what the page shows, by place
    uploader: str = ""  # id of the widget that takes files
    session: str = ""
    page: str = ""
    stalls: int = 0  # how often a file that was given was not taken
    running: bool = False  # whether the page is being drawn
    runs: int = 0  # of the whole page that ended
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _answers: asyncio.Queue[ForwardMsg] = field(default_factory=asyncio.Queue)
    _again: dict[str, asyncio.Task[None]] = field(default_factory=dict)  # fragments that poll
    _state: WidgetState | None = None  # of the widget that took a file last
    _socket: ClientConnection | None = None
    _http: httpx.AsyncClient | None = None
    _reader: asyncio.Task[None] | None = None

    async def open(self) -> float:
        """Fetch the page and draw it; seconds until it is there."""
        began = time.perf_counter()
        self._http = httpx.AsyncClient(base_url=self.url, timeout=120)
        await self._http.get(f"/{PAGE}")
        answer = await self._http.get("/_stcore/health")
        xsrf = answer.headers.get("set-cookie", "").partition("_streamlit_xsrf=")[2].partition(";")[0]
        self._http.cookies.set("_streamlit_xsrf", xsrf)
        self._http.headers["X-Xsrftoken"] = xsrf
        cookies = f"bccseg_visitor={self.token}; _streamlit_xsrf={xsrf}"
        self._socket = await connect(
            f"{self.url.replace('http', 'ws')}/_stcore/stream", subprotocols=["streamlit", xsrf or "none"],
            additional_headers={"Cookie": cookies}, max_size=None, origin=self.url, ping_interval=None,
        )  # fmt: skip
        self._reader = asyncio.create_task(self._read())
        await self._rerun()
        await self._until(lambda: self.runs > 0 and self.uploader)
        return time.perf_counter() - began

    async def segment(self, name: str, data: bytes) -> float:
        """Upload a picture; seconds until the page shows its result."""
        await self._until(lambda: self.uploader and not self.running)
        began = time.perf_counter()
        await self._upload(name, data)

        def shown() -> bool:
            there = any(name.encode() in part for part in self.said.values())
            return bool(there and self.uploader and not self.running)

        while not shown():
            with suppress(TimeoutError):
                await self._until(shown, STALL_SECONDS)
            if not shown() and self.uploader and not self.running and not self._again:
                self.stalls += 1  # the page waits for a file as if none was given: a person would give it again
                await self._upload(name, data)
        return time.perf_counter() - began

    async def _upload(self, name: str, data: bytes) -> None:
        request, answered = BackMsg(), None
        request.file_urls_request.request_id = secrets.token_hex(8)
        request.file_urls_request.file_names.append(name)
        request.file_urls_request.session_id = self.session
        while answered is None:  # Streamlit drops the answer if the page begins to be drawn at that moment
            await self._send(request)
            with suppress(TimeoutError):
                answered = await asyncio.wait_for(self._answers.get(), ANSWER_SECONDS)
        urls = answered.file_urls_response.file_urls[0]
        answer = await self._http.put(urls.upload_url, files={"file": (name, data, "image/png")})
        answer.raise_for_status()
        uploader, self.uploader = self.uploader, ""
        self._state = WidgetState(id=uploader)
        self._state.file_uploader_state_value.uploaded_file_info.add(
            name=name, size=len(data), file_id=urls.file_id, file_urls=urls
        )
        await self._rerun()

    async def close(self) -> None:
        """Close the tab."""
        for task in (self._reader, *self._again.values()):
            if task:
                task.cancel()
        if self._socket:
            await self._socket.close()
        if self._http:
            await self._http.aclose()

    def strangers(self) -> bool:
        """Whether the page shows a file of another client. Names are client-token-number."""
        mine = f"smear-{self.token[:8]}".encode()
        parts = [shown.split(b"smear-")[1:] for shown in self.said.values()]
        return any(not (b"smear-" + part).startswith(mine) for found in parts for part in found)

    async def _until(self, there: Callable[[], object], seconds: float = PATIENCE_SECONDS) -> None:
        async with asyncio.timeout(seconds):
            while not there():
                self.changed.clear()
                if self._reader.done():
                    self._reader.result()  # raises what ended it
                await self.changed.wait()

    async def _send(self, message: BackMsg) -> None:
        await self._socket.send(message.SerializeToString())

    async def _rerun(self, fragment: str = "") -> None:
        message = BackMsg()
        if self.page:
            message.rerun_script.page_script_hash = self.page
        else:
            message.rerun_script.page_name = PAGE
        message.rerun_script.widget_states.SetInParent()
        if self._state is not None:  # like a browser, with each message: an answer may take the place of the one before
            message.rerun_script.widget_states.widgets.append(self._state)
        if fragment:
            message.rerun_script.fragment_id, message.rerun_script.is_auto_rerun = fragment, True
        await self._send(message)

    async def _poll(self, fragment: str, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._rerun(fragment=fragment)

    async def _read(self) -> None:
        async for data in self._socket:
            message = ForwardMsg()
            message.ParseFromString(data)
            kind = message.WhichOneof("type")
            if kind == "new_session":
                new, self.running = message.new_session, True
                self.session = new.initialize.session_id or self.session
                if not message.metadata.run.fragment_ids:  # the whole page: what polled is drawn anew
                    self.said.clear()
                    self.uploader = ""  # it may be disabled now
                    for task in self._again.values():
                        task.cancel()
                    self._again.clear()
            elif kind == "navigation":  # new_session names the first page, whichever is drawn
                self.page = message.navigation.page_script_hash
            elif kind == "delta":
                self._draw(message)
            elif kind == "auto_rerun":
                poll = self._poll(message.auto_rerun.fragment_id, message.auto_rerun.interval)
                self._again[message.auto_rerun.fragment_id] = asyncio.create_task(poll)
            elif kind == "file_urls_response":
                self._answers.put_nowait(message)
            elif kind == "script_finished":
                self.runs, self.running = self.runs + 1, False
                self.changed.set()

    def _draw(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "file_uploader" and not element.file_uploader.disabled:
            self.uploader = element.file_uploader.id
        if kind not in {"progress", None}:
            self.said[str(message.metadata.delta_path)] = message.delta.SerializeToString()


class Server:
    """An app of its own, on an empty disk."""

    def __init__(self) -> None:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.url, self.peak = f"http://127.0.0.1:{port}", 0.0
        self.folder = tempfile.TemporaryDirectory(prefix="bccseg-load-")
        self.log = Path(self.folder.name) / "log.txt"
        options = ["--server.port", str(port), "--server.address", "127.0.0.1", "--server.headless", "true"]
        self.process = psutil.Popen(
            [sys.executable, "-m", "streamlit", "run", "app.py", *options], cwd=ROOT, stdout=subprocess.DEVNULL,
            stderr=self.log.open("wb"), env={**os.environ, "BCCSEG_STORE": f"{self.folder.name}/collection"},
        )  # fmt: skip
        while True:
            with suppress(httpx.HTTPError):
                httpx.get(f"{self.url}/_stcore/health", timeout=2)
                break
            time.sleep(0.1)

    def memory(self) -> dict[str, float]:
        """Resident GB of the server and of its processes."""
        sizes = [self.process.memory_info().rss / 1e9]
        for child in self.process.children(recursive=True):
            with suppress(psutil.Error):
                sizes.append(child.memory_info().rss / 1e9)
        return {"server": round(sizes[0], 3), "others": round(sum(sizes[1:]), 3), "all": round(sum(sizes), 3)}

    def errors(self) -> list[str]:
        """What its log says of things that went wrong, the last words of each."""
        blocks = self.log.read_text(encoding="utf-8", errors="replace").split("Traceback")[1:]
        return sorted({block.strip().splitlines()[-1][:300] for block in blocks})

    async def watch(self) -> None:
        """Note the peak, until cancelled."""
        while True:
            self.peak = max(self.peak, self.memory()["all"])
            await asyncio.sleep(0.5)

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(20)
        self.folder.cleanup()


@cache
def smear(number: int) -> bytes:
    """One of a few pictures: drawing takes as long as segmenting."""
    return png(draw_smear((600, 800), 60, 50, number)[0])


async def visit(client: Client, images: int, seconds: list[float], opened: list[float]) -> None:
    """One visitor: open, segment one image after the other."""
    opened.append(await client.open())
    for k in range(images):
        took = await client.segment(f"smear-{client.token[:8]}-{k}.png", smear(k % PICTURES))
        seconds.append(took)


async def crowd(server: Server, sessions: int, images: int) -> dict[str, object]:
    """So many at once; what they saw."""
    clients = [Client(server.url) for _ in range(sessions)]
    seconds: list[float] = []
    opened: list[float] = []
    probed: list[float] = []

    async def probe() -> None:
        while True:
            one = Client(server.url)
            try:
                probed.append(await one.open())
            finally:
                await one.close()
            await asyncio.sleep(PROBE_SECONDS)

    probing, watching = asyncio.create_task(probe()), asyncio.create_task(server.watch())
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for client in clients:
            group.create_task(visit(client, images, seconds, opened))
    took = time.perf_counter() - began - min(opened)
    strangers = sum(client.strangers() for client in clients)
    for task in (probing, watching):
        task.cancel()
    for client in clients:
        await client.close()
    return {
        "sessions": sessions, "images": len(seconds), "images_a_second": round(len(seconds) / took, 3),
        "seconds_an_image": spread(seconds), "seconds_to_open_all_at_once": spread(opened),
        "seconds_to_open_meanwhile": spread(probed), "pages_with_files_of_others": strangers,
        "files_given_again": sum(client.stalls for client in clients),
    }  # fmt: skip


def spread(values: list[float]) -> dict[str, float]:
    """Median, 95th percentile and the most."""
    ordered = sorted(values)
    if not ordered:
        return {}
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {"median": round(statistics.median(ordered), 2), "p95": round(p95, 2), "most": round(ordered[-1], 2)}


async def main() -> None:
    """Print the figures as JSON."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--sessions", type=int, default=20)
    ask.add_argument("--images", type=int, default=5)
    ask.add_argument("--after", type=float, default=60, help="seconds after all have left when memory is read")
    ask.add_argument("--json", type=Path)
    args = ask.parse_args()
    for k in range(PICTURES):
        smear(k)
    server = Server()
    try:
        warm = await crowd(server, 1, 2)
        await asyncio.sleep(10)
        before = server.memory()
        one = await crowd(server, 1, max(10, args.images))
        many = await crowd(server, args.sessions, args.images)
        left = time.monotonic()
        await asyncio.sleep(1)
        just_after = server.memory()
        await asyncio.sleep(max(0.0, args.after - (time.monotonic() - left)))
        after = server.memory()
    finally:
        server.close()
    memory = {"before": before, "peak": server.peak, "just_after": just_after, f"after_{args.after:g}_s": after}
    found = {
        "warm_up": warm, "one": one, "many": many, "memory_gb": memory,
        "throughput_ratio": round(many["images_a_second"] / one["images_a_second"], 2),
        "memory_ratio": round(after["all"] / before["all"], 2),
    }  # fmt: skip
    print(json.dumps(found, indent=1))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
