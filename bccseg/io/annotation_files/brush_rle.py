"""The run lengths that Label Studio keeps brush strokes in: the packing of thi.ng/rle-pack, of RGBA values.

A stream of bits, the highest first: 32 for how many values there are, 5 for how many bits a value has less one, four
times 4 for the sizes of run lengths less one. Then blocks: a bit that says whether one value repeats, two that choose
the size, the length less one in that size, and the value, or the values.
"""

from typing import Any

import numpy as np

from bccseg.errors import DataError
from bccseg.imaging.label_image import Mask
from bccseg.io.page import MAX_PIXELS


class _Bits:
    def __init__(self, data: bytes) -> None:
        self.bits = "".join(f"{byte:08b}" for byte in data)
        self.at = 0

    def read(self, count: int) -> int:
        if self.at + count > len(self.bits):
            raise ValueError
        self.at += count
        return int(self.bits[self.at - count : self.at], 2)


def brush_mask(rle: Any, size: tuple[int, int], what: str) -> Mask:
    """The mask (H, W) of a brush stroke: where it is not transparent. Raises DataError."""
    height, width = size
    try:
        bits = _Bits(bytes(rle))
        count, word = bits.read(32), bits.read(5) + 1
        sizes = [bits.read(4) + 1 for _ in range(4)]
        if count != 4 * height * width or height * width > MAX_PIXELS or word > 16:
            raise ValueError
        values, at = np.zeros(count, np.uint16), 0
        while at < count:
            repeats, length = bits.read(1), bits.read(sizes[bits.read(2)]) + 1
            if at + length > count:
                raise ValueError
            if repeats:
                values[at : at + length] = bits.read(word)
            else:
                values[at : at + length] = [bits.read(word) for _ in range(length)]
            at += length
    except (TypeError, ValueError) as error:
        raise DataError(f"{what} of the Label Studio file is damaged: a brush stroke cannot be read.") from error
    return values.reshape(height, width, 4)[..., 3] > 0
