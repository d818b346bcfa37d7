"""Bad and odd files as they come from real labs and from mischief: name -> (bytes, pictures expected).

0 pictures means that an error must be shown for the file and the rest of the batch still done.
"""

import io
import struct
import zipfile
import zlib
from functools import cache

import numpy as np
import tifffile
from PIL import Image

SMEAR_SIDE = 96


def picture(mode: str = "RGB", size: tuple[int, int] = (SMEAR_SIDE, SMEAR_SIDE)) -> Image.Image:
    """Two dark discs on a light field."""
    yy, xx = np.mgrid[: size[1], : size[0]]
    rgb = np.full((size[1], size[0], 3), 225, np.uint8)
    for x, y in ((30, 30), (66, 62)):
        rgb[(xx - x) ** 2 + (yy - y) ** 2 <= 15**2] = (150, 90, 130)
    return Image.fromarray(rgb).convert(mode)


def saved(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def tiff(values: np.ndarray, **options) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def png_header_only(width: int, height: int) -> bytes:
    """A valid PNG header of any size, and next to no data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
        + chunk(b"IEND", b"")
    )


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def encrypted_zip() -> bytes:
    data = bytearray(zipped({"a.png": saved(picture())}))
    data[6] |= 1  # local header flag
    at = data.rindex(b"PK\x01\x02")
    data[at + 8] |= 1
    return bytes(data)


@cache
def odd_files() -> dict[str, tuple[bytes, int]]:
    """All of them. Names are those a person would upload."""
    rgb = np.asarray(picture())
    grey16 = (np.asarray(picture("L")).astype(np.uint16)) << 4  # 12 bits of 16
    png, jpeg = saved(picture()), saved(picture(), "JPEG")
    rotated = Image.Exif()
    rotated[0x0112] = 6
    frames = [picture().convert("P"), Image.new("P", (SMEAR_SIDE, SMEAR_SIDE))]
    transparent = picture("RGBA")
    transparent.putpixel((0, 0), (0, 0, 0, 0))
    good = {"inside.png": png}
    nan = np.full((50, 50), np.nan, np.float32)
    return {
        # broken
        "empty.png": (b"", 0),
        "one byte.png": (b"x", 0),
        "text.png": (b"this is not a picture", 0),
        "html.jpg": (b"<html><script>alert(1)</script></html>", 0),
        "truncated.png": (png[: len(png) // 2], 0),
        "truncated.jpg": (jpeg[: len(jpeg) // 3], 0),
        "truncated.tif": (tiff(rgb)[:-5000], 0),
        "damaged.png": (flip(png, len(png) // 2), 0),
        "header only.png": (png[:33], 0),
        "pdf.tif": (b"%PDF-1.7\n" + b"\0" * 200, 0),
        "tiff magic.tif": (b"II*\0" + b"\xff" * 64, 0),
        "bmp magic.bmp": (b"BM" + b"\0" * 20, 0),
        "webp cut.webp": (saved(picture(), "WEBP")[:60], 0),
        "svg.png": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', 0),
        "pickle.png": (b"\x80\x04\x95\x0b\x00\x00\x00.", 0),
        # too large
        "bomb 20000.png": (png_header_only(20_000, 20_000), 0),
        "bomb wide.png": (png_header_only(2_000_000_000, 1), 0),
        "cut 5000.png": (png_header_only(5_000, 5_000), 0),
        # odd, but pictures
        "one pixel.png": (saved(Image.new("RGB", (1, 1), "red")), 1),
        "line.png": (saved(Image.new("RGB", (5000, 1), "white")), 1),
        "column.tif": (tiff(np.full((5000, 1, 3), 200, np.uint8)), 1),
        "white field.png": (saved(Image.new("RGB", (300, 200), "white")), 1),
        "black field.png": (saved(Image.new("RGB", (300, 200), "black")), 1),
        "cmyk.jpg": (saved(picture("CMYK"), "JPEG"), 1),
        "cmyk.tif": (saved(picture("CMYK"), "TIFF"), 1),
        "palette.png": (saved(picture("P")), 1),
        "palette.tif": (saved(picture("P"), "TIFF"), 1),
        "alpha.png": (saved(transparent), 1),
        "grey alpha.png": (saved(picture("LA")), 1),
        "alpha.tif": (saved(transparent, "TIFF"), 1),
        "one bit.png": (saved(picture("1")), 1),
        "one bit.tif": (saved(picture("1"), "TIFF"), 1),
        "grey.jpg": (saved(picture("L"), "JPEG"), 1),
        "sixteen bit.png": (saved(Image.fromarray(grey16)), 1),
        "sixteen bit.tif": (tiff(grey16), 1),
        "sixteen bit rgb.tif": (tiff(rgb.astype(np.uint16) * 257, photometric="rgb"), 1),
        "float.tif": (tiff(np.asarray(picture("L")).astype(np.float32) / 255), 1),
        "float nan.tif": (tiff(nan), 0),
        "float some nan.tif": (tiff(np.where(np.eye(96) > 0, np.nan, np.asarray(picture("L"))).astype(np.float32)), 1),
        "int32 negative.tif": (tiff(np.asarray(picture("L")).astype(np.int32) - 100), 1),
        "complex.tif": (tiff(np.ones((20, 20), np.complex64)), 0),
        "animated.gif": (saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), 1),
        "animated.webp": (saved(picture(), "WEBP", save_all=True, append_images=[Image.new("RGB", (96, 96))]), 1),
        "rotated.jpg": (saved(picture(size=(120, 80)), "JPEG", exif=rotated), 1),
        "pages.tif": (tiff(np.stack([rgb] * 3), photometric="rgb"), 3),
        "planar.tif": (tiff(np.moveaxis(rgb, -1, 0), photometric="rgb", planarconfig="separate"), 1),
        "five channels.tif": (tiff(np.zeros((5, 40, 40), np.uint8), metadata={"axes": "CYX"}, ome=True), 0),
        "deflate.tif": (tiff(rgb, photometric="rgb", compression="zlib"), 1),
        "lzw.tif": (tiff(rgb, photometric="rgb", compression="lzw"), 1),
        "jpeg.tif": (tiff(rgb, photometric="rgb", compression="jpeg"), 1),
        "bigtiff.tif": (tiff(rgb, photometric="rgb", bigtiff=True), 1),
        "really a jpeg.png": (jpeg, 1),
        "no suffix": (png, 1),
        # archives
        "good.zip": (zipped({**good, "folder/also.jpg": jpeg}), 2),
        "empty.zip": (zipped({}), 0),
        "cut.zip": (zipped(good)[:-30], 0),
        "bomb.zip": (zipped({"zeros.png": b"\0" * 60_000_000}), 0),
        "climbing.zip": (zipped({"../../etc/evil.png": png, "/root/evil2.png": png, "..\\evil3.png": png}), 3),
        "nested.zip": (zipped({"inner.zip": zipped(good)}), 0),
        "locked.zip": (encrypted_zip(), 0),
        "text inside.zip": (zipped({"notes.txt": b"hello", **good}), 1),
        "mac.zip": (zipped({"__MACOSX/._inside.png": b"x", ".DS_Store": b"x", **good}), 1),
        "damaged inside.zip": (flip(zipped(good, zipfile.ZIP_STORED), 200), 0),
        # names
        "<img src=x onerror=alert(1)>.png": (png, 1),
        "new\nline\ttab.png": (png, 1),
        "blood 🩸 ñ 血.png": (png, 1),
        "n" * 240 + ".png": (png, 1),
        "=cmd|' C calc'!A0.png": (png, 1),
        "[link](javascript:alert(1)) **bold** `code` $x$.png": (png, 1),
        "..png": (png, 1),
        "con.png": (png, 1),
    }
