"""Training on Hugging Face: the real client, a Hub of the test suite, and each job a real process of this machine."""

import os
import shutil
import signal
import threading

import cv2
import pytest

from bccseg.errors import HubError
from bccseg.jobs import hub_relay, training_run
from bccseg.jobs.hub_machines import IMAGE, can_offer, job_image, read_offer
from bccseg.jobs.hub_relay import find_again, relay_job, server_label
from bccseg.jobs.queue import queue_position
from bccseg.jobs.records import HubMachine, JobProgress, JobSpec
from bccseg.jobs.training_run import create_run
from bccseg.model.weights import load_weights
from tests.hub_server import Repo
from tests.jobs.small_run import SMALL, wait_for, wait_until

MACHINE = HubMachine(
    flavor="a10g-small", minutes=30, dollars_an_hour=1.0, image="hf.co/spaces/me/bccseg", namespace="me"
)
TOKEN = "hf_secret"


@pytest.fixture(autouse=True)
def account(hub, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv(IMAGE, MACHINE.image)
    monkeypatch.setattr(hub_relay, "POLL_SECONDS", 0.1)
    hub.write_token = TOKEN
    return hub


@pytest.fixture
def make(tmp_path, dataset):
    def make(**changes):
        spec = JobSpec(name="there", sources=(str(dataset),), config=SMALL, device="cpu", hub=MACHINE)
        return create_run(tmp_path / "runs", spec.replace(**changes))

    return make


@pytest.fixture
def relay():
    """Begin to follow a run in a thread, as its process does."""
    threads = []

    def begin(run):
        threads.append(threading.Thread(target=relay_job, args=(run,)))
        threads[-1].start()

    yield begin
    for thread in threads:
        thread.join(20)


def only_job(hub):
    (job,) = hub.jobs.all.values()
    return job


def test_a_run_trains_there_and_comes_back(hub, make, capfd):
    hub.jobs.cut_log_after = 4
    run = make()
    assert relay_job(run), run.progress
    job, now = only_job(hub), run.snapshot()
    assert (now.progress.state, now.progress.epoch, now.progress.epochs) == ("done", 3, 3)
    assert [report.epoch for report in now.epochs] == [1, 2, 3]
    assert now.progress.device == "CPU"
    assert load_weights(now.weights, "there").config.name == "there"
    assert (run.folder / "preview.png").exists()
    assert job.spec["spaceId"] == "me/bccseg"
    assert (job.spec["flavor"], job.spec["timeoutSeconds"]) == ("a10g-small", 1800)
    assert job.spec["secrets"] == {"HF_TOKEN": TOKEN}
    assert TOKEN not in str(job.spec["environment"]) + str(job.spec["command"]) + "".join(job.lines)
    assert not [name for name in hub.repos if "bccseg-run" in name], "the images are deleted there"
    assert not list(run.folder.rglob("*.zip"))
    assert not (run.folder / "result.part").exists()
    assert "@bccseg" not in capfd.readouterr().out


def test_the_images_go_into_a_private_repository_and_nothing_else_does(hub, make, relay, dataset, tmp_path):
    hub.jobs.run = False
    base = tmp_path / "base"
    for path in dataset.glob("*/*.png"):  # other images: the same ones, mirrored
        (base / path.parent.name).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(base / path.parent.name / path.name), cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[:, ::-1])
    (base / "secret.txt").write_text("not for training")
    run = make(base=str(base))
    relay(run)
    wait_until(lambda: run.progress.message.startswith("Waits for a machine"))
    repo = hub.repos[f"datasets/me/bccseg-run-{run.id.lower()}"]
    assert repo.private
    assert set(repo.files) == {".gitattributes", "job.json", "source0.zip", "base.zip"}
    assert b"secret" not in repo.files["base.zip"]
    sent = JobSpec.from_json(repo.files["job.json"])
    assert (sent.sources, sent.base) == (("source0.zip",), "base.zip")
    other = make(hub=None)
    assert queue_position(other) == 0, "it is in nobody's way here"
    run.send_signal("cancel")
    assert wait_for(run, "cancelled").message == hub_relay.CANCELLED
    assert only_job(hub).stage == "CANCELED"
    assert not [name for name in hub.repos if "bccseg-run" in name]


def test_a_hub_out_of_reach_is_asked_again(hub, make, relay):
    hub.jobs.run = False
    run = make()
    relay(run)
    wait_until(lambda: run.progress.message.startswith("Waits for a machine"))
    hub.fail_when = lambda _method, path: 503 if "/api/jobs/" in path else None
    wait_until(lambda: "cannot be reached" in run.progress.message)
    hub.fail_when = lambda _method, _path: None
    job = only_job(hub)
    job.stage = "RUNNING"
    told = JobProgress(state="training", epoch=1, epochs=3, step=2, steps=4, loss=0.5, device="A10G").to_json().decode()
    job.lines += ["a line of the program", f"@bccseg progress {told}", "@bccseg progress {cut"]
    wait_until(lambda: run.progress.state == "training")
    assert (run.progress.epoch, run.progress.step, run.progress.device) == (1, 2, "A10G")
    job.stage, job.message = "ERROR", "Job timeout"
    ended = wait_for(run, "failed")
    assert "Job timeout" in ended.message
    assert "give it more" in ended.message


