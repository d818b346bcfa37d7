"""Classes of one's own, the whole way: marked in the gallery and on the canvas, submitted, reviewed, learned, used."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from bccseg.annotation.drafts import open_draft
from bccseg.annotation.store import LabelStore
from tests.browser.conftest import running_app
from tests.browser.correction import CorrectPage

pytestmark = pytest.mark.browser
CELLS = 6  # marked of each class in the gallery


def test_marked_cells_are_submitted_reviewed_learned_and_told(browser, tmp_path):
    place = {"BCCSEG_STORE": str(tmp_path / "collection"), "BCCSEG_RUNS": str(tmp_path / "runs")}
    store = LabelStore(tmp_path / "collection")
    with running_app(**place) as url, browser.new_context(viewport={"width": 1280, "height": 1000}) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(url)
        page.get_by_role("button", name="Try an example").click()
        page.locator(".stage[data-ready]").wait_for()
        page.get_by_text("Gallery", exact=False).first.click()
        page.locator(".tile").first.wait_for()
        ids = page.locator(".tile").evaluate_all("tiles => tiles.map(tile => tile.dataset.id)")
        for k, cell in enumerate(ids[: 2 * CELLS]):
            page.locator(f".tile[data-id='{cell}']").click()
            page.keyboard.press("12"[k % 2])
        page.locator(".gallery[data-waiting='0']").wait_for()

        page.get_by_role("button", name=re.compile("Correct this image|Continue correcting")).first.click()
        page.locator(".surface canvas").last.wait_for()
        draft = open_draft(store, page.url.split("draft=")[1])
        editor = CorrectPage(page, draft.labels.shape).settled()
        editor.tool("class")
        chosen = [cell for cell, mark in draft.marks.items() if mark.by == "network" and mark.name == "red"][:2]
        box = editor.canvas_box()
        for cell in chosen:
            y, x = np.argwhere(draft.labels == cell).mean(axis=0)
            cx, cy = editor.to_canvas(x, y)
            page.mouse.move(box["x"] + cx, box["y"] + cy)
            page.keyboard.press("2")
        expect(page.locator("[data-testid=stMetricValue]").nth(2)).to_have_text(str(2 * CELLS + 2))
        editor.submit("Ana")
        page.get_by_text("Submitted:").wait_for()

        page.goto(f"{url}/collection?part=Review")
        page.locator(".stage[data-ready]").nth(1).wait_for()
        page.get_by_label("Your name").fill("Ben")
        page.get_by_label("Your name").press("Enter")
        page.get_by_role("button", name="Accept").first.click()
        page.get_by_text("is accepted").wait_for()
        (version,) = [v for v in store.versions() if v.status == "accepted"]
        marks = store.marks(version)
        assert sum(mark.by == "person" for mark in marks.values()) == 2 * CELLS + 2

        page.get_by_role("link", name="Train").click()
        page.get_by_role("tab", name="Classes from a few clicks").click()
        expect(page.get_by_text("accepted, ").first).to_be_visible()
        page.get_by_role("button", name="Learn these classes").dblclick()  # a hurried hand
        page.get_by_text(re.compile(r"by \d+ marked cells")).first.wait_for()
        assert len(list((tmp_path / "runs").glob("2*"))) == 1, "learned once"
        expect(page.get_by_text("Rows are what you marked").first).to_be_visible()  # how good it is on cells held out
        page.get_by_role("button", name="Promote").first.click()
        page.get_by_text("The app uses these weights").first.wait_for()
        page.reload()
        page.get_by_role("tab", name="Classes from a few clicks").click()
        page.get_by_text(re.compile(r"by \d+ marked cells")).first.wait_for()

        page.get_by_role("link", name="Segment").click()
        page.get_by_role("button", name="Clear all").click()
        page.get_by_role("button", name="Try an example").click()
        page.locator(".stage[data-ready]").wait_for()
        expect(page.get_by_text("In use: Classes of my own")).to_be_visible()
        expect(page.locator(".chips button[data-class='white']")).to_be_visible()
