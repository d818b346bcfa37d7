"""TIFF files, with their pages, bit depths and pixel sizes, through tifffile."""

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from bccseg.errors import ImageError, UnsupportedImage
from bccseg.io.page import MAX_PAGES, Page, check_size, to_8_bit

INCH, CENTIMETRE = 2, 3  # TIFF 6.0, tag 296
UM_PER_UNIT = {INCH: 25_400.0, CENTIMETRE: 10_000.0}
UM_PER_NAME = {
    "m": 1e6, "cm": 1e4, "mm": 1e3, "µm": 1.0, "μm": 1.0, "um": 1.0, "micron": 1.0, "microns": 1.0,
    "micrometer": 1.0, "\\u00b5m": 1.0, "nm": 1e-3, "inch": 25_400.0,
}  # fmt: skip
PLAUSIBLE_UM = (0.005, 10.0)  # outside lies screen and print resolution (72 dpi is 353 µm), not a microscope

MPP = re.compile(r"\bMPP\s*=\s*([0-9]*\.?[0-9]+)")  # µm per pixel, in Aperio's description

MOST_LISTED = 100_000  # pictures, thumbnails and levels

MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")  # TIFF 6.0 and BigTIFF, either byte order


def is_tiff(data: bytes) -> bool:
    """Whether the bytes are a TIFF file, whatever it is called."""
    return data[:4] in MAGIC


def decode_tiff(data: bytes, page: int | None = None) -> list[Page]:
    """All pages of a TIFF file, or the one with that number, from 1.

    Raises ImageError, ImageTooLarge, UnsupportedImage.
    """
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tif:
            return _pages(tif, page)
    except ImageError:
        raise
    except Exception as error:  # tifffile and its codecs raise many kinds on damaged files
        reason = " ".join(str(error).split())[:80] or type(error).__name__
        raise ImageError(f"The TIFF is damaged or cut off ({reason}). Export it again.") from error


def count_tiff_pixels(data: bytes) -> int:
    """Pixels of all pages of a TIFF file, by its tags; 0 if they cannot be read."""
    try:
        with tifffile.TiffFile(io.BytesIO(data)) as tif:
            series = series_of(tif)[0]
            return int(np.prod([n for axis, n in zip(series.axes, series.shape, strict=True) if axis not in "SC"]))
    except Exception:  # noqa: BLE001  (tifffile and its codecs raise many kinds on damaged files)
        return 0


def series_of(tif: tifffile.TiffFile) -> list[tifffile.TiffPageSeries]:
    """The pictures of a TIFF file. Raises ImageError."""
    if len(tif.pages) > MOST_LISTED:  # asked first: the list of a damaged file has no end if it is gone through
        raise ImageError(f"The TIFF lists {len(tif.pages):,} pictures. It is damaged; export it again.")
    return tif.series


def _pages(tif: tifffile.TiffFile, wanted: int | None) -> list[Page]:
    found = series_of(tif)
    if not found:
        raise ImageError("The TIFF holds no picture. Export it again.")
    series = found[0]
    axes, shape = series.axes, series.shape
    if "Y" not in axes or "X" not in axes:
        raise UnsupportedImage("The TIFF holds no picture of height and width.")
    height, width = shape[axes.index("Y")], shape[axes.index("X")]
    check_size(width, height)
    stack = int(np.prod([n for axis, n in zip(axes, shape, strict=True) if axis not in "YXSC"]))
    if stack > MAX_PAGES:
        raise UnsupportedImage(f"The TIFF is a stack of {stack} pictures; at most {MAX_PAGES} can be opened at once.")
    check_size(width * max(1, stack), height)
    page = series.keyframe
    first, values = 1, None
    if wanted and len(series.pages) == stack and page.photometric != tifffile.PHOTOMETRIC.MINISWHITE:
        one = series.pages[wanted - 1]  # a page of the file for each picture: the others need not be unpacked
        first, values, axes = wanted, one.asarray(), page.axes
    if values is None:
        values = series.asarray()
    if page.photometric == tifffile.PHOTOMETRIC.PALETTE and page.colormap is not None:
        values, axes = _apply_palette(values, page.colormap), axes + "S"
    elif page.photometric == tifffile.PHOTOMETRIC.MINISWHITE:
        values = values.max() - values if np.issubdtype(values.dtype, np.floating) else np.invert(values)
    planes = _as_planes(values, axes)  # (pages, H, W, channels)
    size, source = stated_pixel_size(tif)
    cmyk = page.photometric == tifffile.PHOTOMETRIC.SEPARATED
    pages = []
    for k, plane in enumerate(planes, start=first):
        if wanted in (None, k):
            grey_or_colour, notes = to_8_bit(plane)
            pages.append(Page(_rgb(grey_or_colour, cmyk=cmyk), k, stack, size, source, notes))
    return pages


