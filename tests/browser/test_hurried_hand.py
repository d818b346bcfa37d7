"""Drawing as quickly as a hand can, while the server is busy with somebody else: nothing is lost."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import expect
from scipy import ndimage as ndi

from bccseg.annotation.drafts import open_draft
from bccseg.annotation.store import LabelStore
from bccseg.imaging.stained_smear import draw_stained_smear
from bccseg.imaging.synthetic import draw_smear
from tests.browser.correction import CorrectPage, discs, picture_of, png

pytestmark = pytest.mark.browser
SHAPE = (600, 1000)
GRID = [(45 + 70 * (k % 14), 40 + 75 * (k // 14)) for k in range(104)]


@pytest.fixture
def editor(open_page):
    """The Correct page with 104 discs, while another visitor's large image is being segmented."""
    labels = discs(SHAPE, GRID, 20)
    other = open_page()
    page = open_page(height=1100)
    page.goto(page.url.replace("/segment", "/correct"))
    found = CorrectPage.open_pair(page, picture_of(labels), labels)
    large = {"name": "large.png", "mimeType": "image/png", "buffer": png(np.tile(draw_smear()[0], (6, 5, 1)))}
    other.locator("input[type=file]").first.set_input_files(large)
    other.get_by_role("button", name="Stop").wait_for()
    yield found
    if (stop := other.get_by_role("button", name="Stop")).count():
        stop.click()  # the tests that follow have the server for themselves
        stop.wait_for(state="detached")


def points_on_screen(editor):
    box = editor.page.locator("canvas").last.bounding_box()
    return [(box["x"] + x, box["y"] + y) for x, y in (editor.to_canvas(*point) for point in GRID)]


def edits_kept(page, store):
    """Edits of the draft in the address, as they lie on the disk."""
    draft = open_draft(store, page.url.split("draft=")[1])
    return draft.history.edits, draft.labels


@pytest.fixture
def store():
    return LabelStore(Path(os.environ["BCCSEG_STORE"]))


def test_a_hundred_clicks_at_five_a_second_are_a_hundred_edits_in_order(editor, store):
    editor.tool("delete")
    where, mouse = points_on_screen(editor), editor.page.mouse
    due = time.monotonic()
    for point in where[:100]:
        mouse.click(*point)
        due += 0.2
        time.sleep(max(0, due - time.monotonic()))
    expect(editor.page.locator("[data-testid=stMetricValue]").nth(2)).to_have_text("100", timeout=20_000)
    edits, labels = edits_kept(editor.page, store)
    assert [edit.kind for edit in edits] == ["delete"] * 100
    assert np.abs(np.array([edit.points[0] for edit in edits]) - GRID[:100]).max() < 1.5, "each where it was, in order"
    assert len(np.unique(labels)) - 1 == 4
    assert editor.cells == 4
    expect(editor.page.locator("canvas").last).to_have_attribute("data-waiting", "0")


def test_strokes_that_never_reached_the_server_are_done_after_a_reload_each_once(editor, store):
    page, cut = editor.page, []

    def line(socket):
        server = socket.connect_to_server()
        socket.on_message(lambda message: None if cut else server.send(message))

    page.route_web_socket("**/_stcore/stream", line)
    page.reload()
    edits_shown = page.locator("[data-testid=stMetricValue]").nth(2)
    for k in range(2):
        expect(edits_shown).to_have_text(str(4 * k), timeout=20_000)
        editor.tool("delete")
        where = points_on_screen(editor)[4 * k : 4 * k + 4]
        page.mouse.click(*where[0])
        expect(edits_shown).to_have_text(str(4 * k + 1), timeout=20_000)
        cut.append(True)
        for point in where[1:]:
            page.mouse.click(*point)
        cut.clear()
        page.reload()
    expect(edits_shown).to_have_text("8", timeout=20_000)
    expect(page.locator("canvas").last).to_have_attribute("data-waiting", "0")
    edits, labels = edits_kept(page, store)
    assert [edit.kind for edit in edits] == ["delete"] * 8
    assert len(np.unique(labels)) - 1 == 104 - 8


@pytest.mark.parametrize("pause", [0.33, 1.0])
def test_strokes_one_after_the_other_are_as_many_edits(editor, store, pause):
    editor.tool("paint")
    where, mouse = points_on_screen(editor), editor.page.mouse
    count = 30 if pause < 1 else 8
    due = time.monotonic()
    for x, y in where[:count]:
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + 18, y, steps=3)
        mouse.up()
        due += pause
        time.sleep(max(0, due - time.monotonic()))
    expect(editor.page.locator("[data-testid=stMetricValue]").nth(2)).to_have_text(str(count), timeout=20_000)
    edits, _ = edits_kept(editor.page, store)
    assert [edit.kind for edit in edits] == ["paint"] * count
    starts = np.array([edit.points[0] for edit in edits])
    assert np.abs(starts - GRID[:count]).max() < 1.5


