"""What is known of one segmented image; every table, picture and export starts from it."""

from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bccseg.config import SegmentSettings
from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.flags import flag_cells
from bccseg.imaging.full_outline import FullOutlines, ellipse_polygon, hidden_in_part
from bccseg.imaging.label_image import Labels
from bccseg.imaging.measure import ImageSummary, measure_cells, summarise
from bccseg.imaging.regions import Region
from bccseg.imaging.selection import Candidates
from bccseg.imaging.small_cells import SmallCells

TYPED = "typed"  # a pixel size
# measured in the image; given by the person; assumed, because no cells were found
DiameterFrom = Literal["measured", "given", "assumed"]


@dataclass(frozen=True)
class Correction:
    """What a person did to an image's cells."""

    edits: int
    when: str  # ISO 8601, UTC
    author: str = ""  # as typed; empty if no name was given


@dataclass(frozen=True)
class Provenance:
    """What made a result, so that it can be repeated; "" in results of earlier versions."""

    file_sha256: str = ""  # of the image's file, before it was decoded
    weights_sha256: str = ""  # of model.safetensors
    head_sha256: str = ""  # of the classes of whole cells that came with it; "" without any
    version: str = ""  # of bccseg
    when: str = ""  # ISO 8601, UTC


@dataclass(frozen=True, kw_only=True)
class MeasuredImage:
    """One image's cells in numbers, and how they were found; without pixels, so that many fit the memory."""

    name: str  # as the person knows it, e.g. "smear 7.tif, page 2"
    stem: str  # for file names, unique in a batch; with the folder, if it came in one
    shape: tuple[int, int]  # (H, W)
    cells: pd.DataFrame  # see `measure_cells`; and `flag`, see `flag_cells`
    summary: ImageSummary
    scores: NDArray[np.float32]  # (N,); NaN for cells that a person drew or changed
    diameter_px: float  # typical cell that was looked for
    diameter_from: DiameterFrom = "measured"
    pixel_size_um: float | None = None
    pixel_size_from: str = (
        ""  # where it comes from, in words; "" in results of earlier versions, see `pixel_size_source`
    )
    stated_pixel_size_um: float | None = None  # as the file states it ...
    stated_pixel_size_from: str = ""  # ... and where
    regions: tuple[Region, ...] = ()  # drawn by a person
    settings: SegmentSettings = field(default_factory=SegmentSettings)  # what counts as a cell
    weights: str = ""
    device: str = ""
    provenance: Provenance = Provenance()
    notes: tuple[str, ...] = ()
    page: int = 1  # of a file with several
    seconds: dict[str, float] = field(default_factory=dict)
    # Whole outlines of the cells that others hide in part, by cell id: (K, 2) x, y in px.
    hidden: dict[int, NDArray[np.float64]] = field(default_factory=dict)
    correction: Correction | None = None  # None: as the network found it
    # Objects left out as too uncertain: x, y, score.
    rejected: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 3), np.float32))
    candidates: Candidates | None = None  # with what does not count; None: nothing else was outlined
    classes: Classification | None = None  # (N,), by id; None: the network tells none
    small_cells: SmallCells | None = None  # such as platelets; they are in none of the fields above

    @property
    def pixel_size_source(self) -> str:
        """Where the pixel size comes from, in words; "" where it is not known."""
        if not self.pixel_size_um:
            return ""
        stated = self.pixel_size_um == self.stated_pixel_size_um
        return self.pixel_size_from or (stated_source(self.stated_pixel_size_from) if stated else TYPED)

    def with_pixels(self, image: NDArray[np.uint8], labels: Labels) -> "ImageResult":
        """The result with its image (H, W, 3) and labels (H, W)."""
        values = {f.name: getattr(self, f.name) for f in fields(MeasuredImage)}
        return ImageResult(**values, image=image, labels=labels)


@dataclass(frozen=True, kw_only=True)
class ImageResult(MeasuredImage):
    """One image, its cells, their measures, and how they were found."""

    image: NDArray[np.uint8]  # (H, W, 3)
    labels: Labels  # (H, W)

    @classmethod
    def measure(
        cls,
        image: NDArray[np.uint8],
        labels: Labels,
        scores: NDArray[np.float32],
        pixel_size_um: float | None = None,
        whole: FullOutlines | None = None,
        in_frame: int | None = None,
        **facts: Any,
    ) -> Self:
        """Measure labels int32 (H, W) of an image uint8 (H, W, 3).

        whole: what the network says of each whole cell. in_frame: cells in the counting frame, where the labels lack
        cut cells. facts: the other fields of `MeasuredImage`.
        """
        cells = measure_cells(labels, image, scores, pixel_size_um)
        cells["flag"] = flag_cells(cells, labels, image)
        hidden = add_full_areas(cells, labels, whole, pixel_size_um)
        summary = summarise(cells, labels.shape, pixel_size_um, in_frame)
        return cls(
            image=image, labels=labels, scores=scores, pixel_size_um=pixel_size_um, shape=labels.shape,
            cells=cells, summary=summary, hidden=hidden, **facts,
        )  # fmt: skip

    def without_pixels(self) -> MeasuredImage:
        """What is left when the pixels are written or packed elsewhere."""
        return MeasuredImage(**{f.name: getattr(self, f.name) for f in fields(MeasuredImage)})


def stated_source(part: str) -> str:
    """How tables say that the file states a pixel size. part: of it."""
    return f"file: {part}" if part else "file"


def add_full_areas(
    cells: pd.DataFrame, labels: Labels, whole: FullOutlines | None, pixel_size_um: float | None
) -> dict[int, NDArray[np.float64]]:
    """Add, in place, area_full_px and area_full_error_px (and _um2) to a `measure_cells` table: the whole area of the
    cells that others hide in part, and its standard deviation; empty for all others. Returns their outlines by id.
    """
    area, error = np.full(len(cells), np.nan), np.full(len(cells), np.nan)
    outlines = {}
    if whole is not None and len(cells):
        ids = cells["cell_id"].to_numpy()
        visible = np.zeros(len(whole.error))
        visible[ids - 1] = cells["area_px"]
        shown = hidden_in_part(labels, whole, visible)[ids - 1]
        area[shown] = whole.area[ids - 1][shown]
        error[shown] = (whole.area * whole.error)[ids - 1][shown]
        outlines = {int(k): ellipse_polygon(whole.centre[k - 1], whole.spread[k - 1]) for k in ids[shown]}
    cells["area_full_px"], cells["area_full_error_px"] = area, error
    add_full_um2(cells, pixel_size_um)
    return outlines


def add_full_um2(cells: pd.DataFrame, pixel_size_um: float | None) -> None:
    """Add, in place, the whole areas in µm² where the pixel size is known."""
    if pixel_size_um:
        for name in ("area_full", "area_full_error"):
            cells[f"{name}_um2"] = cells[f"{name}_px"] * pixel_size_um**2
