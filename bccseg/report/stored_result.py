"""What one visitor has segmented, kept small: the file as it came and packed labels."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from bccseg.config import SegmentSettings
from bccseg.imaging.regions import Region
from bccseg.io.images import decode
from bccseg.report.cell_marks import MarkedCells
from bccseg.report.corrected import corrected_result
from bccseg.report.recount import pixel_size_of, recount, with_pixel_size
from bccseg.report.result import TYPED, ImageResult, MeasuredImage


@dataclass(frozen=True)
class StoredResult:
    """A result whose pixels are unpacked only while they are shown."""

    measured: MeasuredImage
    source: bytes  # the file
    labels: bytes  # int32, zlib
    found: "StoredResult | None" = None  # what the network found, where a person corrected it
    draft: str = ""  # id of the correction that was begun from it ...
    edits_before: int = 0  # ... and the edits that had been made by then, in drafts that are done
    draft_size: int = 0  # of its log, bytes, when its cells were last taken up here

    @classmethod
    def pack(cls, result: ImageResult, source: bytes) -> "StoredResult":
        """Keep a result and the file it came from."""
        return cls(result.without_pixels(), source, zlib.compress(result.labels.tobytes(), 1))

    @property
    def proposal(self) -> "StoredResult":
        """What the network found."""
        return self.found or self

    def unpack(self) -> ImageResult:
        """The result with its image and labels."""
        labels = np.frombuffer(zlib.decompress(self.labels), np.int32).reshape(self.measured.shape)
        return self.measured.with_pixels(decode(self.source, self.measured.page)[0].image, labels)

    def with_regions(self, regions: Sequence[Region]) -> "StoredResult":
        """The result with other regions; what the network found, too."""
        found = self.found and self.found.with_regions(regions)
        return replace(self, measured=replace(self.measured, regions=tuple(regions)), found=found)

    def counts_as(self, settings: SegmentSettings, typed_um: float | None, typed_from: str = TYPED) -> bool:
        """Whether it was measured with that pixel size (None: as the file states it; and where it comes from), smallest
        cell and rule for cut cells; what the network found, too.
        """
        measured = self.measured
        return (
            (measured.settings.min_cell_percent, measured.settings.drop_border_cells)
            == (settings.min_cell_percent, settings.drop_border_cells)
            and (measured.pixel_size_um, measured.pixel_size_source) == pixel_size_of(measured, typed_um, typed_from)
            and (self.found is None or self.found.counts_as(settings, typed_um, typed_from))
        )

    def recounted(self, settings: SegmentSettings, typed_um: float | None, typed_from: str = TYPED) -> "StoredResult":
        """The result measured with those; itself if it is. The network is not asked."""
        if self.counts_as(settings, typed_um, typed_from):
            return self
        found = self.found and self.found.recounted(settings, typed_um, typed_from)
        new = replace(self, measured=with_pixel_size(self.measured, typed_um, typed_from), found=found)
        rule = new.measured.settings.replace(
            min_cell_percent=settings.min_cell_percent, drop_border_cells=settings.drop_border_cells
        )
        if rule == new.measured.settings:
            return new  # no pixels are needed
        result, made = new.unpack(), new.measured.correction
        if found and made:
            result = corrected_result(found.unpack(), MarkedCells.of_result(result), made)
        else:
            result = recount(result, rule)
        packed = StoredResult.pack(result, self.source)
        return replace(new, measured=packed.measured, labels=packed.labels)
