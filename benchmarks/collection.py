"""How long correcting and collecting take on a 1600 x 1200 field: each edit, opening, saving, listing.

    python benchmarks/collection.py [--versions 10000] [--repeat 9]

On a drawn smear, in a temporary folder of this disk; medians after a warm-up. "edit" is what a stroke costs the
server: the command, its line on disk, the count and histogram's measures, the overview, and the picture as JPEG.
"""

import argparse
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np

from bccseg import __version__
from bccseg.annotation.drafts import Draft, DraftInfo, create_draft, draft_from_version, open_draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.store import LabelStore
from bccseg.errors import EditError
from bccseg.imaging.label_image import count_cells
from bccseg.imaging.measure import measure_cells
from bccseg.imaging.synthetic import draw_smear
from bccseg.io.encode import jpeg, palette_png
from bccseg.report.viewport import draw_marks, make_view, overview

SHAPE = (1200, 1600)


def strokes(labels: np.ndarray) -> dict[str, Callable[[int], Edit]]:
    """An edit of each kind at the k-th cell."""
    where = measure_cells(labels, np.zeros((*labels.shape, 3), np.uint8))

    def at(k: int) -> tuple[float, float]:
        row = where.iloc[k % len(where)]
        return float(row["centroid_x_px"]), float(row["centroid_y_px"])

    def line(k: int, dx: float, dy: float) -> tuple[tuple[float, float], ...]:
        x, y = at(k)
        return tuple((x + dx * t, y + dy * t) for t in np.linspace(-1, 1, 30))

    def ring(k: int) -> tuple[tuple[float, float], ...]:
        x, y = at(k)
        return tuple((x + 90 * np.cos(t), y + 90 * np.sin(t)) for t in np.linspace(0, 6.2, 60))

    return {
        "paint": lambda k: Edit(kind="paint", points=line(k, 70, 20), radius_px=9),
        "erase": lambda k: Edit(kind="erase", points=line(k, 60, 10), radius_px=9),
        "cut": lambda k: Edit(kind="cut", points=line(k, 5, 80)),
        "smooth": lambda k: Edit(kind="smooth", points=(at(k),)),
        "delete": lambda k: Edit(kind="delete", points=(at(k),)),
        "add": lambda k: Edit(kind="add", points=ring(k)),
    }


def show(draft: Draft) -> None:
    """What the page draws after each edit."""
    measure_cells(draft.labels, draft.image)
    count_cells(draft.labels)
    view = make_view(draft.labels.shape, None, None, (860, 720))
    marks = draw_marks(view, draft.labels, draft.base)
    palette_png(marks.index, marks.colours)
    jpeg(overview(draft.image, draft.labels, 260))


def median(act: Callable[[int], object], repeat: int) -> float:
    """Median seconds of `act(k)`, k = 1, 2, ..., after one that does not count."""
    act(0)
    times = []
    for k in range(1, repeat + 1):
        start = time.perf_counter()
        act(k)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    """Print the table."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--versions", type=int, default=10_000)
    ask.add_argument("--repeat", type=int, default=9)
    args = ask.parse_args()
    image, labels = draw_smear(SHAPE, cells=110, diameter_px=105)
    print(f"bccseg {__version__}; numpy {np.__version__}, OpenCV {cv2.__version__}, "
          f"Python {platform.python_version()}, "
          f"{platform.machine()}; {count_cells(labels)} cells on 1600 x 1200 px; medians of {args.repeat}")  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        store = LabelStore(Path(folder))
        draft = create_draft(store, image, labels, DraftInfo(name="field.png", diameter_px=105))
        for name, make in strokes(labels).items():

            def edit(k: int, make: Callable[[int], Edit] = make) -> None:
                with suppress(EditError):  # this cell was deleted before; the page is drawn all the same
                    draft.apply(make(k))
                show(draft)

            print(f"  {'edit: ' + name:34} {median(edit, args.repeat):7.3f} s")

        def undo(_: int) -> None:
            draft.undo()
            show(draft)

        print(f"  {'undo':34} {median(undo, args.repeat):7.3f} s")
        title = f"open a draft of {len(draft.history.edits)} edits"
        print(f"  {title:34} {median(lambda _: open_draft(store, draft.id), args.repeat):7.3f} s")
        info = store.add_image(image, "field.png")
        save = median(lambda _: store.save_version(info.id, labels, author="x"), args.repeat)
        print(f"  {'save a version':34} {save:7.3f} s")
        version = store.versions(info.id)[-1]
        print(
            f"  {'open a version to correct it on':34} {median(lambda _: draft_from_version(store, version), 5):7.3f} s"
        )

        small = LabelStore(Path(folder) / "many")
        tiny = np.zeros((16, 16), np.int32)
        tiny[4:9, 4:9] = 1
        rng = np.random.default_rng(0)
        keys = [small.add_image(rng.integers(0, 255, (16, 16, 3), np.uint8), f"{k}.png").id for k in range(500)]
        for k in range(args.versions):
            small.save_version(keys[k % len(keys)], tiny, author="x")
        fresh = LabelStore(Path(folder) / "many")
        start = time.perf_counter()
        fresh.versions()
        print(f"  {f'list {args.versions:,} versions, first time':34} {time.perf_counter() - start:7.3f} s")
        print(f"  {'list them again':34} {median(lambda _: fresh.versions(), args.repeat):7.3f} s")


if __name__ == "__main__":
    main()
