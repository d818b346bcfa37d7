"""Seconds from a click on another page, tab or image until it is drawn, in Chromium.

    python benchmarks/pages.py [--images 200] [--repeat 5]

An app of its own has a study of drawn smears with their cells in two groups, and the example on Segment. Drawn means
that Streamlit says so and the heading is there. Each is clicked once before, as a person does who works with them.
"""

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from bccseg.imaging.synthetic import draw_smear
from bccseg.io.archive import Entry
from bccseg.report.result import ImageResult
from bccseg.studies.store import StudyStore
from benchmarks.running_app import browser_page, running_app

DRAWN, SAMPLES = 10, 20
PAGES = ("Segment", "Studies", "Correct", "Collection", "Train", "Weights", "Guide")
DRAWN_NOW = """(heading) => {
  const app = document.querySelector("[data-testid=stApp]");
  const shown = [...document.querySelectorAll("h1, h2")].some((h) => h.innerText.includes(heading));
  return shown && app.dataset.testScriptState === "notRunning" && !document.querySelector("[data-stale=true]");
}"""


@cache
def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """One of a few smears: drawing takes long."""
    return draw_smear((750, 1000), cells=90, diameter_px=52 + 4 * (seed % 2), seed=seed)


def fill(store: StudyStore, images: int) -> str:
    """A study of drawn images with results; its id."""
    study = store.create("Two groups")
    for k in range(images):
        image, labels = drawn(k % DRAWN)
        file = io.BytesIO()
        Image.fromarray(np.roll(image, k, axis=0)).save(file, "JPEG", quality=92)
        study.images.add([Entry(f"{'control' if k % 2 else 'treated'}/{k % SAMPLES}/{k}.jpg", file.getvalue())])
        added = study.images.all()[-1]
        result = ImageResult.measure(
            np.roll(image, k, axis=0), np.roll(labels, k, axis=0), np.full(int(labels.max()), 0.9, np.float32), 0.1,
            name=added.name, stem=f"{k}", diameter_px=54.0,
        )  # fmt: skip
        study.keep(added, result)
    return study.id


def seconds(page: Page, click: Callable[[], None], heading: str) -> float:
    """From a click to the page that it leads to."""
    began = time.perf_counter()
    click()
    page.wait_for_timeout(20)
    page.wait_for_function(DRAWN_NOW, arg=heading, polling=10)
    return time.perf_counter() - began


def told(what: str, taken: list[float]) -> None:
    """Print a line."""
    print(f"{what:40s} median {statistics.median(taken):5.2f} s, longest {max(taken):5.2f} s", flush=True)


def main() -> None:
    """Print medians."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--images", type=int, default=200)
    ask.add_argument("--repeat", type=int, default=5)
    args = ask.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        study = fill(StudyStore(home / "studies"), args.images)
        with running_app(home) as url, browser_page(1440, 900) as page:
            page.goto(f"{url}/segment")
            page.get_by_role("button", name="Try an example").click()
            page.locator(".stage[data-ready]").wait_for(timeout=120_000)
            links = {name: page.get_by_role("link", name=name, exact=True) for name in PAGES}
            taken: dict[str, list[float]] = {name: [] for name in PAGES}
            for k in range(args.repeat + 1):
                for name in PAGES:
                    if (folded := page.get_by_test_id("stExpandSidebarButton")).is_visible():
                        folded.click()  # Correct folds the list of pages away
                        time.sleep(0.5)
                    took = seconds(page, links[name].click, name)
                    time.sleep(0.5)
                    if k:
                        taken[name].append(took)
            for name in PAGES:
                told(f"page {name}", taken[name])
            page.goto(f"{url}/studies?study={study}")
            page.get_by_text("Two groups").first.wait_for()
            tabs: dict[str, list[float]] = {name: [] for name in ("Images", "Samples", "Compare", "Report")}
            for k in range(args.repeat + 1):
                for name in ("Samples", "Compare", "Report", "Images"):
                    took = seconds(page, page.get_by_role("tab", name=name).click, "Two groups")
                    time.sleep(0.5)
                    if k:
                        tabs[name].append(took)
            for name, values in tabs.items():
                told(f"study of {args.images} images, tab {name}", values)


if __name__ == "__main__":
    main()
