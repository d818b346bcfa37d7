"""What one visitor has segmented, kept small: the file as it came and packed labels."""

import zlib
from dataclasses import dataclass

import numpy as np

from bccseg.io.images import decode
from bccseg.report.result import ImageResult, MeasuredImage


@dataclass(frozen=True)
class StoredResult:
    """A result whose pixels are unpacked only while they are shown."""

    measured: MeasuredImage
    source: bytes  # the file
    labels: bytes  # int32, zlib
    found: "StoredResult | None" = None  # what the network found, where a person corrected it
    draft: str = ""  # id of the correction that was begun from it ...
    edits_before: int = 0  # ... and the edits that had been made by then, in drafts that are done

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
