import contextlib
import io

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from bccseg.errors import ImageError, ImageTooLarge, UnsupportedImage
from bccseg.io import archive
from bccseg.io.archive import count_files, expand, flat_stem, inner_path, safe_stem, unique
from bccseg.io.images import decode, read_pages
from tests.odd_files import odd_files, picture, saved, tiff, zipped

FILES = odd_files()
RGB = np.asarray(picture())


@pytest.mark.parametrize("name", [n for n in FILES if not n.endswith(".zip")])
def test_odd_files_give_pictures_or_a_clear_error(name):
    data, expected = FILES[name]
    if expected == 0:
        with pytest.raises(ImageError) as caught:
            decode(data)
        text = str(caught.value)
        assert text.endswith(".")
        assert not any(word in text for word in ("Traceback", "dtype", "NoneType", "object at"))
        return
    pages = decode(data)
    assert len(pages) == expected
    for page in pages:
        assert page.image.dtype == np.uint8
        assert page.image.ndim == 3
        assert page.image.shape[2] == 3


@pytest.mark.parametrize(
    "name", ["alpha.png", "palette.png", "planar.tif", "deflate.tif", "lzw.tif", "bigtiff.tif", "pages.tif", "cmyk.tif"]
)
def test_colours_come_through(name):
    for page in decode(FILES[name][0]):
        away = np.abs(page.image[2:].astype(int) - RGB[2:]).max()
        assert away <= (60 if name.startswith("palette") else 1)


def test_transparency_is_laid_on_white():
    clear = saved(Image.new("RGBA", (4, 4), (10, 20, 30, 0)))
    assert (decode(clear)[0].image == 255).all()
    assert (decode(FILES["alpha.tif"][0])[0].image[0, 0] == 255).all()


def test_16_bits_are_scaled_and_told():
    page = decode(FILES["sixteen bit.tif"][0])[0]
    assert "16-bit" in page.notes[0]
    assert page.image.max() == 255
    assert page.image.min() == pytest.approx(255 * int(np.asarray(picture("L")).min()) / 225, abs=2)
    same = decode(FILES["sixteen bit.png"][0])[0]
    assert (same.image == page.image).all()


def test_photographs_are_turned_upright():
    page = decode(FILES["rotated.jpg"][0])[0]
    assert page.image.shape[:2] == (120, 80)
    assert "upright" in page.notes[0]


def test_miniswhite_is_inverted():
    grey = np.asarray(picture("L"))
    page = decode(tiff(255 - grey, photometric="miniswhite"))[0]
    assert (page.image[..., 0] == grey).all()


def test_bombs_are_refused_by_their_header():
    with pytest.raises(ImageTooLarge, match="20,000 x 20,000"):
        decode(FILES["bomb 20000.png"][0])
    lie = bytearray(tiff(np.zeros((64, 64), np.uint8), metadata=None))
    with tifffile.TiffFile(io.BytesIO(lie)) as tif:
        for tag in ("ImageWidth", "ImageLength"):
            at = tif.pages[0].tags[tag].valueoffset
            lie[at : at + 2] = (60_000).to_bytes(2, "little")
    with pytest.raises(ImageError):
        decode(bytes(lie))


def test_long_stacks_are_refused():
    with pytest.raises(UnsupportedImage, match="300 pictures"):
        decode(tiff(np.zeros((300, 8, 8), np.uint8)))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"resolution": (10_000, 10_000), "resolutionunit": "CENTIMETER"}, 1.0),
        ({"resolution": (254_000, 254_000), "resolutionunit": "INCH"}, 0.1),
        ({"resolution": (72, 72), "resolutionunit": "INCH"}, None),  # of a screen, not of a microscope
        ({"resolution": (5, 5), "imagej": True, "metadata": {"unit": "um"}}, 0.2),
        ({"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 0.065, "PhysicalSizeXUnit": "µm"}}, 0.065),
        ({"ome": True, "metadata": {"axes": "YX", "PhysicalSizeX": 65, "PhysicalSizeXUnit": "nm"}}, 0.065),
        ({}, None),
    ],
)
def test_pixel_size_is_read(options, expected):
    size = decode(tiff(np.zeros((20, 30), np.uint8), **options))[0].pixel_size_um
    assert size == (pytest.approx(expected) if expected else None)


def test_a_missing_file_is_an_image_error(tmp_path):
    with pytest.raises(ImageError, match="cannot be opened"):
        read_pages(tmp_path / "no.png")
    with pytest.raises(ImageError, match="cannot be opened"):
        read_pages(tmp_path)


@settings(max_examples=150, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from(
        [b"", b"\x89PNG\r\n\x1a\n", b"II*\0\x08\0\0\0", b"GIF89a", b"BM", b"RIFF____WEBP", b"\xff\xd8\xff"]
    ),
)
def test_noise_never_crashes(data, start):
    try:
        decode(start + data)
    except ImageError as error:
        message = str(error)
    else:
        message = "read"
    assert message


