"""A scheduler and two worker processes on this machine. Slow: each process loads PyTorch."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile

import pytest
import torch
from PIL import Image

from bccseg.cli import main
from bccseg.cluster.connect import connect
from bccseg.cluster.dispatch import ENDED_WORKERS, run_items
from bccseg.errors import SettingsError, WorkerError
from bccseg.imaging.synthetic import draw_smear
from tests.cluster.work import double, end_at_three, loaded
from tests.paths import ROOT


@pytest.fixture(scope="module")
def cluster():
    with connect("local:2") as found:
        yield found


@pytest.fixture(scope="module")
def fields(tmp_path_factory):
    """Eight drawn fields; some names stand twice, in a zip, too."""
    folder = tmp_path_factory.mktemp("fields")
    for k in range(7):
        Image.fromarray(draw_smear((240, 300), cells=9, diameter_px=56, seed=k)[0]).save(folder / f"f{k}.png")
    Image.open(folder / "f0.png").save(folder / "f1.tif")
    (folder / "broken.png").write_bytes(b"no image")
    with zipfile.ZipFile(folder / "slides.zip", "w") as archive:
        archive.write(folder / "f2.png", "f2.png")
        archive.write(folder / "f3.png", "patient/f3.png")
    return folder


@pytest.fixture(scope="module")
def alone(fields, tmp_path_factory):
    """What one machine makes of them, with a thread, as each worker has."""
    out = tmp_path_factory.mktemp("alone")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    assert main(["segment", str(fields), "--out", str(out), "--diameter", "56"]) == 1
    torch.set_num_threads(threads)
    return out


def contents(folder):
    files = (p for p in folder.rglob("*") if p.is_file() and ".done" not in p.parts and p.name != "run.json")
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in files}


def images_of(folder):
    images = json.loads((folder / "run.json").read_text())["images"]
    told = ("name", "file_sha256", "page", "labels_sha256", "numbers")
    return [{name: image[name] for name in told} for image in images]


def run_on(cluster, *arguments):
    return main(["segment", *map(str, arguments), "--diameter", "56", "--cluster", cluster.client.scheduler.address])


def test_a_worker_is_killed_in_the_middle_and_the_results_are_those_of_one_machine(
    cluster, fields, alone, tmp_path, capsys
):
    killed = []

    def kill():
        while len(list(tmp_path.glob(".done/??/*.json"))) < 2:
            time.sleep(0.02)
        busy = next(address for address, tasks in cluster.client.processing().items() if tasks)
        killed.append((cluster.client.run(os.getpid, workers=[busy])[busy], len(contents(tmp_path))))
        os.kill(killed[0][0], signal.SIGKILL)

    watch = threading.Thread(target=kill)
    watch.start()
    assert run_on(cluster, fields, "--out", tmp_path) == 1
    watch.join()
    assert "10 done, 1 failed" in capsys.readouterr().err
    assert contents(tmp_path) == contents(alone)
    assert images_of(tmp_path) == images_of(alone)
    pid, files = killed[0]
    assert files < len(contents(alone)) - 8, "it was killed in the middle"
    assert pid not in cluster.client.run(os.getpid).values()
    assert not list(tmp_path.rglob("*.part"))


def test_what_is_done_is_not_done_again_and_the_network_is_loaded_once(cluster, fields, alone, tmp_path):
    run_on(cluster, fields, "--out", tmp_path)
    networks = cluster.client.run(loaded)
    assert all(len(found) == 1 for found in networks.values()), networks
    times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.png")}
    (tmp_path / "f4_labels.png").unlink()
    note = next(p for p in tmp_path.glob(".done/??/*.json") if b'"f5"' in p.read_bytes())
    note.write_bytes(note.read_bytes()[:40])  # as after a power cut on a file system without journal
    assert run_on(cluster, fields, "--out", tmp_path) == 1
    again = {p.name[:2] for p, when in times.items() if not p.exists() or p.stat().st_mtime_ns != when}
    assert again == {"f4", "f5"}
    assert contents(tmp_path) == contents(alone)
    assert cluster.client.run(loaded) == networks
    assert not list(tmp_path.glob(".done/seen-*"))


def test_other_settings_are_other_work(cluster, fields, tmp_path):
    one = fields / "f0.png"
    run_on(cluster, one, "--out", tmp_path)
    run_on(cluster, one, "--out", tmp_path, "--pixel-size", "0.1", "--also", "geojson")
    assert (tmp_path / "f0.geojson").exists()
    assert "area_um2" in (tmp_path / "f0_cells.csv").read_text()


def test_files_by_url_are_read_by_the_workers(cluster, fields, alone, tmp_path):
    assert run_on(cluster, fields.as_uri() + "/", "--out", tmp_path) == 1
    assert contents(tmp_path) == contents(alone)
    assert json.loads((tmp_path / "run.json").read_text())["images"][0]["file"].startswith("file://")


def test_a_worker_that_cannot_take_part_says_so(cluster, fields, tmp_path, monkeypatch, capsys):
    import bccseg

    monkeypatch.setattr(bccseg, "__version__", "0.0.1")
    assert run_on(cluster, fields / "f0.png", "--out", tmp_path) == 1
    assert "Install the same version on every machine" in capsys.readouterr().err


def test_an_item_that_ends_its_worker_fails_alone(cluster):
    cluster.client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0))
    found = dict(run_items(cluster.client, end_at_three, range(6)))
    assert found == {k: ENDED_WORKERS if k == 3 else 2 * k for k in range(6)}


def test_an_item_that_goes_wrong_fails_alone_in_its_group(cluster):
    items = [*range(100), "bad", *range(100, 140)]
    found = dict(run_items(cluster.client, double, items))
    assert found.pop("bad") == "ValueError: no number"
    assert found == {k: 2 * k for k in range(140)}


SBATCH = f"""#!{sys.executable}
import subprocess, sys
script = open(sys.argv[-1]).read()
open(sys.argv[0] + ".asked", "a").write(script)
log = open(sys.argv[0] + ".log", "a")
job = subprocess.Popen(["bash", "-c", script], stdout=log, stderr=log, start_new_session=True)
print("Submitted batch job", job.pid)
"""
SCANCEL = f"""#!{sys.executable}
import os, signal, sys
os.killpg(int(sys.argv[-1]), signal.SIGKILL)
"""


def test_jobs_of_slurm(tmp_path, monkeypatch):
    """dask-jobqueue with an sbatch that begins each job on this machine: everything but SLURM itself."""
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    profile = tmp_path / "profile.yaml"
    profile.write_text(
        "jobs: 1\ncores: 4\nprocesses: 2\nmemory: 2GB\nqueue: gpu\ninterface: lo\n"
        f"local_directory: {tmp_path}\njob_extra_directives: ['--gres=gpu:1']\n"
    )
    with connect(f"slurm:{profile}") as cluster:
        assert cluster.threads == 2
        assert dict(run_items(cluster.client, double, range(8))) == {k: 2 * k for k in range(8)}
        cluster.client.wait_for_workers(2, timeout=30)
        assert list(cluster.client.nthreads().values()) == [1, 1]
    asked = (tmp_path / "sbatch.asked").read_text()
    for line in ("#SBATCH -p gpu", "#SBATCH --cpus-per-task=4", "#SBATCH --gres=gpu:1", "#SBATCH --mem=2G"):
        assert line in asked


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("local:0", "--cluster is"),
        ("kubernetes:x", "--cluster is"),
        ("slurm:nowhere.yaml", "cannot be opened"),
        ("tcp://127.0.0.1:9", "No scheduler of Dask answers"),
    ],
)
def test_wrong_addresses_say_what_to_do(address, words, monkeypatch):
    monkeypatch.setattr("bccseg.cluster.connect.CONNECT_SECONDS", 1)
    with pytest.raises(SettingsError, match=words), connect(address):
        pass


def test_a_profile_is_checked(tmp_path):
    profile = tmp_path / "profile.yaml"
    for text, words in (
        ("jobs: 0\ncores: 1\nmemory: 1GB", "jobs must be between"),
        ("jobs: 1\ncores: 1\nmemory: 1GB\nnodes: 4", "Unknown SLURM profile: nodes"),
        ("- a list", "a JSON object"),
        ("a: [", "no YAML"),
    ):
        profile.write_text(text)
        with pytest.raises(SettingsError, match=words), connect(f"slurm:{profile}"):
            pass


SCHEDULER = """
import time
from distributed import LocalCluster
if __name__ == "__main__":
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", host="127.0.0.1",
                           dashboard_address="127.0.0.1:0")
    print(cluster.scheduler_address)
    time.sleep(60)
"""


def test_a_scheduler_that_is_gone_is_told(monkeypatch):
    monkeypatch.setattr("bccseg.cluster.dispatch.QUIET_SECONDS", 1)
    other = subprocess.Popen([sys.executable, "-u", "-c", SCHEDULER], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        with other.stdout, connect(other.stdout.readline().strip()) as cluster:
            work = run_items(cluster.client, double, range(100_000))
            next(work)
            other.kill()
            with pytest.raises(WorkerError, match="Give the same command again"):
                list(work)
    finally:
        other.kill()
        other.wait()
