"""The Segment page as a person uses it, in Chromium."""

import io
import zipfile

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import TimeoutError, expect  # noqa: A004

from bccseg.imaging.synthetic import draw_smear
from tests.odd_files import saved

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def files():
    """Two smears as uploads."""
    return [
        {
            "name": f"field {k}.png",
            "mimeType": "image/png",
            "buffer": saved(Image.fromarray(draw_smear((300, 400), 14, 56, k)[0])),
        }
        for k in (1, 2)
    ]


def upload(page, files):
    page.get_by_text("In use:").wait_for()  # the page is complete and the network loaded
    page.locator('input[type="file"]').set_input_files(files)


def wait_for_result(page):
    try:
        page.locator(".stage[data-ready]").wait_for()
    except TimeoutError as error:
        raise AssertionError(f"no result; the page says: {page.locator('.stMain').inner_text()[:2000]}") from error
    expect(page.get_by_role("button", name="Stop")).to_have_count(0, timeout=30_000)


def metric(page, label):
    box = page.get_by_test_id("stMetric").filter(has=page.get_by_text(label, exact=True))
    return box.get_by_test_id("stMetricValue").inner_text()


def on_screen(page, x, y):
    """Where a pixel of the image is on the screen."""
    box = page.locator(".stage canvas").bounding_box()
    s = page.locator(".stage").evaluate("e => ({...e.dataset})")
    return box["x"] + float(s["x"]) + (x + 0.5) * float(s["scale"]), box["y"] + float(s["y"]) + (y + 0.5) * float(
        s["scale"]
    )


def scale_after(page, there):
    """Screen px an image px once `there(scale)` holds, or as it is after 5 s."""
    for _ in range(50):
        scale = float(page.locator(".stage").get_attribute("data-scale"))
        if there(scale):
            break
        page.wait_for_timeout(100)
    return scale


def rows_of_download(page, name):
    """Name and bytes. A page that is still being drawn replaces its buttons, and a click on one of them is lost."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name=name).click()
    return download.value.suggested_filename, download.value.path().read_bytes()


def test_upload_look_select_and_save(open_page, files):
    page = open_page()
    upload(page, files)
    wait_for_result(page)
    expect(page.get_by_text("All images")).to_be_visible()
    count = int(metric(page, "Cells"))
    assert 12 <= count <= 17

    # Everything in one zip, read back.
    name, data = rows_of_download(page, "Everything (zip)")
    assert name == "bccseg_results.zip"
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        labels = np.asarray(Image.open(archive.open("field 1_labels.png")))
        cells = archive.read("field 1_cells.csv").decode().splitlines()
        assert {"field 2_overlay.png", "summary.csv", "coco.json"} <= set(archive.namelist())
    assert labels.max() == count == len(cells) - 1

    # The pointer over a cell tells its size; a click selects it in picture and table.
    inside = np.argwhere(labels == 5)
    y, x = inside[len(inside) // 2]
    page.locator(".stage").scroll_into_view_if_needed()
    page.mouse.move(*on_screen(page, x, y))
    tip = page.locator(".tip")
    expect(tip).to_contain_text("Cell 5")
    area = (labels == 5).sum()
    expect(tip).to_contain_text(f"Area (px²): {area}")
    page.mouse.click(*on_screen(page, x, y))
    expect(page.get_by_text("Cell 5 selected")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame").first.get_by_test_id("glide-cell-1-0")).to_have_text("5")  # the first row
    expect(page.get_by_test_id("stDataFrame").first).to_be_in_viewport(ratio=0.9)
    page.locator(".stage").scroll_into_view_if_needed()

    # Zoom keeps the point under the pointer, and the tip exact.
    page.mouse.move(*on_screen(page, x, y))
    page.mouse.wheel(0, -600)
    assert scale_after(page, lambda scale: scale > 3) > 3
    page.mouse.move(*on_screen(page, x, y))
    expect(tip).to_contain_text("Cell 5")
    page.locator(".stage").press("0")
    assert scale_after(page, lambda scale: scale < 2) < 2
    assert page.errors == []


def test_views_of_the_cells(open_page):
    page = open_page()
    page.get_by_role("button", name="Try an example").click()
    wait_for_result(page)
    expect(page.get_by_text("synthetic smear (drawn, not photographed).png")).to_be_visible()

    def pixels():
        page.wait_for_timeout(150)
        return page.locator(".stage canvas").screenshot()

    outline = pixels()
    page.get_by_role("button", name="Fill").click()
    fill = pixels()
    page.get_by_label("Colour by").select_option("circularity")
    expect(page.locator(".legend")).to_be_visible()
    coloured = pixels()
    page.get_by_label("Numbers").check()
    numbered = pixels()
    page.get_by_role("button", name="Image", exact=True).click()
    bare = pixels()
    assert len({outline, fill, coloured, numbered, bare}) == 5
    assert page.errors == []


def test_results_survive_another_page_and_are_private(open_page, files):
    page = open_page()
    upload(page, files[:1])
    wait_for_result(page)
    before = metric(page, "Cells")
    page.get_by_role("link", name="Guide").click()
    expect(page.get_by_role("heading", name="Guide")).to_be_visible()
    page.get_by_role("link", name="Segment").click()
    page.locator(".stage[data-ready]").wait_for()
    assert metric(page, "Cells") == before
    other = open_page()
    expect(other.get_by_text("Upload one or more smear photographs")).to_be_visible()
    expect(other.get_by_test_id("stMetric")).to_have_count(0)


def test_a_row_of_the_table_lights_up_in_the_picture(open_page, files):
    page = open_page(height=1800)
    upload(page, files[:1])
    wait_for_result(page)
    before = page.locator(".stage canvas").screenshot()
    table = page.get_by_test_id("stDataFrame").first
    box = table.bounding_box()
    page.mouse.click(box["x"] + 18, box["y"] + 52)  # the first row's tick box: the table is drawn on a canvas
    expect(page.get_by_text("Cell 1 selected")).to_be_visible()
    page.wait_for_timeout(300)
    assert page.locator(".stage canvas").screenshot() != before


def test_a_bad_file_is_told_beside_a_good_one(open_page, files):
    page = open_page()
    bad = {"name": "<b>bad</b>.png", "mimeType": "image/png", "buffer": b"no picture"}
    upload(page, [bad, files[0]])
    wait_for_result(page)
    expect(page.get_by_text("1 file(s) could not be used")).to_be_visible()
    expect(page.get_by_text("This is not a picture that can be read")).to_be_visible()
    shown = page.get_by_test_id("stExpanderDetails")
    expect(shown.get_by_text("<b>bad</b>.png")).to_be_visible()  # as text, not as markup
    assert page.errors == []


@pytest.mark.parametrize("width", [700, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_sticks_out(open_page, width, scheme):
    page = open_page(width=width, color_scheme=scheme)
    page.get_by_role("button", name="Try an example").click()
    wait_for_result(page)
    wide = page.evaluate(
        "() => document.querySelector('.stMain').scrollWidth - document.querySelector('.stMain').clientWidth"
    )
    assert wide <= 0
    box = page.locator(".stage").bounding_box()
    assert box["width"] > 0.5 * (width - 300 if width > 800 else width)
    assert box["x"] + box["width"] <= width


@pytest.mark.parametrize("path", ["weights", "guide"])
def test_deep_links_show_their_page(open_page, path):
    page = open_page(path)
    expect(page.get_by_role("heading", name=path.title(), exact=True)).to_be_visible()
    expect(page.get_by_role("link", name="Segment")).to_be_visible()
