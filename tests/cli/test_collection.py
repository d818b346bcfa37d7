"""`export`, `import` and `sync` on the command line."""

import cv2
import numpy as np
import pandas as pd
import pytest

from bccseg.annotation.store import LabelStore
from bccseg.cli import main
from bccseg.imaging.label_image import separated_mask
from bccseg.imaging.synthetic import draw_smear


@pytest.fixture
def dataset(tmp_path):
    for k, part in enumerate(("train", "test")):
        for side in ("original", "mask"):
            (tmp_path / "data" / part / side).mkdir(parents=True)
        image, labels = draw_smear((96, 128), cells=5, diameter_px=26, seed=k)
        cv2.imwrite(str(tmp_path / "data" / part / "original" / f"{k}.png"), image[..., ::-1])
        cv2.imwrite(str(tmp_path / "data" / part / "mask" / f"{k}.png"), separated_mask(labels))
    return tmp_path / "data"


def test_in_out_and_to_the_hub(dataset, tmp_path, hub, capsys):
    store = tmp_path / "store"
    assert main(["import", str(dataset), "--store", str(store), "--author", "Ana", "--licence", "CC BY 4.0"]) == 0
    assert main(["export", "--store", str(store), "--out", str(tmp_path / "out"), "--layout", "kaggle"]) == 0
    for part, name in (("train", "0.png"), ("test", "1.png")):
        before = cv2.imread(str(dataset / part / "mask" / name), cv2.IMREAD_GRAYSCALE)
        after = cv2.imread(str(tmp_path / "out" / part / "mask" / name), cv2.IMREAD_GRAYSCALE)
        assert (np.abs(before.astype(int) - after) > 0).mean() < 0.01
    assert main(["sync", "--store", str(store), "--repo", "lab/smears"]) == 0
    assert main(["sync", "--store", str(tmp_path / "fresh"), "--repo", "lab/smears"]) == 0
    assert LabelStore(tmp_path / "fresh").versions() == LabelStore(store).versions()
    assert "8 files pushed, 0 fetched" in capsys.readouterr().err  # 2 images, 2 versions: a picture and a record each


def test_measures(dataset, tmp_path, capsys):
    store, out = tmp_path / "store", tmp_path / "out"
    assert main(["import", str(dataset), "--store", str(store), "--author", "Ana"]) == 0
    export = ["export", "--store", str(store), "--out", str(out), "--layout", "measures"]
    assert main(export) == 0
    assert "cells of 2 versions measured" in capsys.readouterr().err
    cells = pd.read_csv(out / "cells.csv")
    assert cells.groupby("image").size().to_dict() == {"0.png": 5, "1.png": 5}
    assert sorted(p.name for p in out.rglob("*") if p.is_file()) == [
        "0.geojson", "0_rois.zip", "1.geojson", "1_rois.zip", "README.md", "cells.csv", "coco.json", "images.csv",
    ]  # fmt: skip
    next((store / "labels").glob("*/*.png")).write_bytes(b"damaged")
    assert main(export) == 1
    assert "damaged on disk" in capsys.readouterr().err


def test_what_does_not_fit_is_told_with_exit_code_1(dataset, tmp_path, capsys):
    (dataset / "train" / "original" / "alone.png").write_bytes(b"x")
    assert main(["import", str(dataset), "--store", str(tmp_path / "store")]) == 1
    assert "alone.png: has no partner" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["export", "--store", "nowhere", "--out", "x"], 2),
        (["import", "nowhere", "--store", "x"], 2),
        (["sync", "--store", "x", "--repo", "not a name"], 1),
    ],
)
def test_wrong_use(command, code, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(command) == code


def test_nothing_accepted_yet(tmp_path, capsys):
    LabelStore(tmp_path / "store")
    assert main(["export", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]) == 1
    assert "no accepted labels" in capsys.readouterr().err


def test_publish_prints_the_name_of_the_weights(tiny_weights, hub, capsys):
    folder, _ = tiny_weights
    assert main(["publish", str(folder), "--repo", "lab/mine", "--public"]) == 0
    assert capsys.readouterr().out.startswith("hf://lab/mine@")
    assert not hub.repos["lab/mine"].private
    assert main(["publish", str(folder.parent), "--repo", "lab/mine"]) == 2


def test_classes_of_a_yolo_set_are_mapped_and_told(dataset, tmp_path, capsys):
    folder, store = tmp_path / "yolo", tmp_path / "store"
    for side in ("images", "labels"):
        (folder / "train" / side).mkdir(parents=True)
    (folder / "train/images/0.png").write_bytes((dataset / "train/original/0.png").read_bytes())
    (folder / "train/labels/0.txt").write_text("0 0.3 0.5 0.2 0.25\n1 0.7 0.5 0.2 0.25\n2 0.5 0.2 0.05 0.06\n")
    (folder / "classes.txt").write_text("RBC\nSmudge cell\nPlatelets\n")
    run = ["import", str(folder), "--store", str(store)]
    assert main([*run, "--map", "Smudge"]) == 2
    assert "'Smudge' is not THEIRS=OURS" in capsys.readouterr().err
    assert main([*run, "--map", "Smudge cell=", "--map", "Blast=white"]) == 0
    said = capsys.readouterr().err
    for line in (
        "RBC -> red (1 objects)", "Smudge cell -> unclassified (1 objects)", "Platelets -> platelet (1 objects)",
        "no class 'Blast' in the source", "1 images added (1 wait for review)",
    ):  # fmt: skip
        assert line in said
    (version,) = LabelStore(store).versions()
    assert (version.cells, version.class_counts) == (2, {"red": 1, "platelet": 1})
    assert main(["export", "--store", str(store), "--out", str(tmp_path / "out"), "--submitted", "--layout",
                 "label-studio"]) == 0  # fmt: skip
    assert (tmp_path / "out/tasks.json").is_file()
