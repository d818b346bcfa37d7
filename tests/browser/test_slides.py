"""A slide in a real browser: brought, a region drawn, counted in a process of its own, looked at, taken home."""

import io
import re

import pandas as pd
from playwright.sync_api import expect

from bccseg.imaging.synthetic import draw_smear
from tests.browser.test_regions_and_scale import answered, drag, surface
from tests.slides.slide_files import PIXEL_UM, write_svs

SHAPE = (900, 1200)


def test_from_a_file_of_the_scanner_to_the_numbers_of_a_region(open_page, tmp_path):
    image, truth = draw_smear(SHAPE, cells=70, diameter_px=56, seed=3, touching=False)
    path = write_svs(tmp_path / "patient 1.svs", image)
    page = open_page("slides", height=1300)
    page.get_by_text("Bring a slide").wait_for()
    page.locator("input[type=file]").first.set_input_files(path)
    page.get_by_text(f"{SHAPE[1]:,} × {SHAPE[0]:,} px").wait_for()

    stage, at = surface(page)
    page.locator(".shapes [data-tool=frame]").click()
    drag(page, at(100, 100), at(700, 800))
    answered(stage)
    page.reload()
    page.get_by_text("Region 1: 0.4 megapixels").wait_for()  # it was kept
    page.get_by_role("button", name="Count", exact=True).click()
    page.get_by_role("button", name="Stop").or_(page.get_by_role("button", name="Regions (CSV)")).first.wait_for()
    page.reload()  # it goes on
    with page.expect_download(timeout=120_000) as saved:
        page.get_by_role("button", name="Regions (CSV)").click(timeout=120_000)
    assert saved.value.suggested_filename == "patient 1_summary.csv"
    table = pd.read_csv(io.BytesIO(saved.value.path().read_bytes()))
    row = table.iloc[0]
    assert row["region"] == "Region 1"
    assert abs(row["area_mm2"] - 0.6 * 0.7 * PIXEL_UM**2) < 0.02 * 0.42 * PIXEL_UM**2
    assert 5 < row["cell_count"] < truth.max()

    page.get_by_role("radio", name="Close look").or_(page.get_by_text("Close look")).first.click()
    page.get_by_text(re.compile(r"\d+ cells outlined")).wait_for()
    page.get_by_role("button", name="Another place").click()
    expect(page.locator(".viewer .stage[data-ready]")).to_be_visible()
    assert page.errors == []
