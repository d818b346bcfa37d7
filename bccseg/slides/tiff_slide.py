"""Slides that are TIFF files: Aperio SVS, Hamamatsu NDPI, BigTIFF pyramids, OME-TIFF, through tifffile."""

from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import zarr
from numpy.typing import NDArray

from bccseg.errors import ImageError, UnsupportedImage
from bccseg.io.tiff import series_of, stated_pixel_size
from bccseg.slides.slide import LARGEST_PIECE, WHITE, Slide, as_rgb, check_kind, impossible

MOST_PX_A_BYTE = 20_000  # of a file; a slide that is mostly never scanned glass has some hundreds


class TiffSlide(Slide):
    """The largest picture of a TIFF file and its smaller levels; labels and thumbnails are left alone."""

    def __init__(self, path: Path) -> None:
        """Raises ImageError, UnsupportedImage."""
        try:
            self._file = tifffile.TiffFile(path)
        except Exception as error:  # tifffile raises many kinds on damaged files
            reason = " ".join(str(error).split())[:80] or type(error).__name__
            raise ImageError(f"{path.name} is damaged or cut off ({reason}). Export it again.") from error
        try:
            self._open(path)
        except ImageError:
            self._file.close()
            raise
        except Exception as error:
            self._file.close()
            reason = " ".join(str(error).split())[:80] or type(error).__name__
            raise ImageError(f"{path.name} is damaged or cut off ({reason}). Export it again.") from error

    def _open(self, path: Path) -> None:
        flat = [one for one in series_of(self._file) if "Y" in one.axes and "X" in one.axes]
        if not flat:
            raise ImageError(f"{path.name} holds no picture. Export it again.")
        series = max(flat, key=lambda one: one.sizes["width"] * one.sizes["height"])
        self._axes = series.axes
        others = [axis for axis in series.axes if axis not in "YXSC"]
        if others or ("S" in series.axes and "C" in series.axes):
            raise UnsupportedImage(f"{path.name} is a stack of pictures ({series.axes}). Export one plane as RGB.")
        photometric = series.keyframe.photometric
        if photometric in {tifffile.PHOTOMETRIC.PALETTE, tifffile.PHOTOMETRIC.SEPARATED}:
            raise UnsupportedImage(f"{path.name} has {photometric.name.lower()} colours. Export it as RGB.")
        self._inverted = photometric == tifffile.PHOTOMETRIC.MINISWHITE
        size = [n for axis, n in zip(series.axes, series.shape, strict=True) if axis in "SC"]
        check_kind(series.dtype, size[0] if size else 1, path.name)
        self._levels: list[Any] = [_region_reader(level, path.name) for level in series.levels]
        y, x = self._axes.index("Y"), self._axes.index("X")
        if series.shape[y] * series.shape[x] > MOST_PX_A_BYTE * path.stat().st_size:
            raise ImageError(impossible(path, series.shape[y], series.shape[x]))
        super().__init__(path, [(a.shape[y], a.shape[x]) for a in self._levels], *stated_pixel_size(self._file))

    def _read(self, level: int, y: int, x: int, height: int, width: int) -> NDArray[np.uint8]:
        windows = {"Y": slice(y, y + height), "X": slice(x, x + width)}
        values = self._levels[level][tuple(windows.get(axis, slice(None)) for axis in self._axes)]
        pixels = as_rgb(np.asarray(values), self._axes, self.path.name)
        return np.invert(pixels) if self._inverted else pixels

    def close(self) -> None:
        """Let go of the file."""
        self._levels = []
        self._file.close()


def _region_reader(level: tifffile.TiffPageSeries, name: str) -> Any:
    """What can be sliced for a region of a level, without unpacking the rest."""
    page = level.keyframe
    if page.is_memmappable and len(level.pages) == 1 and page.dtype == np.uint8:
        # one raw piece, of which parts can be read
        path = Path(page.parent.filehandle.path)
        return np.memmap(path, np.uint8, "r", offset=page.dataoffsets[0], shape=tuple(level.shape))
    array = zarr.open_array(level.aszarr(level=0, fillvalue=WHITE), mode="r")
    piece = int(np.prod(array.chunks))
    if piece > LARGEST_PIECE:
        raise UnsupportedImage(
            f"{name} is stored in pieces of {piece / 1e6:,.0f} megapixels, so that no region can be read without the "
            "rest. Save it as a tiled TIFF, for example with QuPath or `vips tiffsave --tile --pyramid`."
        )
    return array
