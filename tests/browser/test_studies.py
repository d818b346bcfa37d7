"""A study, the whole way: two zipped folders, segmented beside the page, sorted, compared, kept, and printed."""

import io
import re
import zipfile

import pandas as pd
import pytest
from PIL import Image
from playwright.sync_api import expect
from pypdf import PdfReader

from bccseg.imaging.synthetic import draw_smear
from tests.browser.conftest import running_app

pytestmark = pytest.mark.browser


def zipped(group, seed, diameter_px):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for patient in range(2):
            picture = io.BytesIO()
            image, _ = draw_smear((240, 320), cells=9, diameter_px=diameter_px, seed=seed + patient)
            Image.fromarray(image).save(picture, "PNG")
            archive.writestr(f"{group[0]}{patient + 1}/field.png", picture.getvalue())
    return {"name": f"{group}.zip", "mimeType": "application/zip", "buffer": file.getvalue()}


def spreadsheet():
    """A row a sample, in another order than the study's, under a lab's own headings."""
    file = io.BytesIO()
    rows = [("t2", "treated", 27), ("c1", "control", 31), ("t1", "treated", 52), ("c2", "control", 44)]
    pd.DataFrame(rows, columns=["Patient", "Group", "age"]).to_excel(file, index=False)
    return {"name": "patients.xlsx", "mimeType": "application/octet-stream", "buffer": file.getvalue()}


def test_from_two_zipped_folders_to_the_paper(browser, tmp_path):
    place = {"BCCSEG_STORE": str(tmp_path / "collection")}
    with running_app(**place) as url, browser.new_context(viewport={"width": 1280, "height": 1000}) as context:
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"{url}/studies")
        page.get_by_label("Name of a new study").fill("Malaria")
        page.get_by_role("button", name="Create study").click()
        files = page.locator("input[type=file]")
        files.set_input_files([zipped("control", 1, 44), zipped("treated", 5, 56)])
        page.get_by_role("button", name="Add 4 images").dblclick()  # a hurried hand
        page.goto(f"{url}/guide")  # the work goes on with the page left
        page.go_back()
        expect(page.get_by_text("4 images · 4 samples · 2 groups")).to_be_visible()
        expect(page.locator(".thumbnails .thumb")).to_have_count(4)
        page.locator(".stage[data-ready]").wait_for()

        page.locator(".thumbnails .thumb").first.click()
        page.keyboard.press("ArrowRight")
        name = page.locator("input[aria-label='Name'][value='c2/field.png']")
        name.wait_for()  # that of the one before may still be there, too
        expect(page.get_by_label("Name", exact=True)).to_have_count(1)
        name.fill("second patient.png")
        page.keyboard.press("Enter")
        expect(page.locator(".thumb .name").nth(1)).to_have_text(re.compile("patient"))
        page.reload()
        expect(page.locator(".thumb .name").nth(1)).to_have_text(re.compile("patient"))

        page.get_by_role("tab", name="Samples").click()
        page.locator("[data-testid=stDataFrame]").first.wait_for()
        page.get_by_text("From a spreadsheet").click()
        page.locator("input[type=file][accept*=xlsx]").set_input_files(spreadsheet())
        page.get_by_text("4 samples (4 in the study, 0 new)").wait_for()
        page.get_by_role("button", name="Take over").click()
        page.get_by_text("4 samples described.").wait_for()
        page.get_by_role("tab", name="Compare").click()
        page.get_by_text("Diameter:").first.wait_for()
        with page.expect_download() as download:
            page.get_by_role("button", name="Samples (CSV)").click()
        table = pd.read_csv(download.value.path())
        assert table[["group", "sample", "age"]].to_numpy().tolist() == [
            ["control", "c1", 31], ["control", "c2", 44], ["treated", "t1", 52], ["treated", "t2", 27],
        ]  # fmt: skip

        page.get_by_role("tab", name="Report").click()
        page.get_by_label("Author").fill("Ada L.")
        page.get_by_role("button", name="Make report").click()
        with page.expect_download() as download:
            page.get_by_role("button", name="Report (PDF)").click()
        paper = PdfReader(download.value.path())
        words = " ".join(" ".join(sheet.extract_text() for sheet in paper.pages).split())
        for part in ("Malaria", "by Ada L.", "control", "treated", "second patient.png", "4 images of 4 samples were",
                     "Research use only", "run.json"):  # fmt: skip
            assert part in words, part
        assert sum(len(sheet.images) for sheet in paper.pages) >= 4
