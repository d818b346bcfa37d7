"""Image files to RGB arrays: every common format, one clear error for what cannot be read.

A file gives one or several pages. 16-bit and float pictures are scaled to 8 bits, transparency is laid
on white, EXIF rotation is applied; what was done to a picture stands in `Page.notes`.
"""

import io
import struct
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from bccseg.errors import ImageError
from bccseg.imaging.label_image import Mask
from bccseg.io.page import Page, check_size, to_8_bit
from bccseg.io.tiff import count_tiff_pixels, decode_tiff, is_tiff

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp", ".gif")
SAY_MORE = (b"eXIf", b"xmp", b"Raw profile")  # in a PNG: how it is turned may stand behind the pixels, too
FORMATS = ("PNG", "JPEG", "BMP", "WEBP", "GIF", "TIFF")  # tried by content, whatever the file is called
NO_PICTURE = "This is not a picture that can be read. Supported: PNG, JPEG, TIFF, BMP, WebP, or a zip of them."

BAND_PX = 4_000_000
ORIENTATION = 0x0112  # of the EXIF tags

Image.MAX_IMAGE_PIXELS = None  # size is checked below, before any pixel is unpacked


def to_rgb(picture: Image.Image) -> NDArray[np.uint8]:
    """Any PIL picture as RGB uint8 (H, W, 3), transparency on white. In bands: a large one is not there thrice."""
    out = np.empty((picture.height, picture.width, 3), np.uint8)
    clear = picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info
    step = max(1, BAND_PX // max(1, picture.width))
    for top in range(0, picture.height, step):
        band = picture.crop((0, top, picture.width, min(picture.height, top + step)))
        if clear:
            layer = band.convert("RGBA")
            band = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
        out[top : top + step] = band.convert("RGB")
    return out


def decode(data: bytes, page: int | None = None) -> list[Page]:
    """All pages of an image file given as bytes, or the one with that number, from 1.

    Raises ImageError (what is wrong and what to do), ImageTooLarge.
    """
    if not data:
        raise ImageError("The file is empty (0 bytes). Copy it again from where it came from.")
    if is_tiff(data):
        return decode_tiff(data, page)
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            check_size(*picture.size)
            return [_from_pillow(picture, data)]
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(NO_PICTURE) from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError, MemoryError, TypeError) as error:
        raise ImageError(f"The picture is damaged or cut off ({_short(error)}). Copy or export it again.") from error


def check_picture(data: bytes) -> None:
    """Whether a file is a picture, by its head alone, which is quick. Raises ImageError; `decode` still may."""
    if not data:
        raise ImageError("The file is empty (0 bytes). Copy it again from where it came from.")
    if is_tiff(data):
        return
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS):
            pass
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError, TypeError):
        raise ImageError(NO_PICTURE) from None


def count_pixels(data: bytes) -> int:
    """Pixels of all pages of a file, by what its head says; 0 if it is no picture."""
    try:
        if is_tiff(data):
            return count_tiff_pixels(data)
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            return picture.width * picture.height
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, IndexError, TypeError):
        return 0


def _from_pillow(picture: Image.Image, data: bytes) -> Page:
    notes: list[str] = []
    if getattr(picture, "n_frames", 1) > 1:
        notes.append("Animation: only its first picture is used.")
        picture.seek(0)
    if (plain := _plain_png(picture, data)) is not None:
        return Page(plain)
    picture.load()
    turned = picture
    if picture.getexif().get(ORIENTATION, 1) != 1:
        turned = ImageOps.exif_transpose(picture)
        if turned.size != picture.size or turned.getexif() != picture.getexif():
            notes.append("Turned upright, as the camera asked for (EXIF).")
    if turned.mode.startswith("I") or turned.mode == "F":
        grey, scaled = to_8_bit(np.asarray(turned))
        notes.extend(scaled)
        return Page(np.repeat(grey[..., None], 3, axis=2), notes=tuple(notes))
    return Page(np.ascontiguousarray(to_rgb(turned)), notes=tuple(notes))


def _plain_png(picture: Image.Image, data: bytes) -> NDArray[np.uint8] | None:
    """The pixels of a PNG that is RGB, 8 bits, still and upright, in two thirds of Pillow's time; None of all others,
    damaged ones too.
    """
    if picture.format != "PNG" or picture.mode != "RGB" or "transparency" in picture.info:
        return None
    if getattr(picture, "n_frames", 1) > 1 or any(mark in data for mark in SAY_MORE):
        return None
    import imagecodecs  # takes a tenth of a second; the first page has no picture to read

    try:
        pixels = imagecodecs.png_decode(data)
    except (imagecodecs.PngError, RuntimeError, ValueError, MemoryError):
        return None
    return pixels if pixels.dtype == np.uint8 and pixels.shape == (picture.height, picture.width, 3) else None


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


def read_image(path: str | PathLike[str]) -> NDArray[np.uint8]:
    """First page of an image file, whatever its kind and bit depth: RGB uint8 (H, W, 3). Raises ImageError.

    Examples
    --------
    >>> from PIL import Image
    >>> image, _ = bccseg.draw_smear((60, 80), cells=1, diameter_px=30)
    >>> Image.fromarray(image).save("smear.png")
    >>> bool((bccseg.read_image("smear.png") == image).all())
    True
    """
    return read_pages(Path(path))[0].image


def read_mask(path: Path) -> Mask:
    """A mask file: bool (H, W), True where the brightest channel is above half. Raises ImageError."""
    return read_image(path).max(axis=2) > 127
