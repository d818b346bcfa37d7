"""Small files that claim to be large, and files whose lists have no end: an error in words, soon, in little memory."""

import io
import struct
import time
import zipfile
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from bccseg.errors import ImageError, ImageTooLarge
from bccseg.io.archive import expand, zip_members
from bccseg.io.images import count_pixels, decode, to_rgb
from bccseg.io.label_files import read_labels
from bccseg.io.page import MAX_SIDE_PX
from bccseg.slides.open import open_slide
from bccseg.slides.slide import LONGEST_PX


def png_head(width, height):
    """A PNG that says it is so large, and then ends."""
    out = b"\x89PNG\r\n\x1a\n"
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    for kind, body in ((b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")):
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return out


@pytest.mark.parametrize("size", [(20_000, 20_000), (MAX_SIDE_PX + 1, 10), (10, 2_000_000)])
def test_a_picture_that_claims_too_much_is_refused_unread(size):
    with pytest.raises(ImageTooLarge, match="px"):
        decode(png_head(*size))


def test_a_tiff_whose_pages_have_no_end_is_refused():
    data = bytearray(b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1))
    data += struct.pack("<HHII", 256, 3, 1, 10) + struct.pack("<I", 8)  # the next page is this one again
    began = time.monotonic()
    assert count_pixels(bytes(data)) == 0
    with pytest.raises(ImageError):
        decode(bytes(data))
    assert time.monotonic() - began < 10


def test_a_zip_whose_members_have_no_name_is_read():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", b"1")
        archive.writestr("b.png", b"2")
    broken = file.getvalue().replace(b"a.png", b"\0.png")  # names end at a zero
    assert [entry.name for entry in expand("x.zip", broken)] == ["b.png"]
    assert list(zip_members(broken)) == ["b.png"]


def test_labels_far_larger_than_the_image_are_not_unpacked(monkeypatch):
    monkeypatch.setattr("bccseg.io.label_files._grey", lambda _data: pytest.fail("it was unpacked"))
    with pytest.raises(ImageError, match="far larger"):
        read_labels(png_head(9_000, 9_000), (64, 64))


@pytest.mark.parametrize("shape", [(LONGEST_PX + 16, 16), (16, 4_000_000_000)])
def test_a_slide_that_cannot_be_is_refused(tmp_path, shape):
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((64, 64, 3), np.uint8), tile=(16, 16), photometric="rgb")
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tif:
        tags = tif.pages[0].tags
        places = [(tags["ImageLength"], shape[0]), (tags["ImageWidth"], shape[1])]
    for tag, value in places:
        struct.pack_into("<HI", data, tag.offset + 2, 4, 1)  # one number of 32 bits
        struct.pack_into("<I", data, tag.offset + 8, value)
    path.write_bytes(data)
    with pytest.raises(ImageError, match="cannot be"):
        open_slide(path)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "LA", "CMYK", "1"])
def test_bands_give_what_the_whole_gives(mode, monkeypatch):
    rng = np.random.default_rng(1)
    picture = Image.fromarray(rng.integers(0, 256, (37, 23, 4), np.uint8), "RGBA")
    picture = picture if mode in ("RGBA", "LA") else picture.convert("RGB")
    picture = picture.convert(mode)
    whole = to_rgb(picture)
    monkeypatch.setattr("bccseg.io.images.BAND_PX", 23 * 5)
    assert np.array_equal(to_rgb(picture), whole)
