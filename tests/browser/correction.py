"""Driving the Correct page: open an image with labels, choose tools, draw on the canvas, and know what that means."""

import io
import re
import time

import cv2
import numpy as np
from PIL import Image
from playwright.sync_api import TimeoutError, expect  # noqa: A004

TOOL_KEYS = {
    "add": "a", "paint": "p", "erase": "e", "cut": "c", "merge": "m", "delete": "d", "fill": "f", "smooth": "s",
    "class": "k", "move": "h",
}  # fmt: skip


def png(values):
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def discs(shape, centres, radius):
    """Labels with a disc at each (x, y)."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    labels = np.zeros(shape, np.int32)
    for k, (cx, cy) in enumerate(centres, start=1):
        labels[(x - cx) ** 2 + (y - cy) ** 2 <= radius**2] = k
    return labels


def picture_of(labels, seed=0):
    """A photograph-like image of labels, different for every seed."""
    noise = np.random.default_rng(seed).normal(0, 4, (*labels.shape, 3))
    return np.clip(np.where(labels[..., None] > 0, (150, 90, 130), (225, 220, 228)) + noise, 0, 255).astype(np.uint8)


class CorrectPage:
    """A page with a correction open."""

    def __init__(self, page, shape):
        self.page, self.shape = page, shape

    @classmethod
    def open_pair(cls, page, image, labels, name="field.png"):
        """Through the uploaders of the Correct page."""
        page.get_by_text("Mask or labels").wait_for()
        files = page.locator("input[type=file]")
        files.nth(0).set_input_files({"name": name, "mimeType": "image/png", "buffer": png(image)})
        truth = png(labels.astype(np.uint16))
        page.get_by_role("button", name="Open", exact=True).wait_for()
        files.nth(1).set_input_files({"name": "labels.png", "mimeType": "image/png", "buffer": truth})
        page.get_by_text("labels.png").wait_for()
        time.sleep(1)
        page.get_by_role("button", name="Open", exact=True).click()
        return cls(page, labels.shape).settled()

    def settled(self):
        """Wait until the page has its width and stands still."""
        try:
            self.page.locator("canvas").last.wait_for()
            self.page.locator(".overview .window[style]").first.wait_for(state="attached")
        except TimeoutError as error:
            words = self.page.locator(".stMain").inner_text()[:2000]
            raise AssertionError(f"no canvas at {self.page.url}; the page says: {words}") from error
        before, end = None, time.monotonic() + 60
        while before != (now := (self.canvas_box(), self.window)) or now[0] is None:
            assert time.monotonic() < end, "the page does not come to rest"
            before = now
            time.sleep(0.6)
        return self

    def canvas_box(self):
        """Where the canvas is; None while it is exchanged for a fresh one."""
        canvas = self.page.locator("canvas")
        return canvas.last.bounding_box(timeout=10_000) if canvas.count() else None

    @property
    def edits(self):
        return int(self.page.locator("[data-testid=stMetricValue]").nth(2).inner_text().replace(",", ""))

    @property
    def cells(self):
        return int(self.page.locator("[data-testid=stMetricValue]").nth(0).inner_text().replace(",", ""))

    @property
    def window(self):
        """left, top, width, height of the visible window in image px, as the overview shows it."""
        style = self.page.locator(".overview .window").first.get_attribute("style")
        share = [float(v) / 100 for v in re.findall(r"([\d.]+)%", style)]
        height, width = self.shape
        return tuple(round(s * n) for s, n in zip(share, (width, height, width, height), strict=True))

    def press(self, key):
        self.page.locator("body").press(key)
        self.settled()

    def tool(self, name):
        self.press(TOOL_KEYS[name])
        title = "Fill holes" if name == "fill" else name.capitalize()
        expect(self.page.locator("p", has_text=re.compile(f"^{title}: "))).to_be_visible()

    def to_image(self, x, y):
        """Image px of a point of the canvas (in px of the canvas)."""
        box, (left, top, width, height) = self.page.locator("canvas").last.bounding_box(), self.window
        return left + x * width / box["width"], top + y * height / box["height"]

    def to_canvas(self, x, y):
        box, (left, top, width, height) = self.page.locator("canvas").last.bounding_box(), self.window
        return (x - left) * box["width"] / width, (y - top) * box["height"] / height

    def draw(self, *points, edits=1, steps=4):
        """A stroke through canvas points; returns the points that the browser really saw (whole px of the screen)."""
        before, mouse = self.edits, self.page.mouse
        self.page.locator("canvas").last.scroll_into_view_if_needed()
        box = self.page.locator("canvas").last.bounding_box()
        screen = [(int(box["x"] + x), int(box["y"] + y)) for x, y in points]
        mouse.move(*screen[0])
        mouse.down()
        for point in screen[1:]:
            mouse.move(*point, steps=steps)
        mouse.up()
        if edits:
            expect(self.page.locator("[data-testid=stMetricValue]").nth(2)).to_have_text(str(before + edits))
        self.settled()
        return [(x - box["x"], y - box["y"]) for x, y in screen]

    def draw_image(self, *points, edits=1, steps=4):
        """A stroke through image points. steps=1: straight from point to point, else as a hand does it."""
        return self.draw(*[self.to_canvas(*p) for p in points], edits=edits, steps=steps)

    def look_at(self, x, y):
        """Click on the overview."""
        small = self.page.locator(".overview img")
        small.scroll_into_view_if_needed()
        box, (height, width) = small.bounding_box(), self.shape
        self.page.mouse.click(box["x"] + x / width * box["width"], box["y"] + y / height * box["height"])
        self.settled()

    def submit(self, author, comment=""):
        page = self.page
        page.get_by_role("textbox", name="Your name").fill(author)
        page.get_by_role("textbox", name="Comment").fill(comment)
        page.get_by_text("I may share this image").click()
        page.get_by_role("button", name="Submit for review").click()
        page.get_by_text("It waits for review in the collection").wait_for()


def stored_labels(store, name):
    """Labels of the last version of the image called `name`, read with OpenCV."""
    info = next(i for i in store.images() if i.name == name)
    version = store.versions(info.id)[-1]
    path = store.root / "labels" / info.id / f"{version.id}.png"
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(np.int32), version


def brushed(shape, a, b, radius):
    """Pixels within `radius` of the line a-b by the formula, and how far each one's centre is from the rim."""
    y, x = np.mgrid[: shape[0], : shape[1]] + 0.5
    along = np.array(b) - a
    t = np.clip(((x - a[0]) * along[0] + (y - a[1]) * along[1]) / max(1e-9, along @ along), 0, 1)
    distance = np.hypot(x - a[0] - t * along[0], y - a[1] - t * along[1])
    return distance <= radius, np.abs(distance - radius)