def test_what_goes_wrong_there_is_told_here(hub, make):
    run = make(config=SMALL.replace(base_weights="hf://me/none"))
    assert not relay_job(run)
    assert run.progress.state == "failed"
    assert "'me/none' does not exist" in run.progress.message


def test_without_the_right_nothing_is_run(hub, make):
    hub.jobs.allowed = False
    run = make()
    assert not relay_job(run)
    assert "may not run jobs" in run.progress.message


def test_data_that_do_not_fit_cost_nothing(hub, make, tmp_path):
    run = make(sources=(str(tmp_path / "nowhere"),))
    assert not relay_job(run)
    assert "does not exist" in run.progress.message
    assert not hub.jobs.all
    assert not hub.repos


def test_a_restart_finds_the_job_again_and_begins_none(hub, make, monkeypatch, tmp_path):
    hub.jobs.run = False
    run = make()
    pid = run.start()
    wait_until(lambda: run.progress.message.startswith("Waits for a machine"))
    os.kill(pid, signal.SIGKILL)
    monkeypatch.setattr(training_run, "SILENT_SECONDS", 0)
    wait_until(lambda: run.progress.state == "lost")
    assert [found.id for found in find_again(tmp_path / "runs", 0)] == [run.id]
    monkeypatch.setattr(training_run, "SILENT_SECONDS", 30)
    wait_until(lambda: run.progress.message.startswith("Waits for a machine"))
    job = only_job(hub)
    job.stage, job.message = "ERROR", "out of credit"
    assert "out of credit" in wait_for(run, "failed").message
    assert find_again(tmp_path / "runs", 0) == [], "what has ended is left to people"
    assert len(hub.jobs.all) == 1


def test_a_disk_that_forgot_the_run_gets_it_back(hub, make, tmp_path, relay):
    hub.jobs.run = False
    run = make()
    relay(run)
    wait_until(lambda: run.progress.message.startswith("Waits for a machine"))
    job = only_job(hub)
    assert job.spec["labels"]["bccseg-server"] == server_label(tmp_path / "runs")
    files = dict(hub.repos[f"datasets/me/bccseg-run-{run.id.lower()}"].files)
    other = tmp_path / "other"  # another server of the same account
    assert find_again(other, 0) == []
    kept = (run.folder / "job.json").read_bytes()
    run.send_signal("cancel")
    wait_for(run, "cancelled")
    shutil.rmtree(run.folder)
    job.stage = "SCHEDULING"
    hub.repos[f"datasets/me/bccseg-run-{run.id.lower()}"] = Repo(private=True)
    hub.repos[f"datasets/me/bccseg-run-{run.id.lower()}"].commit(files)
    assert [found.id for found in find_again(tmp_path / "runs", 0)] == [run.id]
    assert run.spec.name == JobSpec.from_json(kept).name
    wait_until(lambda: run.progress.message.startswith("Waits for a machine"))
    job.stage = "CANCELED"
    assert "on Hugging Face" in wait_for(run, "cancelled").message
    assert len(hub.jobs.all) == 1


def test_damaged_weights_are_not_taken(hub, make, relay):
    hub.jobs.run = False
    run = make()
    relay(run)
    wait_until(lambda: run.progress.message.startswith("Waits for a machine"))
    repo = hub.repos[f"datasets/me/bccseg-run-{run.id.lower()}"]
    repo.commit({
        **repo.files, "result/weights/config.json": b'{"sha256": "0"}', "result/weights/model.safetensors": b"no",
        "result/weights/pickle.bin": b"evil", "result/../../evil": b"evil",
    })  # fmt: skip
    only_job(hub).stage = "COMPLETED"
    assert "damaged" in wait_for(run, "failed").message
    assert run.weights is None
    assert f"datasets/me/bccseg-run-{run.id.lower()}" in hub.repos, "kept, so that it can be fetched again"


def test_the_offer_is_the_list_of_the_hub(hub, monkeypatch):
    offer = read_offer()
    assert (offer.namespace, offer.image) == ("me", MACHINE.image)
    found = {one.flavor: one for one in offer.hardware}
    assert found["cpu-basic"].dollars_an_hour == pytest.approx(0.01, abs=1e-4)
    assert offer.cpu_only or found["t4-small"].accelerator == "1 x Nvidia T4, 16 GB"
    assert offer.hardware[0].flavor == ("cpu-basic" if offer.cpu_only else "t4-small")
    assert MACHINE.most_dollars == pytest.approx(0.5)
    hub.fail_with = 500
    with pytest.raises(HubError):
        read_offer()


def test_without_token_or_image_nothing_is_offered(monkeypatch):
    assert can_offer()
    monkeypatch.delenv(IMAGE)
    assert not can_offer()
    monkeypatch.setenv("SPACE_ID", "ana/smears")
    assert job_image() == "hf.co/spaces/ana/smears"
    monkeypatch.delenv("HF_TOKEN")
    assert not can_offer()
