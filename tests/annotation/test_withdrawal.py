"""Images taken out of the collection stay out, whatever is done afterwards and on whichever server."""

import json
import random

import numpy as np
import pytest

from bccseg.annotation.dataset_export import chosen_versions, dataset_files
from bccseg.annotation.dataset_import import import_dataset
from bccseg.annotation.drafts import DraftInfo, create_draft, open_draft
from bccseg.annotation.hub_sync import fetch, sync
from bccseg.annotation.image_store import Withdrawn
from bccseg.annotation.records import image_id
from bccseg.annotation.review import items
from bccseg.annotation.store import LabelStore
from bccseg.errors import DataError, StoreError, WithdrawnError
from bccseg.imaging.synthetic import draw_smear
from bccseg.training.data_sources import gather_training_data

REPO = "lab/smears"


def smear(seed):
    return draw_smear((60, 80), cells=4, diameter_px=24, seed=seed)


def add(store, seed, split="train"):
    image, labels = smear(seed)
    info = store.add_image(image, f"smear {seed}.png", split=split)
    store.review(store.save_version(info.id, labels, author="Ana"), "accepted", "Ben")
    return info


def exported(store):
    return {name for name, _ in dataset_files(store, chosen_versions(items(store)), "labels") if "/images/" in name}


@pytest.mark.parametrize("delete", [False, True])
def test_what_is_withdrawn_is_nowhere_and_says_when_who_and_why(store, tmp_path, delete):
    kept, gone, check = add(store, 0), add(store, 1), add(store, 2, "validation")
    version = store.versions(gone.id)[0]
    store.withdraw(gone.id, " Cy ", "no consent", delete=delete)
    for one in (store, LabelStore(store.root)):
        assert one.images() == [kept, check]
        assert {v.image for v in one.versions()} == {kept.id, check.id}
        assert one.versions(gone.id) == []
        assert exported(one) == {"train/images/smear 0.png", "validation/images/smear 2.png"}
        (left,) = one.withdrawn()
        assert (left.id, left.name) == (gone.id, "" if delete else "smear 1.png")
        assert (left.tombstone.what, left.tombstone.by, left.tombstone.reason) == (
            "deleted" if delete else "withdrawn", "Cy", "no consent",
        )  # fmt: skip
        assert left.tombstone.time[:4].isdigit()
        for call in (lambda o=one: o.image_info(gone.id), lambda o=one: o.review(version, "rejected", "Ben", "x"),
                     lambda o=one: o.save_version(gone.id, smear(1)[1], author="Ana")):  # fmt: skip
            with pytest.raises(WithdrawnError, match="by Cy: no consent"):
                call()
    data = gather_training_data([f"store:{store.root}"], tmp_path / "data", 0)
    assert [path.name for path, _ in data.train + data.validation] == ["smear 0.png", "smear 2.png"]
    assert (store.root / "images" / f"{gone.id}.png").exists() is not delete
    assert (store.root / "labels" / gone.id).exists() is not delete


def test_nothing_brings_it_back_by_the_way(store, tmp_path):
    info = add(store, 1)
    image, labels = smear(1)
    draft = create_draft(store, image, labels, DraftInfo(name="again.png", diameter_px=24))
    store.withdraw(info.id, "Cy", "no consent", delete=True)
    with pytest.raises(WithdrawnError):
        store.add_image(image, "again.png")
    with pytest.raises(WithdrawnError):
        draft.submit(store, "Ana", "", "CC0")
    assert (open_draft(store, draft.id).labels == labels).all()  # nobody's work is lost by it
    other = LabelStore(tmp_path / "other")
    add(other, 1)
    add(other, 2)
    for name, data in dataset_files(other, chosen_versions(items(other)), "kaggle"):
        path = tmp_path / "zip" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    *_, report = import_dataset(store, tmp_path / "zip", "Ana", "CC0")
    assert report.added == 1
    assert [(name, "no consent" in why) for name, why in report.failed] == [("smear 1.png", True)]


