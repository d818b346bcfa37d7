"""Spoiled files for everything that reads what comes from outside: pictures, zips, datasets, annotations, settings,
weights, slides. Only errors in words are allowed; no traceback, nothing over 30 s, no memory over 2 GB.

    python benchmarks/fuzz.py [--minutes 10] [--seed 0] [--keep FOLDER]

A child process reads one spoiled file after the other; this one watches its time and memory, and begins another where
it had to be ended. What was wrong is written to --keep; ends with 1 if anything was.
"""

import argparse
import io
import json
import multiprocessing
import os
import random
import sys
import tempfile
import time
import traceback
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import psutil
import tifffile
import torch
from PIL import Image

from bccseg.annotation.dataset_import import import_dataset
from bccseg.annotation.import_sources import open_dataset, truth_of
from bccseg.annotation.store import LabelStore
from bccseg.config import NetworkConfig
from bccseg.errors import BccsegError
from bccseg.imaging.regions import read_regions
from bccseg.io.archive import expand
from bccseg.io.images import check_picture, count_pixels, decode
from bccseg.model.build import build_network
from bccseg.model.weights import WeightsConfig, load_weights, read_config, save_weights
from bccseg.report.run_record import RunImage, RunRecord, RunWeights
from bccseg.slides.open import open_slide
from bccseg.slides.overview import look_at
from bccseg.slides.regions import regions_of
from benchmarks.spoiling import spoil, zipped

LONGEST_S, START_S, MOST_BYTES = 30.0, 60.0, 2_000_000_000


@dataclass(frozen=True)
class Target:
    """Something that reads files."""

    read: Callable[[bytes, Path], object]
    seeds: list[bytes]  # files that are good


def smear(side: int = 64) -> np.ndarray:
    """Two discs."""
    yy, xx = np.mgrid[:side, :side]
    image = np.full((side, side, 3), 225, np.uint8)
    for x, y in ((20, 20), (44, 42)):
        image[(xx - x) ** 2 + (yy - y) ** 2 <= 100] = (150, 90, 130)
    return image


def picture(kind: str, mode: str = "RGB", **options: Any) -> bytes:
    """A file of Pillow's."""
    file = io.BytesIO()
    Image.fromarray(smear()).convert(mode).save(file, kind, **options)
    return file.getvalue()


def tiff(values: np.ndarray, **options: Any) -> bytes:
    """A file of tifffile's."""
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def pictures() -> list[bytes]:
    """In all formats that are read."""
    grey16 = smear()[..., 0].astype(np.uint16) * 200
    frames = [Image.fromarray(np.roll(smear(), k, 0)) for k in range(3)]
    return [
        picture("PNG"), picture("PNG", "P"), picture("PNG", "RGBA"), picture("PNG", "L"), picture("JPEG"),
        picture("JPEG", "CMYK"), picture("BMP"), picture("WEBP"), picture("GIF"), picture("TIFF"),
        picture("GIF", save_all=True, append_images=frames), tiff(grey16), tiff(smear(), compression="zlib"),
        tiff(smear(), compression="lzw", predictor=True), tiff(np.stack([smear()] * 3), photometric="rgb"),
        tiff(smear(), tile=(32, 32), compression="jpeg", photometric="rgb"), tiff(smear().astype(np.float32) / 255),
        tiff(grey16, ome=True, metadata={"axes": "YX", "PhysicalSizeX": 0.1}), tiff(grey16, imagej=True),
    ]  # fmt: skip


def annotations() -> dict[str, bytes]:
    """The same two cells in all formats that are read."""
    ring = [[10, 10], [30, 10], [30, 30], [10, 30]]
    coco = {
        "images": [{"id": 1, "file_name": "a.png", "width": 64, "height": 64}],
        "categories": [{"id": 1, "name": "red"}],
        "annotations": [
            {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[v for p in ring for v in p]],
             "bbox": [10, 10, 20, 20], "area": 400, "iscrowd": 0},
            {"id": 2, "image_id": 1, "category_id": 1, "bbox": [40, 40, 10, 10],
             "segmentation": {"size": [64, 64], "counts": [10, 20, 4066]}},
        ],
    }  # fmt: skip
    geojson = {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [[*ring, ring[0]]]},
             "properties": {"classification": {"name": "white", "color": [200, 0, 0]}}},
            {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": [[[*ring, ring[0]]]]},
             "properties": {}},
        ],
    }  # fmt: skip
    labelme = {"imagePath": "a.png", "imageWidth": 64, "imageHeight": 64, "shapes": [
        {"label": "red", "points": ring, "shape_type": "polygon"},
        {"label": "red", "points": [[40, 40], [50, 50]], "shape_type": "rectangle"},
        {"label": "red", "points": [[40, 40], [45, 40]], "shape_type": "circle"}]}  # fmt: skip
    studio = [{"id": 1, "data": {"image": "/data/upload/a.png"}, "annotations": [{"result": [
        {"type": "polygonlabels", "from_name": "l", "to_name": "image", "original_width": 64, "original_height": 64,
         "value": {"points": ring, "polygonlabels": ["red"]}},
        {"type": "brushlabels", "from_name": "l", "to_name": "image", "original_width": 64, "original_height": 64,
         "value": {"format": "rle", "rle": [0, 0, 4, 0, 7, 1, 2, 3, 255], "brushlabels": ["red"]}}]}]}]  # fmt: skip
    return {
        "coco.json": json.dumps(coco).encode(), "a.geojson": json.dumps(geojson).encode(),
        "a.json": json.dumps(labelme).encode(), "studio.json": json.dumps(studio).encode(),
        "a.txt": b"0 0.3 0.3 0.2 0.2\n1 0.1 0.1 0.5 0.1 0.5 0.5 0.1 0.5\n",
    }  # fmt: skip


