"""What the process of a training run does: wait for its slot, train, and keep its progress."""

import errno
import logging
import time

import torch

from bccseg.errors import BccsegError, Stopped
from bccseg.jobs.progress import ProgressWriter
from bccseg.jobs.queue import check_signal, queue_slot
from bccseg.jobs.records import JobProgress
from bccseg.jobs.training_run import Run
from bccseg.model.device import describe_device, inference_dtype
from bccseg.training.data_sources import TrainingData
from bccseg.training.epoch_log import EpochReport, read_epochs
from bccseg.training.run import TrainingObserver, train_run
from bccseg.training.trainer import Trainer

log = logging.getLogger("bccseg")

SMALLER_BATCH = "The memory is too small for this batch size. Train again with half of it."
PAUSE_POLL_SECONDS = 0.2


def run_job(run: Run) -> bool:
    """Do what the run was asked for; whether it ended well. How it ended stands in its progress.

    Raises TrainingError only where another process is at it, whose progress stays.
    """
    writer = ProgressWriter(run.folder, JobProgress(message="Starting"))
    try:
        config = run.spec.config
        writer(epoch=len(read_epochs(run.folder)), epochs=config.epochs, steps=config.steps_per_epoch)
        with queue_slot(run, writer):
            _train(run, writer)
            writer(state="done", message="", step=0)
    except Stopped as error:
        writer(state="cancelled", message=str(error))
    except BccsegError as error:
        writer(state="failed", message=str(error))
    except (MemoryError, torch.OutOfMemoryError):
        log.exception("out of memory")
        writer(state="failed", message=SMALLER_BATCH, out_of_memory=True)
    except OSError as error:
        log.exception("training failed")
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        why = "The disk is full. Make room, then resume." if full else f"A file could not be read or written ({error})."
        writer(state="failed", message=why)
    except Exception as error:
        log.exception("training failed")
        memory = "out of memory" in str(error).lower() or "can't allocate" in str(error).lower()
        why = SMALLER_BATCH if memory else "Something went wrong; the log below says what."
        writer(state="failed", message=why, out_of_memory=memory)
    finally:
        writer.stop()
    return writer.progress.state == "done"


def _train(run: Run, writer: ProgressWriter) -> None:
    spec = run.spec
    writer(state="preparing", message="Reading the images")
    observer = _Observer(run, writer, spec.config.batch_size)
    train_run(run.folder, spec.sources, spec.config, observer, spec.device, base=spec.base, name=spec.name)


class _Observer(TrainingObserver):
    """Keeps the progress of a run, and follows the signals it is sent."""

    def __init__(self, run: Run, writer: ProgressWriter, batch_size: int) -> None:
        self.run, self.writer, self.batch_size = run, writer, batch_size
        self.since, self.crops = time.monotonic(), 0  # for crops a second

    def on_data(self, data: TrainingData) -> None:
        self.writer(warnings=data.warnings)

    def on_image(self) -> None:
        check_signal(self.run)

    def on_start(self, trainer: Trainer) -> None:
        device = describe_device(trainer.device, inference_dtype(trainer.device))
        self.writer(state="training", message="", epoch=trainer.epoch, device=device)
        self.since = time.monotonic()

    def on_step(self, step: int, steps: int, loss: float) -> None:
        self.crops += self.batch_size
        while check_signal(self.run):
            self.writer(state="paused")
            time.sleep(PAUSE_POLL_SECONDS)
            self.since, self.crops = time.monotonic(), 0
        speed = self.crops / max(1e-6, time.monotonic() - self.since) if self.crops else None
        self.writer.update(state="training", step=step, steps=steps, loss=loss, images_per_second=speed)

    def on_epoch(self, report: EpochReport) -> None:
        self.writer(epoch=report.epoch, step=0)
        check_signal(self.run)

    def on_trained(self) -> None:
        self.writer(message="Calibrating the scores")
