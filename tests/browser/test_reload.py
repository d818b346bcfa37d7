"""A reload and a closed tab lose nothing on Segment, also in the middle of a batch; another browser sees nothing."""

import pytest
from PIL import Image
from playwright.sync_api import expect

from bccseg.imaging.synthetic import draw_smear
from tests.browser.test_segment_page import metric, rows_of_download, upload, wait_for_result
from tests.odd_files import saved

pytestmark = pytest.mark.browser
IMAGES = 4


def test_a_reload_loses_nothing_and_clear_all_does(open_page, server):
    page = open_page()
    smears = [saved(Image.fromarray(draw_smear((600, 800), 40, 56, k)[0])) for k in range(IMAGES)]
    upload(page, [{"name": f"{k}.png", "mimeType": "image/png", "buffer": data} for k, data in enumerate(smears)])
    page.get_by_role("button", name="Stop").wait_for()
    page.reload()  # in the middle
    page.get_by_role("button", name="Stop").wait_for()
    expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=120_000)
    wait_for_result(page)
    expect(page.get_by_text("All images")).to_be_visible()
    count = metric(page, "Cells")

    page.close()
    page = page.context.new_page()  # a tab was closed, another is opened
    page.goto(f"{server}/segment")
    page.locator(".stage[data-ready]").wait_for()
    assert metric(page, "Cells") == count
    _, summary = rows_of_download(page, "Summary (CSV)")
    assert len(summary.decode().splitlines()) == 1 + IMAGES

    other = open_page()
    other.get_by_text("Upload one or more smear photographs").wait_for()

    page.get_by_role("button", name="Clear all").click()
    page.get_by_text("Upload one or more smear photographs").wait_for()
    page.reload()
    page.get_by_text("In use:").wait_for()
    page.wait_for_timeout(1000)
    expect(page.locator(".stage")).to_have_count(0)
    expect(page.get_by_text("Upload one or more smear photographs")).to_be_visible()
