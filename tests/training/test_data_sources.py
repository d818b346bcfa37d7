"""Where training data come from: parts kept, duplicates across parts found, the Hub, zips with odd names."""

import io
import zipfile

import cv2
import numpy as np
import pytest

from bccseg.annotation.hub_sync import sync
from bccseg.annotation.store import LabelStore
from bccseg.config import SEED_AUGMENT, TrainConfig
from bccseg.errors import DataError, HubError
from bccseg.imaging.label_image import separated_mask
from bccseg.imaging.synthetic import draw_smear
from bccseg.training.crops import CropDataset
from bccseg.training.data_sources import NONE_HELD_OUT, gather_training_data, load_training_images
from bccseg.training.provenance import data_hash
from tests.training.images import training_image


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
            archive.writestr(f"{name[0]}/mask/{name[1]}.png", as_png(separated_mask(labels)))
    return buffer.getvalue()


def test_parts_of_a_zip_are_kept(tmp_path):
    entries = [(("x/train", str(k)), k) for k in range(3)] + [(("x/test", "9"), 9), (("x/validation", "8"), 8)]
    (tmp_path / "d.zip").write_bytes(zipped(entries))
    data = gather_training_data([str(tmp_path / "d.zip")], tmp_path / "work", 0.1)
    assert (len(data.train), len(data.validation), len(data.test)) == (3, 1, 1)
    assert data.problems == []
    assert any("only" in w for w in data.warnings)  # 24 cells
    again = gather_training_data([str(tmp_path / "d.zip")], tmp_path / "work", 0.1)
    assert data_hash(again.train) == data_hash(list(reversed(data.train))) != data_hash(data.test)


def test_an_image_in_two_parts_is_a_problem(tmp_path):
    entries = [(("train", "a"), 1), (("train", "b"), 2), (("train", "c"), 3), (("test", "d"), 3)]
    (tmp_path / "d.zip").write_bytes(zipped(entries))
    data = gather_training_data([str(tmp_path / "d.zip")], tmp_path / "work", 0.3)
    assert [p.split(":")[0].split(" in ")[0] for p in data.problems] == ["c.png is"]
    assert "is in test and in" in data.problems[0]


def test_an_image_twice_in_one_part_is_a_warning(tmp_path):
    entries = [(("train", "a"), 1), (("train", "b"), 1), (("validation", "c"), 2)]
    (tmp_path / "d.zip").write_bytes(zipped(entries))
    data = gather_training_data([str(tmp_path / "d.zip")], tmp_path / "work", 0.3)
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
    data = gather_training_data(["hf://datasets/lab/smears"], tmp_path / "work", 0.1)
    assert (len(data.train), len(data.validation)) == (2, 1)
    assert len(hub.repos["datasets/lab/smears"].commits) == commits  # nothing was pushed
    with pytest.raises(HubError, match="does not exist"):
        gather_training_data(["hf://datasets/lab/none"], tmp_path / "other", 0.1)


