"""The gallery under a hurried hand: every move counts, in every number, and outlives a reload."""

import time
from itertools import pairwise

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.browser
IDS = "tiles => tiles.map(tile => tile.dataset.id)"


def metric(page, label):
    return page.get_by_test_id("stMetric").filter(has_text=label)


def test_cells_are_moved_by_key_faster_than_the_page_answers(open_page):
    page = open_page(width=1280, height=1000)
    page.get_by_role("button", name="Try an example").click()
    page.locator(".stage[data-ready]").wait_for()
    page.get_by_text("Gallery", exact=False).first.click()
    tiles = page.locator(".tile")
    tiles.first.wait_for()
    order = tiles.evaluate_all(IDS)
    ids = page.locator(".tile[data-class='red']").evaluate_all(IDS)
    whites = 8 + page.locator(".tile[data-class='white']").count()  # the network may know some already
    for k, cell in enumerate(ids[:8]):  # five a second
        page.locator(f".tile[data-id='{cell}']").click()
        page.keyboard.press("2" if k % 2 else "4")
        time.sleep(0.05)
    page.locator(f".tile[data-id='{ids[8]}']").click()
    page.locator(f".tile[data-id='{ids[10]}']").click(modifiers=["Shift"])
    page.locator(f".tile[data-id='{ids[12]}']").click(modifiers=["ControlOrMeta"])
    expect(page.locator(".gallery .count")).to_have_text("4 selected")
    page.locator("button[data-target='white']").click()
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+Shift+z")
    page.locator(".gallery[data-waiting='0']").wait_for()
    expect(metric(page, "White per 100 red")).to_contain_text(", few")
    expect(page.locator(".tile[data-class='white']")).to_have_count(whites)
    assert page.locator(".tile[data-class='not a cell']").count() == 4
    assert tiles.evaluate_all(IDS) == order, "nothing moves under the hand"
    expect(metric(page, "Cells").first).to_contain_text(f"{whites} white")
    page.get_by_role("button", name="Sort again").click()
    expect(tiles.last).to_have_attribute("data-class", "not a cell")
    classes = tiles.evaluate_all("all => all.map(e => e.dataset.class)")
    assert len(set(classes)) == 1 + sum(a != b for a, b in pairwise(classes)), "each class in one row of tiles"

    page.reload()
    page.locator(".stage[data-ready]").wait_for()
    expect(metric(page, "Cells").first).to_contain_text(f"{whites} white")
    page.locator(".chips button[data-class='red']").click()
    expect(page.locator(".chips button[data-class='red']")).to_have_attribute("aria-pressed", "false")
    page.get_by_text("Gallery", exact=False).first.click()
    expect(page.locator(".tile[data-class='red']")).to_have_count(0)
    expect(page.locator(".tile[data-class='white']")).to_have_count(whites)
    page.locator(".tile[data-class='white']").first.dblclick()
    expect(page.get_by_text("selected", exact=False).first).to_be_visible()
    page.locator(".stage[data-ready]").wait_for()
    assert page.errors == []
