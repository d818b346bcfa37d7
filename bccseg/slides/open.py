"""Opening a slide, whatever its format."""

from pathlib import Path

from bccseg.errors import ImageError, UnsupportedImage
from bccseg.io.tiff import is_tiff
from bccseg.slides.openslide_slide import OpenSlideSlide, openslide_is_here
from bccseg.slides.slide import Slide
from bccseg.slides.tiff_slide import TiffSlide
from bccseg.slides.zarr_slide import ZarrSlide


def open_slide(path: Path | str) -> Slide:
    """Open a whole slide or a very large image: SVS, NDPI, (Big)TIFF, OME-TIFF, OME-Zarr; with the extra `slides` also
    what OpenSlide reads, such as MIRAX.

    Raises ImageError, UnsupportedImage.
    """
    path = Path(path)
    if not path.exists():
        raise ImageError(f"There is no file '{path}'.")
    if path.is_dir():
        return ZarrSlide(path)
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise ImageError(f"{path.name} cannot be opened ({error.strerror}).") from error
    if is_tiff(head):
        return TiffSlide(path)
    if openslide_is_here():
        return OpenSlideSlide(path)
    raise UnsupportedImage(
        f"{path.name} is no SVS, NDPI, TIFF or OME-Zarr. If it is another slide format, such as MIRAX, install the "
        "extra `slides` (pip install openslide-python openslide-bin); an ordinary image is for `bccseg segment`."
    )
