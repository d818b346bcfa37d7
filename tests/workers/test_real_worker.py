"""A real worker: the same numbers as in one's own process, for several visitors at once, also if it is killed."""

import os
import signal
import threading

import numpy as np
import pandas as pd
import pytest

from bccseg.config import SegmentSettings
from bccseg.imaging.synthetic import draw_smear
from bccseg.inference.batch import segment_entries
from bccseg.inference.predictor import Predictor
from bccseg.io.archive import Entry
from bccseg.io.encode import png
from bccseg.model.weight_sources import locate
from bccseg.model.weights import load_weights
from bccseg.workers.messages import Network
from bccseg.workers.pool import WorkerPool
from bccseg.workers.worker import Failed

SETTINGS = SegmentSettings(diameter_px=48)


@pytest.fixture(scope="module")
def pool():
    made = WorkerPool()
    yield made
    made.close()


@pytest.fixture(scope="module")
def network():
    folder, source = locate()
    return Network(folder=str(folder), source=source, device="cpu")


def smear(seed):
    return png(draw_smear((160, 200), cells=6, diameter_px=48, seed=seed)[0])


def segment(pool, network, name, data, visitor="ana"):
    return list(pool.on("cpu").segment(Entry(name, data), network, SETTINGS, visitor=visitor))


def test_a_worker_gives_what_ones_own_process_gives(pool, network):
    assert pool.on("cpu").load(network).startswith("CPU")
    (found,) = segment(pool, network, "a.png", smear(1))
    predictor = Predictor(load_weights(*locate()), "cpu")
    (own,) = segment_entries([Entry("a.png", smear(1))], predictor, SETTINGS)
    pd.testing.assert_frame_equal(found.measured.cells, own.cells)
    np.testing.assert_array_equal(found.unpack().labels, own.labels)
    assert (found.measured.weights, found.measured.name, found.measured.stem) == (network.source, "a.png", "a")
    assert len(own.cells) > 3
    (bad,) = segment(pool, network, "b.png", b"no picture")
    assert isinstance(bad, Failed)
    assert "not a picture" in bad.reason


def test_auto_and_what_it_means_here_share_a_worker(pool):
    assert pool.on("auto") is pool.on(pool.on("auto").devices()[0])
    assert len(pool.pids) == 1


def test_visitors_at_once_get_their_own_results_while_the_worker_is_killed(pool, network):
    alone = {seed: segment(pool, network, "x.png", smear(seed))[0] for seed in range(4)}
    assert len({one.labels for one in alone.values()}) == 4
    found, before = {}, pool.on("cpu").pid

    def visit(seed):
        for k in range(4):
            found[seed, k] = segment(pool, network, f"{seed} {k}.png", smear(seed), visitor=str(seed))
            if (seed, k) == (0, 1):
                os.kill(pool.on("cpu").pid, signal.SIGKILL)

    threads = [threading.Thread(target=visit, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(found) == 16
    for (seed, k), (one,) in found.items():
        assert one.measured.name == f"{seed} {k}.png"
        assert one.labels == alone[seed].labels
    assert pool.on("cpu").pid != before
