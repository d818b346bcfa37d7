"""Image files to RGB arrays: every common format, one clear error for what cannot be read.

A file gives one or several pages. 16-bit and float pictures are scaled to 8 bits, transparency is laid
on white, EXIF rotation is applied; what was done to a picture is told in `Page.notes`.
"""

import io
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from bccseg.errors import ImageError, ImageTooLarge
from bccseg.imaging.labels import Mask

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif")
MAX_PIXELS = 150_000_000  # a 12,000 x 12,000 field; more does not fit the memory of a small machine
MAX_PAGES = 200
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")  # tried by content, whatever the file is called
TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

Image.MAX_IMAGE_PIXELS = None  # size is checked below, before any pixel is unpacked


@dataclass(frozen=True)
class Page:
    """One picture of a file."""

    image: NDArray[np.uint8]  # (H, W, 3)
    number: int = 1  # 1-based, of `count` pages in the file
    count: int = 1
    pixel_size_um: float | None = None  # as the file states it
    notes: tuple[str, ...] = field(default=())


def check_size(width: int, height: int) -> None:
    """Raise ImageTooLarge above MAX_PIXELS, ImageError for an empty picture."""
    if width < 1 or height < 1:
        raise ImageError("The picture has no pixels.")
    if width * height > MAX_PIXELS:
        raise ImageTooLarge(
            f"The picture says it is {width:,} x {height:,} px; at most {MAX_PIXELS // 1_000_000} megapixels "
            "can be opened. Crop it or save it at a lower resolution."
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
        part = np.nan_to_num(values[rows].astype(np.float32), nan=low, posinf=high, neginf=low)
        out[rows] = np.clip((part - low) * gain + 0.5, 0, 255).astype(np.uint8)
    bits = values.dtype.itemsize * 8
    return out, (f"{bits}-bit picture: brightness scaled to 8 bits.",)


def to_rgb(picture: Image.Image) -> NDArray[np.uint8]:
    """Any PIL picture as RGB uint8 (H, W, 3), transparency on white."""
    if picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, "white")
        picture = Image.alpha_composite(white, layer)
    return np.asarray(picture.convert("RGB"))


def decode(data: bytes) -> list[Page]:
    """All pages of an image file given as bytes.

    Raises ImageError (what is wrong and what to do), ImageTooLarge.
    """
    if not data:
        raise ImageError("The file is empty (0 bytes). Copy it again from where it came from.")
    if data[:4] in TIFF_STARTS:
        from bccseg.imaging.tiff import decode_tiff

        return decode_tiff(data)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            check_size(*picture.size)
            return [_from_pillow(picture)]
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(
            "This is not a picture that can be read. Supported: PNG, JPEG, TIFF, BMP, WebP, or a zip of them."
        ) from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError, MemoryError, TypeError) as error:
        raise ImageError(f"The picture is damaged or cut off ({_short(error)}). Copy or export it again.") from error


def _from_pillow(picture: Image.Image) -> Page:
    notes: list[str] = []
    if getattr(picture, "n_frames", 1) > 1:
        notes.append("Animation: only its first picture is used.")
        picture.seek(0)
    picture.load()
    turned = ImageOps.exif_transpose(picture)
    if turned.size != picture.size or turned.getexif() != picture.getexif():
        notes.append("Turned upright, as the camera asked for (EXIF).")
    if turned.mode.startswith("I") or turned.mode == "F":
        grey, scaled = to_8_bit(np.asarray(turned))
        notes.extend(scaled)
        return Page(np.repeat(grey[..., None], 3, axis=2), notes=tuple(notes))
    return Page(np.ascontiguousarray(to_rgb(turned)), notes=tuple(notes))


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text[:80] or type(error).__name__


def read_pages(path: Path) -> list[Page]:
    """All pages of an image file. Raises ImageError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"The file cannot be opened ({error.strerror}).") from error
    return decode(data)


def read_image(path: Path) -> NDArray[np.uint8]:
    """First page of an image file: RGB uint8 (H, W, 3). Raises ImageError."""
    return read_pages(path)[0].image


def read_mask(path: Path) -> Mask:
    """A mask file: bool (H, W), True where the brightest channel is above half. Raises ImageError."""
    return read_image(path).max(axis=2) > 127
