"""Label images and masks as files, read and written."""

import contextlib
import io

import numpy as np
import tifffile
from numpy.typing import NDArray
from skimage.measure import label

from bccseg.config import MIN_PIECE_PX
from bccseg.errors import BccsegError, ImageError
from bccseg.imaging.label_image import Labels, areas, label_mask, relabel
from bccseg.io.encode import png
from bccseg.io.images import count_pixels, decode
from bccseg.io.page import MAX_PIXELS
from bccseg.io.tiff import is_tiff

MAX_LABEL = np.iinfo(np.uint16).max


def labels_png(labels: Labels) -> bytes:
    """16-bit greyscale PNG: 0 background, 1..N one cell each. Raises BccsegError above 65,535 cells."""
    if labels.max(initial=0) > MAX_LABEL:
        raise BccsegError(f"There are more than {MAX_LABEL:,} cells, too many for a 16-bit picture. Crop the image.")
    return png(labels.astype(np.uint16))


def mask_png(labels: Labels) -> bytes:
    """8-bit greyscale PNG: 255 cell, 0 background."""
    return png((labels > 0).astype(np.uint8) * 255)


PNG = b"\x89PNG\r\n\x1a\n"
MOST_TIMES = 64  # px of a file for a px of the image: pages of which the first counts; more is not unpacked
MAX_ID = 2**31 - 1


def read_labels(data: bytes, shape: tuple[int, int], *, split_pieces: bool = True) -> Labels:
    """Labels int32 (H, W), ids 1..N, of a picture file for an image of `shape`.

    More than two values in one channel are ids, a cell each; two values are a mask whose 4-connected pieces are
    cells. split_pieces: a cell in several pieces becomes several; without it, it stays one (another cell may lie
    across it). Pieces, or cells, below MIN_PIECE_PX are dropped. Raises ImageError.
    """
    if count_pixels(data) > MOST_TIMES * max(1, shape[0] * shape[1]):
        raise ImageError("The labels are far larger than the image. They must be of the same size.")
    values = _grey(data)
    if values.shape != shape:
        raise ImageError(
            f"The labels are {values.shape[1]} x {values.shape[0]} px but the image {shape[1]} x {shape[0]} px. "
            "They must be of the same size."
        )
    levels = np.unique(values)
    single = not split_pieces and values.dtype == np.uint16 and levels[-1] == 1  # as `labels_png` writes one cell
    if len(levels) <= 2 and not single:
        return label_mask(values > levels[0] if len(levels) == 2 else values > 0, MIN_PIECE_PX)
    if values.dtype == np.uint8 and (levels > 250).any() and np.isin(levels, (*range(6), *range(250, 256))).all():
        return label_mask(values > 127, MIN_PIECE_PX)  # a mask that went through JPEG
    if split_pieces:
        pieces = label(values, connectivity=1, background=0)
    else:
        pieces = np.searchsorted(levels[levels > 0], values, side="right")  # 0 stays 0
    return relabel(pieces, areas(pieces) >= MIN_PIECE_PX)


def _grey(data: bytes) -> NDArray:
    """One channel of whole numbers 0 and up, (H, W). Raises ImageError."""
    values = _one_channel(_pixels(data))
    if values.dtype.kind == "f":
        if not np.isfinite(values).all() or (values != np.round(values)).any():
            raise ImageError("The labels are not whole numbers. Save them as 16-bit PNG or TIFF.")
        values = values.astype(np.int64)
    if values.dtype.kind == "b":
        values = values.astype(np.uint8)
    if values.min(initial=0) < 0 or values.max(initial=0) > MAX_ID:
        raise ImageError("The labels hold numbers below 0 or too large. Save them as 16-bit PNG or TIFF.")
    return values


def _pixels(data: bytes) -> NDArray:
    """Values as the file has them, (H, W) or (H, W, C). Raises ImageError."""
    if is_tiff(data):
        try:
            return tifffile.imread(io.BytesIO(data), key=0)
        except Exception as error:  # the library lets errors of many kinds through
            raise ImageError("The labels are a damaged TIFF. Save them again as 16-bit TIFF or PNG.") from error
    if data.startswith(PNG):  # may have 16 bits. Not by OpenCV, which makes room for whatever a damaged one claims
        import imagecodecs

        with contextlib.suppress(imagecodecs.PngError, RuntimeError, ValueError, MemoryError):
            values = imagecodecs.png_decode(data)
            return values[..., 0] if values.ndim == 3 and values.shape[2] == 2 else values  # grey with transparency
    return decode(data)[0].image


def _one_channel(values: NDArray) -> NDArray:
    if values.ndim == 3:
        colours = values[..., : min(3, values.shape[2])]
        if (colours != values[..., :1]).any():
            raise ImageError("The labels are a colour picture. Save them as greyscale, a number for each cell.")
        values = values[..., 0]
    if values.ndim != 2 or values.size > MAX_PIXELS:
        raise ImageError("The labels are no single greyscale picture of a usable size.")
    return values
