"""The collection on disk: what was reported saved is there, whole, whatever happens."""

import json
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from bccseg import files
from bccseg.annotation.records import Details, image_id, split_of
from bccseg.annotation.store import LabelStore
from bccseg.errors import StoreError
from tests.paths import ROOT


def picture(seed=0, size=(24, 32)):
    return np.random.default_rng(seed).integers(0, 255, (*size, 3), np.uint8)


def cells(k=1, size=(24, 32)):
    labels = np.zeros(size, np.int32)
    labels[2:10, 2:10] = k
    labels[12:20, 15:30] = k + 1
    return labels


@pytest.fixture
def store(tmp_path):
    return LabelStore(tmp_path)


def test_an_image_is_kept_once_by_its_pixels(store):
    first = store.add_image(picture(), "a.png", pixel_size_um=0.1, added_by="Ana", licence="CC BY 4.0")
    again = store.add_image(picture(), "b.jpg", split="test")
    assert again == first
    assert first.id == image_id(picture())
    assert first.split == split_of(first.id)
    assert len(store.images()) == 1
    assert len(list((store.root / "images").iterdir())) == 2
    assert (store.image(first.id) == picture()).all()
    other = store.add_image(picture(1), "c.png", split="test")
    assert other.split == "test"
    assert LabelStore(store.root).image_info(other.id).split == "test"


def test_splits_depend_on_the_image_alone():
    ids = [image_id(picture(k, (2, 2))) for k in range(4000)]
    share = {name: sum(split_of(i) == name for i in ids) / len(ids) for name in ("train", "validation", "test")}
    assert share["test"] == pytest.approx(0.1, abs=0.02)
    assert share["validation"] == pytest.approx(0.1, abs=0.02)
    assert share["train"] == pytest.approx(0.8, abs=0.03)


def test_versions_keep_everything(store):
    info = store.add_image(picture(), "a.png")
    details = Details(
        edits=[{"kind": "delete", "points": [[1, 2]], "radius_px": 0}], scores=[0.5], rejected=[[1, 2, 0.3]]
    )
    first = store.save_version(
        info.id, cells(), author="Ana", details=details, weights="w", uncertainty=0.25, comment=" ok\x00 "
    )
    second = store.save_version(info.id, cells(7), author="Ben", parent=first.id)
    fresh = LabelStore(store.root)
    assert fresh.versions(info.id) == [first, second] == fresh.versions()
    assert (fresh.labels(second) == cells(7)).all()
    assert fresh.labels(second).dtype == np.int32
    assert fresh.details(first) == details
    assert (first.cells, first.edit_count, first.comment, first.status) == (2, 1, "ok", "submitted")


def test_reviews_change_the_status_and_no_file(store):
    info = store.add_image(picture(), "a.png")
    version = store.save_version(info.id, cells(), author="Ana")
    before = {p: p.read_bytes() for p in store.root.rglob("*.json")}
    assert store.review(version, "rejected", "Ben", "two cells are one").status == "rejected"
    accepted = LabelStore(store.root).review(version, "accepted", "Cy")
    assert (accepted.status, accepted.reviewer, accepted.reason) == ("accepted", "Cy", "")
    assert store.versions(info.id)[0].status == "accepted"
    assert all(p.read_bytes() == data for p, data in before.items())
    with pytest.raises(StoreError):
        store.review(version, "proposal", "Ben")


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "0" * 63, "0" * 64 + "\n"])
def test_ids_from_outside_never_become_paths(store, name):
    for call in (store.image, store.image_info, store.versions, lambda n: store.version("0" * 64, n)):
        with pytest.raises(StoreError):
            call(name)


def test_damage_is_noticed(store):
    info = store.add_image(picture(), "a.png")
    version = store.save_version(info.id, cells(), author="Ana")
    label_file = next((store.root / "labels" / info.id).glob("*.png"))
    label_file.write_bytes(label_file.read_bytes()[:-5])
    with pytest.raises(StoreError, match="damaged"):
        store.labels(version)
    (store.root / "images" / f"{info.id}.png").write_bytes(files_png(picture(5)))
    with pytest.raises(StoreError, match="damaged"):
        store.image(info.id)
    with pytest.raises(StoreError, match="size"):
        store.save_version(info.id, np.zeros((3, 3), np.int32), author="Ana")


def files_png(image):
    from bccseg.io.encode import png

    return png(image)


def test_many_people_at_once_lose_nothing(store):
    saved, errors = [], []

    def person(name):
        own = LabelStore(store.root)
        try:
            for k in range(12):
                info = own.add_image(picture(k % 3), f"{name}.png", added_by=name)
                saved.append((own.save_version(info.id, cells(k + 1), author=name), k + 1))
        except Exception as error:
            errors.append(error)

    people = [threading.Thread(target=person, args=(f"person {k}",)) for k in range(6)]
    [p.start() for p in people]
    [p.join() for p in people]
    assert not errors
    assert len(store.images()) == 3
    assert {v.id for v in store.versions()} == {v.id for v, _ in saved}
    for version, k in saved:
        assert (store.labels(version) == cells(k)).all()


