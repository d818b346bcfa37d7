"""The Correct page and the collection in a real browser, on the real canvas."""

import io
import os
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from scipy import ndimage as ndi

from bccseg.annotation.store import LabelStore
from bccseg.imaging.stained_smear import draw_stained_smear
from tests.browser.correction import CorrectPage, brushed, discs, picture_of, stored_labels

pytestmark = pytest.mark.browser
SHAPE = (450, 600)


@pytest.fixture
def store():
    """The collection of the server."""
    return LabelStore(Path(os.environ["BCCSEG_STORE"]))


@pytest.mark.parametrize("width", [1280, 700])
def test_strokes_change_exactly_their_pixels_at_three_zooms(open_page, store, width):
    """Paint and erase at the whole image, and two zooms beyond: exactly the pixels of the formula."""
    centres = [(90, 90), (300, 225), (500, 370)]
    labels = discs(SHAPE, centres, 40)
    page = open_page("correct", width=width, height=1100)
    editor = CorrectPage.open_pair(page, picture_of(labels, seed=width), labels, name=f"exact {width}.png")
    expected, close = labels.copy(), np.zeros(SHAPE, bool)  # the canvas writes the ends of a stroke 0.006 px off
    for k, zooms in enumerate((0, 1, 2)):
        for _ in range(zooms):
            editor.press("+")
        cx, cy = centres[k]
        if zooms:
            editor.look_at(cx, cy)
        for tool, (start, end) in {"paint": ((0, 0), (57, 13)), "erase": ((-60, -8), (-25, 6))}.items():
            editor.tool(tool)
            brush = float(page.get_by_role("slider", name="Brush").input_value())
            seen = editor.draw_image((cx + start[0], cy + start[1]), (cx + end[0], cy + end[1]), steps=1)
            a, b = (editor.to_image(*p) for p in (seen[0], seen[-1]))
            inside, gap = brushed(SHAPE, a, b, brush / 2)
            if tool == "paint":
                expected[inside & (expected == 0)] = k + 1
            else:
                expected[inside] = 0
            close |= gap < 0.01
        editor.press("0")
    editor.submit("Ana")
    found, version = stored_labels(store, f"exact {width}.png")
    assert version.edit_count == 6
    wrong = np.argwhere(((found > 0) != (expected > 0)) & ~close)
    assert close.sum() < 60  # of some 1500 on the rims: so hardly any pixel is left out of the comparison
    assert len(wrong) == 0, f"{len(wrong)} px differ, e.g. {wrong[:3].tolist()}"
    assert not page.errors


