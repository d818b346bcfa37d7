"""The collection on the Hub: the real client, a server that answers as the Hub does, and everything that goes wrong."""

import json

import numpy as np
import pytest

from bccseg.annotation.hub_layout import local_path
from bccseg.annotation.hub_sync import sync
from bccseg.annotation.store import LabelStore
from bccseg.errors import HubError, StoreError
from bccseg.imaging.synthetic import draw_smear

REPO = "lab/smears"


def add(store, seed, author="Ana", status="accepted"):
    image, labels = draw_smear((60, 80), cells=4, diameter_px=24, seed=seed)
    info = store.add_image(image, f"smear {seed}.png", licence="CC BY 4.0")
    version = store.save_version(info.id, labels, author=author)
    return store.review(version, status, "Ben") if status != "submitted" else version


def same(a, b):
    assert {(i.id, i.split) for i in a.images()} == {(i.id, i.split) for i in b.images()}
    assert a.versions() == b.versions()
    for version in a.versions():
        assert (a.labels(version) == b.labels(version)).all()
        assert (a.image(version.image) == b.image(version.image)).all()


@pytest.fixture
def remote(hub):
    return lambda: hub.repos[f"datasets/{REPO}"]


def test_pushed_in_one_commit_private_and_restored_on_an_empty_disk(hub, remote, store, tmp_path):
    for seed in range(3):
        add(store, seed)
    add(store, 3, status="submitted")
    report = sync(store, REPO)
    assert remote().private
    assert len(remote().messages) == 1
    assert "4 images, 4 versions" in remote().messages[0]
    assert report.pushed == 4 + 4 + 4 + 4 + 3
    assert sync(store, REPO).pushed == 0
    assert len(remote().messages) == 1  # nothing new, no commit

    fresh = LabelStore(tmp_path / "fresh")
    assert sync(fresh, REPO).pulled == report.pushed
    same(store, fresh)
    assert sync(fresh, REPO).pulled == 0
    assert not (fresh.root / "fetched.part").exists()


def test_only_what_is_new_goes_up(hub, remote, store):
    first = add(store, 0)
    sync(store, REPO)
    uploads = sum(n for path, n in hub.requests.items() if path.startswith("PUT"))
    store.review(first, "rejected", "Cy", "blurred")
    add(store, 1)
    assert sync(store, REPO).pushed == 6
    assert sum(n for path, n in hub.requests.items() if path.startswith("PUT")) == uploads + 2
    assert listed(remote()) == ["smear 1.png"]


def listed(repo):
    """Names in the metadata of all splits."""
    texts = [repo.files.get(f"{split}/metadata.jsonl", b"").decode() for split in ("train", "validation", "test")]
    return [json.loads(line)["name"] for text in texts for line in text.splitlines()]


def test_a_split_whose_last_label_was_rejected_lists_nothing(hub, remote, store):
    for seed, split in ((0, "train"), (1, "test")):
        image, labels = draw_smear((60, 80), cells=4, diameter_px=24, seed=seed)
        info = store.add_image(image, f"smear {seed}.png", split=split)
        version = store.review(store.save_version(info.id, labels, author="Ana"), "accepted", "Ben")
    sync(store, REPO)
    assert listed(remote()) == ["smear 0.png", "smear 1.png"]
    store.review(version, "rejected", "Cy", "blurred")
    sync(store, REPO)
    assert listed(remote()) == ["smear 0.png"]
    assert "split: test" not in remote().files["README.md"].decode()
    commits = len(remote().messages)
    sync(store, REPO)
    assert len(remote().messages) == commits  # and that is the end of it


def test_the_layout_is_an_image_folder(hub, remote, store):
    for seed in range(4):
        add(store, seed)
    sync(store, REPO)
    files = remote().files
    card = files["README.md"].decode()
    for split in {i.split for i in store.images()}:
        assert f"- split: {split}\n    path: {split}/**" in card
        for line in files[f"{split}/metadata.jsonl"].decode().splitlines():
            row = json.loads(line)
            assert f"{split}/{row['file_name']}" in files
            assert f"{split}/{row['labels_file_name']}" in files


def test_two_servers_end_up_with_the_same(hub, store, tmp_path):
    other = LabelStore(tmp_path / "other")
    add(store, 0)
    add(other, 1, "Cy")
    add(other, 0, "Cy")
    sync(store, REPO)
    sync(other, REPO)
    sync(store, REPO)
    same(store, other)
    assert len(store.versions()) == 3