def masks() -> bytes:
    """The mask of the smear."""
    file = io.BytesIO()
    Image.fromarray(((smear()[..., 0] < 200) * 255).astype(np.uint8)).save(file, "PNG")
    return file.getvalue()


def in_turn(*reads: Callable[[], object]) -> None:
    """All of them, whatever one refuses."""
    for read in reads:
        with suppress(BccsegError):
            read()


def read_picture(data: bytes, _at: Path) -> None:
    """A picture that somebody uploads."""
    count_pixels(data)
    check_picture(data)
    decode(data)


def read_zip(data: bytes, _at: Path) -> None:
    """A zip of pictures that somebody uploads."""
    for entry in expand("a.zip", data):
        if entry.error is None:
            decode(entry.data)


def read_dataset(data: bytes, at: Path) -> None:
    """A dataset that is imported."""
    list(import_dataset(LabelStore(at / "store"), open_dataset(data), "ana", "CC0-1.0"))


def read_notes(data: bytes, _at: Path) -> None:
    """Annotations or labels of one image."""
    image = smear()
    names = ("a.json", "a.txt", "a.geojson", "a_labels.png")
    in_turn(*(lambda name=name: truth_of(data, name, "a.png")[0](image) for name in names))


def read_weights(data: bytes, at: Path) -> None:
    """Weights with a sound config."""
    (at / "config.json").write_bytes((at.parent / "tiny" / "config.json").read_bytes())
    (at / "model.safetensors").write_bytes(data)
    load_weights(at)


def read_settings(data: bytes, at: Path) -> None:
    """A config of weights, a run record, regions."""
    (at / "config.json").write_bytes(data)
    in_turn(
        lambda: read_config(at), lambda: RunRecord.from_json(data), lambda: read_regions(data),
        lambda: regions_of(data, "a.geojson"),
    )  # fmt: skip


def read_slide(data: bytes, at: Path) -> None:
    """A slide."""
    (at / "a.tif").write_bytes(data)
    with open_slide(at / "a.tif") as slide:
        look_at(slide)
        slide.region(0, 0, 0, 64, 64)


def targets(folder: Path) -> dict[str, Target]:
    """Everything that reads."""
    torch.set_num_threads(1)
    notes, network = annotations(), NetworkConfig(width=4, depth=2)
    about = WeightsConfig(name="tiny", network=network, diameter_px=48.0)
    save_weights(folder / "tiny", build_network(network).state_dict(), about)
    config, tensors = ((folder / "tiny" / name).read_bytes() for name in ("config.json", "model.safetensors"))
    record = RunRecord(weights=(RunWeights(name="a"),), images=(RunImage(name="a", numbers={"cell_count": 3}),))
    regions = b'[{"name": "A", "kind": "polygon", "points": [[0, 0], [9, 0], [9, 9]]}]'
    sets = {"original/a.png": picture("PNG"), "mask/a.png": masks(), "b.jpg": picture("JPEG"), "b_labels.png": masks()}
    tiled = [tiff(np.tile(smear(), (4, 4, 1)), tile=(64, 64), compression=kind, photometric="rgb")
             for kind in (None, "jpeg", "lzw", "zlib")]  # fmt: skip
    return {
        "picture": Target(read_picture, pictures()),
        "zip": Target(read_zip, [zipped({"a/1.png": picture("PNG"), "a/2.jpg": picture("JPEG")}),
                                 zipped({"a.zip": zipped({"1.png": picture("PNG")})})]),
        "dataset": Target(read_dataset, [zipped(sets), zipped({"a.png": picture("PNG"), **notes})]),
        "annotations": Target(read_notes, [*notes.values(), masks()]),
        "settings": Target(read_settings, [config, record.to_json(), regions, notes["a.geojson"]]),
        "weights": Target(read_weights, [tensors]),
        "slide": Target(read_slide, tiled),
    }  # fmt: skip