def test_from_upload_to_accepted_dataset(open_page, store):
    """Segment, correct with every tool, undo, reload in the middle, submit, review as someone else, accept, export."""
    centres = [(80, 80), (200, 80), (330, 80), (460, 80), (80, 230), (200, 230), (330, 230), (460, 230)]
    labels = discs(SHAPE, centres, 38)
    labels[70:90, 315:345] = 0  # a hole in the third
    labels[226:234, 497:515] = 8  # a spike on the last
    page = open_page("correct", height=1100)
    editor = CorrectPage.open_pair(page, picture_of(labels, seed=1), labels, name="journey <b>.png")
    assert editor.cells == 8

    editor.tool("delete")
    editor.draw_image((80, 80))
    assert editor.cells == 7
    editor.press("z")
    assert (editor.cells, editor.edits) == (8, 0)
    editor.press("y")
    assert editor.cells == 7
    editor.tool("cut")
    editor.draw_image((200, 30), (200, 130))
    assert editor.cells == 8
    editor.tool("fill")
    editor.draw_image((330, 80))
    editor.tool("merge")
    editor.draw_image((80, 230), (200, 230), edits=0)
    page.get_by_text("too far apart").wait_for()
    editor.tool("paint")
    editor.draw_image((80, 230), (155, 230))
    editor.tool("merge")
    editor.draw_image((100, 230), (200, 230))
    assert editor.cells == 7

    page.reload()
    editor.settled()
    assert (editor.cells, editor.edits) == (7, 5)
    editor.press("z")
    assert editor.cells == 8
    editor.press("y")

    editor.tool("smooth")
    editor.draw_image((460, 230))
    editor.tool("erase")
    editor.draw_image((330, 180), (330, 280))
    assert editor.cells == 8
    editor.tool("add")
    editor.draw_image((300, 330), (380, 330), (380, 400), (300, 400), (300, 332))
    assert editor.cells == 9
    page.get_by_text("By corners").click()
    editor.settled()
    for corner in ((450, 330), (520, 330), (520, 400), (450, 330)):
        box = page.locator("canvas").last.bounding_box()
        x, y = editor.to_canvas(*corner)
        page.mouse.click(box["x"] + x, box["y"] + y)
        page.wait_for_timeout(150)
    expect(page.locator("[data-testid=stMetricValue]").nth(0)).to_have_text("10")
    editor.settled()
    editor.tool("delete")
    editor.draw_image((430, 40), (500, 40), (500, 125), (430, 125), (430, 45))  # around one
    assert editor.cells == 9
    editor.submit("Ana", "hard to see")

    found, version = stored_labels(store, "journey <b>.png")
    kinds = [edit["kind"] for edit in store.details(version).edits]
    assert kinds == ["delete", "cut", "fill", "paint", "merge", "smooth", "erase", "add", "add", "delete"]
    assert (version.author, version.status, version.cells) == ("Ana", "submitted", 9)
    expect_pixels(found, labels)

    other = open_page("collection", height=1400)
    other.get_by_role("tab", name="Review").click()
    other.get_by_text("waits for review", exact=True).first.wait_for()
    other.get_by_role("combobox", name="Waits for review").click()
    other.get_by_role("option", name="journey").click()
    other.get_by_text("hard to see").wait_for()
    other.get_by_role("textbox", name="Your name").fill("Ben")
    other.get_by_role("button", name="Accept").click()
    expect(other.get_by_text("hard to see")).to_have_count(0)
    assert stored_labels(store, "journey <b>.png")[1].reviewer == "Ben"

    other.get_by_role("tab", name="Export").click()
    with other.expect_download() as download:
        other.get_by_role("button", name="Download dataset").click()
    with zipfile.ZipFile(download.value.path()) as archive:
        name = next(n for n in archive.namelist() if "mask" in n and "journey" in n)
        mask = np.asarray(Image.open(io.BytesIO(archive.read(name))))
        original = np.asarray(Image.open(io.BytesIO(archive.read(name.replace("/mask/", "/original/")))))
    assert (original == picture_of(labels, seed=1)).all()
    assert ndi.label(mask > 127)[1] == 9
    assert ((mask > 127) <= (found > 0)).all()
    assert ((found > 0) & (mask <= 127)).sum() < 200  # only the parting lines
    assert not page.errors
    assert not other.errors


def expect_pixels(found, labels):
    """What the strokes of the journey must have left, each checked by itself."""
    gone, kept = found[60:100, 60:100], labels == 5
    assert not gone.any()  # deleted
    left, right = found[80, 180], found[80, 220]
    assert left != right  # cut ...
    assert ((found > 0) == (labels > 0))[40:120, 160:240].all()  # ... without losing a pixel
    assert len(np.unique(found[50:110, 300:360])) <= 2
    assert (found[70:90, 315:345] > 0).all()  # filled
    assert found[230, 80] == found[230, 200] > 0  # merged
    assert found[kept].min() > 0
    assert not found[229:231, 513:515].any()  # smoothed
    assert not found[195:265, 330].any()  # erased ...
    assert found[230, 310] != found[230, 350]  # ... into two
    assert found[365, 340] > 0  # added
    assert found[345, 500] > 0  # added by corners
    assert not found[45:115, 440:480].any()  # deleted by region


def test_drafts_of_others_stay_closed_and_wrong_addresses_are_told(open_page):
    page = open_page("correct?draft=" + "0" * 32)
    page.get_by_text("not here any more").wait_for()
    other = open_page("correct?draft=../../etc")
    other.get_by_text("not the id of a draft").wait_for()


