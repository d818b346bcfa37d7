"""Classes learned from a few marked cells as a run, so that they are promoted and published as others are."""

import time
from pathlib import Path

from bccseg.config import TrainConfig
from bccseg.files import write_atomically
from bccseg.jobs.records import JobProgress, JobSpec
from bccseg.jobs.training_run import Run, create_run
from bccseg.training.cell_head_learning import LearnedHead
from bccseg.training.few_labels_export import save_few_labels


def create_few_labels_run(runs: Path, name: str, base: Path, learned: LearnedHead) -> Run:
    """A finished run in the folder `runs`, whose weights are those in `base` with the learned classes."""
    config = TrainConfig(base_weights=str(base))
    run = create_run(runs, JobSpec(name=name, sources=(), config=config, few_labels=True))
    save_few_labels(base, run.folder / "weights", learned, run.spec.name)
    write_atomically(run.folder / "progress.json", JobProgress(state="done", written=time.time()).to_json())
    return run
