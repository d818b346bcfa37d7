"""One picture of a file, whatever the file's kind: RGB, 8 bits, within the size that fits the memory."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from bccseg.errors import ImageError, ImageTooLarge

MAX_PIXELS = 150_000_000  # a 12,000 x 12,000 field; more does not fit the memory of a small machine
MAX_SIDE_PX = 65_535  # as JPEG has it; damaged files claim more


MAX_PAGES = 200


@dataclass(frozen=True)
class Page:
    """One picture of a file."""

    image: NDArray[np.uint8]  # (H, W, 3)
    number: int = 1  # 1-based, of `count` pages in the file
    count: int = 1
    pixel_size_um: float | None = None  # as the file states it ...
    pixel_size_from: str = ""  # ... and where, such as "OME metadata"
    notes: tuple[str, ...] = field(default=())


def check_size(width: int, height: int) -> None:
    """Raise ImageTooLarge above MAX_PIXELS or MAX_SIDE_PX, ImageError for an empty picture."""
    if width < 1 or height < 1:
        raise ImageError("The picture has no pixels.")
    if width * height > MAX_PIXELS:
        raise ImageTooLarge(
            f"The picture says it is {width:,} x {height:,} px; at most {MAX_PIXELS // 1_000_000} megapixels "
            "can be opened. Crop it or save it at a lower resolution."
        )
    if max(width, height) > MAX_SIDE_PX:
        raise ImageTooLarge(
            f"The picture says it is {width:,} x {height:,} px; a side may have {MAX_SIDE_PX:,} px. Crop it."
        )


def to_8_bit(values: NDArray) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Any real-valued picture as uint8, with a note if its range was changed.

    8-bit stays as it is; other types are scaled linearly so that the 99.9th percentile becomes white
    and 0 (or the lowest value, if that is negative) black.
    """
    if values.dtype == np.uint8:
        return values, ()
    if values.dtype == bool:
        return values.astype(np.uint8) * 255, ()
    if not (np.issubdtype(values.dtype, np.integer) or np.issubdtype(values.dtype, np.floating)):
        raise ImageError(f"Pictures of type {values.dtype} cannot be shown. Save it as 8- or 16-bit TIFF or PNG.")
    finite = np.isfinite(values)
    if not finite.any():
        raise ImageError("The picture holds no valid numbers. Export it again from the microscope software.")
    sample = values[finite] if not finite.all() else values.ravel()
    sample = sample[:: max(1, sample.size // 1_000_000)]
    low, high = min(0.0, float(sample.min())), float(np.percentile(sample, 99.9))
    gain = 255 / (high - low) if high > low else 0.0
    out = np.empty(values.shape, np.uint8)
    for rows in np.array_split(np.arange(values.shape[0]), max(1, values.size // 8_000_000)):  # saves memory
        block = np.nan_to_num(values[rows].astype(np.float32), nan=low, posinf=high, neginf=low)
        out[rows] = np.clip((block - low) * gain + 0.5, 0, 255).astype(np.uint8)
    bits = values.dtype.itemsize * 8
    return out, (f"{bits}-bit picture: brightness scaled to 8 bits.",)
