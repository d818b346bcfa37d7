"""A run that takes seconds, and waiting for it."""

import time

from bccseg.config import NetworkConfig, TrainConfig
from bccseg.jobs import training_run
from bccseg.jobs.records import JobSpec
from bccseg.jobs.training_run import create_run
from bccseg.training.epoch_log import read_epochs

SMALL = TrainConfig(
    network=NetworkConfig(width=4, depth=2), epochs=3, steps_per_epoch=4, batch_size=2, crop_px=64, warmup_steps=2,
    workers=0, mixed_precision=False,
)  # fmt: skip


def begin(runs, dataset, **changes):
    run = create_run(
        runs, JobSpec(name="a run", sources=(str(dataset),), config=SMALL.replace(**changes), device="cpu")
    )
    run.start()
    return run


def restart(run, monkeypatch):
    """Begin again a run whose process was killed, without the wait until it counts as lost."""
    monkeypatch.setattr(training_run, "SILENT_SECONDS", 0)
    pid = run.start()
    monkeypatch.setattr(training_run, "SILENT_SECONDS", 30)
    return pid


def wait_for(run, *states, seconds=60):
    end = time.monotonic() + seconds
    while run.progress.state not in states:
        assert time.monotonic() < end, f"{run.progress}\n{run.console()}"
        assert states == ("failed",) or run.progress.state != "failed", f"{run.progress}\n{run.console()}"
        time.sleep(0.05)
    return run.progress


def wait_until(true, seconds=60):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def curve(run):
    return [(r.epoch, r.loss, r.val_loss) for r in read_epochs(run.folder)]