def test_withdrawn_comes_back_with_everything_and_deleted_never(store):
    info = add(store, 0)
    before = store.versions()
    store.withdraw(info.id, "Cy", "which patient?")
    assert store.restore(info.id, "Cy", "found out") == info
    assert store.versions() == before
    assert store.withdrawn() == []
    store.withdraw(info.id, "Cy", "no consent", delete=True)
    with pytest.raises(WithdrawnError, match="for good"):
        store.restore(info.id, "Cy", "please")
    store.withdraw(info.id, "Cy", "again")  # no less deleted
    assert store.withdrawn()[0].tombstone.what == "deleted"


def test_a_name_and_a_reason_are_needed_and_the_image_itself(store):
    info = add(store, 0)
    for by, reason in (("", "x"), ("Cy", " \n"), ("", "")):
        with pytest.raises(StoreError, match="who you are and why"):
            store.withdraw(info.id, by, reason)
    for image in ("0" * 64, "../../etc"):
        with pytest.raises(StoreError):
            store.withdraw(image, "Cy", "x")
    assert store.images() == [info]


def test_a_deletion_that_a_crash_cut_short_is_finished(store, monkeypatch):
    info = add(store, 0)
    monkeypatch.setattr(LabelStore, "purge_deleted", lambda _: None)
    store.withdraw(info.id, "Cy", "x", delete=True)
    monkeypatch.undo()
    assert (store.root / "images" / f"{info.id}.png").exists()
    LabelStore(store.root)
    assert not [p for p in store.root.rglob("*") if p.is_file() and info.id in str(p) and "changes" not in p.parts]


def test_moved_into_another_split(store):
    info = add(store, 0)
    assert store.set_split(info.id, "test", "Cy").split == "test"
    for one in (store, LabelStore(store.root)):
        assert [i.split for i in one.images()] == ["test"]
        assert exported(one) == {"test/images/smear 0.png"}
    assert store.set_split(info.id, "train", "Cy") == info


# --- on the Hub


@pytest.fixture
def remote(hub):
    return lambda: hub.repos[f"datasets/{REPO}"]


def of_image(repo, image):
    return sorted(path.split("/")[1] if path.startswith("records/") else path.split("/")[0]
                  for path in repo.files if image in path)  # fmt: skip


@pytest.mark.parametrize("delete", [False, True])
def test_it_leaves_the_repository_and_every_other_server(hub, remote, store, tmp_path, delete):
    gone, kept = add(store, 0), add(store, 1)
    other, fresh = LabelStore(tmp_path / "other"), LabelStore(tmp_path / "fresh")
    sync(store, REPO)
    sync(other, REPO)
    store.withdraw(gone.id, "Cy", "no consent", delete=delete)
    assert sync(store, REPO).removed == 5  # image, its record; labels, their record, the review
    assert of_image(remote(), gone.id) == ["changes"]
    listed = [json.loads(line)["name"] for split in ("train", "validation", "test")
              for line in remote().files.get(f"{split}/metadata.jsonl", b"").decode().splitlines()]  # fmt: skip
    assert listed == ["smear 1.png"]
    other.save_version(gone.id, smear(0)[1] * 2, author="Eve")  # somebody who does not know of it yet
    for one in (other, fresh, store, other):
        sync(one, REPO)
        assert one.images() == [kept]
        assert [(w.id, w.tombstone.reason) for w in one.withdrawn()] == [(gone.id, "no consent")]
        assert of_image(remote(), gone.id) == ["changes"]
    assert (other.root / "images" / f"{gone.id}.png").exists() is not delete
    assert not (fresh.root / "images" / f"{gone.id}.png").exists()
    taken = LabelStore(tmp_path / "taken")
    fetch(taken, REPO)
    assert taken.images() == [kept]
    commits = len(remote().messages)
    sync(store, REPO)
    assert len(remote().messages) == commits  # and that is the end of it


def test_an_older_repository_that_still_has_it_is_not_taken_from(hub, remote, store):
    """As if a server of an earlier version had pushed it again."""
    gone = add(store, 0)
    sync(store, REPO)
    whole = dict(remote().files)
    store.withdraw(gone.id, "Cy", "no consent", delete=True)
    remote().commit(whole)
    sync(store, REPO)
    assert store.images() == []
    assert not (store.root / "images" / f"{gone.id}.png").exists()
    assert of_image(remote(), gone.id) == ["changes"]


