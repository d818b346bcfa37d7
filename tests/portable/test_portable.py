"""Weights for other programs: what they give, without bccseg, is what bccseg gives."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile

import cv2
import numpy as np
import onnxruntime
import pytest
import torch
import yaml

from bccseg.cli import main
from bccseg.config import Thresholds
from bccseg.errors import SettingsError
from bccseg.imaging.instances import separate_cells
from bccseg.imaging.normalise import white_level
from bccseg.inference.predictor import Predictor
from bccseg.metrics.matching import match
from bccseg.model.weight_sources import locate
from bccseg.model.weights import load_weights
from bccseg.portable import formats
from bccseg.portable.export import portable_files, write_files, zipped
from bccseg.portable.graph import channel_names, white_of


@pytest.fixture(scope="module")
def shipped():
    return load_weights(*locate("unet-bbbc041seg"))


@pytest.fixture(scope="module")
def onnx_files(shipped):
    return portable_files(shipped, "onnx", "# Card")


def stacked(maps):
    """Maps of a predictor in the order of the exported channels: (channels, H, W)."""
    parts = [maps.cell[None], maps.distance[None], maps.way, maps.spread, maps.classes]
    return np.concatenate([part for part in parts if part is not None])


def as_input(image):
    return image.transpose(2, 0, 1)[None].astype(np.float32)


@pytest.mark.parametrize("shape", [(64, 80), (1100, 1000), (1500, 1400)])  # of these, the last is thinned out
def test_white_is_that_of_bccseg(shape):
    rng = np.random.default_rng(shape[0])
    image = np.clip(rng.normal((230, 120, 12), (20, 60, 6), (*shape, 3)), 0, 255).astype(np.uint8)
    white = white_of(torch.from_numpy(as_input(image)))[0, :, 0, 0].numpy()
    assert white.tolist() == white_level(image).tolist()
    assert white[2] == 25  # a dark channel is not brightened


def test_a_level_that_just_98_percent_reach_is_the_white():
    image = np.full((10, 10, 3), 100, np.uint8)
    image[0, :2] = 200
    assert white_of(torch.from_numpy(as_input(image)))[0, 0, 0, 0] == white_level(image)[0] == 100


def test_each_image_of_a_batch_has_its_own_white():
    light, dark = np.full((2, 32, 32, 3), 240, np.uint8) - np.array([0, 100], np.uint8)[:, None, None, None]
    both = torch.from_numpy(np.concatenate([as_input(light), as_input(dark)]))
    assert white_of(both)[:, 0, 0, 0].tolist() == [240, 140]


def test_onnx_gives_our_maps_and_our_cells(shipped, onnx_files, smear):
    session = onnxruntime.InferenceSession(onnx_files["model.onnx"], providers=["CPUExecutionProvider"])
    image = smear[0][:, :496]  # not the size it was exported with; a multiple of 16
    (maps,) = session.run(["maps"], {"rgb": as_input(image)})
    ours = Predictor(shipped, "cpu", optimise=False)(image, white_level(image))
    assert np.abs(maps[0] - stacked(ours)).max() < 1e-3
    theirs = ours._replace(cell=maps[0, 0], distance=maps[0, 1], way=maps[0, 2:4], spread=maps[0, 4:7])
    thresholds = Thresholds(**shipped.config.thresholds)
    a, b = (separate_cells(m, thresholds, 48.0, image.shape[:2])[0] for m in (ours, theirs))
    assert a.max() >= 15
    assert 2 * len(match(a, b)) >= 0.999 * (a.max() + b.max())  # F1
    told = json.loads(session.get_modelmeta().custom_metadata_map["bccseg"])
    assert told["output"]["channels"] == [*channel_names(shipped.config)]
    assert told["input"]["size_multiple_of"] == 16
    assert session.get_outputs()[0].shape[1] == len(told["output"]["channels"])


def test_onnx_comes_with_what_it_takes_to_trust_it(shipped, onnx_files):
    for line in onnx_files["SHA256SUMS"].decode().splitlines():
        sha, name = line.split("  ")
        assert hashlib.sha256(onnx_files[name]).hexdigest() == sha
    assert len(onnx_files["SHA256SUMS"].splitlines()) == len(onnx_files) - 1
    assert onnx_files["LICENSE.txt"].decode().strip() == shipped.config.licence
    assert onnx_files["README.md"].decode().startswith("# Card")
    height, width = cv2.imdecode(np.frombuffer(onnx_files["cover.png"], np.uint8), cv2.IMREAD_COLOR).shape[:2]
    assert width == 2 * height
    assert len(onnx_files["cover.png"]) < 500_000


def test_torchscript_runs_where_bccseg_is_not(tiny_weights, tmp_path):
    folder, _ = tiny_weights
    assert main(["export-model", str(folder), "--format", "torchscript", "--out", str(tmp_path / "out")]) == 0
    code = """
import sys, numpy as np, torch
maps = torch.jit.load("model.torchscript.pt")(torch.from_numpy(np.load("test-input.npy")))
assert np.abs(maps.numpy(force=True) - np.load("test-output.npy")).max() < 1e-3
assert "bccseg" not in sys.modules
other = torch.jit.load("model.torchscript.pt")(torch.full((2, 3, 36, 64), 200.0))
assert other.shape == (2, maps.shape[1], 36, 64), other.shape
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-I", "-c", code], cwd=tmp_path / "out", capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_bioimageio_package_describes_its_files(tiny_weights, monkeypatch):
    monkeypatch.setattr("bccseg.portable.export.can_write_onnx", lambda: False)  # quicker
    files = portable_files(load_weights(tiny_weights[0]), "bioimageio")
    with zipfile.ZipFile(io.BytesIO(zipped(files))) as archive:
        told = yaml.safe_load(archive.read("rdf.yaml"))
        entries = [
            told["documentation"], *told["covers"], told["license"], *told["weights"].values(),
            *(tensor["test_tensor"] for tensor in told["inputs"] + told["outputs"]),
        ]  # fmt: skip
        for entry in entries:
            assert hashlib.sha256(archive.read(entry["source"])).hexdigest() == entry["sha256"]
    assert list(told["weights"]) == ["torchscript"]
    assert told["inputs"][0]["axes"][2]["size"] == {"min": 256, "step": 4}  # a network of depth 2
    names = told["outputs"][0]["axes"][1]["channel_names"]
    assert np.load(io.BytesIO(files["test-output.npy"])).shape == (1, len(names), 320, 320)
    assert "Validation" in files["README.md"].decode()
    assert files["LICENSE.txt"].decode().startswith("No licence is stated")


def test_wrong_use_is_told(tiny_weights, tmp_path, capsys, monkeypatch):
    folder, out = str(tiny_weights[0]), str(tmp_path / "out")
    assert main(["export-model", folder, "--format", "tflite", "--out", out]) == 2
    assert "Unknown format 'tflite'. Choose one of bioimageio, onnx, torchscript." in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    assert main(["export-model", folder, "--format", "torchscript", "--out", str(tmp_path / "file" / "x")]) == 2
    assert "cannot be written into" in capsys.readouterr().err
    monkeypatch.setattr(formats, "find_spec", lambda name: None if name == "onnxscript" else True)
    assert main(["export-model", folder, "--format", "onnx", "--out", out]) == 2
    assert "pip install 'bccseg[onnx]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_may_not_be_written_into_is_told(tmp_path, monkeypatch):
    def refuse(path, data):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("bccseg.portable.export.write_atomically", refuse)
    with pytest.raises(SettingsError, match="Permission denied"):
        write_files({"a": b"b"}, tmp_path)
