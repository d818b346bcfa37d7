"""The quick way of reading PNGs gives the pixels that Pillow gives, and leaves to Pillow what it does not know."""

import io

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from bccseg.errors import ImageError
from bccseg.io.images import _plain_png, decode

PIXELS = np.random.default_rng(3).integers(0, 256, (37, 53, 3), np.uint8)


def png(picture=None, **how):
    buffer = io.BytesIO()
    (picture or Image.fromarray(PIXELS)).save(buffer, "PNG", **how)
    return buffer.getvalue()


def plain(data):
    with Image.open(io.BytesIO(data)) as picture:
        return _plain_png(picture, data)


def test_a_plain_one_is_read_as_it_is():
    assert (plain(png()) == PIXELS).all()
    page = decode(png())[0]
    assert (page.image == PIXELS).all()
    assert page.notes == ()


def test_what_says_more_is_left_to_pillow():
    turned = Image.Exif()
    turned[0x0112] = 6
    text = PngInfo()
    text.add_itxt("XML:com.adobe.xmp", "<x:xmpmeta/>")
    others = [png(exif=turned), png(pnginfo=text), png(transparency=(0, 0, 0)), png(Image.fromarray(PIXELS[..., 0]))]
    assert [plain(data) for data in others] == [None] * 4
    assert decode(others[0])[0].image.shape == (53, 37, 3)


def test_damaged_ones_say_so():
    for data in (png()[:-2000], png()[:400]):
        with pytest.raises(ImageError, match="damaged or cut off"):
            decode(data)
