"""A run that trains on Hugging Face, as a process of this server sees it: it starts the job, or finds it again, keeps
the run folder as if it trained here, and fetches what was learned. If it ends, the job goes on; the next one finds it.
"""

import hashlib
import logging
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bccseg.accounts.server import SPACE
from bccseg.errors import BccsegError, HubError, Stopped, TrainingError
from bccseg.files import write_atomically
from bccseg.hub import is_temporary
from bccseg.jobs.hub_exchange import MARK, delete_exchange, fetch_result, push_run, repository
from bccseg.jobs.hub_machines import can_offer, hub_api, jobs_error, paying_namespace
from bccseg.jobs.progress import ProgressWriter
from bccseg.jobs.queue import check_signal
from bccseg.jobs.records import ACTIVE_STATES, HubJob, HubMachine, JobProgress, JobSpec
from bccseg.jobs.training_run import RUN_ID, SILENT_SECONDS, Run, all_runs
from bccseg.training.epoch_log import LOG, EpochReport, append_epoch, read_epochs

if TYPE_CHECKING:
    from huggingface_hub import JobInfo

log = logging.getLogger("bccseg")

POLL_SECONDS = 5.0
ENV_PASSED = ("HF_ENDPOINT",)  # where the Hub is, if not at huggingface.co
CODE = Path(__file__).resolve().parents[2]  # in a Space's own image it is where it is here
RUN_LABEL, SERVER_LABEL = "bccseg-run", "bccseg-server"
WORTH_FOLLOWING = ("SCHEDULING", "RUNNING", "COMPLETED")
CANCELLED = "Cancelled. Resume begins anew on Hugging Face."


def relay_job(run: Run) -> bool:
    """Have the run trained on Hugging Face; whether it ended well. How it ended stands in its progress."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # the log is for what the job says
    writer = ProgressWriter(run.folder, JobProgress(state="preparing", message="Starting"), elsewhere=True)
    try:
        spec = run.spec
        if spec.hub is None:
            raise TrainingError("This run was not meant for Hugging Face.")
        writer(epoch=len(read_epochs(run.folder)), epochs=spec.config.epochs, steps=spec.config.steps_per_epoch)
        _Relay(run, spec, spec.hub, writer).go()
        writer(state="done", message="", step=0)
    except Stopped as error:
        writer(state="cancelled", message=str(error))
    except BccsegError as error:
        writer(state="failed", message=str(error))
    except Exception:
        log.exception("the job could not be followed")
        writer(state="failed", message="Something went wrong; the log below says what.")
    finally:
        writer.stop()
    return writer.progress.state == "done"


class _Relay:
    def __init__(self, run: Run, spec: JobSpec, machine: HubMachine, writer: ProgressWriter) -> None:
        self.run, self.spec, self.machine, self.writer = run, spec, machine, writer
        self.api, self.ended = hub_api(), threading.Event()
        self.last = JobProgress()  # that the job told
        self.repo = repository(machine.namespace, run.id)

    def go(self) -> None:
        """Until the job has ended and its result is here. Raises Stopped, TrainingError, HubError, DataError."""
        job = self._found() or self._begin()
        listener = threading.Thread(target=self._listen, args=(job,), name="bccseg-log", daemon=True)
        listener.start()
        info = self._wait(job)
        self.ended.set()
        listener.join(2 * POLL_SECONDS)
        self._end(info)

    def _found(self) -> HubJob | None:
        """The job that is followed on; else one that is under way, or has ended with a result that is not here."""
        if known := self.run.hub_job:
            return known
        try:
            jobs = list(self.api.list_jobs(namespace=self.machine.namespace, labels={RUN_LABEL: self.run.id}))
        except Exception as error:  # the client lets errors of three other libraries through
            raise jobs_error(error, "the list of jobs") from error
        return next((self._keep(info) for info in jobs if str(info.status.stage) in WORTH_FOLLOWING), None)

    def _begin(self) -> HubJob:
        self.writer(state="preparing", message="Checking the images", epoch=0, step=0)
        (self.run.folder / LOG).unlink(missing_ok=True)  # a job that ended early left nothing to go on from
        check_signal(self.run)
        push_run(self.repo, self.run.folder, self.spec)
        check_signal(self.run)
        from huggingface_hub import get_token

        self.writer(message="Asking Hugging Face for a machine")
        try:
            info = self.api.run_job(
                image=self.machine.image,
                command=["python", "-m", "bccseg", "train", "--hub-job", self.repo],
                flavor=self.machine.flavor,
                timeout=f"{self.machine.minutes}m",
                env={"PYTHONPATH": str(CODE)} | {name: os.environ[name] for name in ENV_PASSED if name in os.environ},
                secrets={"HF_TOKEN": get_token() or ""},
                labels={RUN_LABEL: self.run.id, SERVER_LABEL: server_label(self.run.folder.parent)},
                namespace=self.machine.namespace,
            )
        except Exception as error:  # as above
            raise jobs_error(error, "the job") from error
        return self._keep(info)

    def _keep(self, info: "JobInfo") -> HubJob:
        started = info.created_at.timestamp() if info.created_at else time.time()
        job = HubJob(job=info.id, namespace=self.machine.namespace, repo=self.repo, url=info.url, started=started)
        write_atomically(self.run.folder / "hub_job.json", job.to_json())
        return job

    def _wait(self, job: HubJob) -> "JobInfo":
        """Until it has ended. A Hub that is out of reach is asked again, for the job goes on without it."""
        asked = False
        while True:
            try:
                if not asked and self.run.signal == "cancel":
                    self.api.cancel_job(job_id=job.job, namespace=job.namespace)
                    asked = True
                info = self.api.inspect_job(job_id=job.job, namespace=job.namespace)
            except Exception as error:  # as above
                if not is_temporary(error):
                    raise jobs_error(error, "the job") from error
                self.writer.update(message="The Hub cannot be reached. The job goes on; asked again soon.")
            else:
                stage = str(info.status.stage)
                if stage not in ("SCHEDULING", "RUNNING"):
                    return info
                if not self.last.epochs:
                    waits = "Waits for a machine of Hugging Face" if stage == "SCHEDULING" else "The machine starts"
                    self.writer.update(state="preparing", message=waits)
                elif self.writer.progress.message != self.last.message:
                    self.writer.update(message=self.last.message)
            time.sleep(POLL_SECONDS)

    def _listen(self, job: HubJob) -> None:
        """Take the job's log, line by line, from its beginning; again where the connection breaks."""
        seen, told = 0, False
        while not self.ended.is_set():
            try:
                lines = self.api.fetch_job_logs(job_id=job.job, namespace=job.namespace, follow=True)
                for k, line in enumerate(lines):
                    if k >= seen:
                        self._take(line)
                        seen, told = k + 1, False
            except Exception as error:  # noqa: BLE001, as above; the log is told, not needed
                if not told:  # once, not every few seconds until the Hub is back
                    log.warning("the log is not to be had (%s)", type(error).__name__)
                told = True
            self.ended.wait(POLL_SECONDS)

    def _take(self, line: str) -> None:
        if not line.startswith(MARK):
            print(line, flush=True)  # to console.log of the run
            return
        kind, _, text = line.removeprefix(MARK).partition(" ")
        try:
            if kind == "epoch":
                report = EpochReport.from_json(text)
                if report.epoch == len(read_epochs(self.run.folder)) + 1:
                    append_epoch(self.run.folder, report)
                return
            self.last = JobProgress.from_json(text)
        except BccsegError:  # a line that was cut
            return
        told = self.last.to_dict()
        names = ("epoch", "step", "steps", "loss", "images_per_second", "device", "memory_mb", "warnings", "message")
        state = self.last.state if self.last.state in ACTIVE_STATES else self.writer.progress.state
        self.writer.update(state=state, **{name: told[name] for name in names})

    def _end(self, info: "JobInfo") -> None:
        stage, why = str(info.status.stage), (info.status.message or "").strip()
        if stage == "COMPLETED":
            self.writer(message="Fetching what was learned")
            if not fetch_result(self.repo, self.run.folder):
                raise TrainingError("The job on Hugging Face ended without weights; the log below may say why.")
        self._delete_exchange()
        if stage == "CANCELED":
            raise Stopped(CANCELLED if self.run.signal == "cancel" else "It was cancelled on Hugging Face.")
        if stage == "COMPLETED":
            return
        if self.last.state == "failed":
            self.writer(out_of_memory=self.last.out_of_memory)
            raise TrainingError(self.last.message)
        raise TrainingError(
            f"The job on Hugging Face ended early{f' ({why})' if why else ''}. If its time ran out, give it more."
        )

    def _delete_exchange(self) -> None:
        try:
            delete_exchange(self.repo)
        except HubError as error:
            self.writer(warnings=[*self.writer.progress.warnings, str(error)])


