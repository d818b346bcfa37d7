"""What a killed process leaves is swept when it is old; nothing else is."""

import os
import time

import pytest

from bccseg.annotation.drafts import DraftInfo, create_draft
from bccseg.annotation.leftovers import sweep_leftovers

OLD = time.time() - 25 * 3600


@pytest.fixture
def left(submitted, field):
    """A collection with a version, a draft, and leftovers of every kind; by whether they go."""
    store, version = submitted
    create_draft(store, *field, DraftInfo(name="other.png"))
    folder = store.root / "labels" / version.image
    half = store.root / "drafts" / ("a" * 32)
    half.mkdir()
    (half / "image.png").write_bytes(b"half")
    gone = {
        half,
        folder / f"{version.id[:-1]}x.png".replace("x", "0" if version.id[-1] != "0" else "1"),
        store.root / "images" / "x.png.0123456789ab.part",
        store.root / "deep" / "er" / "visit.json.0123456789ab.part",
    }
    for path in gone - {half}:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    return store, gone


def age(root):
    for path in [root, *root.rglob("*")]:
        os.utime(path, (OLD, OLD))


def test_old_leftovers_go_and_all_else_stays(left):
    store, gone = left
    kept = {path for path in store.root.rglob("*") if not any(path == g or g in path.parents for g in gone)}
    age(store.root)
    assert set(sweep_leftovers(store.root)) == gone
    assert set(store.root.rglob("*")) == kept
    assert len(store.versions()) == 2
    assert sweep_leftovers(store.root) == []


def test_what_may_still_be_written_stays(left):
    store, gone = left
    assert sweep_leftovers(store.root) == []
    assert all(path.exists() for path in gone)


def test_a_link_is_removed_and_not_followed(store, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (other / "precious").write_bytes(b"x")
    link = store.root / "a.part"
    link.symlink_to(other)
    os.utime(link, (OLD, OLD), follow_symlinks=False)
    assert sweep_leftovers(store.root, tmp_path / "not there") == [link]
    assert (other / "precious").exists()