def test_corrections_are_learned_as_the_cells_they_are(tmp_path):
    """Two cells that touch all along are one piece of any mask; in the collection, and in training, they are two."""
    store = LabelStore(tmp_path / "store")
    for k in range(3):
        image, labels = smear(k)
        labels[:] = 0
        labels[40:100, 40:80], labels[40:100, 80:120] = 1, 2
        info = store.add_image(image, f"{k}.png", split="validation" if k == 2 else "train")
        store.review(store.save_version(info.id, labels, author="Ana"), "accepted", "Ben")
    data = gather_training_data([f"store:{tmp_path / 'store'}"], tmp_path / "work", 0.3)
    assert data.cells == 6
    images = [image for split in load_training_images(data, TrainConfig(diameter_px=24))[:2] for image in split]
    assert [image.cells for image in images] == [2, 2, 2]
    middle = images[0].distance[images[0].distance.shape[0] * 70 // 160]
    edge = round(80 / 200 * len(middle))
    assert middle[edge - 1 : edge + 1].max() < 60  # a valley where they meet


def test_labels_and_unknown_places_of_a_zip_are_kept(tmp_path):
    image, labels = smear(1)
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        for k in range(2):
            archive.writestr(f"original/{k}.png", as_png(np.roll(image, k, axis=0)))
            archive.writestr(f"labels/{k}.png", as_png(np.roll(labels, k, axis=0).astype(np.uint16)))
            archive.writestr(f"unknown/{k}.png", as_png(np.full(labels.shape, 255, np.uint8)))
    data = gather_training_data([str(tmp_path / "d.zip")], tmp_path / "work", 0.5)
    assert data.problems == []
    assert data.train[0][1].parent.name == "labels"
    found = load_training_images(data, TrainConfig())[0][0]
    assert found.cells == labels.max()
    assert (found.trusted == 0).all()


@pytest.mark.parametrize("source", ["nowhere", "text"])
def test_what_is_no_dataset_is_told(tmp_path, source):
    (tmp_path / "text").write_text("hello")
    with pytest.raises(DataError):
        gather_training_data([str(tmp_path / source)], tmp_path / "work", 0.1)


def dataset_folder(place, seeds):
    for part in ("original", "mask"):
        (place / part).mkdir(parents=True)
    for seed in seeds:
        image, labels = smear(seed)
        (place / "original" / f"s{seed}.png").write_bytes(as_png(image))
        (place / "mask" / f"s{seed}.png").write_bytes(as_png(separated_mask(labels)))
    return str(place)


def test_a_base_training_set_is_mixed_in_and_checked_on(tmp_path):
    base = dataset_folder(tmp_path / "base", range(10))
    few = gather_training_data([dataset_folder(tmp_path / "few", [20, 21])], tmp_path / "work", 0.1, base)
    assert (len(few.train), len(few.base), len(few.validation), few.held_out) == (2, 9, 1, 0)
    assert few.monitored == few.train + few.validation  # none of the new ones could be held out
    assert NONE_HELD_OUT in few.warnings
    assert few.cells == sum(smear(s)[1].max() for s in (20, 21))
    more = gather_training_data([dataset_folder(tmp_path / "more", range(30, 40))], tmp_path / "work", 0.2, base)
    assert (len(more.train), len(more.validation), more.held_out) == (8, 4, 2)
    assert more.monitored == more.validation
    assert not set(more.monitored) & set(more.train + more.base)
    images = load_training_images(few, TrainConfig().replace(diameter_px=24))
    assert [len(part) for part in images] == [2, 3, 9]


def test_an_image_of_the_base_set_may_be_learned_from_again_but_not_tested_on(tmp_path):
    base = dataset_folder(tmp_path / "base", range(6))
    again = gather_training_data([dataset_folder(tmp_path / "again", [0, 20])], tmp_path / "work", 0.1, base)
    assert again.problems == []
    (tmp_path / "new").mkdir()
    dataset_folder(tmp_path / "new/train", [20])
    dataset_folder(tmp_path / "new/test", range(6))
    tested = gather_training_data([str(tmp_path / "new")], tmp_path / "work", 0.1, base)
    assert len(tested.problems) == 6
    assert "no check would be honest" in tested.problems[0]


def test_a_base_training_set_without_training_images_is_told(tmp_path):
    dataset_folder(tmp_path / "base/test", [1, 2])
    with pytest.raises(DataError, match="no images to learn from"):
        gather_training_data(
            [dataset_folder(tmp_path / "few", [20, 21])], tmp_path / "work", 0.1, str(tmp_path / "base")
        )


def test_crops_come_from_both_sets_as_often_as_asked():
    def plain(value):
        grey = np.full((300, 300, 3), value, np.uint8)
        nothing = np.zeros((300, 300), np.uint8)
        return training_image(str(value), grey, nothing, nothing, nothing, np.full(3, 255, np.float32), 1)

    config = TrainConfig(steps_per_epoch=100, batch_size=4, crop_px=32, augment=SEED_AUGMENT, mix_share=0.25)
    crops = CropDataset([plain(0)], config, base=[plain(255)])
    share = np.mean([float(crops[0, k].image.mean()) > 0.5 for k in range(400)])
    assert share == pytest.approx(0.25, abs=0.07)
