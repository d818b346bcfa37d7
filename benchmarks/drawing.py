"""Milliseconds from the end of a stroke or click on the Correct page to its effect in the picture, in Chromium.

    python benchmarks/drawing.py [--cells 150] [--repeat 20] [--classes]

A drawn smear of 1600 x 1200 px is opened with its labels; cells are given classes by keys, deleted, added again at one
click, painted on. With --classes every cell has a class before. The effect is there when the picture that shows it has
replaced the stroke, in the frame that draws it.
"""

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Locator, Page

from bccseg.imaging.label_image import Labels
from bccseg.imaging.synthetic import draw_smear
from benchmarks.running_app import browser_page, running_app

LOADING_S = 20  # a network is loaded
WATCH = """(canvas) => {
  window.effect = new Promise((done) => {
    let from = 0;
    const begin = () => { from = from || performance.now(); };
    canvas.addEventListener("pointerup", begin, { once: true, capture: true });
    document.addEventListener("keydown", begin, { once: true, capture: true });
    const watcher = new MutationObserver(() => {
      if (!from || canvas.dataset.waiting !== "0") return;
      watcher.disconnect();
      requestAnimationFrame(() => done(performance.now() - from));
    });
    watcher.observe(canvas, { attributes: true });
  });
}"""


def png(values: np.ndarray) -> bytes:
    """A picture file."""
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


@contextmanager
def correct_page() -> Iterator[tuple[Page, Path]]:
    """The Correct page of an app of its own, and the folder of that app's collection."""
    home = Path(tempfile.mkdtemp())
    with running_app(home) as url, browser_page(1280, 900) as page:
        page.goto(f"{url}/correct")
        yield page, home / "collection"


def open_pair(page: Page, image: NDArray[np.uint8], labels: Labels) -> Locator:
    """Open an image and its labels; returns the canvas, when the network that one click asks is there, too."""
    page.get_by_text("Mask or labels").wait_for()
    files = page.locator("input[type=file]")
    files.nth(0).set_input_files({"name": "field.png", "mimeType": "image/png", "buffer": png(image)})
    page.get_by_role("button", name="Open", exact=True).wait_for()
    truth = png(labels.astype(np.uint16))
    files.nth(1).set_input_files({"name": "labels.png", "mimeType": "image/png", "buffer": truth})
    page.get_by_text("labels.png").wait_for()
    time.sleep(2)
    page.get_by_role("button", name="Open", exact=True).click()
    canvas = page.locator("canvas").last
    canvas.wait_for()
    time.sleep(LOADING_S)
    return canvas


def main() -> None:
    """Print medians."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--cells", type=int, default=150)
    ap.add_argument("--repeat", type=int, default=20)
    ap.add_argument("--classes", action="store_true")
    args = ap.parse_args()
    image, labels = draw_smear((1200, 1600), cells=args.cells, diameter_px=96, seed=3)
    with correct_page() as (page, _):
        canvas = open_pair(page, image, labels)
        box = canvas.bounding_box()
        scale = box["width"] / 1600
        print(f"{int(labels.max())} cells on 1600 x 1200 px, shown {box['width']:.0f} px wide, "
              f"{box['y']:.0f} px from the top")  # fmt: skip
        middles = [np.argwhere(labels == k).mean(axis=0) * scale for k in range(1, int(labels.max()) + 1)]
        inside = [(x, y) for y, x in middles if 30 < x < box["width"] - 30 and 30 < y < box["height"] - 30]
        if args.classes:
            classify_all(page, box)
        measure(page, canvas, inside[: args.repeat])


def classify_all(page: Page, box: dict[str, float]) -> None:
    """Draw around all cells, and press a key."""
    left, top, right, bottom = box["x"] + 1, box["y"] + 1, box["x"] + box["width"] - 2, box["y"] + box["height"] - 2
    page.keyboard.press("k")
    page.mouse.move(left, top)
    page.mouse.down()
    for x, y in ((right, top), (right, bottom), (left, bottom), (left, top + 5)):
        page.mouse.move(x, y, steps=5)
    page.mouse.up()
    page.keyboard.press("1")
    time.sleep(2)


def measure(page: Page, canvas: Locator, places: list[tuple[float, float]]) -> None:
    """Delete, add and paint at each place."""
    box, mouse = canvas.bounding_box(), page.mouse

    def delete(x: float, y: float) -> None:
        mouse.click(x, y, button="right")

    def stroke(x: float, y: float) -> None:
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + 25, y + 10, steps=4)
        mouse.up()

    def give(x: float, y: float) -> None:
        del x, y
        page.keyboard.press("2")

    for title, key, act in (
        ("class, a key", "k", give),
        ("delete, right click", "d", delete),
        ("add, one click", "a", mouse.click),
        ("paint, a stroke", "p", stroke),
    ):
        page.keyboard.press(key)
        time.sleep(2)
        taken = []
        for x, y in places:
            mouse.move(box["x"] + x, box["y"] + y)
            canvas.evaluate(WATCH)
            act(box["x"] + x, box["y"] + y)
            taken.append(page.evaluate("window.effect"))
            time.sleep(0.4)
        print(f"{title:22s} median {statistics.median(taken):4.0f} ms, 90 % within {np.quantile(taken, 0.9):4.0f} ms")


if __name__ == "__main__":
    main()
