"""On the machine of a job on Hugging Face: fetch what is needed, train as everywhere, tell how far it is, hand over."""

import logging
import tempfile
import threading
import time
from pathlib import Path

from bccseg.jobs.hub_exchange import MARK, fetch_run, push_result
from bccseg.jobs.training_run import Run, create_run
from bccseg.jobs.worker import run_job
from bccseg.training.epoch_log import read_epochs

log = logging.getLogger("bccseg")

REPORT_SECONDS = 2.0
TRIES, WAIT_SECONDS = 5, 10.0  # to hand over what was learned


def work_on_hub(repo: str) -> bool:
    """Do the training that the repository describes; whether it ended well. How far it is stands in the log."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    with tempfile.TemporaryDirectory(prefix="bccseg-job-") as folder:
        run = create_run(Path(folder) / "runs", fetch_run(repo, Path(folder) / "sent"))
        reporter = _Reporter(run)
        good = run_job(run)
        reporter.stop()
        return _hand_over(repo, run.folder) and good


def _hand_over(repo: str, folder: Path) -> bool:
    """Send the result, after some tries if need be; whether it got through."""
    for left in reversed(range(TRIES)):
        try:
            push_result(repo, folder)
        except Exception:  # the client lets errors of three other libraries through
            log.exception("the result could not be handed over")
        else:
            return True
        time.sleep(WAIT_SECONDS if left else 0)
    return False


class _Reporter:
    """Prints the progress of a run and each new epoch, from a thread."""

    def __init__(self, run: Run) -> None:
        self.run, self._told, self._epochs, self._end = run, "", 0, threading.Event()
        self._thread = threading.Thread(target=self._loop, name="bccseg-report", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """A last report; no more then."""
        self._end.set()
        self._thread.join()
        self._report()

    def _loop(self) -> None:
        while not self._end.wait(REPORT_SECONDS):
            self._report()

    def _report(self) -> None:
        epochs = read_epochs(self.run.folder)
        for report in epochs[self._epochs :]:
            print(f"{MARK}epoch {report.to_json().decode()}", flush=True)
        self._epochs = len(epochs)
        now = self.run.progress.replace(written=0.0, pid=0).to_json().decode()
        if now != self._told:
            print(f"{MARK}progress {now}", flush=True)
        self._told = now
