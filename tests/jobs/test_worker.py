"""What the process of a run does, without the process: troubles, and the same training as the command line's."""

import errno
import math

import pytest
import torch
from huggingface_hub import ModelCard
from safetensors.torch import load_file

from bccseg.cli import main
from bccseg.errors import TrainingError
from bccseg.jobs import progress, worker
from bccseg.jobs.progress import ProgressWriter
from bccseg.jobs.records import JobProgress, JobSpec
from bccseg.jobs.training_run import create_run
from bccseg.training import trainer
from bccseg.training.epoch_log import read_epochs
from tests.jobs.small_run import SMALL, curve


def test_out_of_memory_is_told_and_notes_are_kept(tmp_path, dataset, monkeypatch):
    run = create_run(tmp_path, JobSpec(name="big", sources=(str(dataset),), config=SMALL, device="cpu"))

    def too_much(*_):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] . DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(worker, "_train", too_much)
    assert not worker.run_job(run)
    assert run.progress.out_of_memory
    assert "half" in run.progress.message
    run.write_notes("too\x00 large ")
    assert run.snapshot().notes == "too  large"


def test_a_full_disk_is_told_and_the_run_goes_on_when_there_is_room(tmp_path, dataset, monkeypatch):
    whole = create_run(tmp_path / "a", JobSpec(name="x", sources=(str(dataset),), config=SMALL, device="cpu"))
    assert worker.run_job(whole)
    run = create_run(tmp_path / "b", whole.spec)
    save = torch.save

    def full_in_the_second_epoch(state, path):
        if state["epoch"] == 2:
            path.write_bytes(b"half a checkp")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(state, path)

    monkeypatch.setattr(torch, "save", full_in_the_second_epoch)
    assert not worker.run_job(run)
    assert run.progress.state == "failed"
    assert run.progress.message == "The disk is full. Make room, then resume."
    monkeypatch.setattr(torch, "save", save)
    assert worker.run_job(run)
    assert curve(run) == curve(whole)


def test_a_loss_that_is_no_number_is_told_and_nothing_of_it_kept(tmp_path, dataset, monkeypatch):
    run = create_run(tmp_path, JobSpec(name="wild", sources=(str(dataset),), config=SMALL, device="cpu"))
    real, calls = trainer.segmentation_loss, []

    def broken(*args):
        calls.append(1)
        return real(*args) * (float("nan") if len(calls) > 6 else 1)

    monkeypatch.setattr(trainer, "segmentation_loss", broken)
    assert not worker.run_job(run)
    assert "lower learning rate" in run.progress.message
    assert len(read_epochs(run.folder)) == 1
    assert all(math.isfinite(v.sum()) for v in load_file(run.folder / "best.safetensors").values())


def test_page_and_command_line_train_to_the_same_curve(tmp_path, dataset):
    run = create_run(tmp_path, JobSpec(name="a run", sources=(str(dataset),), config=SMALL, device="cpu"))
    assert worker.run_job(run)
    (tmp_path / "config.json").write_bytes(SMALL.to_json())
    out = tmp_path / "out"
    command = ["train", "--data", str(dataset), "--out", str(out), "--config", str(tmp_path / "config.json")]
    assert main([*command, "--device", "cpu"]) == 0
    assert [(r.epoch, r.loss, r.val_loss) for r in read_epochs(out)] == curve(run)
    for folder in (run.folder, out):
        assert (folder / "split.json").exists()
        card = ModelCard.load(folder / "weights/README.md")
        assert card.data.to_dict() == {
            "license": "other", "license_name": "see-below", "library_name": "bccseg",
            "pipeline_tag": "image-segmentation", "tags": ["blood-smear", "cell-segmentation", "bccseg"],
        }  # fmt: skip
        assert card.text.count("| split | images | hash of the images |") == 1
        assert card.text.lstrip().startswith(f"# {'a run' if folder == run.folder else 'out'}\n")


def test_a_run_that_another_process_trains_is_left_alone(tmp_path, dataset, monkeypatch):
    run = create_run(tmp_path, JobSpec(name="x", sources=(str(dataset),), config=SMALL, device="cpu"))
    monkeypatch.setattr(progress, "LOCK_SECONDS", 0.1)
    first = ProgressWriter(run.folder, JobProgress(state="training", epoch=2, epochs=3))
    with pytest.raises(TrainingError, match="under way"):
        worker.run_job(run)
    assert (run.progress.state, run.progress.epoch) == ("training", 2)
    assert not (run.folder / "log.jsonl").exists()
    first.stop()
    assert worker.run_job(run)


def test_a_line_of_the_log_that_a_full_disk_cut_off_is_done_again(tmp_path, dataset, monkeypatch):
    whole = create_run(tmp_path / "a", JobSpec(name="x", sources=(str(dataset),), config=SMALL, device="cpu"))
    assert worker.run_job(whole)
    run = create_run(tmp_path / "b", whole.spec)
    save = torch.save

    def half_a_line(state, path):
        if state["epoch"] == 2:
            log = run.folder / "log.jsonl"
            log.write_bytes(log.read_bytes()[:-20])
            raise OSError(errno.ENOSPC, "No space left on device")
        save(state, path)

    monkeypatch.setattr(torch, "save", half_a_line)
    assert not worker.run_job(run)
    assert [report.epoch for report in run.snapshot().epochs] == [1]
    monkeypatch.setattr(torch, "save", save)
    assert worker.run_job(run)
    assert curve(run) == curve(whole)
