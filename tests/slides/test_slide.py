import numpy as np
import pytest
import tifffile
import zarr

from bccseg.errors import ImageError, UnsupportedImage
from bccseg.imaging.synthetic import draw_smear
from bccseg.slides.open import open_slide
from tests.slides.slide_files import (
    PIXEL_UM,
    smaller,
    write_bigtiff,
    write_ndpi,
    write_ome_tiff,
    write_ome_zarr,
    write_svs,
)


@pytest.fixture(scope="module")
def image():
    return draw_smear((720, 1200), cells=60, diameter_px=56, seed=5)[0]


EXACT = {
    "zlib": lambda path, image: write_bigtiff(path / "a.tif", image),
    "zstd": lambda path, image: write_bigtiff(path / "a.tif", image, "zstd"),
    "lzw": lambda path, image: write_bigtiff(path / "a.tif", image, "lzw"),
    "raw": lambda path, image: write_bigtiff(path / "a.tif", image, None),
    "jpeg2000": lambda path, image: write_bigtiff(path / "a.tif", image, "jpeg2000"),
    "ome-tiff": lambda path, image: write_ome_tiff(path / "a.ome.tif", image),
    "ome-tiff in planes": lambda path, image: write_ome_tiff(path / "a.ome.tif", image, "CYX"),
    "ome-zarr 0.5": lambda path, image: write_ome_zarr(path / "a.ome.zarr", image),
    "ome-zarr 0.4": lambda path, image: write_ome_zarr(path / "a.zarr", image, "0.4", "tczyx"),
    "bioformats2raw": lambda path, image: write_ome_zarr(path / "a.zarr", image, "0.4", "tczyx", nested="0"),
}
LOSSY = {
    "jpeg": lambda path, image: write_bigtiff(path / "a.tif", image, "jpeg"),
    "svs": lambda path, image: write_svs(path / "a.svs", image),
    "ndpi": lambda path, image: write_ndpi(path / "a.ndpi", image),
}


@pytest.mark.parametrize("kind", [*EXACT, *LOSSY])
def test_regions_of_every_format_are_those_of_the_image(kind, tmp_path, image):
    """Whole pixels where nothing is lost; JPEG within what JPEG costs."""
    most = 0.0 if kind in EXACT else 3.0
    with open_slide({**EXACT, **LOSSY}[kind](tmp_path, image)) as slide:
        assert slide.shape == (720, 1200)
        assert slide.pixel_size_um == pytest.approx(PIXEL_UM, rel=1e-3)
        assert [round(level.downsample) for level in slide.levels] == [
            1,
            2 if "zarr" in kind or kind == "bioformats2raw" else 4,
        ]
        for y, x, height, width in [(0, 0, 720, 1200), (101, 333, 260, 401), (719, 1199, 1, 1)]:
            got = slide.region(0, y, x, height, width)
            assert got.dtype == np.uint8
            assert np.abs(got.astype(int) - image[y : y + height, x : x + width]).mean() <= most
        factor = round(slide.levels[1].downsample)
        small = slide.region(1, 10, 20, 100, 120)
        assert np.abs(small.astype(int) - smaller(image, factor)[10:110, 20:140]).mean() <= most


def test_what_lies_outside_is_white(tmp_path, image):
    with open_slide(write_bigtiff(tmp_path / "a.tif", image)) as slide:
        got = slide.region(0, -5, 1190, 10, 20)
    assert (got[:5] == 255).all()
    assert (got[:, 10:] == 255).all()
    assert (got[5:, :10] == image[:5, 1190:]).all()


def test_the_single_jpeg_of_an_ndpi_is_unpacked_in_parts(tmp_path, image):
    with open_slide(write_ndpi(tmp_path / "a.ndpi", image)) as slide:
        assert slide._levels[0].chunks == (8, 600, 3)