def test_taken_back_in_everywhere(hub, remote, store, tmp_path):
    info = add(store, 0)
    other = LabelStore(tmp_path / "other")
    for one in (store, other):
        sync(one, REPO)
    other.withdraw(info.id, "Cy", "which patient?")
    for one in (other, store):
        sync(one, REPO)
    store.restore(info.id, "Ana", "found out")
    fresh = LabelStore(tmp_path / "fresh")
    for one in (store, other, fresh):
        sync(one, REPO)
        assert one.images() == [info]
        assert [v.status for v in one.versions()] == ["accepted"]


def test_another_split_moves_the_files(hub, remote, store, tmp_path):
    info = add(store, 0)
    other = LabelStore(tmp_path / "other")
    for one in (store, other):
        sync(one, REPO)
    store.set_split(info.id, "test", "Cy")
    for one in (store, other, store):
        sync(one, REPO)
        assert [i.split for i in one.images()] == ["test"]
        assert of_image(remote(), info.id) == ["changes", "images", "labels", "labels", "test", "test"]
        assert remote().files["train/metadata.jsonl"] == b""
        assert json.loads(remote().files["test/metadata.jsonl"])["file_name"] == f"images/{info.id}.png"


def act(one, chance, deleted):
    """Something that a person might do on a server."""
    there, out = one.images(), [w for w in one.withdrawn() if w.tombstone.what == "withdrawn" and w.name]
    kind = chance.choice(["add", "add", "sync", "withdraw", "delete", "restore", "split"])
    if kind == "add":
        number = chance.randrange(5)
        if image_id(smear(number)[0]) not in {w.id for w in one.withdrawn()}:
            add(one, number)
    elif kind == "sync":
        sync(one, REPO)
    elif kind == "restore" and out:
        one.restore(chance.choice(out).id, "Cy", "x")
    elif there and kind in ("withdraw", "delete"):
        image = chance.choice(there).id
        one.withdraw(image, "Cy", "x", delete=kind == "delete")
        deleted.update([image] if kind == "delete" else [])
    elif there and kind == "split":
        one.set_split(chance.choice(there).id, chance.choice(["train", "test"]), "Cy")


def test_three_servers_that_do_anything_in_any_order_agree_in_the_end(hub, store, tmp_path):
    """Random adding, withdrawing, deleting, restoring, moving and syncing; no two test runs are alike."""
    chance = random.Random(seed := int.from_bytes(np.random.default_rng().bytes(4)))
    servers = [store, LabelStore(tmp_path / "b"), LabelStore(tmp_path / "c")]
    deleted: set[str] = set()
    for _ in range(30):
        act(chance.choice(servers), chance, deleted)
    for _ in range(2):
        for one in servers:
            sync(one, REPO)
    first = servers[0]
    for one in servers:
        told = f"seed {seed}"
        assert {(i.id, i.split) for i in one.images()} == {(i.id, i.split) for i in first.images()}, told
        assert one.versions() == first.versions(), told
        assert {(w.id, w.tombstone) for w in one.withdrawn()} == {(w.id, w.tombstone) for w in first.withdrawn()}, told
        assert not deleted & {i.id for i in one.images()}, told
        assert deleted <= {w.id for w in one.withdrawn()}, told
        left = [p for p in one.root.rglob("*") if p.is_file() and any(d in str(p) for d in deleted)]
        assert all("changes" in p.parts for p in left), told
    places = hub.repos[f"datasets/{REPO}"].files
    assert not [p for p in places if any(d in p for d in deleted) and not p.startswith("records/changes/")]


def test_the_record_of_a_withdrawal_holds_no_name_of_the_image(store):
    info = add(store, 0)
    store.withdraw(info.id, "Cy", "no consent", delete=True)
    (path,) = (store.root / "changes" / info.id).iterdir()
    assert b"smear" not in path.read_bytes()
    assert isinstance(store.withdrawn()[0], Withdrawn)
    with pytest.raises(DataError):
        list(import_dataset(store, path.parent, "Ana", ""))
