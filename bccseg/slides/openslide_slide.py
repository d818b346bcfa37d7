"""Slides of other formats (MIRAX, Leica, Ventana, Trestle, Zeiss, DICOM) through OpenSlide, the extra `slides`."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bccseg.errors import ImageError, UnsupportedImage
from bccseg.io.tiff import PLAUSIBLE_UM
from bccseg.slides.slide import Slide, as_rgb


def openslide_is_here() -> bool:
    """Whether OpenSlide can be imported."""
    if find_spec("openslide") is None:
        return False
    try:
        import openslide  # noqa: F401
    except (ImportError, OSError):  # its C library is missing
        return False
    return True


class OpenSlideSlide(Slide):
    """What OpenSlide opens."""

    def __init__(self, path: Path) -> None:
        """Raises ImageError, UnsupportedImage."""
        import openslide

        try:
            self._file = openslide.OpenSlide(path)
        except openslide.OpenSlideUnsupportedFormatError as error:
            raise UnsupportedImage(
                f"{path.name} is no slide that can be read. Export it as TIFF or OME-Zarr; an ordinary image is for "
                "`bccseg segment`."
            ) from error
        except openslide.OpenSlideError as error:
            raise ImageError(f"{path.name} is damaged ({error}). Export it again.") from error
        said = self._file.properties.get(openslide.PROPERTY_NAME_MPP_X, "")
        size = float(said) if said else None
        if size is not None and not PLAUSIBLE_UM[0] <= size <= PLAUSIBLE_UM[1]:
            size = None
        shapes = [(h, w) for w, h in self._file.level_dimensions]
        super().__init__(path, shapes, size, "slide metadata" if size else "")

    def _read(self, level: int, y: int, x: int, height: int, width: int) -> NDArray[np.uint8]:
        factor = self._file.level_downsamples[level]  # OpenSlide wants the place in px of level 0
        place = (round(x * factor), round(y * factor))
        return as_rgb(np.asarray(self._file.read_region(place, level, (width, height))), "YXS", self.path.name)

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
