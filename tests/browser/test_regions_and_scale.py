"""Drawing on the image: a line along a scale bar, and regions at a hurried hand's pace."""

import io
import json
import re
import time
import zipfile

import numpy as np
from PIL import Image
from playwright.sync_api import expect

from bccseg.imaging.synthetic import draw_smear
from tests.browser.test_segment_page import upload, wait_for_result

WIDTH, HEIGHT = 800, 600
THREE_UNDONE = """(stage) => { for (let k = 0; k < 3; k++)
    stage.dispatchEvent(new KeyboardEvent("keydown", { key: "z", ctrlKey: true, bubbles: true })); }"""


def with_bar():
    """A drawn smear with a black bar of exactly 200 px, from x = 500 to 700."""
    image = draw_smear((HEIGHT, WIDTH), cells=40, diameter_px=50, seed=3)[0].copy()
    image[560:568, 480:720] = 255
    image[562:566, 500:700] = 0
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return {"name": "smear.png", "mimeType": "image/png", "buffer": buffer.getvalue()}


def surface(page):
    """The place of a point of the image on the screen, once it can be drawn on."""
    stage = page.locator(".shapes .stage[data-ready]")
    stage.wait_for()
    stage.scroll_into_view_if_needed()
    page.wait_for_timeout(700)  # scrolled
    box, shown = stage.bounding_box(), stage.evaluate("s => ({...s.dataset})")
    scale, x, y = (float(shown[name]) for name in ("scale", "x", "y"))
    return stage, lambda px, py: (box["x"] + x + px * scale, box["y"] + y + py * scale)


def canvas(page):
    """The place of a point of the image on the canvas for the line."""
    shown = page.locator(".dc-canvas").first
    shown.wait_for()
    shown.scroll_into_view_if_needed()
    page.wait_for_timeout(700)  # scrolled
    box = shown.bounding_box()
    scale = box["width"] / WIDTH
    return lambda px, py: (box["x"] + px * scale, box["y"] + py * scale)


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=4)
    page.mouse.up()


def answered(stage):
    expect(stage).to_have_attribute("data-waiting", "0", timeout=30_000)


def test_a_bar_is_measured_and_regions_are_drawn_kept_and_saved(open_page):
    page = open_page("segment", height=1100)
    upload(page, [with_bar()])
    wait_for_result(page)
    page.get_by_role("tab", name="Calibration").click()
    at = canvas(page)
    drag(page, at(300, 300), at(500, 400))  # a first try
    page.get_by_text(re.compile("^The line is 22[34]")).wait_for()
    drag(page, at(504, 564), at(696, 564))  # a few px off at both ends: they snap to the bar's
    page.get_by_role("textbox", name="Length of the line").fill("0,02 mm")
    page.keyboard.press("Enter")
    page.get_by_text("The line is 200.").or_(page.get_by_text("The line is 199.9")).wait_for()
    expect(page.get_by_text("Start: snapped").or_(page.get_by_text("End: snapped"))).to_have_count(2)
    page.get_by_role("tab", name="Regions").click()
    page.get_by_role("tab", name="Calibration").click()  # the line is still there
    page.get_by_role("button", name="Use this pixel size").click()
    expect(page.get_by_text("measured on smear.png").first).to_be_visible()
    expect(page.get_by_role("textbox", name="Pixel size (µm)")).to_have_value(re.compile(r"^0\.(1|0999\d?|1000\d?)$"))

    page.get_by_role("tab", name="Regions").click()
    stage, at = surface(page)
    page.locator(".shapes [data-tool=frame]").click()
    started = time.monotonic()
    for k in range(6):  # faster than the page can answer
        x, y = 40 + 250 * (k % 3), 30 + 270 * (k // 3)
        drag(page, at(x, y), at(x + 200, y + 200))
    assert time.monotonic() - started < 10
    stage.evaluate(THREE_UNDONE)  # three changes in one moment: the browser sends one state of them
    page.locator(".shapes [data-tool=excluded]").click()
    for corner in ((300, 240), (420, 240), (360, 300), (300, 240)):
        page.mouse.click(*at(*corner))
    answered(stage)
    page.locator(".shapes [data-tool=select]").click()
    page.mouse.click(*at(140, 130))
    page.keyboard.press("Delete")
    page.keyboard.press("Control+z")
    drag(page, at(140, 130), at(160, 140))  # moved
    answered(stage)
    page.reload()
    wait_for_result(page)
    page.get_by_role("tab", name="Downloads").click()
    with page.expect_download() as saved:
        page.get_by_role("button", name="QuPath (GeoJSON)").click()
    features = json.loads(saved.value.path().read_text(encoding="utf-8"))["features"]
    regions = {f["properties"]["name"]: f for f in features if "rule" in f["properties"].get("metadata", {})}
    assert sorted(regions) == ["Excluded 1", *(f"Frame {k}" for k in range(1, 4))]
    corner = regions["Frame 1"]["geometry"]["coordinates"][0][0]
    assert np.allclose(corner, (60, 40), atol=2)
    with page.expect_download() as saved:
        page.get_by_role("button", name="Everything (zip)").click()
    with zipfile.ZipFile(saved.value.path()) as archive:
        assert "Frame 3" in archive.read("regions.csv").decode()
        assert "measured on smear.png" in archive.read("summary.csv").decode()
    assert not page.errors
