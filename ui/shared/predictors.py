"""Networks, shared by all visitors and read-only. Loading goes on beside the page.

Images are segmented in a worker (`bccseg.workers`). A click on Correct must not wait for the tile of somebody else, and
few labels need the network's inside: they have it in this process, from their first use on.
"""

import atexit
import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import streamlit as st

from bccseg.config import NETWORKS_LOADED, SegmentSettings
from bccseg.errors import BccsegError, WorkerError
from bccseg.io.archive import Entry
from bccseg.report.stored_result import StoredResult
from bccseg.workers.messages import Network
from bccseg.workers.pool import WorkerPool
from bccseg.workers.worker import Failed
from ui.shared.promoted import promoted

if TYPE_CHECKING:
    from bccseg.inference.predictor import Predictor

log = logging.getLogger("bccseg")

Loaded = TypeVar("Loaded", bound="LoadedPredictor | WorkerPredictor")
Made = TypeVar("Made")


@dataclass(frozen=True)
class LoadedPredictor:
    """A network in this process, and how it came to be this one."""

    predictor: "Predictor"
    device: str  # for people
    trouble: str = ""  # why it is not the one that was asked for


@dataclass(frozen=True)
class WorkerPredictor:
    """A network in a worker, and how it came to be this one."""

    network: Network
    pool: WorkerPool
    device: str  # for people
    trouble: str = ""  # why it is not the one that was asked for

    @property
    def source(self) -> str:
        """What results call the weights."""
        return self.network.source

    def segment(
        self, entry: Entry, settings: SegmentSettings, pixel_size_um: float | None, visitor: str, taken: set[str],
        on_progress: Callable[[float], None],
    ) -> Iterator[StoredResult | Failed]:  # fmt: skip
        """A result or a failure for each picture of a file; see `Worker.segment`."""
        worker = self.pool.on(self.network.device)
        return worker.segment(entry, self.network, settings, visitor=visitor, pixel_size_um=pixel_size_um, taken=taken,
                              on_progress=on_progress)  # fmt: skip


class PredictorCache(Generic[Loaded]):
    """Networks by (weights, device); the oldest are forgotten."""

    def __init__(self, load: Callable[[str, str], Loaded]) -> None:
        self._load = load
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="bccseg-load")
        self._lock = threading.Lock()
        self._futures: dict[tuple[str, str], Future[Loaded]] = {}

    def request(self, weights: str, device: str) -> "Future[Loaded]":
        """Start loading, or the loading under way, or the one that is done. One that failed is tried again."""
        key = (weights, device)
        with self._lock:
            future = self._futures.pop(key, None)
            if future is None or (future.done() and (future.exception() or future.result().trouble)):
                future = self._pool.submit(self._load, weights, device)
            self._futures[key] = future
            while len(self._futures) > NETWORKS_LOADED:
                self._futures.pop(next(iter(self._futures)))
        return future

    def peek(self, weights: str, device: str) -> "Future[Loaded] | None":
        """What `request` last gave for these, without starting anything."""
        return self._futures.get((weights, device))


def load_predictor(weights: str, device: str) -> LoadedPredictor:
    """Load weights into this process by the name a visitor may give (promoted, shipped or hf://; never a path).

    Where they cannot be had, the promoted weights are loaded instead, else the shipped ones, and `trouble` says why.
    Raises BccsegError if those fail too.
    """
    from bccseg.inference.predictor import Predictor
    from bccseg.model.device import describe_device
    from bccseg.model.weights import load_weights

    predictor, trouble = _first_to_be_had(weights, lambda *at: Predictor(load_weights(*at), device))
    return LoadedPredictor(predictor, describe_device(predictor.device, predictor.dtype), trouble)


def load_in_worker(weights: str, device: str) -> WorkerPredictor:
    """Load weights into the device's worker; the same rules. Raises BccsegError."""
    pool = workers()

    def load(folder: Path, source: str) -> tuple[Network, str]:
        network = Network(folder=str(folder.resolve()), source=source, device=device)
        return network, pool.on(device).load(network)

    (network, words), trouble = _first_to_be_had(weights, load)
    return WorkerPredictor(network, pool, words, trouble)


def _first_to_be_had(weights: str, load: Callable[[Path, str], Made]) -> tuple[Made, str]:
    """What `load` makes of the weights' folder and source, or of the first ones that can be had in their place, and why
    it is those. Raises BccsegError.
    """
    own = promoted()
    try:
        return load(*own.locate(weights)), ""
    except WorkerError:  # no other weights would start either
        raise
    except BccsegError as error:
        trouble = str(error)
    names = [name for name in dict.fromkeys(own.fallbacks) if name != weights]
    for name in names:
        try:
            made = load(*own.locate(name))
        except BccsegError as error:
            if name == names[-1] or isinstance(error, WorkerError):
                raise
            log.warning("%s cannot be had either: %s", name, error)
            continue
        kind = "promoted" if name in own.names else "shipped"
        return made, f"{trouble} The {kind} weights are used instead: {own.title(name)}."
    raise BccsegError(trouble)


@st.cache_resource(show_spinner=False)
def workers() -> WorkerPool:
    """The workers of this server."""
    pool = WorkerPool()
    atexit.register(pool.close)
    return pool


@st.cache_resource(show_spinner=False)
def predictor_cache() -> PredictorCache[WorkerPredictor]:
    """The networks in this server's workers."""
    return PredictorCache(load_in_worker)


@st.cache_resource(show_spinner=False)
def own_predictors() -> PredictorCache[LoadedPredictor]:
    """The networks in this process; torch is loaded with the first one."""
    return PredictorCache(load_predictor)
