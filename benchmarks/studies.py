"""How long a study takes: 5,000 images listed, and 200 images in 20 samples and 2 groups from import to report.

    python benchmarks/studies.py [--listed 5000] [--images 200] [--only list|way]

Drawn smears of 1000 x 750 px with about 90 cells, in a temporary folder of this disk, segmented by the shipped weights
in this process. Memory is the largest of the process so far, after a tenth of the images and at the end: a way that
keeps images would show a difference.
"""

import argparse
import io
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PIL import Image

from bccseg.imaging.synthetic import draw_smear
from bccseg.inference.predictor import Predictor
from bccseg.io.archive import Entry
from bccseg.model.weight_sources import locate
from bccseg.model.weights import load_weights
from bccseg.report.study_export import study_files
from bccseg.studies.image_list import find
from bccseg.studies.segmenting import Step, segment_study
from bccseg.studies.store import StudyStore
from bccseg.studies.study import Study

PEAK_UNIT = 1 if sys.platform == "darwin" else 1024
SAMPLES, GROUPS, DRAWN = 20, ("control", "treated"), 10


def as_file(pixels: np.ndarray) -> bytes:
    """A JPEG file."""
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "JPEG", quality=92)
    return file.getvalue()


@cache
def drawn(group: int, number: int) -> np.ndarray:
    """A smear of a group. Drawing takes longer than all else, so there are few, and they are turned."""
    return draw_smear((750, 1000), cells=90, diameter_px=52 + 4 * group, seed=100 * group + number)[0]


def picture(group: int, k: int) -> bytes:
    """The k-th smear of a group, each another one."""
    pixels = drawn(group, k % DRAWN)
    pixels = pixels[:, ::-1] if k // DRAWN % 2 else pixels
    return as_file(np.roll(np.rot90(pixels, 2 * (k // (2 * DRAWN))), k, axis=0))


def seconds(label: str, start: float) -> None:
    """Print a line."""
    print(f"{label:60} {time.perf_counter() - start:8.2f} s", flush=True)


def peak_mb() -> float:
    """Largest memory of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT / 1e6


def list_many(store: StudyStore, images: int) -> None:
    """Fill a study with small files, then list and search it."""
    study, small = store.create("Many"), as_file(draw_smear((60, 80), cells=3, diameter_px=24)[0])
    start = time.perf_counter()
    for k in range(images):
        study.images.add([Entry(f"group {k % 2}/patient {k % 250}/{k}.jpg", small + str(k).encode())])
    seconds(f"{images:,} images added", start)
    start = time.perf_counter()
    found = Study(study.folder).images.all()
    seconds(f"{len(found):,} images listed", start)
    start = time.perf_counter()
    shown = find(found, "patient 17 group 1")
    seconds(f"searched, {len(shown)} found", start)
    start = time.perf_counter()
    store.list()
    study.samples.all()
    seconds("studies and 250 samples listed", start)


def zips(images: int) -> Iterator[Entry]:
    """A zip a group, with a folder a sample."""
    for number, group in enumerate(GROUPS):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for k in range(number, images, 2):
                sample = f"{group} {k % SAMPLES + 1:02d}"
                archive.writestr(f"{group}/{sample}/{k}.jpg", picture(number, k // 2))
        yield Entry(f"{group}.zip", file.getvalue())


def whole_way(store: StudyStore, images: int) -> None:
    """From two zips to tables and report."""
    files = list(zips(images))
    study, begin = store.create("Two groups"), time.perf_counter()
    study.images.add(files)
    seconds(f"{images} images imported from two zips", begin)
    del files
    predictor = Predictor(load_weights(*locate()))
    memory: dict[int, float] = {}
    start = time.perf_counter()

    def note(step: Step) -> None:
        memory.setdefault(step.done, peak_mb())

    segment_study(study, predictor, note)
    seconds("segmented", start)
    print(
        f"{'largest memory after a tenth of them, and at the end':60} {memory[images // 10]:5.0f}, {peak_mb():5.0f} MB"
    )
    start = time.perf_counter()
    tables = study.tables()
    seconds(f"tables: {len(tables.cells):,} cells, {len(tables.samples)} samples", start)
    start = time.perf_counter()
    study.tables()
    seconds("the same again", start)
    start = time.perf_counter()
    study_files(tables)
    seconds("tables as files", start)
    from bccseg.studies.report import print_report, study_report

    start = time.perf_counter()
    report = study_report(study)
    seconds(f"report with all pictures ({len(report.html) / 1e6:.0f} MB)", start)
    start = time.perf_counter()
    study_report(study)
    seconds("the same again", start)
    start = time.perf_counter()
    if print_report(report):
        seconds("its PDF", start)
    seconds("all of it", begin)
    print(f"{'largest memory':60} {peak_mb():8.0f} MB")


def main() -> None:
    """Print both."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--listed", type=int, default=5000)
    ask.add_argument("--images", type=int, default=200)
    ask.add_argument("--only", choices=("list", "way"))
    args = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = StudyStore(Path(folder))
        if args.only != "way":
            list_many(store, args.listed)
        if args.only != "list":
            whole_way(store, args.images)


if __name__ == "__main__":
    main()