WRITER = """
import os, random, signal, sys, time
sys.path.insert(0, {root!r})
import numpy as np, cv2
from pathlib import Path
from tests.annotation.test_store import cells, picture
from bccseg.annotation.store import LabelStore
cv2.setNumThreads(1)
root, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
rng, store, started = random.Random(seed), LabelStore(root), time.perf_counter()
for k in range(3):
    info = store.add_image(picture(100 * seed + k), "warm.png")
    store.save_version(info.id, cells(1), author=str(seed))
pace = (time.perf_counter() - started) / 3  # seconds a save takes here and now: most children live to report one
for n in range(kills):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:  # saves until it is killed, and reports a version once it is reported saved
        own = random.Random(seed * 10_000 + n)
        store = LabelStore(root)
        while True:
            k = own.randrange(1, 60_000)
            info = store.add_image(picture(own.randrange(40)), "kill.png", added_by=str(seed))
            version = store.save_version(info.id, cells(k), author=str(seed))
            os.write(write, f"{{info.id}} {{version.id}} {{k}}\\n".encode())
    os.close(write)
    time.sleep(rng.uniform(0.001, max(0.03, 4 * pace)))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(read) as reported:
        for line in reported.read().splitlines():  # a line is shorter than a pipe's buffer: all or nothing
            print(line)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_any_moment_nothing_reported_is_lost(tmp_path):
    kills, script = 75, WRITER.format(root=str(ROOT))
    command = [sys.executable, "-c", script, str(tmp_path), str(kills)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    writers = [
        subprocess.Popen([*command, str(seed)], stdout=subprocess.PIPE, text=True, env=environment) for seed in range(4)
    ]
    reported = {}
    for writer in writers:  # 4 x 75 = 300 kills
        out, _ = writer.communicate(timeout=120)
        assert writer.returncode == 0
        reported.update({version: (image, int(k)) for image, version, k in map(str.split, out.splitlines())})
    store = LabelStore(tmp_path)
    there = {v.id: v for v in store.versions()}
    assert len(reported) > 50
    assert reported.keys() <= there.keys()
    for version in there.values():  # also those that were finished but not yet reported
        labels = store.labels(version)
        assert sorted(np.unique(labels))[1:] == [labels[2, 2], labels[2, 2] + 1]
        if version.id in reported:
            assert (version.image, int(labels[2, 2])) == reported[version.id]
    for info in store.images():
        assert image_id(store.image(info.id)) == info.id


def test_a_full_disk_is_reported_and_loses_nothing(store, monkeypatch):
    info = store.add_image(picture(), "a.png")
    kept = store.save_version(info.id, cells(), author="Ana")
    before = sorted(p.name for p in store.root.rglob("*"))

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(StoreError, match=r"disk is full.*unharmed"):
        store.save_version(info.id, cells(3), author="Ana")
    with pytest.raises(StoreError, match="disk is full"):
        store.add_image(picture(9), "b.png")
    with pytest.raises(StoreError, match="disk is full"):
        store.review(kept, "accepted", "Ben")
    monkeypatch.undo()
    assert sorted(p.name for p in store.root.rglob("*")) == before
    assert store.versions() == [kept]
    assert (store.labels(kept) == cells()).all()


@pytest.mark.skipif(sys.platform != "linux", reason="limits of file size as Linux has them")
def test_a_write_the_system_cuts_short(tmp_path):
    """A real limit: the kernel stops the write in the middle of the file."""
    store = LabelStore(tmp_path)
    info = store.add_image(picture(2, (64, 64)), "a.png")
    script = (
        "import resource, signal, sys; sys.path[:0] = sys.argv[2:]; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "import numpy as np; from pathlib import Path; from bccseg.errors import StoreError\n"
        "from bccseg.annotation.store import LabelStore\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); store = LabelStore(Path(sys.argv[1]))\n"
        "labels = np.random.default_rng(0).integers(0, 60000, (64, 64)).astype(np.int32)\n"
        "try: store.save_version(store.images()[0].id, labels, author='x')\n"
        "except StoreError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path), str(ROOT)], capture_output=True, text=True, check=True
    )
    assert "disk is full" in done.stdout, done.stderr
    assert store.versions() == []
    assert [p.name for p in (tmp_path / "labels" / info.id).iterdir()] == []


def test_leftovers_and_strangers_are_not_versions(store):
    info = store.add_image(picture(), "a.png")
    version = store.save_version(info.id, cells(), author="Ana")
    folder = store.root / "labels" / info.id
    (folder / "20260101T000000000000Z-aaaaaaaaaaaa.png").write_bytes(b"no json came")
    (folder / "20260101T000000000000Z-bbbbbbbbbbbb.json.123.part").write_text("{")
    (folder / "notes.json").write_text("{}")
    (store.root / "labels" / "Thumbs.db").write_text("")
    assert store.versions() == [version]


def test_ten_thousand_versions_are_listed_from_memory(store, tmp_path):
    """Not a timing: after the first listing no file is read again."""
    info = store.add_image(picture(), "a.png")
    for k in range(5):
        store.save_version(info.id, cells(k + 1), author="Ana")
    assert len(store.versions()) == 5
    for path in (tmp_path / "labels" / info.id).glob("*.json"):
        path.write_text("not read again")
    assert len(store.versions()) == 5


def test_records_are_json_without_surprises(store):
    info = store.add_image(picture(), "näme <b> & \n.png" + "x" * 300, added_by="Ünal")
    values = json.loads((store.root / "images" / f"{info.id}.json").read_text())
    assert values["added_by"] == "Ünal"
    assert len(values["name"]) <= 200
