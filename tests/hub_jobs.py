"""Jobs of the test suite's Hub: the routes of huggingface.co, and each job a process of this machine, not a container.

Routes, bodies and the log as server-sent events are those that huggingface_hub 2.4 asks for and reads.
"""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

from tests.paths import ROOT

HARDWARE = [
    {"name": "cpu-basic", "prettyName": "CPU Basic", "cpu": "2 vCPU", "ram": "16 GB", "ephemeralStorage": "20 GB",
     "accelerator": None, "unitCostMicroUSD": 167, "unitCostUSD": 0.000167, "unitLabel": "minute"},
    {"name": "a10g-small", "prettyName": "Nvidia A10G - small", "cpu": "4 vCPU", "ram": "15 GB",
     "ephemeralStorage": "110 GB", "unitCostMicroUSD": 16667, "unitCostUSD": 0.016667, "unitLabel": "minute",
     "accelerator": {"type": "gpu", "model": "A10G", "quantity": "1", "vram": "24 GB", "manufacturer": "Nvidia"}},
    {"name": "t4-small", "prettyName": "Nvidia T4 - small", "cpu": "4 vCPU", "ram": "15 GB",
     "ephemeralStorage": "50 GB", "unitCostMicroUSD": 6667, "unitCostUSD": 0.006667, "unitLabel": "minute",
     "accelerator": {"type": "gpu", "model": "T4", "quantity": "1", "vram": "16 GB", "manufacturer": "Nvidia"}},
]  # fmt: skip


@dataclass
class Job:
    """One job; `process` is what stands for its container."""

    id: str
    namespace: str
    spec: dict
    stage: str = "SCHEDULING"
    message: str | None = None
    lines: list[str] = field(default_factory=list)
    process: subprocess.Popen | None = None
    created: float = field(default_factory=time.time)

    def to_dict(self) -> dict:
        when = datetime.fromtimestamp(self.created, UTC).isoformat().replace("+00:00", "Z")
        return {
            "id": self.id, "createdAt": when, "command": self.spec["command"], "flavor": self.spec["flavor"],
            "environment": self.spec["environment"], "labels": self.spec.get("labels"),
            "spaceId": self.spec.get("spaceId"), "dockerImage": self.spec.get("dockerImage"),
            "status": {"stage": self.stage, "message": self.message},
            "owner": {"id": "0", "name": self.namespace, "type": "user"},
        }  # fmt: skip


class Jobs:
    """All jobs. `run`: whether they are really run, or stay as they were asked for until a test says otherwise;
    `allowed`: whether the token may use jobs; `cut_log_after`: lines after which a log breaks off, once.
    """

    def __init__(self, hub) -> None:
        self.hub, self.all, self.run, self.allowed, self.cut_log_after = hub, {}, True, True, None
        self.schedule_seconds = 0.0

    def close(self) -> None:
        for job in self.all.values():
            if job.process:
                job.process.kill()
                job.process.wait()

    def answer(self, request, parts: list[str]) -> None:
        if parts == ["api", "whoami-v2"]:
            self.hub.json(request, {"name": "me", "type": "user", "auth": {"type": "access_token"}})
        elif parts == ["api", "jobs", "hardware"]:
            self.hub.json(request, HARDWARE)
        elif len(parts) == 3:
            asked = [value.split("=", 1) for name, value in parse_qsl(urlsplit(request.path).query) if name == "label"]
            found = [job for job in self.all.values() if job.namespace == parts[2]]
            found = [job for job in found if all(job.spec.get("labels", {}).get(k) == v for k, v in asked)]
            self.hub.json(request, [job.to_dict() for job in found])
        elif (job := self.all.get(parts[3])) is None:
            self.hub.error(request, 404, "", "Job not found")
        elif parts[4:] == ["logs"]:
            self._log(request, job)
        else:
            self.hub.json(request, job.to_dict())

    def take(self, request, parts: list[str], data: bytes) -> None:
        if not self.allowed:
            self.hub.error(request, 403, "", "Forbidden: pay or upgrade to use jobs")
        elif parts[4:] == ["cancel"]:
            job = self.all[parts[3]]
            job.stage = "CANCELED"
            if job.process:
                job.process.kill()
            self.hub.json(request, {})
        else:
            job = Job(f"{len(self.all):024x}", parts[2], json.loads(data))
            self.all[job.id] = job
            if self.run:
                threading.Thread(target=self._run, args=(job,), daemon=True).start()
            self.hub.json(request, job.to_dict())

    def _run(self, job: Job) -> None:
        time.sleep(self.schedule_seconds)
        python, *rest = job.spec["command"]
        assert python == "python"
        secrets = job.spec.get("secrets", {})
        kept = {
            k: v for k, v in os.environ.items() if k in ("PATH", "HF_HOME", "OMP_NUM_THREADS", "HF_HUB_DISABLE_XET")
        }
        job.process = subprocess.Popen(
            [sys.executable, *rest], cwd=ROOT, env=kept | job.spec["environment"] | secrets, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if job.stage == "SCHEDULING":
            job.stage = "RUNNING"
        with job.process.stdout as lines:
            for line in lines:
                job.lines.append(line.rstrip("\n"))
        code = job.process.wait()
        if job.stage == "RUNNING":
            job.stage, job.message = ("COMPLETED", None) if code == 0 else ("ERROR", f"exit code {code}")

    def _log(self, request, job: Job) -> None:
        request.send_response(200)
        request.send_header("Content-Type", "text/event-stream")
        request.end_headers()
        request.close_connection = True
        sent = 0
        while True:
            over = job.stage not in ("SCHEDULING", "RUNNING")
            for line in job.lines[sent:]:
                stamp = datetime.now(UTC).isoformat().replace("+00:00", "Z")
                request.wfile.write(f"data: {json.dumps({'data': line, 'timestamp': stamp})}\n\n".encode())
                sent += 1
                if self.cut_log_after is not None and sent >= self.cut_log_after:
                    self.cut_log_after = None
                    return
            request.wfile.flush()
            if over:
                return
            time.sleep(0.05)