@pytest.mark.parametrize("button", ["See the numbers", "Close"])
def test_leaving_at_once_after_a_stroke_loses_nothing(open_page, store, button):
    page = open_page(height=1100)
    page.get_by_text("In use:").wait_for()
    page.get_by_role("button", name="Try an example").click()
    page.get_by_role("button", name="Correct this image").click()
    editor = CorrectPage(page, (900, 1200)).settled()
    address = page.url
    editor.tool("delete")
    y, x = ndi.center_of_mass(draw_stained_smear().labels == 3)
    box = page.locator("canvas").last.bounding_box()
    across, down = editor.to_canvas(x, y)
    page.mouse.click(box["x"] + across, box["y"] + down)
    page.get_by_role("button", name=button).click()
    then = "Continue correcting" if button == "See the numbers" else "Correct it"
    expect(page.get_by_role("button", name=then)).to_be_visible()
    draft = open_draft(store, address.split("draft=")[1])
    assert len(draft.history.edits) == 1
    assert len(np.unique(draft.labels)) == len(np.unique(draft.base)) - 1


def test_a_stroke_right_after_a_key_is_of_its_tool(editor, store):
    editor.tool("add")
    where, page = points_on_screen(editor), editor.page
    for point, key in zip(where[:6], "dedeed", strict=True):
        page.keyboard.press(key)
        page.mouse.click(*point)
    expect(page.locator("[data-testid=stMetricValue]").nth(2)).to_have_text("6", timeout=20_000)
    edits, _ = edits_kept(page, store)
    assert [edit.kind for edit in edits] == ["delete", "erase", "delete", "erase", "erase", "delete"]


def test_a_class_a_key_at_six_a_second_and_the_next_doubtful_cell_after_each(editor, store):
    """As a technician does it: pointer on a cell, key; then J, and keys alone."""
    page, where = editor.page, points_on_screen(editor)
    editor.tool("class")
    names, due = {"1": "red", "2": "white", "3": "platelet"}, time.monotonic()
    pressed = ["1123"[k % 4] for k in range(40)]
    for point, key in zip(where, pressed, strict=False):
        page.mouse.move(*point)
        page.keyboard.press(key)
        due += 1 / 6
        time.sleep(max(0, due - time.monotonic()))
    edits_shown = page.locator("[data-testid=stMetricValue]").nth(2)
    expect(edits_shown).to_have_text("40", timeout=20_000)
    draft = open_draft(store, page.url.split("draft=")[1])
    assert {cell: mark.name for cell, mark in draft.marks.items()} == {
        cell: names[key] for cell, key in enumerate(pressed, start=1)
    }
    assert editor.cells == 104 - 10, "platelets are no cells"
    box = page.locator("canvas").last.bounding_box()  # around the next two, then a key, and another
    (x0, y0), (x1, y1) = where[42], where[43]
    assert y0 == y1, "in one row"
    corners = [(x0 - 25, y0 - 25), (x1 + 25, y0 - 25), (x1 + 25, y0 + 25), (x0 - 25, y0 + 25), (x0 - 25, y0 - 10)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=3)
    page.mouse.up()
    page.keyboard.press("3")
    page.keyboard.press("2")
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.keyboard.press("j")
    for left in (62, 61, 60):  # the first is ringed; its key goes on to the next
        expect(page.get_by_text(f"{left} left; this one: no class yet")).to_be_visible()
        page.keyboard.press("1")
    expect(edits_shown).to_have_text("45", timeout=20_000)  # the platelets' key gave what the outline had given
    box = page.locator("canvas").last.bounding_box()  # 45 is in its middle, at 4 screen px an image px; 46 is ringed
    page.mouse.move(box["x"] + box["width"] / 2 - 4 * 70, box["y"] + box["height"] / 2, steps=3)  # to 44
    page.keyboard.press("1")
    expect(edits_shown).to_have_text("46", timeout=20_000)
    marks = open_draft(store, page.url.split("draft=")[1]).marks
    assert {cell: marks[cell].name for cell in range(41, 46)} == {
        41: "red", 42: "red", 43: "white", 44: "red", 45: "red",
    }  # fmt: skip
    assert 46 not in marks, "only ringed"


def test_the_example_comes_although_something_else_is_clicked_at_once(open_page):
    page = open_page()
    size = page.get_by_role("textbox", name="Pixel size (µm)")
    size.wait_for()
    page.get_by_role("button", name="Try an example").click()
    for typed in ("0.1", ""):  # ends the run that the button began
        size.fill(typed)
        size.press("Enter")
    page.locator(".stage[data-ready]").wait_for()
    page.get_by_role("button", name="Correct this image").wait_for()
    assert page.errors == []
