"""Where in a TIFF file its pixel size is found, and which part is trusted first."""

import io

import numpy as np
import pytest
import tifffile

from bccseg.io.images import decode

GREY = np.full((20, 30), 128, np.uint8)


def written(**options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, GREY, **options)
    return decode(buffer.getvalue())[0]


@pytest.mark.parametrize(
    ("options", "size", "source"),
    [
        ({"resolution": (1e4 / 0.25, 1e4 / 0.25), "resolutionunit": "CENTIMETER"}, 0.25, "TIFF resolution"),
        ({"imagej": True, "resolution": (8, 8), "metadata": {"unit": "um"}}, 0.125, "ImageJ metadata"),
        ({"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 65.0, "PhysicalSizeXUnit": "nm"}}, 0.065,
         "OME metadata"),
        ({"description": "Aperio Image Library\r\n30x20|AppMag = 40|MPP = 0.2520|Left = 1"}, 0.252,
         "microscope metadata"),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None, ""),  # a screen's
        ({}, None, ""),
    ],
)  # fmt: skip
def test_the_part_that_says_it_is_named(options, size, source):
    page = written(**options)
    assert page.pixel_size_um == (None if size is None else pytest.approx(size))
    assert page.pixel_size_from == source


def test_ome_goes_before_the_resolution():
    page = written(
        ome=True, metadata={"axes": "YX", "PhysicalSizeX": 0.1}, resolution=(1e4 / 0.25, 1e4 / 0.25), resolutionunit=3
    )
    assert (page.pixel_size_um, page.pixel_size_from) == (pytest.approx(0.1), "OME metadata")