def _apply_palette(values: NDArray, colormap: NDArray) -> NDArray[np.uint8]:
    return (np.moveaxis(np.asarray(colormap), 0, -1) >> 8).astype(np.uint8)[values]


def _as_planes(values: NDArray, axes: str) -> NDArray:
    """(pages, H, W, channels) from any order of axes; colour is axis S or a C axis of 3 or 4."""
    colour = "S" if "S" in axes else "C" if "C" in axes else None
    if colour and "S" in axes and "C" in axes and values.shape[axes.index("C")] > 1:
        raise UnsupportedImage("The TIFF holds several colour pictures a page. Export it as plain RGB.")
    values = np.moveaxis(values, [axes.index("Y"), axes.index("X")], [-2, -1])
    rest = [axis for axis in axes if axis not in "YX"]
    if colour:
        values = np.moveaxis(values, rest.index(colour), -1)
    else:
        values = values[..., None]
    values = values.reshape(-1, *values.shape[-3:])
    channels = values.shape[-1]
    if channels == 2 or channels > 4:
        raise UnsupportedImage(f"The TIFF has {channels} channels. Export it as RGB or as one grey channel.")
    return values


def _rgb(plane: NDArray[np.uint8], *, cmyk: bool) -> NDArray[np.uint8]:
    """RGB uint8 (H, W, 3) from 1 (grey), 3 (RGB) or 4 (RGBA or CMYK) channels."""
    channels = plane.shape[-1]
    if channels == 1:
        return np.repeat(plane, 3, axis=-1)
    if channels == 4:
        colour, fourth = plane[..., :3].astype(np.uint16), plane[..., 3:].astype(np.uint16)
        if cmyk:
            return ((255 - colour) * (255 - fourth) // 255).astype(np.uint8)
        return ((colour * fourth + 255 * (255 - fourth)) // 255).astype(np.uint8)  # on white
    return np.ascontiguousarray(plane)


def stated_pixel_size(tif: tifffile.TiffFile) -> tuple[float | None, str]:
    """Width of a pixel in µm, and in words which part of the file says so; None where none does."""
    for source, read in SOURCES.items():
        size = read(tif)
        if size is not None and PLAUSIBLE_UM[0] <= size <= PLAUSIBLE_UM[1]:
            return size, source
    return None, ""


def _from_ome(tif: tifffile.TiffFile) -> float | None:
    if not tif.is_ome or not tif.ome_metadata:
        return None
    pixels: Any = tifffile.xml2dict(tif.ome_metadata).get("OME", {}).get("Image", {})
    pixels = (pixels[0] if isinstance(pixels, list) else pixels).get("Pixels", {})
    size, unit = pixels.get("PhysicalSizeX"), str(pixels.get("PhysicalSizeXUnit", "µm"))
    return float(size) * UM_PER_NAME[unit] if size and unit in UM_PER_NAME else None


def _from_camera(tif: tifffile.TiffFile) -> float | None:
    """Micro-Manager's summary, Olympus SIS's tags (metres) or Aperio's description (MPP)."""
    maker = tif.micromanager_metadata if tif.is_micromanager else None
    summary = maker.get("Summary") if isinstance(maker, dict) else None
    if isinstance(summary, dict) and (size := _number(summary.get("PixelSize_um"))):
        return size
    if tif.is_sis and (size := _number((tif.sis_metadata or {}).get("pixelsizex"))):
        return size * UM_PER_NAME["m"]
    if tif.is_svs and (mpp := MPP.search(tif.pages[0].description)):
        return float(mpp[1])
    return None


def _number(value: Any) -> float | None:
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def _from_imagej(tif: tifffile.TiffFile) -> float | None:
    unit = str((tif.imagej_metadata or {}).get("unit", "")).lower()
    return _from_tags(tif, UM_PER_NAME[unit]) if unit in UM_PER_NAME else None


def _from_tags(tif: tifffile.TiffFile, unit_um: float | None = None) -> float | None:
    """The resolution tags, in their own unit or another."""
    tags = tif.pages[0].tags
    resolution = tags.valueof("XResolution")
    if not resolution or not resolution[0] or not resolution[1]:
        return None
    unit_um = unit_um or UM_PER_UNIT.get(int(tags.valueof("ResolutionUnit", default=INCH)))
    return unit_um * resolution[1] / resolution[0] if unit_um else None


SOURCES: dict[str, Callable[[tifffile.TiffFile], float | None]] = {  # what is trusted first comes first
    "OME metadata": _from_ome,
    "microscope metadata": _from_camera,
    "ImageJ metadata": _from_imagej,
    "TIFF resolution": _from_tags,
}
