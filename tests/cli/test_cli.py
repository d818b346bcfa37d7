"""The command line, in this process and as a program."""

import json
import subprocess
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy import ndimage as ndi

from bccseg.cli import main
from tests.class_painter import ClassPainter, free_places, paint
from tests.odd_files import odd_files
from tests.paths import ROOT


@pytest.fixture
def images(tmp_path, smear):
    folder = tmp_path / "in"
    (folder / "deeper").mkdir(parents=True)
    Image.fromarray(smear[0]).save(folder / "a.png")
    Image.fromarray(smear[0]).save(folder / "deeper" / "b.jpg", quality=95)
    (folder / "notes.txt").write_text("not an image")
    return folder


def test_the_contract(images, tmp_path, smear):
    out = tmp_path / "out"
    assert main(["segment", str(images), "--out", str(out), "--pixel-size", "0.1"]) == 0
    assert {p.name for p in out.iterdir()} == {
        *(f"{s}_{e}" for s in "ab" for e in ("labels.png", "mask.png", "overlay.png", "cells.csv")),
        "summary.csv", "run.json",
    }  # fmt: skip
    labels = Image.open(out / "a_labels.png")
    assert labels.mode == "I;16"
    assert labels.size == (500, 400)
    mask = np.asarray(Image.open(out / "a_mask.png"))
    assert set(np.unique(mask)) == {0, 255}
    assert (mask > 0)[np.asarray(labels) == 0].sum() == 0
    assert ndi.label(mask)[1] == np.asarray(labels).max(), "touching cells are parted"
    cells = pd.read_csv(out / "a_cells.csv")
    assert cells["cell_id"].tolist() == list(range(1, np.asarray(labels).max() + 1))
    assert "area_um2" in cells
    summary = pd.read_csv(out / "summary.csv")
    assert summary["image"].tolist() == ["a.png", "b.jpg"]
    assert summary.loc[0, "cell_count"] == len(cells)


def test_classes_bring_platelets_into_labels_and_table(images, tmp_path, smear, monkeypatch):
    from bccseg.inference import predictor as module

    real = module.Predictor
    monkeypatch.setattr(module, "Predictor", lambda weights, device: ClassPainter(real(weights, device)))
    place = free_places(smear[1], 1)[0]
    Image.fromarray(paint(*smear, [1], [place])).save(images / "a.png")
    tables = []
    for name, more in (("plain", []), ("told", ["--classes"])):
        assert main(["segment", str(images / "a.png"), "--out", str(tmp_path / name), "--diameter", "56", *more]) == 0
        tables.append(pd.read_csv(tmp_path / name / "a_cells.csv"))
        labels = np.asarray(Image.open(tmp_path / name / "a_labels.png"))
        assert labels.max() == len(tables[-1])
        assert bool(labels[place]) == bool(more)
        summary = pd.read_csv(tmp_path / name / "summary.csv").iloc[0]
        assert (summary["count_white"], summary["count_platelet"], summary["cell_count"]) == (1, 1, len(tables[0]))
    assert tables[1]["class"].tolist() == [*tables[0]["class"], "platelet"]
    assert sorted(set(tables[0]["class"])) == ["red", "white"]


def test_extra_files_and_same_names(images, tmp_path):
    out = tmp_path / "out"
    paths = [str(images / "a.png"), str(images / "a.png")]
    assert main(["segment", *paths, "--out", str(out), "--also", "coco", "geojson", "roi", "--diameter", "56"]) == 0
    for stem in ("a", "a-2"):
        for ending in ("_labels.png", "_coco.json", ".geojson", "_rois.zip"):
            assert (out / f"{stem}{ending}").stat().st_size > 0