def test_a_push_by_another_meanwhile_is_no_loss(hub, remote, store, tmp_path):
    other = LabelStore(tmp_path / "other")
    add(store, 0)
    sync(store, REPO)
    add(store, 1)
    add(other, 2)
    pushes = []

    def meanwhile():
        if not pushes:
            pushes.append(1)
            sync(other, REPO)

    hub.before_commit = meanwhile
    report = sync(store, REPO)
    assert report.pushed == 5
    assert report.pulled == 5
    hub.before_commit = lambda: None
    sync(other, REPO)
    same(store, other)


@pytest.mark.parametrize(
    ("trouble", "words"), [(401, "HF_TOKEN"), (403, "HF_TOKEN"), (429, "slow down"), (500, "trouble of its own")]
)
@pytest.mark.parametrize("route", ["create", "preupload", "batch", "upload/", "commit"])
def test_trouble_at_any_step_is_reported_and_the_next_try_works(
    hub, store, tmp_path, monkeypatch, trouble, words, route
):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)  # the client's own patience
    add(store, 0)
    hub.fail_when = lambda _, path: trouble if route in path else None
    with pytest.raises(HubError, match=words):
        sync(store, REPO)
    hub.fail_when = lambda *_: None
    sync(store, REPO)
    fresh = LabelStore(tmp_path / "fresh")
    sync(fresh, REPO)
    same(store, fresh)


@pytest.mark.parametrize("route", ["upload/", "commit", "resolve"])
def test_cut_connections_and_resuming(hub, store, tmp_path, monkeypatch, route):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    for seed in range(3):
        add(store, seed)
    if route == "resolve":
        sync(store, REPO)
        store = LabelStore(tmp_path / "fresh")
    seen = []

    def sometimes(_, path):
        if route in path:
            seen.append(path)
            return "cut" if len(seen) > 4 or route == "commit" else None
        return None

    hub.fail_when = sometimes
    with pytest.raises(HubError):
        sync(store, REPO)
    for version in store.versions():  # what has arrived is whole
        assert store.labels(version).max() > 0
    hub.fail_when = lambda *_: None
    sync(store, REPO)
    other = LabelStore(tmp_path / "other")
    sync(other, REPO)
    same(store, other)
    assert len(other.versions()) == 3


def test_nobody_there(store, monkeypatch):
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    add(store, 0)
    with pytest.raises(HubError, match="cannot be reached"):
        sync(store, REPO)


def test_a_readers_token_cannot_push(hub, store):
    hub.write_token = "hf_writer"
    add(store, 0)
    with pytest.raises(HubError, match="HF_TOKEN") as caught:
        sync(store, REPO, token="hf_reader")
    assert "hf_reader" not in str(caught.value)
    assert sync(store, REPO, token="hf_writer").pushed == 5


def test_a_readme_of_their_own_stays(hub, remote, store):
    add(store, 0)
    sync(store, REPO)
    remote().commit({**remote().files, "README.md": b"# Mine"})
    add(store, 1)
    sync(store, REPO)
    assert remote().files["README.md"] == b"# Mine"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "images/x.png", "train/images/../../x.png", "records/images/" + "a" * 63 + ".json",
             "train/labels/" + "a" * 64 + "/x.png", "/train/images/" + "a" * 64 + ".png"])  # fmt: skip
def test_files_of_others_never_reach_the_disk(store, name):
    assert local_path(store, name) is None


def test_strange_names_of_a_dataset(store):
    for name in ("", "smears", "a/b/c", "../x", "a b/c"):
        with pytest.raises(HubError, match="owner/name"):
            sync(store, name)


def test_damage_on_the_way_is_noticed(hub, remote, store, tmp_path):
    add(store, 0)
    sync(store, REPO)
    files = dict(remote().files)
    place = next(path for path in files if "/labels/" in path and path.endswith(".png"))
    files[place] = files[next(path for path in files if "/images/" in path and path.endswith(".png"))]
    remote().commit(files)
    fresh = LabelStore(tmp_path / "fresh")
    sync(fresh, REPO)
    with pytest.raises(StoreError, match="damaged"):
        fresh.labels(fresh.versions()[0])
    assert np.any(fresh.image(fresh.images()[0].id))


def test_a_hub_that_does_not_answer_is_not_waited_for_forever(hub, store, monkeypatch):
    import httpx2 as httpx
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)
    add(store, 0)
    sync(store, REPO)
    add(store, 1)
    set_client_factory(lambda: httpx.Client(timeout=0.3, follow_redirects=True))
    try:
        hub.fail_when = lambda _, path: "slow" if "commit" in path else None
        with pytest.raises(HubError, match=r"Try again|cannot be reached"):
            sync(store, REPO)
    finally:
        hub.fail_when = lambda *_: None
        set_client_factory(default_client_factory)
    assert sync(store, REPO).pushed == 5  # image, its record; labels, their record, the review