def test_only_the_tiles_of_a_region_are_unpacked(tmp_path, image):
    """A damaged tile elsewhere does no harm; in the region it is named."""
    path = write_bigtiff(tmp_path / "a.tif", image, "zlib")
    with tifffile.TiffFile(path) as tif:
        at, length = tif.pages[0].dataoffsets[-1], tif.pages[0].databytecounts[-1]
    with path.open("r+b") as file:
        file.seek(at)
        file.write(b"\0" * length)
    with open_slide(path) as slide:
        assert (slide.region(0, 0, 0, 500, 1000) == image[:500, :1000]).all()
        with pytest.raises(ImageError, match="damaged at x 1,100, y 600 of level 0"):
            slide.region(0, 600, 1100, 100, 100)


def test_shrunk_is_the_mean_whatever_the_levels(tmp_path, image):
    plain = tmp_path / "plain.tif"
    tifffile.imwrite(plain, image, photometric="rgb", tile=(256, 256))
    for path in (plain, write_bigtiff(tmp_path / "a.tif", image)):
        with open_slide(path) as slide:
            got = slide.shrunk(8.0)
        assert got.shape == (90, 150, 3)
        assert np.abs(got.astype(int) - smaller(image, 8)).max() <= 1


def test_a_raw_picture_in_one_piece_is_read_in_part(tmp_path, image):
    path = tmp_path / "raw.tif"
    tifffile.imwrite(path, image, photometric="rgb")
    with open_slide(path) as slide:
        assert isinstance(slide._levels[0], np.memmap)
        assert (slide.region(0, 50, 60, 70, 80) == image[50:120, 60:140]).all()


def test_a_large_picture_in_one_packed_piece_is_refused(tmp_path, monkeypatch, image):
    path = tmp_path / "one.tif"
    tifffile.imwrite(path, image, photometric="rgb", compression="zlib", rowsperstrip=720)
    monkeypatch.setattr("bccseg.slides.tiff_slide.LARGEST_PIECE", 1_000_000)
    with pytest.raises(UnsupportedImage, match="Save it as a tiled TIFF"):
        open_slide(path)


def test_what_cannot_be_read_is_named(tmp_path, image):
    with pytest.raises(ImageError, match="no file"):
        open_slide(tmp_path / "none.svs")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ImageError, match="no OME-Zarr"):
        open_slide(tmp_path / "folder")
    zarr.open_group(tmp_path / "empty.zarr", mode="w")
    with pytest.raises(ImageError, match="no OME-Zarr"):
        open_slide(tmp_path / "empty.zarr")
    cut = write_bigtiff(tmp_path / "a.tif", image)
    cut.write_bytes(cut.read_bytes()[:300])
    with pytest.raises(ImageError, match="damaged"):
        open_slide(cut)
    tifffile.imwrite(tmp_path / "deep.tif", np.zeros((64, 64), np.uint16))
    with pytest.raises(UnsupportedImage, match="8 bits"):
        open_slide(tmp_path / "deep.tif")
    tifffile.imwrite(tmp_path / "stack.tif", np.zeros((7, 64, 64), np.uint8), photometric="minisblack")
    with pytest.raises(UnsupportedImage, match="stack"):
        open_slide(tmp_path / "stack.tif")
    (tmp_path / "a.txt").write_bytes(b"hello, hello")
    with pytest.raises(UnsupportedImage, match="segment"):
        open_slide(tmp_path / "a.txt")


def test_without_openslide_the_extra_is_named(tmp_path, monkeypatch):
    (tmp_path / "a.mrxs").write_bytes(b"hello, hello")
    monkeypatch.setattr("bccseg.slides.openslide_slide.find_spec", lambda _name: None)
    with pytest.raises(UnsupportedImage, match="extra `slides`"):
        open_slide(tmp_path / "a.mrxs")


def test_openslide_reads_the_same(tmp_path, image):
    pytest.importorskip("openslide")
    from bccseg.slides.openslide_slide import OpenSlideSlide

    with OpenSlideSlide(write_svs(tmp_path / "a.svs", image)) as slide:
        assert slide.shape == (720, 1200)
        assert slide.pixel_size_um == pytest.approx(PIXEL_UM)
        got = slide.region(0, 101, 333, 260, 401)
    assert np.abs(got.astype(int) - image[101:361, 333:734]).mean() < 3
