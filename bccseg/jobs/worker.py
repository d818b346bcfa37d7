"""What the process of a training run does: wait for its turn, read the data, train, and tell how far it is."""

import errno
import logging
import os
import sys
import threading
import time
from dataclasses import replace

import torch

from bccseg.errors import BccsegError, Stopped
from bccseg.jobs.queue import check_signal, queue_slot
from bccseg.jobs.training_run import Run
from bccseg.model.device import choose_device, describe_device, inference_dtype
from bccseg.training.data_sources import gather_training_data, load_training_images
from bccseg.training.provenance import save_provenance
from bccseg.training.trainer import Trainer
from bccseg.training.weight_export import calibrate_weights, export_run

log = logging.getLogger("bccseg")

BEAT_SECONDS = 1.0
SMALLER_BATCH = "The memory is too small for this batch size. Start anew with half of it."


class ProgressWriter:
    """Keeps progress.json fresh from a thread, so that a silent process is a dead one."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.progress = replace(run.progress, pid=os.getpid())
        self._lock, self._end = threading.Lock(), threading.Event()
        threading.Thread(target=self._beat, name="bccseg-beat", daemon=True).start()

    def __call__(self, **changes: object) -> None:
        """Change what is told, at once."""
        with self._lock:
            self.progress = replace(self.progress, **changes)
            self.run.tell(self.progress)

    def stop(self) -> None:
        """No more beats."""
        self._end.set()

    def _beat(self) -> None:
        while not self._end.wait(BEAT_SECONDS):
            try:
                self(memory_mb=_memory_mb())
            except OSError:  # a full disk shows where it matters
                log.exception("progress could not be written")


def run_job(run: Run) -> bool:
    """Do what the run was asked for; whether it ended well. Never raises: how it ended stands in its progress."""
    report = ProgressWriter(run)
    try:
        with queue_slot(run):
            _train(run, report)
            report(state="done", message="", step=0)
    except Stopped as error:
        report(state="cancelled", message=str(error))
    except BccsegError as error:
        report(state="failed", message=str(error))
    except (MemoryError, torch.OutOfMemoryError):
        log.exception("out of memory")
        report(state="failed", message=SMALLER_BATCH, out_of_memory=True)
    except OSError as error:
        log.exception("training failed")
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        why = "The disk is full. Make room, then resume." if full else f"A file could not be read or written ({error})."
        report(state="failed", message=why)
    except Exception as error:
        log.exception("training failed")
        memory = "out of memory" in str(error).lower() or "can't allocate" in str(error).lower()
        why = SMALLER_BATCH if memory else "Something went wrong; the log below says what."
        report(state="failed", message=why, out_of_memory=memory)
    finally:
        report.stop()
    return run.progress.state == "done"


def _train(run: Run, report: ProgressWriter) -> None:
    spec = run.spec
    config = spec.config
    report(state="preparing", message="Reading the images", epochs=config.epochs, steps=config.steps_per_epoch)
    data = gather_training_data(spec.sources, run.folder / "data", config.validation_share, spec.base)
    report(warnings=data.warnings)
    if data.problems:
        raise BccsegError(" ".join(data.problems[:10]))
    save_provenance(run.folder, data)
    device = choose_device(spec.device)
    train, monitored, base = load_training_images(data, config, lambda: check_signal(run))
    trainer = Trainer(train, monitored, config, run.folder, spec.device, base)
    report(state="training", message="", epoch=trainer.epoch, device=describe_device(device, inference_dtype(device)))
    started, seen = time.monotonic(), 0

    def on_step(step: int, steps: int, loss: float) -> None:
        nonlocal started, seen
        seen += config.batch_size
        while check_signal(run):
            report(state="paused")
            time.sleep(0.2)
            started, seen = time.monotonic(), 0
        speed = seen / max(1e-6, time.monotonic() - started) if seen else None
        report.progress = replace(
            report.progress, state="training", step=step, steps=steps, loss=loss, images_per_second=speed
        )

    for done in trainer.run(on_step):
        report(epoch=done.epoch, step=0)
        check_signal(run)
    report(state="training", message="Calibrating the scores")
    folder = export_run(run.folder, name=spec.name, data=f"{data}; {data.cells} cells")
    calibrate_weights(folder, data.validation, spec.device)


def _memory_mb() -> float | None:
    """Largest memory of this process so far, where the system tells."""
    if sys.platform == "win32":
        return None
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6
