"""Slides as OME-Zarr (NGFF 0.4 and 0.5, https://ngff.openmicroscopy.org), through zarr."""

from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray

from bccseg.errors import ImageError, UnsupportedImage
from bccseg.slides.slide import LARGEST_PIECE, Slide, as_rgb, check_kind

UM_PER_UNIT = {"meter": 1e6, "centimeter": 1e4, "millimeter": 1e3, "micrometer": 1.0, "nanometer": 1e-3}


class ZarrSlide(Slide):
    """The first image of an OME-Zarr folder; of time and depth the first plane."""

    def __init__(self, path: Path) -> None:
        """Raises ImageError, UnsupportedImage."""
        try:
            group = zarr.open_group(path, mode="r")
            image = _multiscales(group)
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise ImageError(
                f"The folder {path.name} is no OME-Zarr image. Name the folder that holds its .zattrs or zarr.json."
            ) from error
        self._axes = "".join(axis["name"] if isinstance(axis, dict) else axis for axis in image["axes"]).upper()
        if "Y" not in self._axes or "X" not in self._axes:
            raise UnsupportedImage(f"{path.name} holds no picture of height and width.")
        try:
            self._levels: list[Any] = [group[one["path"]] for one in image["datasets"]]
            scale = _scale(image)
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise ImageError(f"{path.name} lacks one of the levels that it lists. Export it again.") from error
        first = self._levels[0]
        check_kind(first.dtype, first.shape[self._axes.index("C")] if "C" in self._axes else 1, path.name)
        if np.prod(first.chunks) > LARGEST_PIECE:
            raise UnsupportedImage(
                f"{path.name} is stored in pieces of {np.prod(first.chunks) / 1e6:,.0f} megapixels. Export it with "
                "smaller chunks, such as 1024 px."
            )
        y, x = self._axes.index("Y"), self._axes.index("X")
        axis = image["axes"][x]
        unit = UM_PER_UNIT.get(axis.get("unit", "")) if isinstance(axis, dict) else None
        size = scale[x] * unit if scale and unit else None
        super().__init__(path, [(a.shape[y], a.shape[x]) for a in self._levels], size, "OME metadata" if size else "")

    def _read(self, level: int, y: int, x: int, height: int, width: int) -> NDArray[np.uint8]:
        windows = {"Y": slice(y, y + height), "X": slice(x, x + width), "C": slice(None)}
        values = self._levels[level][tuple(windows.get(axis, 0) for axis in self._axes)]
        return as_rgb(np.asarray(values), "".join(axis for axis in self._axes if axis in "YXC"), self.path.name)

    def close(self) -> None:
        """Let go of the files."""
        self._levels = []


def _multiscales(group: zarr.Group) -> Any:
    """The first image's metadata; of a converter's folder (bioformats2raw) that of its series 0."""
    for at in (group, group.get("0")):
        if not isinstance(at, zarr.Group):
            continue
        found = dict(at.attrs)
        found = found.get("ome", found)  # 0.5 puts all under "ome"
        if isinstance(found, dict) and found.get("multiscales"):
            image = dict(found["multiscales"][0])
            prefix = f"{at.path}/" if at.path else ""
            image["datasets"] = [{**one, "path": prefix + str(one["path"])} for one in image["datasets"]]
            image.setdefault("axes", ["t", "c", "z", "y", "x"])  # before 0.3
            return image
    raise KeyError("multiscales")


def _scale(image: Any) -> list[float] | None:
    """Size of a pixel of level 0 along each axis, in the units of the axes; None where it is not said."""
    steps = [
        one["scale"]
        for one in [
            *image["datasets"][0].get("coordinateTransformations", ()),
            *image.get("coordinateTransformations", ()),
        ]
        if one.get("type") == "scale"
    ]
    return [float(v) for v in np.prod(steps, axis=0)] if steps else None
