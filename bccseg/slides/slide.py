"""A whole slide as a pyramid of levels that is read region by region, whatever its file format."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from bccseg.errors import ImageError, UnsupportedImage

WHITE = 255  # of what lies outside of a slide, or was never scanned
LONGEST_PX = 500_000  # a side; scanners write up to 300,000
LARGEST_PIECE = 64_000_000  # px that a file may make one unpack at once; more is no region any more
BAND_PX = 16_000_000  # of a level, read at once for the overview


@dataclass(frozen=True)
class Level:
    """One resolution of a slide."""

    height: int  # px
    width: int
    downsample: float  # px of level 0 per px of this one, 1 and up


class Slide(ABC):
    """A slide that is open. Level 0 is the finest; coordinates are of the level that is read."""

    def __init__(
        self, path: Path, shapes: list[tuple[int, int]], pixel_size_um: float | None = None, pixel_size_from: str = ""
    ) -> None:
        """shapes: (H, W) of each level, the finest first. pixel_size_um: of level 0; from: who says so, in words."""
        if not shapes or min(shapes[0]) < 1:
            raise ImageError(f"{path.name} holds no picture. Export it again.")
        height, width = shapes[0]
        if max(height, width) > LONGEST_PX:
            raise ImageError(impossible(path, height, width))
        self.path, self.pixel_size_um, self.pixel_size_from = path, pixel_size_um, pixel_size_from
        self.levels = tuple(Level(h, w, max(1.0, (height / h + width / w) / 2)) for h, w in shapes)

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W) of level 0."""
        return self.levels[0].height, self.levels[0].width

    def region(self, level: int, y: int, x: int, height: int, width: int) -> NDArray[np.uint8]:
        """RGB uint8 (height, width, 3) of a level, from its row y and column x on; white outside of it.

        Raises ImageError where the file is damaged.
        """
        size = self.levels[level]
        out = np.full((height, width, 3), WHITE, np.uint8)
        top, left = max(0, y), max(0, x)
        bottom, right = min(size.height, y + height), min(size.width, x + width)
        if bottom <= top or right <= left:
            return out
        try:
            found = self._read(level, top, left, bottom - top, right - left)
        except ImageError:
            raise
        except Exception as error:  # readers and codecs raise many kinds on damaged files
            reason = " ".join(str(error).split())[:80] or type(error).__name__
            raise ImageError(
                f"{self.path.name} is damaged at x {left:,}, y {top:,} of level {level} ({reason}). Export it again."
            ) from error
        out[top - y : bottom - y, left - x : right - x] = found
        return out

    @abstractmethod
    def _read(self, level: int, y: int, x: int, height: int, width: int) -> NDArray[np.uint8]:
        """RGB of a region that lies inside."""

    @abstractmethod
    def close(self) -> None:
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def level_for(self, downsample: float) -> int:
        """The coarsest level that is at least as fine as `downsample`."""
        fine = [k for k, level in enumerate(self.levels) if level.downsample <= downsample * 1.01]
        return fine[-1] if fine else 0

    def shrunk(self, downsample: float) -> NDArray[np.uint8]:
        """The whole slide `downsample` times smaller, areas averaged: RGB uint8 (H', W', 3).

        Read in bands from the level that is next finer; without levels that is the slide itself.
        """
        height, width = (max(1, round(n / downsample)) for n in self.shape)
        out = np.empty((height, width, 3), np.uint8)
        for rows, band in self._bands(self.level_for(downsample), height):
            out[rows] = cv2.resize(band, (width, rows.stop - rows.start), interpolation=cv2.INTER_AREA)
        return out

    def _bands(self, level: int, height: int) -> Iterator[tuple[slice, NDArray[np.uint8]]]:
        """Rows of a picture of `height` rows, and the pixels of a level that they are made of."""
        size = self.levels[level]
        step = max(1, int(BAND_PX / size.width * height / size.height))
        for top in range(0, height, step):
            bottom = min(height, top + step)
            first, last = (round(at * size.height / height) for at in (top, bottom))
            yield slice(top, bottom), self.region(level, first, 0, max(1, last - first), size.width)


def impossible(path: Path, height: int, width: int) -> str:
    """What to say of a file that claims to be so large."""
    return f"{path.name} says that it is {width:,} x {height:,} px, which cannot be. It is damaged; export it again."


def as_rgb(values: NDArray[Any], axes: str, name: str) -> NDArray[np.uint8]:
    """RGB uint8 (H, W, 3) of a region whose axes are Y, X and perhaps S or C, in any order: grey, RGB or RGBA on white.

    Raises UnsupportedImage for other numbers of channels.
    """
    if len(axes) == 2:
        values, axes = values[..., None], f"{axes}S"
    colour = next(k for k, axis in enumerate(axes) if axis not in "YX")
    values = np.moveaxis(values, (axes.index("Y"), axes.index("X"), colour), (0, 1, 2))
    channels = values.shape[2]
    if channels == 1:
        return np.repeat(values, 3, axis=2)
    if channels == 3:
        return np.ascontiguousarray(values)
    if channels == 4:
        pixels, light = values[..., :3].astype(np.uint16), values[..., 3:].astype(np.uint16)
        return ((pixels * light + WHITE * (255 - light)) // 255).astype(np.uint8)
    raise UnsupportedImage(f"{name} has {channels} channels. Export it as RGB or as one grey channel.")


def check_kind(dtype: Any, channels: int, name: str) -> None:
    """Raise UnsupportedImage for what is no slide in 8 bits and colour or grey."""
    if np.dtype(dtype) != np.uint8:
        raise UnsupportedImage(f"{name} has pixels of type {dtype}. Export the slide with 8 bits a channel.")
    if channels not in {1, 3, 4}:
        raise UnsupportedImage(f"{name} has {channels} channels. Export it as RGB or as one grey channel.")