def test_odd_files_are_reported_and_the_rest_done(tmp_path, capsys):
    folder = tmp_path / "odd"
    folder.mkdir()
    expected_done, expected_failed, skipped = 0, 0, 0
    for name, (data, pictures) in odd_files().items():
        if "/" in name or "\0" in name or len(name.encode()) > 250:
            skipped += 1
            continue
        (folder / name).write_bytes(data)
        expected_done += pictures
        expected_failed += pictures == 0
    expected_failed += 1  # the text file beside the picture in "text inside.zip"
    assert len(list(folder.iterdir())) >= 60
    assert skipped <= 1
    out = tmp_path / "out"
    everything = [str(p) for p in sorted(folder.iterdir())]
    assert main(["segment", *everything, "--out", str(out), "--diameter", "30"]) == 1
    err = capsys.readouterr().err
    assert f"{expected_done} done, {expected_failed} failed" in err
    assert "Traceback" not in err
    summary = pd.read_csv(out / "summary.csv")
    assert len(summary) == expected_done
    assert len(list(out.rglob("*_labels.png"))) == expected_done
    assert all((out / f"{stem}_labels.png").is_file() for stem in summary["files"].str.removeprefix("'"))
    assert {p.name for p in out.iterdir() if p.is_dir()} == {"folder", "etc", "root"}, "all inside the output folder"
    blank = summary[summary["image"] == "white field.png"].iloc[0]
    assert blank["cell_count"] == 0
    table = pd.read_csv(out / "white field_cells.csv")
    assert table.empty
    assert "area_px" in table.columns
    assert summary["image"].str.startswith("'=cmd").sum() == 1


def test_folders_keep_their_names_in_files_and_summary(images, tmp_path, capsys):
    """Two 10.png of two patients, as a folder, as two folders, and in a zip."""
    for patient in ("patientA", "patientB"):
        (tmp_path / "study" / patient).mkdir(parents=True)
        (tmp_path / "study" / patient / "10.png").write_bytes((images / "a.png").read_bytes())
    with zipfile.ZipFile(tmp_path / "study.zip", "w") as archive:
        for file in sorted((tmp_path / "study").rglob("*.png")):
            archive.write(file, file.relative_to(tmp_path / "study"))
    study = tmp_path / "study"
    for k, given in enumerate([[study], [study / "patientA", study / "patientB"], [tmp_path / "study.zip"]]):
        out = tmp_path / f"out{k}"
        options = ["--out", str(out), "--diameter", "56", "--pixel-size", "1,3"]
        assert main(["segment", *map(str, given), *options]) == 0
        summary = pd.read_csv(out / "summary.csv")
        assert summary["image"].tolist() == ["patientA/10.png", "patientB/10.png"]
        assert summary["files"].tolist() == ["patientA/10", "patientB/10"]
        assert summary["pixel_size_um"].tolist() == [1.3, 1.3]
        for stem in summary["files"]:
            assert (out / f"{stem}_labels.png").is_file()
            assert (out / f"{stem}_cells.csv").is_file()
    assert "Is it 0.13?" in capsys.readouterr().err


