"""Seconds and strokes that a hand needs on the Correct page to mend a field, in Chromium: by clicks, or by drawing.

    python benchmarks/mending.py IMAGE LABELS [--strokes] [--f1 0.98]

The network's cells of IMAGE are opened, and compared with LABELS after each action to choose the next: delete what is
no cell, part what is several, join what is one, add what was missed. The hand is a script with real mouse events: it
takes PAUSE_S to find a place and draws at DRAWN_PX_S; what a click does not get right is undone and drawn.
"""

import argparse
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import cv2
import numpy as np
from playwright.sync_api import Locator, Page

from bccseg.annotation.drafts import Draft, open_draft
from bccseg.annotation.store import LabelStore
from bccseg.imaging.label_image import Labels, Mask, border_ids
from bccseg.inference.predictor import load_predictor
from bccseg.inference.segment import segment
from bccseg.io.images import read_image
from bccseg.io.truth import read_truth
from bccseg.metrics.matching import match
from benchmarks.drawing import correct_page, open_pair

PAUSE_S = 0.7
DRAWN_PX_S = 400.0  # screen px a second
MOST_ACTIONS = 200
Point = tuple[float, float]


def f1(labels: Labels, truth: Labels) -> float:
    """F1 at IoU 0.5, without cells that the border cuts."""
    pairs = match(truth, labels)
    missed = set(np.unique(truth)) - {0, *border_ids(truth)} - {t for t, _, _ in pairs}
    false = set(np.unique(labels)) - {0, *border_ids(labels)} - {p for _, p, _ in pairs}
    return 2 * len(pairs) / max(1, 2 * len(pairs) + len(missed) + len(false))


def innermost(mask: Mask) -> Point:
    """The point (x, y) of a mask that is farthest from its edge."""
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    row, col = np.unravel_index(depth.argmax(), depth.shape)
    return col + 0.5, row + 0.5


def errors(labels: Labels, truth: Labels) -> list[tuple[str, int, list[int]]]:
    """What is to be mended: ("cut", cell, true cells in it), ("merge", true cell, cells in it), ("delete", cell, []),
    ("add", true cell, []).
    """
    pairs = match(truth, labels)
    false = [p for p in np.unique(labels) if p and p not in {p for _, p, _ in pairs} | set(border_ids(labels))]
    missed = [t for t in np.unique(truth) if t and t not in {t for t, _, _ in pairs} | set(border_ids(truth))]
    size, true_size = np.bincount(labels.ravel()), np.bincount(truth.ravel())
    todo: list[tuple[str, int, list[int]]] = []
    for t in missed:
        under, n = np.unique(labels[truth == t], return_counts=True)
        parts = [int(p) for p, k in zip(under, n, strict=True) if p and k > 0.5 * size[p]]
        whole = [int(p) for p, k in zip(under, n, strict=True) if p and k > 0.5 * true_size[t] and k <= 0.5 * size[p]]
        if len(parts) > 1:
            todo.append(("merge", int(t), parts))
        elif whole:
            inside, n = np.unique(truth[labels == whole[0]], return_counts=True)
            cells = [int(v) for v, k in zip(inside, n, strict=True) if v and k > 0.3 * true_size[v]]
            todo.append(("cut", whole[0], cells))
        else:
            todo.append(("add", int(t), []))
    used = {c for kind, cell, cells in todo for c in (cells if kind == "merge" else [cell] if kind == "cut" else [])}
    return todo + [("delete", int(p), []) for p in false if p not in used]


class Hand:
    """A hand on the canvas that shows a whole image."""

    def __init__(self, page: Page, canvas: Locator, width: int) -> None:
        self.page, self.mouse, self.box = page, page.mouse, canvas.bounding_box()
        self.scale, self.actions, self.canvas = self.box["width"] / width, 0, canvas

    def at(self, x: float, y: float) -> Point:
        """A point of the image on the screen."""
        return self.box["x"] + x * self.scale, self.box["y"] + y * self.scale

    def tool(self, key: str) -> None:
        """Press the key of a tool."""
        self.page.keyboard.press(key)
        time.sleep(0.3)

    def click(self, point: Point, **how: str) -> None:
        """Go there and click."""
        time.sleep(PAUSE_S)
        self.mouse.click(*self.at(*point), **how)
        self.done()

    def clicked(self, point: Point, better: Callable[[], bool]) -> bool:
        """Click, and look whether it did what it should."""
        self.click(point)
        return better()

    def undo(self) -> None:
        """Take the last action back."""
        self.page.keyboard.press("z")
        self.actions += 1
        time.sleep(0.5)

    def draw(self, points: list[Point]) -> None:
        """Go there and draw."""
        time.sleep(PAUSE_S)
        screen = [self.at(*point) for point in points]
        self.mouse.move(*screen[0])
        self.mouse.down()
        for before, after in pairwise(screen):
            time.sleep(np.hypot(after[0] - before[0], after[1] - before[1]) / DRAWN_PX_S)
            self.mouse.move(*after)
        self.mouse.up()
        self.done()

    def done(self) -> None:
        """Wait for the effect, as an eye does."""
        self.actions += 1
        time.sleep(0.05)
        while self.canvas.get_attribute("data-waiting") != "0":
            time.sleep(0.02)


