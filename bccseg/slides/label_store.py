"""The labels of a slide on disk, as OME-Zarr 0.5 (https://ngff.openmicroscopy.org/0.5), written block by block."""

from pathlib import Path
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec

from bccseg.errors import StoreError
from bccseg.imaging.label_image import Labels
from bccseg.slides.blocks import Window

CHUNK_PX = 1024
STEP, SMALLEST_PX = 4, 1024  # between levels of the pyramid; the last one is about so wide


class SlideLabels:
    """Labels uint32 (H, W), 0 = background. One process writes."""

    def __init__(self, path: Path, shape: tuple[int, int], pixel_size_um: float | None = None) -> None:
        """Open what is there, or begin. Raises StoreError where it has another shape."""
        self.path, self.shape, self.pixel_size_um = path, shape, pixel_size_um
        try:
            if (path / "0" / "zarr.json").exists():
                self._group = zarr.open_group(path, mode="r+")
                self.labels: Any = self._group["0"]
            else:
                self._group = zarr.open_group(path, mode="w", zarr_format=3)
                self._describe(1)
                self.labels = self._level(0, shape)
        except (OSError, KeyError, ValueError) as error:
            raise StoreError(f"The labels in {path} cannot be opened ({error}). Choose another folder.") from error
        if self.labels.shape != shape:
            raise StoreError(f"The labels in {path} are of another slide. Choose another folder.")

    def _level(self, number: int, shape: tuple[int, int]) -> Any:
        return self._group.create_array(
            str(number), shape=shape, dtype="uint32", chunks=(CHUNK_PX, CHUNK_PX), fill_value=0, overwrite=True,
            dimension_names=("y", "x"), compressors=[BloscCodec(cname="zstd", clevel=1, shuffle="shuffle")],
        )  # fmt: skip

    def _describe(self, levels: int) -> None:
        unit = {"unit": "micrometer"} if self.pixel_size_um else {}
        size = self.pixel_size_um or 1.0
        self._group.attrs["ome"] = {
            "version": "0.5",
            "multiscales": [
                {
                    "name": "cells",
                    "axes": [{"name": axis, "type": "space", **unit} for axis in "yx"],
                    "datasets": [
                        {
                            "path": str(k),
                            "coordinateTransformations": [{"type": "scale", "scale": [size * STEP**k] * 2}],
                        }
                        for k in range(levels)
                    ],
                    "type": "nearest",
                }
            ],
            "image-label": {"version": "0.5"},
        }

    def read(self, window: Window) -> Labels:
        """int32 (h, w)."""
        return np.asarray(self.labels[window]).astype(np.int32)

    def whole_chunks(self, window: Window) -> Window:
        """The window, grown to whole chunks: written so, none is unpacked and packed twice."""
        return tuple(  # type: ignore[return-value]
            slice(s.start // CHUNK_PX * CHUNK_PX, min(n, -(-s.stop // CHUNK_PX) * CHUNK_PX))
            for s, n in zip(window, self.shape, strict=True)
        )

    def write(self, window: Window, labels: Labels) -> None:
        """Put labels int32 (h, w) into a window."""
        self.labels[window] = labels.astype(np.uint32)

    def finish(self) -> None:
        """Add smaller levels, each pixel the nearest id, so that viewers open the whole quickly."""
        levels, finer = 1, self.labels
        while max(finer.shape) > SMALLEST_PX:
            height, width = (-(-n // STEP) for n in finer.shape)
            level = self._level(levels, (height, width))
            for top in range(0, height, CHUNK_PX):
                for left in range(0, width, CHUNK_PX):
                    rows, columns = (slice(at * STEP, (at + CHUNK_PX) * STEP, STEP) for at in (top, left))
                    part = finer[rows, columns]
                    if np.any(part):
                        level[top : top + part.shape[0], left : left + part.shape[1]] = part
            levels, finer = levels + 1, level
        self._describe(levels)