def test_unreadable_and_missing_files(images, tmp_path, capsys):
    (images / "broken.png").write_bytes(b"x")
    arguments = ["segment", str(images / "broken.png"), str(images / "nowhere.png"), str(images / "a.png")]
    assert main([*arguments, "--out", str(tmp_path / "out")]) == 1
    err = capsys.readouterr().err
    assert "'broken.png': This is not a picture" in err
    assert "'nowhere.png': The file cannot be opened" in err
    assert (tmp_path / "out" / "a_labels.png").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        [], ["segment"], ["segment", "x.png"], ["nonsense"],
        ["segment", "x.png", "--out", "o", "--diameter", "big"],
        ["segment", "x.png", "--out", "o", "--diameter", "0"],
        ["segment", "x.png", "--out", "o", "--pixel-size", "-1"],
        ["segment", "x.png", "--out", "o", "--pixel-size", "wide"],
        ["segment", "x.png", "--out", "o", "--device", "abacus"],
        ["segment", "x.png", "--out", "o", "--min-cell", "200"],
    ],
)  # fmt: skip
def test_wrong_use_is_exit_code_2(wrong, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    try:
        code = main(wrong)
    except SystemExit as stop:
        code = stop.code
    assert code == 2
    assert not list(tmp_path.iterdir())


def test_a_folder_without_images_is_wrong_use(tmp_path, capsys):
    assert main(["segment", str(tmp_path), "--out", str(tmp_path / "o")]) == 2
    assert "no images" in capsys.readouterr().err


def test_weights_from_the_hub(images, tmp_path, monkeypatch, capsys):
    from tests.hub_server import Hub, Repo

    hub = Hub()
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    hub.repos["lab/cli"] = repo = Repo()
    commit = repo.commit({p.name: p.read_bytes() for p in (ROOT / "weights" / "unet-bbbc041seg").iterdir()})
    arguments = ["segment", str(images / "a.png"), "--out", str(tmp_path / "o"), "--weights"]
    assert main([*arguments, "hf://lab/cli"]) == 0
    assert pd.read_csv(tmp_path / "o" / "summary.csv").loc[0, "weights"] == f"hf://lab/cli@{commit}"
    assert main([*arguments, "hf://lab/none"]) == 1
    assert "does not exist, or is private" in capsys.readouterr().err
    hub.close()


def test_unknown_weights(images, tmp_path, capsys):
    assert main(["segment", str(images), "--out", str(tmp_path / "o"), "--weights", "nothing"]) == 1
    assert "There are no weights called 'nothing'" in capsys.readouterr().err


def test_an_output_that_cannot_be_written(images, tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert main(["segment", str(images), "--out", str(tmp_path / "file")]) == 2
    assert "cannot be made" in capsys.readouterr().err


def test_as_a_program(images, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "bccseg", "segment", str(images / "a.png"), "--out", str(tmp_path / "o")],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "1 done, 0 failed" in done.stderr


def save_pairs(folder, images, labels):
    for part in ("original", "mask"):
        (folder / part).mkdir(parents=True)
    for k, (image, cells) in enumerate(zip(images, labels, strict=True)):
        Image.fromarray(image).save(folder / f"original/{k}.png")
        Image.fromarray((cells > 0).astype(np.uint8) * 255).save(folder / f"mask/{k}.png")


def test_train_on_synthetic_smears(tmp_path, smear):
    save_pairs(tmp_path / "data", [np.rot90(smear[0], k) for k in range(3)], [np.rot90(smear[1], k) for k in range(3)])
    run = tmp_path / "run"
    short = ["--width", "4", "--epochs", "1", "--steps", "2"]
    arguments = ["train", "--data", str(tmp_path / "data"), "--out", str(run), *short]
    assert main(arguments) == 0
    assert (run / "weights" / "model.safetensors").exists()
    split = json.loads((run / "split.json").read_text())
    assert (len(split["train"]["images"]), len(split["validation"]["images"])) == (2, 1)
    assert split["versions"]["torch"]
    assert split["train"]["hash"][:16] in (run / "weights" / "README.md").read_text()
    assert main(["train", "--data", str(tmp_path / "nowhere"), "--out", str(run)]) == 1
    image, weights = str(tmp_path / "data/original/0.png"), str(run / "weights")
    assert main(["segment", image, "--out", str(tmp_path / "o"), "--weights", weights]) == 0
    save_pairs(tmp_path / "few", [smear[0][:, ::-1]], [smear[1][:, ::-1]])  # a fine-tune on one image
    tuned = tmp_path / "tuned"
    few = ["train", "--data", str(tmp_path / "few"), "--out", str(tuned), "--init", weights, *short]
    assert main(few) == 1  # none could be held out
    assert main([*few, "--mix", str(tmp_path / "data")]) == 0
    split = json.loads((tuned / "split.json").read_text())
    assert [len(split[part]["images"]) for part in ("train", "base", "validation")] == [1, 2, 1]
