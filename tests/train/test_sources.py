"""Where training data come from: parts kept, duplicates across parts found, the Hub, zips with odd names."""

import io
import zipfile

import cv2
import pytest

from bccseg.errors import DataError, HubError
from bccseg.imaging.synthetic import draw_smear
from bccseg.labels.exporting import parted_mask
from bccseg.labels.store import LabelStore
from bccseg.labels.sync import sync
from bccseg.train.sources import data_hash, gather


def smear(seed):
    return draw_smear((160, 200), cells=6, diameter_px=48, seed=seed, touching=False)


def as_png(values):
    return cv2.imencode(".png", values[..., ::-1] if values.ndim == 3 else values)[1].tobytes()


def zipped(entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, seed in entries:
            image, labels = smear(seed)
            archive.writestr(f"{name[0]}/original/{name[1]}.png", as_png(image))
            archive.writestr(f"{name[0]}/mask/{name[1]}.png", as_png(parted_mask(labels)))
    return buffer.getvalue()


def test_parts_of_a_zip_are_kept(tmp_path):
    entries = [(("x/train", str(k)), k) for k in range(3)] + [(("x/test", "9"), 9), (("x/validation", "8"), 8)]
    (tmp_path / "d.zip").write_bytes(zipped(entries))
    data = gather([str(tmp_path / "d.zip")], tmp_path / "work", 0.1)
    assert (len(data.train), len(data.validation), len(data.test)) == (3, 1, 1)
    assert data.problems == []
    assert any("only" in w for w in data.warnings)  # 24 cells
    again = gather([str(tmp_path / "d.zip")], tmp_path / "work", 0.1)
    assert data_hash(again.train) == data_hash(list(reversed(data.train))) != data_hash(data.test)


def test_an_image_in_two_parts_is_a_problem(tmp_path):
    entries = [(("train", "a"), 1), (("train", "b"), 2), (("train", "c"), 3), (("test", "d"), 3)]
    (tmp_path / "d.zip").write_bytes(zipped(entries))
    data = gather([str(tmp_path / "d.zip")], tmp_path / "work", 0.3)
    assert [p.split(":")[0].split(" in ")[0] for p in data.problems] == ["c.png is"]
    assert "is in test and in" in data.problems[0]


def test_an_image_twice_in_one_part_is_a_warning(tmp_path):
    entries = [(("train", "a"), 1), (("train", "b"), 1), (("validation", "c"), 2)]
    (tmp_path / "d.zip").write_bytes(zipped(entries))
    data = gather([str(tmp_path / "d.zip")], tmp_path / "work", 0.3)
    assert data.problems == []
    assert "b.png is there twice." in data.warnings


def test_a_collection_on_the_hub(tmp_path, hub):
    store = LabelStore(tmp_path / "store")
    for k in range(3):
        image, labels = smear(k)
        info = store.add_image(image, f"{k}.png", split="validation" if k == 2 else "train")
        store.review(store.save_version(info.id, labels, author="Ana"), "accepted", "Ben")
    sync(store, "lab/smears")
    commits = len(hub.repos["datasets/lab/smears"].commits)
    data = gather(["hf://datasets/lab/smears"], tmp_path / "work", 0.1)
    assert (len(data.train), len(data.validation)) == (2, 1)
    assert len(hub.repos["datasets/lab/smears"].commits) == commits  # nothing was pushed
    with pytest.raises(HubError, match="does not exist"):
        gather(["hf://datasets/lab/none"], tmp_path / "other", 0.1)


@pytest.mark.parametrize("source", ["nowhere", "text"])
def test_what_is_no_dataset_is_told(tmp_path, source):
    (tmp_path / "text").write_text("hello")
    with pytest.raises(DataError):
        gather([str(tmp_path / source)], tmp_path / "work", 0.1)
