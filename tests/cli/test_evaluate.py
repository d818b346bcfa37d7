"""`evaluate` on the command line."""

import json

import cv2
import numpy as np
import pytest

from bccseg.cli import main
from bccseg.imaging.label_image import separated_mask
from bccseg.imaging.synthetic import draw_smear


@pytest.fixture
def dataset(tmp_path):
    for side in ("original", "mask"):
        (tmp_path / side).mkdir()
    for k in range(2):
        image, labels = draw_smear((400, 500), cells=20, diameter_px=56, seed=k, touching=False)
        cv2.imwrite(str(tmp_path / "original" / f"{k}.png"), image[..., ::-1])
        cv2.imwrite(str(tmp_path / "mask" / f"{k}.png"), separated_mask(labels))
    return tmp_path


def test_json_has_metrics_intervals_and_each_image(dataset, capsys):
    assert main(["evaluate", "--data", str(dataset), "--json", "--device", "cpu"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["images"] == 2
    assert result["f1"] > 0.95
    low, high = result["intervals"]["f1"]
    assert low <= result["f1"] <= high
    assert {row["image"] for row in result["each"]} == {"0.png", "1.png"}
    assert result["each"][0]["f1"] <= result["each"][1]["f1"]


def test_words_for_people(dataset, capsys):
    assert main(["evaluate", "--data", str(dataset), "--device", "cpu"]) == 0
    out = capsys.readouterr().out
    assert "worst images:" in out
    assert "count_error" in out
    assert main(["evaluate", "--data", str(dataset / "mask")]) == 1


def test_labels_are_scored_cell_by_cell(dataset, capsys):
    """Two cells that overlap are one piece of a mask and two of labels."""
    (dataset / "labels").mkdir()
    for path in (dataset / "mask").iterdir():
        mask = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
        labels = cv2.connectedComponents(mask, connectivity=4)[1].astype(np.uint16)
        rows, cols = np.nonzero(labels == np.bincount(labels.ravel())[1:].argmax() + 1)
        labels[rows[cols > np.median(cols)], cols[cols > np.median(cols)]] = 300  # the largest is parted
        cv2.imwrite(str(dataset / "labels" / path.name), labels)
    assert main(["evaluate", "--data", str(dataset), "--json", "--device", "cpu"]) == 0
    parted = json.loads(capsys.readouterr().out)
    (dataset / "labels").rename(dataset / "away")
    assert main(["evaluate", "--data", str(dataset), "--json", "--device", "cpu"]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert parted["f1"] < whole["f1"]
    assert parted["dice"] == pytest.approx(whole["dice"], abs=1e-3)
