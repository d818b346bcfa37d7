"""Pixels of an image as runs along its rows: a hundred times fewer numbers than pixels."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


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

    @classmethod
    def along_rows(cls, labels: NDArray) -> "Runs":
        """Of all pixels of an image (H, W) that are not 0, and the value of each; a run ends with its row."""
        flat, width = np.ascontiguousarray(labels).ravel(), labels.shape[1]
        begins = np.ones(flat.size, bool)
        np.not_equal(flat[1:], flat[:-1], out=begins[1:])
        begins[:: max(1, width)] = True
        start = np.flatnonzero(begins)
        length = np.diff(start, append=flat.size)
        owner = flat[start]
        there = owner != 0
        return cls(start[there], length[there], owner[there].astype(np.int32))

    def take(self, which: NDArray) -> "Runs":
        """Some of them."""
        return Runs(self.start[which], self.length[which], self.owner[which])

    def pixels(self) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """All pixels, ascending if the runs are, and the owner of each: (P,) both."""
        within = np.arange(self.length.sum()) - np.repeat(np.cumsum(self.length) - self.length, self.length)
        return np.repeat(self.start, self.length) + within, np.repeat(self.owner, self.length)

    def pieces(self, width: int) -> NDArray[np.intp]:
        """For each run the 4-connected piece of its owner that it lies in: int (R,), from 0, in the order of their
        first pixels. For runs `along_rows` of an image of that width.
        """
        below, stop = self.start + width, self.start + self.length
        first = np.searchsorted(stop, below, side="right")  # of the runs that end behind the pixel below the first ...
        count = np.maximum(np.searchsorted(self.start, below + self.length) - first, 0)  # ... and begin before the end
        upper = np.repeat(np.arange(len(self.start)), count)
        lower = np.arange(len(upper)) - np.repeat(np.cumsum(count) - count - first, count)
        same = self.owner[upper] == self.owner[lower]
        upper, lower = upper[same], lower[same]
        shape = (len(self.start),) * 2
        _, piece = connected_components(coo_array((np.ones(len(upper), bool), (upper, lower)), shape), directed=False)
        _, begin, piece = np.unique(piece, return_index=True, return_inverse=True)
        number = np.empty(len(begin), np.intp)
        number[np.argsort(begin)] = np.arange(len(begin))
        return number[piece]

    def boxes(self, width: int) -> list[tuple[slice, slice] | None]:
        """Bounding box of each owner from 1, None of those without pixels, as `scipy.ndimage.find_objects` has it. For
        runs `along_rows`.
        """
        count = int(self.owner.max(initial=0))
        row, left = np.divmod(self.start, width)
        low, high = np.full((2, count + 1), np.iinfo(np.int64).max), np.full((2, count + 1), -1)
        for axis, (begin, end) in enumerate(((row, row), (left, left + self.length - 1))):
            np.minimum.at(low[axis], self.owner, begin)
            np.maximum.at(high[axis], self.owner, end)
        found = zip(*low.tolist(), *high.tolist(), strict=True)
        boxes = [(slice(a, c + 1), slice(b, d + 1)) if c >= 0 else None for a, b, c, d in found]
        return boxes[1:]
