"""Which weights the segmentations of this server are using right now. No Streamlit in here."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_at_work: Counter[str] = Counter()  # segmentations under way, by the exact source of their weights


@contextmanager
def at_work(weights: str) -> Iterator[None]:
    """While a segmentation goes on with these weights."""
    with _lock:
        _at_work[weights] += 1
    try:
        yield
    finally:
        with _lock:
            _at_work[weights] -= 1


def is_at_work(weights: str) -> bool:
    """Whether somebody's segmentation uses them."""
    with _lock:
        return _at_work[weights] > 0
