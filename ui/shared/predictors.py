"""Loaded networks, shared by all visitors and read-only. Loading goes on beside the page."""

import logging
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from bccseg.errors import BccsegError
from ui.shared.promoted import promoted

if TYPE_CHECKING:
    from bccseg.inference.predictor import Predictor
    from bccseg.jobs.promotion import Promotions
    from bccseg.model.weights import Weights

log = logging.getLogger("bccseg")

MAX_LOADED = 3


@dataclass(frozen=True)
class LoadedPredictor:
    """A network ready to run, and how it came to be this one."""

    predictor: "Predictor"
    device: str  # for people
    trouble: str = ""  # why it is not the one that was asked for


class PredictorCache:
    """Networks by (weights, device); the oldest are forgotten."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="bccseg-load")
        self._lock = threading.Lock()
        self._futures: dict[tuple[str, str], Future[LoadedPredictor]] = {}

    def request(self, weights: str, device: str) -> "Future[LoadedPredictor]":
        """Start loading, or the loading under way, or the one that is done. One that failed is tried again."""
        key = (weights, device)
        with self._lock:
            future = self._futures.pop(key, None)
            if future is None or (future.done() and (future.exception() or future.result().trouble)):
                future = self._pool.submit(load_predictor, weights, device)
            self._futures[key] = future
            while len(self._futures) > MAX_LOADED:
                self._futures.pop(next(iter(self._futures)))
        return future

    def peek(self, weights: str, device: str) -> "Future[LoadedPredictor] | None":
        """What `request` last gave for these, without starting anything."""
        return self._futures.get((weights, device))


def load_predictor(weights: str, device: str) -> LoadedPredictor:
    """Load weights by the name a visitor may give (promoted, shipped or hf://; never a path).

    Where they cannot be had, the promoted weights are loaded instead, else the shipped ones, and `trouble` says why.
    Raises BccsegError if those fail too.
    """
    from bccseg.inference.predictor import Predictor
    from bccseg.model.device import describe_device
    from bccseg.model.weights import load_weights

    trouble, own = "", promoted()
    try:
        loaded = load_weights(*own.locate(weights))
    except BccsegError as error:
        loaded, instead = _load_instead(own, weights)
        kind = "promoted" if instead in own.names else "shipped"
        trouble = f"{error} The {kind} weights are used instead: {own.title(instead)}."
    predictor = Predictor(loaded, device)
    return LoadedPredictor(predictor, describe_device(predictor.device, predictor.dtype), trouble)


def _load_instead(own: "Promotions", failed: str) -> "tuple[Weights, str]":
    """The first weights that can be had in place of those that failed, and their name. Raises BccsegError."""
    from bccseg.model.weights import load_weights

    names = [name for name in dict.fromkeys(own.fallbacks) if name != failed]
    for name in names[:-1]:
        try:
            return load_weights(*own.locate(name)), name
        except BccsegError as error:
            log.warning("%s cannot be had either: %s", name, error)
    return load_weights(*own.locate(names[-1])), names[-1]


@st.cache_resource(show_spinner=False)
def predictor_cache() -> PredictorCache:
    """The one registry of this server."""
    return PredictorCache()