def work(folder: str, seed: int, beat: Any, done: Any) -> None:
    """The child: read spoiled files until it is ended. beat: number of the file under way."""
    warnings.simplefilter("ignore")
    home, dice = Path(folder), random.Random(seed)  # noqa: S311, not for secrets
    os.dup2(os.open(home / "printed.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)  # libraries print, too
    reads = targets(home)
    while True:
        name = dice.choice(list(reads))
        target = reads[name]
        data = spoil(dice.choice(target.seeds), target.seeds, dice)
        (home / "current").write_bytes(name.encode() + b"\n" + data)
        with beat.get_lock():
            beat.value += 1
        with tempfile.TemporaryDirectory(dir=home) as at:
            try:
                target.read(data, Path(at))
                done.put((name, "read", ""))
            except BccsegError:
                done.put((name, "refused in words", ""))
            except BaseException:  # noqa: BLE001, whatever comes is what is looked for
                done.put((name, "TRACEBACK", traceback.format_exc()))
                (home / f"bad-{beat.value}").write_bytes(name.encode() + b"\n" + data)


class Watch:
    """The child, and what was wrong with what it read."""

    def __init__(self, home: Path, seed: int) -> None:
        self.home, self.seed, self.problems = home, seed, list[str]()
        self.counts: Counter[tuple[str, str]] = Counter()
        self.largest, self.slowest = 0, 0.0
        self.child: Any = None

    def begin(self) -> None:
        """Start a child where there is none."""
        if self.child is not None and self.child.is_alive():
            return
        if self.child is not None:
            self.problems.append(f"the process died ({self.child.exitcode}) at {self._current()}: printed.txt")
        spawn = multiprocessing.get_context("spawn")
        self.beat, self.done = spawn.Value("L", 0), spawn.Queue()
        self.child = spawn.Process(target=work, args=(str(self.home), self.seed, self.beat, self.done), daemon=True)
        self.child.start()
        self.seed, self.seen, self.since = self.seed + 1, -1, time.monotonic()

    def look(self) -> None:
        """Note what was read since; end the child where it takes too long or too much."""
        while not self.done.empty():
            name, how, why = self.done.get()
            self.counts[name, how] += 1
            self.problems += [why] if why else []
        taken = time.monotonic() - self.since
        if self.beat.value != self.seen:
            self.slowest = max(self.slowest, taken) if self.seen > 0 else self.slowest
            self.seen, self.since, taken = self.beat.value, time.monotonic(), 0.0
        with suppress(psutil.NoSuchProcess):
            size = psutil.Process(self.child.pid).memory_info().rss
            self.largest = max(self.largest, size)
            late = taken > LONGEST_S + (START_S if self.seen < 1 else 0)
            if late or size > MOST_BYTES:
                self.problems.append(f"{'over 30 s' if late else f'{size / 1e9:.1f} GB'} at {self._current()}")
                self.end()

    def end(self) -> None:
        """End the child."""
        self.child.kill()
        self.child.join()
        self.child = None

    def _current(self) -> str:
        """The file that was under way, kept under a name of its own."""
        data = (self.home / "current").read_bytes() if (self.home / "current").exists() else b"the start"
        kept = self.home / f"bad-{zlib.crc32(data):08x}"
        kept.write_bytes(data)
        return f"{data.partition(bytes([10]))[0].decode()} ({kept.name})"


def main() -> int:
    """Print what was read, and what was wrong."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--minutes", type=float, default=10)
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--keep", type=Path)
    args = ask.parse_args()
    with tempfile.TemporaryDirectory() as made:
        home = args.keep or Path(made)
        home.mkdir(parents=True, exist_ok=True)
        watch, end = Watch(home, args.seed), time.monotonic() + 60 * args.minutes
        while time.monotonic() < end:
            watch.begin()
            time.sleep(0.05)
            watch.look()
        watch.end()
    for (name, how), count in sorted(watch.counts.items()):
        print(f"{name:12s} {how:18s} {count:8,d}")
    read, problems = sum(watch.counts.values()), Counter(watch.problems)
    print(f"{read:,} files; the slowest took {watch.slowest:.1f} s; largest memory {watch.largest / 1e6:.0f} MB")
    for text, count in problems.most_common():
        print(f"--- {count} x\n{text}")
    print(f"{sum(problems.values())} problems" if problems else "nothing was wrong")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
