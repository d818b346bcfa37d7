"""Slides as scanners and converters write them, made of an image."""

import io
import re
import struct

import cv2
import numpy as np
import tifffile
import zarr
from PIL import Image

PIXEL_UM = 0.25


def smaller(image, factor):
    return cv2.resize(image, (image.shape[1] // factor, image.shape[0] // factor), interpolation=cv2.INTER_AREA)


def write_bigtiff(path, image, compression="zlib", levels=(4,), tile=(256, 256)):
    """A generic pyramid: the smaller levels as SubIFDs; its pixel size in the resolution tags."""
    with tifffile.TiffWriter(path, bigtiff=True) as tif:
        options = {"photometric": "rgb", "compression": compression, "resolutionunit": "CENTIMETER", "metadata": None}
        size = 1e4 / PIXEL_UM
        tif.write(image, tile=tile, subifds=len(levels), resolution=(size, size), **options)
        for factor in levels:
            one = (size / factor, size / factor)
            tif.write(smaller(image, factor), tile=tile, subfiletype=1, resolution=one, **options)
    return path


def write_ome_tiff(path, image, axes="YXS"):
    """OME-TIFF with SubIFDs and the physical size; axes CYX: three planes."""
    facts = {"axes": axes, "PhysicalSizeX": PIXEL_UM, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": PIXEL_UM,
             "PhysicalSizeYUnit": "µm"}  # fmt: skip

    def turned(values):
        return np.ascontiguousarray(np.moveaxis(values, 2, 0)) if axes == "CYX" else values

    options = {"tile": (256, 256), "photometric": "minisblack" if axes == "CYX" else "rgb", "compression": "lzw"}
    with tifffile.TiffWriter(path, bigtiff=True) as tif:
        tif.write(turned(image), subifds=1, metadata=facts, **options)
        tif.write(turned(smaller(image, 4)), subfiletype=1, **options)
    return path


def write_svs(path, image):
    """As Aperio's scanners do: JPEG tiles, a thumbnail in strips between the levels, and a label at the end."""
    maker, size = "Aperio Image Library v11.2.1\r\n", f"{image.shape[1]}x{image.shape[0]}"
    said = f"{maker}{size} (240x240) JPEG/RGB Q=95|AppMag = 40|MPP = {PIXEL_UM}"
    options = {"photometric": "rgb", "metadata": None, "compression": "jpeg", "compressionargs": {"level": 95}}
    with tifffile.TiffWriter(path, bigtiff=True) as tif:
        tif.write(image, tile=(240, 240), description=said, **options)
        tif.write(smaller(image, 16), rowsperstrip=16, description=f"{maker}thumbnail", **options)
        tif.write(smaller(image, 4), tile=(240, 240), description=f"{maker}level", **options)
        tif.write(np.zeros((60, 50, 3), np.uint8), rowsperstrip=60, subfiletype=1,
                  description=f"{maker}label 50x60", **options)  # fmt: skip
    return path


def write_ndpi(path, image):
    """As Hamamatsu's scanners do: classic TIFF with 64-bit places of the directories, each level a single JPEG with
    restart markers, whose places are in tag 65426 (https://openslide.org/formats/hamamatsu).
    """
    data, at_next = bytearray(struct.pack("<2sHQ", b"II", 42, 0)), 4
    for factor in (1, 4):
        level = image if factor == 1 else smaller(image, factor)
        height, width = level.shape[:2]
        blocks = -(-width // 8) // 2  # a restart after half a row of blocks
        buffer = io.BytesIO()
        Image.fromarray(level).save(buffer, "jpeg", quality=95, subsampling=0, restart_marker_blocks=blocks)
        jpeg = buffer.getvalue()
        scan = jpeg.index(b"\xff\xda")
        first = scan + 2 + int.from_bytes(jpeg[scan + 2 : scan + 4])
        starts = [m.end() for m in re.finditer(b"\xff[\xd0-\xd7]", jpeg) if m.start() >= first]
        starts = np.array([first, *starts], "<u4")
        strip = len(data)
        data += jpeg + bytes(len(jpeg) % 2)
        places = len(data)
        data += starts.tobytes()
        bits = len(data)
        data += struct.pack("<3H", 8, 8, 8) + bytes(2)
        maker = len(data)
        data += b"Hamamatsu\0"
        resolution = len(data)
        data += struct.pack("<2I", round(1e4 / PIXEL_UM / factor), 1)
        short, long, rational, real = 3, 4, 5, 11
        tags = [
            (256, long, 1, width), (257, long, 1, height), (258, short, 3, bits), (259, short, 1, 7),
            (262, short, 1, 6), (271, 2, 10, maker),
            (273, long, 1, strip), (277, short, 1, 3), (278, long, 1, height), (279, long, 1, len(jpeg)),
            (282, rational, 1, resolution), (283, rational, 1, resolution), (296, short, 1, 3), (65420, long, 1, 1),
            (65421, real, 1, struct.unpack("<I", struct.pack("<f", 20 / factor))[0]),
            (65426, long, len(starts), places),
        ]  # fmt: skip
        data[at_next : at_next + 8] = struct.pack("<Q", len(data))
        data += struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags)
        at_next = len(data)
        data += bytes(8 + 4 * len(tags))  # no next one yet; the upper halves of the values
    path.write_bytes(data)
    return path


def write_ome_zarr(path, image, version="0.5", axes="cyx", nested=""):
    """OME-Zarr of a version, with two levels. nested: the folder of the image within, as bioformats2raw writes."""
    group = zarr.open_group(path, mode="w", zarr_format=3 if version == "0.5" else 2)
    if nested:
        group = group.create_group(nested)
    sizes = {"t": 1, "c": 3, "z": 1}
    units = [
        {"name": a, "type": "space", "unit": "micrometer"}
        if a in "zyx"
        else {"name": a, "type": "channel" if a == "c" else "time"}
        for a in axes
    ]
    datasets = []
    for k, factor in enumerate((1, 2)):
        planes = np.moveaxis(image if factor == 1 else smaller(image, factor), 2, 0)
        values = planes.reshape([planes.shape[1:][("y", "x").index(a)] if a in "yx" else sizes[a] for a in axes])
        chunks = tuple(200 if a in "yx" else 1 for a in axes)
        group.create_array(str(k), data=np.ascontiguousarray(values), chunks=chunks)
        scale = [PIXEL_UM * factor if a in "yx" else 1.0 for a in axes]
        datasets.append({"path": str(k), "coordinateTransformations": [{"type": "scale", "scale": scale}]})
    image_facts = {"multiscales": [{"version": version, "axes": units, "datasets": datasets}]}
    group.attrs.update({"ome": {"version": "0.5", **image_facts}} if version == "0.5" else image_facts)
    return path
