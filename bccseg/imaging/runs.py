"""Pixels of an image as runs along its rows: a hundred times fewer numbers than pixels."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Runs(NamedTuple):
    """Runs of pixels that belong together; pixels are counted along the rows of the image."""

    start: NDArray[np.int64]  # (R,): first pixel of each
    length: NDArray[np.int64]  # (R,)
    owner: NDArray[np.int32]  # (R,): what it is a part of

    @classmethod
    def of(cls, at: NDArray[np.integer], owner: NDArray[np.integer]) -> "Runs":
        """Of pixels (P,), ascending, and the id that each belongs to, 1 or more: (P,)."""
        begins = np.flatnonzero((np.diff(at, prepend=-2) != 1) | (np.diff(owner, prepend=0) != 0)) if len(at) else at
        return cls(at[begins].astype(np.int64), np.diff(np.append(begins, len(at))), owner[begins].astype(np.int32))

    def pixels(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """All pixels, ascending if the runs are, and the owner of each: (P,) both."""
        within = np.arange(self.length.sum()) - np.repeat(np.cumsum(self.length) - self.length, self.length)
        return np.repeat(self.start, self.length) + within, np.repeat(self.owner, self.length)
