"""Shared fixtures. The Hub client and the cache live in a temporary folder; no test touches the network."""

import os
import tempfile

# Before huggingface_hub is imported anywhere: it reads these once.
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="bccseg-hf-")
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_DISABLE_XET"] = "1"  # the test server speaks the Hub's LFS protocol, not that of Xet storage
os.environ["BCCSEG_STORE"] = f"{tempfile.mkdtemp(prefix='bccseg-store-')}/collection"
os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"  # nobody listens there
if "PYTEST_XDIST_WORKER" in os.environ:  # a core a process
    os.environ.setdefault("OMP_NUM_THREADS", "1")
for name in (
    "HF_TOKEN",
    "BCCSEG_WEIGHTS",
    "BCCSEG_DATASET",
    "BCCSEG_RUNS",
    "BCCSEG_MODE",
    "BCCSEG_ACCOUNTS",
    "SPACE_ID",
):
    os.environ.pop(name, None)

import cv2
import numpy as np
import pytest

from bccseg.imaging.label_image import separated_mask
from bccseg.imaging.synthetic import draw_smear
from tests.hub_server import Hub

# They keep both cores busy with processes of their own: beside a browser, its clicks would come too late.
MANY_PROCESSES = ("tests/cluster/", "tests/inference/test_pipeline.py", "tests/training/test_distributed.py")


def is_in_browser(nodeid):
    return nodeid.startswith("tests/browser/")


def is_in_queue(nodeid):
    return is_in_browser(nodeid) or nodeid.startswith(MANY_PROCESSES)


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: not is_in_queue(item.nodeid))  # they take longest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """For several processes (`-n 2`): what drives a browser, or needs both cores, is one queue, of the rest each
    file is one, so that its fixtures are made once. (xdist's own groups do not reach pytest 9.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class Queues(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return "browser" if is_in_queue(nodeid) else nodeid.split("::")[0]

    return Queues(config, log)


@pytest.fixture
def hub(monkeypatch):
    """A server that answers as the Hub does."""
    server = Hub()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    yield server
    server.close()


@pytest.fixture(scope="session")
def predictor():
    """The shipped default weights, ready to run."""
    from bccseg.inference.predictor import Predictor
    from bccseg.model.weight_sources import locate
    from bccseg.model.weights import load_weights

    return Predictor(load_weights(*locate()))


@pytest.fixture(scope="session")
def smear():
    """A drawn smear and its true labels."""
    return draw_smear((400, 500), cells=24, diameter_px=56, seed=3)


@pytest.fixture
def discs():
    """Two discs of radius 20 and 10 and one cut by the left border: labels (100, 140)."""
    yy, xx = np.mgrid[:100, :140]
    labels = np.zeros((100, 140), np.int32)
    for cell, (x, y, r) in enumerate([(40, 50, 20), (100, 50, 10), (0, 10, 8)], start=1):
        labels[(xx - x) ** 2 + (yy - y) ** 2 <= r * r] = cell
    return labels


@pytest.fixture
def tiny_weights(tmp_path):
    """A folder with a small untrained network, and its config."""
    import torch

    from bccseg.config import NetworkConfig
    from bccseg.model.build import build_network
    from bccseg.model.weights import WeightsConfig, save_weights

    torch.manual_seed(0)
    network = NetworkConfig(width=4, depth=2)
    folder = tmp_path / "tiny"
    config = save_weights(
        folder, build_network(network).state_dict(), WeightsConfig(name="tiny", network=network, diameter_px=48.0)
    )
    return folder, config


@pytest.fixture(scope="session")
def drawn_dataset(tmp_path_factory):
    """Four small drawn smears, not to be changed."""
    folder = tmp_path_factory.mktemp("data")
    for part in ("original", "mask"):
        (folder / part).mkdir()
    for k in range(4):
        image, labels = draw_smear((200, 240), cells=8, diameter_px=48, seed=k, touching=False)
        cv2.imwrite(str(folder / "original" / f"{k}.png"), image[..., ::-1])
        cv2.imwrite(str(folder / "mask" / f"{k}.png"), separated_mask(labels))
    return folder