def test_a_result_is_corrected_and_the_uncertain_come_first(open_page):
    page = open_page(height=1100)
    page.get_by_text("In use:").wait_for()
    page.get_by_role("button", name="Try an example").click()
    page.get_by_role("button", name="Correct this image").click()
    editor = CorrectPage(page, (600, 800)).settled()
    first = editor.cells
    editor.press("n")
    page.get_by_text("Place 1 of").wait_for()
    zoomed = editor.window
    editor.press("n")
    page.get_by_text("Place 2 of").wait_for()
    assert editor.window != zoomed
    editor.press("0")
    page.get_by_role("button", name="Expand sidebar").click()
    page.get_by_role("link", name="Guide").click()
    page.get_by_text("In three steps").wait_for()
    page.get_by_role("link", name="Correct", exact=True).click()
    editor.settled()  # still open after a visit to another page
    editor.press("v")
    expect(page.get_by_role("combobox", name="Show")).to_have_value("Filled")
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Correct it").wait_for()
    later = page.context.new_page()  # another day: this browser still knows the draft
    later.goto(page.url.split("?")[0])
    later.get_by_role("button", name="Go on").click()
    again = CorrectPage(later, (600, 800)).settled()
    assert again.cells == first > 0
    later.get_by_role("button", name="Discard").click()
    later.get_by_role("button", name="Discard the draft").click()
    later.get_by_role("button", name="Correct it").wait_for()  # Segment's result is known to this browser, too
    expect(later.get_by_role("button", name="Go on")).to_have_count(0)


def test_corrections_reach_the_numbers_and_every_download(open_page):
    page = open_page(height=1100)
    page.get_by_text("In use:").wait_for()
    page.get_by_role("button", name="Try an example").click()
    page.get_by_role("button", name="Correct this image").click()
    editor = CorrectPage(page, (900, 1200)).settled()
    before = editor.cells
    editor.tool("delete")
    for x, y in two_cells():
        editor.draw_image((x, y))
    assert editor.cells == before - 2
    page.get_by_role("button", name="See the numbers").click()  # nothing was submitted, nothing consented to

    expect(page.get_by_text("2 edits")).to_be_visible()
    cells = page.locator("[data-testid=stMetricValue]").first
    expect(cells).to_have_text(str(before - 2))
    name, labels, rows = downloaded(page)
    assert name == "bccseg_results.zip"
    assert labels.max() == before - 2 == rows
    page.get_by_text("Show what the network found").click()
    expect(cells).to_have_text(str(before))
    assert downloaded(page)[1].max() == before - 2, "a look at the proposal changes no download of the batch"
    page.get_by_text("Show what the network found").click()

    page.get_by_role("button", name="Continue correcting").click()  # the same draft, where it was
    editor.settled()
    assert (editor.cells, editor.edits) == (before - 2, 2)
    page.locator("body").press("Control+z")
    page.get_by_role("button", name="See the numbers").click()  # at once, as a hurried person does
    expect(cells).to_have_text(str(before - 1))
    expect(page.get_by_text("1 edit,")).to_be_visible()
    page.get_by_role("button", name="Continue correcting").click()
    editor.settled()
    page.get_by_role("button", name="Discard").click()
    page.get_by_role("button", name="Discard the draft").click()
    page.get_by_role("button", name="Expand sidebar").click()
    page.get_by_role("link", name="Segment", exact=True).click()
    expect(cells).to_have_text(str(before))
    expect(page.get_by_role("button", name="Correct this image")).to_be_visible()
    assert page.errors == []


def two_cells():
    """Middles of two cells of the example, off the border."""
    labels = draw_stained_smear().labels
    boxes = [box for box in ndi.find_objects(labels) if box]
    whole = [b for b in boxes if all(s.start > 20 and s.stop < n - 20 for s, n in zip(b, labels.shape, strict=True))]
    return [((b[1].start + b[1].stop) / 2, (b[0].start + b[0].stop) / 2) for b in (whole[0], whole[-1])]


def downloaded(page):
    """Name of the zip of everything, and the label picture and the number of table rows in it."""
    page.get_by_role("tab", name="Downloads").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Everything (zip)").click()
    with zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes())) as archive:
        labels = next(name for name in archive.namelist() if name.endswith("_labels.png"))
        table = next(name for name in archive.namelist() if name.endswith("_cells.csv"))
        picture = cv2.imdecode(np.frombuffer(archive.read(labels), np.uint8), cv2.IMREAD_UNCHANGED)
        return download.value.suggested_filename, picture, len(archive.read(table).decode().splitlines()) - 1
