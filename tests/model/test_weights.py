import json
import pickle

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from bccseg.errors import WeightsError
from bccseg.inference.predictor import Predictor
from bccseg.model.weight_sources import DEFAULT_WEIGHTS, locate, shipped_names
from bccseg.model.weights import load_weights
from tests.model.make_answers import stacked
from tests.paths import ROOT

SHIPPED = ["unet-bbbc041seg", "resunet-bbbc041seg"]


def test_what_is_saved_is_loaded(tiny_weights):
    folder, config = tiny_weights
    weights = load_weights(folder)
    assert weights.config == config
    assert not weights.network.training
    state = load_file(folder / "model.safetensors")
    for name, value in weights.network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(value, state[name].float())


def rewrite(folder, change):
    """Change the tensors of a folder and keep its checksum right."""
    import hashlib

    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    config["sha256"] = hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("head.weight"), "1 tensors missing"),
        (lambda s: s.update(extra=torch.zeros(1)), "1 unknown"),
        (lambda s: s.update({"head.bias": torch.zeros(7)}), "another shape"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(tiny_weights, change, message):
    rewrite(tiny_weights[0], change)
    with pytest.raises(WeightsError, match=message):
        load_weights(tiny_weights[0])


def test_a_changed_file_is_refused(tiny_weights):
    path = tiny_weights[0] / "model.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="checksum"):
        load_weights(tiny_weights[0])


def test_pickled_weights_are_refused_and_never_run(tiny_weights, tmp_path):
    folder, _ = tiny_weights
    trap = tmp_path / "trap"

    class Trap:
        def __reduce__(self):
            return open, (str(trap), "w")

    import hashlib

    data = pickle.dumps(Trap())
    (folder / "model.safetensors").write_bytes(data)
    config = json.loads((folder / "config.json").read_text())
    config["sha256"] = hashlib.sha256(data).hexdigest()
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_weights(folder)
    assert not trap.exists()
    (folder / "model.safetensors").unlink()
    (folder / "model.pt").write_bytes(data)
    with pytest.raises(WeightsError, match="pickled"):
        load_weights(folder)


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{", '{"format": 2}', '{"format": 1}',
        '{"format": 1, "name": "x", "network": {"width": -1}, "diameter_px": 48}',
        '{"format": 1, "name": "x", "network": {}, "diameter_px": "48"}',
        '{"format": 1, "name": "x", "network": 3, "diameter_px": 48}',
        '{"format": 1, "name": "x", "network": {}, "diameter_px": 48, "normalisation": {"kind": "other"}}',
        '{"format": 1, "name": "x", "network": {}, "diameter_px": 48, "thresholds": {"min_cell_percent": 0}}',
    ],
)  # fmt: skip
def test_bad_configurations_are_refused(tiny_weights, text):
    (tiny_weights[0] / "config.json").write_text(text)
    with pytest.raises(WeightsError):
        load_weights(tiny_weights[0])


def test_sources_in_order(tiny_weights, monkeypatch):
    folder, _ = tiny_weights
    assert locate()[1] == DEFAULT_WEIGHTS
    monkeypatch.setenv("BCCSEG_WEIGHTS", str(folder))
    assert locate()[0] == folder
    assert locate("resunet-bbbc041seg")[1] == "resunet-bbbc041seg"
    assert locate(str(folder))[0] == folder
    with pytest.raises(WeightsError, match="no weights called"):
        locate(str(folder), allow_paths=False)  # a visitor of the app names no folders
    with pytest.raises(WeightsError, match="no weights called"):
        locate("../../etc", allow_paths=False)


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_are_complete(name):
    folder = ROOT / "weights" / name
    assert name in shipped_names()
    assert (folder / "model.safetensors").stat().st_size <= 16_000_000
    card = (folder / "README.md").read_text(encoding="utf-8")
    for word in ("BBBC041", "icence", "Research use", "Chula"):
        assert word in card
    assert load_weights(folder).config.data


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_weights_answer_as_when_they_were_shipped(name):
    """A stored input and output: 64 x 64 px of a drawn smear, in float32."""
    stored = np.load(ROOT / "tests" / "model" / "answers.npz")
    network = Predictor(load_weights(ROOT / "weights" / name), "cpu", optimise=False)
    maps = network(stored["image"], stored["white"])
    assert np.abs(stacked(maps) - stored[name]).max() < 2e-3


@pytest.mark.parametrize("name", SHIPPED)
def test_half_precision_says_the_same(name, smear):
    from bccseg.imaging.normalise import white_level

    weights = load_weights(ROOT / "weights" / name)
    image, labels = smear
    plain, fast = (Predictor(weights, "cpu", optimise=o)(image, white_level(image)) for o in (False, True))
    assert ((plain.cell > 0.5) == (fast.cell > 0.5)).mean() > 0.998
    assert ((fast.cell > 0.5) == (labels > 0)).mean() > 0.97


def test_greyscale_weights_read_colour_images(tmp_path):
    from bccseg.config import NetworkConfig
    from bccseg.model.build import build_network
    from bccseg.model.weights import WeightsConfig, save_weights

    network = NetworkConfig(in_channels=1, head="binary", width=4, depth=2)
    save_weights(
        tmp_path, build_network(network).state_dict(), WeightsConfig(name="grey", network=network, diameter_px=48.0)
    )
    maps = Predictor(load_weights(tmp_path), "cpu")(np.zeros((33, 47, 3), np.uint8), np.full(3, 255, np.float32))
    assert maps.cell.shape == (33, 47)
    assert maps.distance is None


@pytest.mark.parametrize("curve", ['{"slope": 2}', '{"slope": 2, "offset": "x"}', '{"slope": 1, "offset": 0, "b": 3}'])
def test_an_unknown_calibration_is_refused(tiny_weights, curve):
    folder, _ = tiny_weights
    path = folder / "config.json"
    path.write_text(path.read_text().replace('"calibration": {}', f'"calibration": {curve}'))
    with pytest.raises(WeightsError, match="calibration"):
        load_weights(folder)