def server_label(runs: Path) -> str:
    """What tells the jobs of this server from those of others with the same account."""
    return hashlib.sha256((os.environ.get(SPACE) or str(runs.resolve())).encode()).hexdigest()[:16]


def find_again(runs: Path, wait_seconds: float = SILENT_SECONDS + 1) -> list[Run]:
    """Follow the jobs on again that a restart of the server left alone; also those whose run folder is gone, because a
    Space without storage forgets it. No job is begun. wait_seconds: until a run that nobody follows counts as lost.
    """
    time.sleep(wait_seconds)
    remade = [_remake(runs, run, info) for run, info in _forgotten(runs)]
    begun = []
    for run in all_runs(runs):
        try:
            if run.hub_job and (run.progress.state == "lost" or run.id in remade):
                run.start(follow=True)
                begun.append(run)
        except TrainingError as error:  # somebody else was faster
            log.info("%s", error)
    return begun


def _forgotten(runs: Path) -> "list[tuple[str, JobInfo]]":
    """Jobs of this server without a run folder, with the id of the run."""
    if not can_offer():
        return []
    try:
        api = hub_api()
        jobs = list(api.list_jobs(namespace=paying_namespace(api), labels={SERVER_LABEL: server_label(runs)}))
    except Exception as error:  # noqa: BLE001, the client lets errors of three other libraries through
        log.warning("jobs on Hugging Face could not be listed (%s)", type(error).__name__)
        return []
    known = {run.id for run in all_runs(runs)}
    named = [
        ((info.labels or {}).get(RUN_LABEL, ""), info) for info in jobs if str(info.status.stage) in WORTH_FOLLOWING
    ]
    return [(run, info) for run, info in named if RUN_ID.fullmatch(run) and run not in known]


def _remake(runs: Path, run: str, info: "JobInfo") -> str:
    """The run folder of a job again, from what was sent with it; nothing where that was deleted, because it is done."""
    repo = repository(info.owner.name, run)
    try:
        path = Path(hub_api().hf_hub_download(repo, "job.json", repo_type="dataset"))
        spec = JobSpec.from_json(path.read_bytes())
    except Exception as error:  # noqa: BLE001, as above
        log.info("the run %s is not to be had again (%s)", run, type(error).__name__)
        return ""
    (runs / run).mkdir(parents=True, exist_ok=True)
    job = HubJob(job=info.id, namespace=info.owner.name, repo=repo, url=info.url)
    write_atomically(runs / run / "hub_job.json", job.to_json())
    write_atomically(runs / run / "job.json", spec.to_json())
    return run
