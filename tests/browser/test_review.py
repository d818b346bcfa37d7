"""The review queue in a real browser: keys, both pictures moving together, a reload in the middle."""

import numpy as np
import pytest

from bccseg.annotation.drafts import DraftInfo, create_draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.store import LabelStore
from bccseg.imaging.synthetic import draw_smear
from tests.browser.conftest import running_app

pytestmark = pytest.mark.browser


@pytest.fixture
def store(tmp_path):
    """Three corrections that wait; the first of them is the one of the most uncertain proposal."""
    store = LabelStore(tmp_path / "collection")
    for seed in range(3):
        image, labels = draw_smear((300, 400), cells=12, diameter_px=50, seed=seed)
        scores = [0.5 + seed / 10] * int(labels.max())
        draft = create_draft(
            store, image, labels, DraftInfo(name=f"{seed}.png", diameter_px=50, scores=scores, weights="w")
        )
        y, x = np.argwhere(labels == 1).mean(axis=0)
        draft.apply(Edit(kind="delete", points=((float(x) + 0.5, float(y) + 0.5),)))
        draft.submit(store, "Ana", "", "CC0")
    return store


def places(page):
    """Zoom and place of both pictures."""
    stages = page.locator(".stage[data-ready]")
    return [[float(stages.nth(k).get_attribute(f"data-{name}")) for name in ("scale", "x", "y")] for k in (0, 1)]


def decisions(store):
    return {store.image_info(v.image).name: v.status for v in store.versions() if v.status != "proposal"}


def test_a_reviewer_goes_through_the_queue_by_keys(browser, store):
    from playwright.sync_api import expect

    with running_app(BCCSEG_STORE=str(store.root)) as url:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(15_000)
        page.goto(f"{url}/collection?part=Review")

        def on_view(name):
            page.get_by_text(f"{name} waits for review ·").wait_for()

        on_view("0.png")
        page.locator(".stage[data-ready]").nth(1).wait_for()
        expect(page.locator(".viewer .title")).to_have_text(["Proposal · 12 cells", "Ana · 11 cells"])
        assert page.locator(".stage").first.bounding_box()["y"] < 400  # the pictures come first
        box = page.locator(".stage").nth(0).bounding_box()
        page.mouse.move(box["x"] + 100, box["y"] + 100)
        page.mouse.wheel(0, -600)
        page.mouse.down()
        page.mouse.move(box["x"] + 160, box["y"] + 120)
        page.mouse.up()
        page.wait_for_timeout(300)
        left, right = places(page)
        assert left == pytest.approx(right, abs=0.01)
        assert left[0] > 1.5

        page.keyboard.press("n")
        on_view("1.png")
        page.keyboard.press("p")
        on_view("0.png")
        page.keyboard.press("a")
        page.get_by_text("Please give your name").wait_for()
        page.get_by_label("Your name").fill("Ben")
        page.get_by_label("Your name").press("Enter")
        page.locator("h2").first.click()  # off the text: what is typed there is no command
        page.keyboard.press("a")
        page.get_by_text("labelled by Ana, is accepted").wait_for()
        on_view("1.png")
        page.keyboard.press("r")
        page.get_by_text("Please give the reason").wait_for()
        reason = page.get_by_placeholder("Reason, needed to reject")
        expect(reason).to_have_count(1)  # the one of the image before goes when the page is drawn
        reason.click()
        page.get_by_text("Outlines are off").click()
        page.keyboard.press("Tab")
        page.keyboard.press("r")
        page.get_by_text("is rejected").wait_for()
        on_view("2.png")
        assert decisions(store) == {"0.png": "accepted", "1.png": "rejected", "2.png": "submitted"}
        page.keyboard.press("z")
        on_view("1.png")
        assert decisions(store) == {"0.png": "accepted", "1.png": "submitted", "2.png": "submitted"}
        page.reload()
        on_view("1.png")
        page.close()