@pytest.mark.parametrize("name", [n for n in FILES if n.endswith(".zip")])
def test_archives(name):
    data, expected = FILES[name]
    entries = list(expand(name, data))
    assert len(entries) == count_files(data)
    pictures = 0
    for entry in entries:
        parts = entry.name.split("/")
        assert not {"", ".", ".."} & set(parts)
        assert "\\" not in entry.name
        if entry.error is None:
            with contextlib.suppress(ImageError):
                pictures += len(decode(entry.data))
    assert pictures == expected


def test_limits_of_archives(monkeypatch):
    monkeypatch.setattr(archive, "MAX_FILES", 2)
    entry = next(expand("a.zip", zipped({f"{k}.png": b"x" for k in range(3)})))
    assert "at most 2" in str(entry.error)
    monkeypatch.setattr(archive, "MAX_FILES", 10)
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 25)
    entries = list(expand("a.zip", zipped({f"{k}.png": b"0123456789" for k in range(4)})))
    assert [e.error is None for e in entries] == [True, True, False, False]


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=300), st.text(st.sampled_from("/\\.:~ aCcOoNn"), max_size=40)))
def test_stems_are_safe_everywhere(name):
    stem = safe_stem(name)
    assert not set(stem) & set('\\<>:"|?*\n\r\t\0')
    parts = stem.split("/")
    assert len(parts) <= archive.MAX_FOLDERS + 1
    for part in parts:
        assert 1 <= len(part) <= archive.MAX_STEM + 1
        assert part not in (".", "..")
        assert part == part.strip(" .")
        assert part.lower() not in ("con", "nul")
    assert "/" not in flat_stem(stem)


def test_stems_keep_what_is_fine():
    assert safe_stem("Smear 7 (left).tif") == "Smear 7 _left_"
    assert safe_stem("003d1cdc-0aec.b.png") == "003d1cdc-0aec.b"


@pytest.mark.parametrize(
    ("name", "shown", "stem"),
    [
        ("patientA/10.jpg", "patientA/10.jpg", "patientA/10"),
        ("study 1\\patientA\\10.jpg", "study 1/patientA/10.jpg", "study 1/patientA/10"),
        ("../../x.png", "x.png", "x"),
        ("a/../../x.png", "a/x.png", "a/x"),
        ("/root/x.png", "root/x.png", "root/x"),
        ("C:\\x.png", "x.png", "x"),
        ("C:x.png", "x.png", "x"),
        ("\\\\server\\share\\x.png", "server/share/x.png", "server/share/x"),
        ("con/nul.png", "con/nul.png", "con_/nul_"),
        ("summary.csv/x.png", "summary.csv/x.png", "summary.csv_/x"),
        ("patient.1/x.png", "patient.1/x.png", "patient.1/x"),
        (" . /x.png", " . /x.png", "x"),
        ("1/2/3/4/5/6/7/8/x.png", "1/2/3/4/5/6/7/8/x.png", "3/4/5/6/7/8/x"),
        ("~/x.png", "~/x.png", "_/x"),
        ("..", "unnamed", "unnamed"),
    ],
)
def test_folders_of_a_zip_stay_and_lead_nowhere(name, shown, stem):
    assert inner_path(name) == shown
    assert safe_stem(name) == safe_stem(shown) == stem


def test_names_are_kept_apart():
    taken = set()
    assert [unique(n, taken) for n in ("a", "A", "a", "b")] == ["a", "A-2", "a-3", "b"]
    taken = set()
    assert [unique(n, taken) for n in ("a/10", "b/10", "A/10")] == ["a/10", "b/10", "A/10-2"]


@pytest.mark.parametrize("name", [n for n, (_, pictures) in odd_files().items() if n.endswith((".tif", ".tiff"))])
def test_one_page_is_the_same_as_that_page_of_all(name):
    data, pictures = odd_files()[name]
    if not pictures:
        with pytest.raises(ImageError):
            decode(data, 1)
        return
    pages = decode(data)
    assert len(pages) == pictures
    for page in pages:
        (one,) = decode(data, page.number)
        assert (one.number, one.count, one.notes, one.pixel_size_um) == (
            page.number, page.count, page.notes, page.pixel_size_um
        )  # fmt: skip
        assert (one.image == page.image).all()


def test_showing_one_page_unpacks_one_page(monkeypatch):
    import tifffile

    stack = tiff((np.arange(12 * 8 * 9) % 256).astype(np.uint8).reshape(12, 8, 9), photometric="minisblack")
    unpacked = []
    real = tifffile.TiffPage.asarray
    monkeypatch.setattr(tifffile.TiffPage, "asarray", lambda self, *a, **k: unpacked.append(1) or real(self, *a, **k))
    monkeypatch.setattr(tifffile.TiffPageSeries, "asarray", lambda *_, **__: pytest.fail("all pages were unpacked"))
    (page,) = decode(stack, 7)
    assert (page.number, page.count) == (7, 12)
    assert (page.image[..., 0] == (np.arange(6 * 72, 7 * 72) % 256).reshape(8, 9)).all()
    assert len(unpacked) == 1
