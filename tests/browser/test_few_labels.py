"""Classes of one's own, the whole way: marked in the gallery, learned on Train, used, and told on Segment."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import running_app

pytestmark = pytest.mark.browser
CELLS = 6  # marked of each class


def test_marked_cells_are_learned_and_told(browser, tmp_path):
    place = {"BCCSEG_STORE": str(tmp_path / "collection"), "BCCSEG_RUNS": str(tmp_path / "runs")}
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

        page.get_by_role("link", name="Train").click()
        page.get_by_role("tab", name="Classes from a few clicks").click()
        expect(page.get_by_text(f"your draft, {2 * CELLS} cells").first).to_be_visible()
        page.get_by_role("button", name="Learn these classes").dblclick()  # a hurried hand
        page.get_by_text(f"by {2 * CELLS} marked cells").first.wait_for()
        assert len(list((tmp_path / "runs").glob("2*"))) == 1, "learned once"
        page.get_by_role("button", name="Promote").first.click()
        page.get_by_text("The app uses these weights").first.wait_for()
        page.reload()
        page.get_by_role("tab", name="Classes from a few clicks").click()
        page.get_by_text(f"by {2 * CELLS} marked cells").first.wait_for()

        page.get_by_role("link", name="Segment").click()
        page.get_by_role("button", name="Clear all").click()
        page.get_by_role("button", name="Try an example").click()
        page.locator(".stage[data-ready]").wait_for()
        expect(page.get_by_text("In use: Classes of my own")).to_be_visible()
        expect(page.locator(".chips button[data-class='white']")).to_be_visible()
