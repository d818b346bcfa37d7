"""What one visitor has segmented, kept small: the file as it came and packed labels."""

import zlib
from dataclasses import dataclass, replace

import numpy as np

from bccseg.io.images import decode
from bccseg.report.result import ImageResult

NO_PIXELS = np.zeros((0, 0, 3), np.uint8)
NO_LABELS = np.zeros((0, 0), np.int32)


@dataclass(frozen=True)
class StoredResult:
    """A result whose pixels are unpacked only while they are shown."""

    slim: ImageResult  # without image and labels; cells and summary are there
    source: bytes
    labels: bytes
    shape: tuple[int, int]

    @classmethod
    def pack(cls, result: ImageResult, source: bytes) -> "StoredResult":
        """Keep a result and the file it came from."""
        slim = replace(result, image=NO_PIXELS, labels=NO_LABELS)
        slim.__dict__.update(cells=result.cells, summary=result.summary)  # the cached properties
        return cls(slim, source, zlib.compress(result.labels.tobytes(), 1), result.labels.shape)

    def unpack(self) -> ImageResult:
        """The result with its image and labels."""
        labels = np.frombuffer(zlib.decompress(self.labels), np.int32).reshape(self.shape)
        full = replace(self.slim, image=decode(self.source)[self.slim.page - 1].image, labels=labels)
        full.__dict__.update(cells=self.slim.cells, summary=self.slim.summary)
        return full