def mend(
    hand: Hand, truth: Labels, labels: Callable[[], Labels], error: tuple[str, int, list[int]], *, clicks: bool
) -> None:
    """One error, by clicks where they do, else by drawing."""
    kind, cell, others = error
    now = labels()
    before = f1(now, truth)

    def better() -> bool:
        return f1(labels(), truth) > before

    if kind == "delete" or (kind == "cut" and len(others) < 2):  # no cell, or one far too large
        hand.click(innermost(now == cell), button="right")
    if kind == "merge":
        hand.tool("m")
        hand.draw([innermost(now == other) for other in others[:2]])
    elif kind == "cut" and len(others) > 1:
        hand.tool("c")
        if clicks and any(hand.clicked(innermost(now == cell), better) for _ in range(2)):
            return
        if clicks:
            hand.undo()
        hand.draw(line_between(truth, *others[:2]))
    elif kind == "add" or others:
        hand.tool("a")
        target = truth == (cell if kind == "add" else others[0])
        if clicks and hand.clicked(innermost(target & (labels() == 0)), better):
            return
        if clicks:
            hand.undo()
        hand.draw(outline_of(target))


def outline_of(cell: Mask) -> list[Point]:
    """Points around a cell, as a hand would draw them."""
    lines = cv2.findContours(cell.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    outline = max(lines, key=len)[:, 0]
    return [(float(x) + 0.5, float(y) + 0.5) for x, y in outline[:: max(1, len(outline) // 40)]]


def line_between(truth: Labels, one: int, other: int) -> list[Point]:
    """A line along the border of two true cells."""
    a, b = innermost(truth == one), innermost(truth == other)
    middle, across = np.add(a, b) / 2, np.subtract(b, a)[::-1] * np.array([1, -1])
    reach = 0.7 * np.sqrt((truth == one).sum() / np.pi) * 2 * across / max(np.linalg.norm(across), 1e-6)
    return [tuple(middle - reach), tuple(middle + reach)]


def main() -> None:
    """Print seconds, actions, and F1 before and after."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("image", type=Path)
    ap.add_argument("labels", type=Path)
    ap.add_argument("--strokes", action="store_true", help="draw everything, as before one click did it")
    ap.add_argument("--f1", type=float, default=0.98)
    args = ap.parse_args()
    image = read_image(args.image)
    truth, _ = read_truth(args.labels, image, args.image.name)
    proposal = segment(image, load_predictor()).labels
    with correct_page() as (page, store):
        canvas = open_pair(page, image, proposal)
        draft_id = page.url.split("draft=")[1]

        reading = []  # seconds that the script, but no hand, needs to see what is there

        def labels() -> Labels:
            began = time.perf_counter()
            draft: Draft = open_draft(LabelStore(store), draft_id)
            reading.append(time.perf_counter() - began)
            return draft.labels

        hand, started = Hand(page, canvas, image.shape[1]), time.perf_counter()
        first = now = f1(proposal, truth)
        tried: set[tuple[str, int]] = set()
        while now < args.f1 and hand.actions < MOST_ACTIONS:
            there, began = labels(), time.perf_counter()
            todo = [e for e in errors(there, truth) if (e[0], e[1]) not in tried]
            reading.append(time.perf_counter() - began)
            if not todo:
                break
            tried.add((todo[0][0], todo[0][1]))
            mend(hand, truth, labels, todo[0], clicks=not args.strokes)
            now = f1(labels(), truth)
        seconds = time.perf_counter() - started - sum(reading)
    print(f"{args.image.name}: {len(np.unique(truth)) - 1} cells, F1 {first:.3f} to {now:.3f} "
          f"with {hand.actions} {'strokes' if args.strokes else 'clicks and strokes'} in {seconds:.0f} s")  # fmt: skip


if __name__ == "__main__":
    main()
