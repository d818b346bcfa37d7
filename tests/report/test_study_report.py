import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from bccseg.config import SegmentSettings
from bccseg.errors import BccsegError
from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.label_image import Labels
from bccseg.io.images import decode
from bccseg.report.run_record import RunRecord
from bccseg.report.study_report import can_print, pdf, print_pdf, report_html, report_picture
from bccseg.report.study_report.methods import citation, methods
from bccseg.report.texts import LANGUAGES, Texts
from bccseg.statistics.tables import StudyTables
from tests.report.study import SHA, corrected, drawn_content, drawn_pictures, drawn_results

TEXTS = Texts()


class Page(HTMLParser):
    """Text of a page, and what it refers to."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.links, self.skip = [], "", [], 0
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.skip += tag == "style"
        self.links += [value for name, value in attrs if name in ("src", "href", "xlink:href")]

    def handle_endtag(self, tag):
        self.skip -= tag == "style"

    def handle_data(self, data):
        self.text += "" if self.skip else f"{data} "


@pytest.fixture(scope="module")
def results():
    return drawn_results()


@pytest.fixture(scope="module")
def html(results):
    content = drawn_content(corrected(results), author="Ada <Lovelace>", note="Day 3 <script>alert(1)</script>",
                            failed=(("bad<.png", "no image"),))  # fmt: skip
    return report_html(content, drawn_pictures(corrected(results))).decode()


def test_it_says_everything(html):
    page = Page(html)
    words = " ".join(page.text.split())
    for part in (
        "Iron & <b>spleen</b>", "Research use only. Not for diagnosis.", "2 March 2026, 09:30 UTC by Ada <Lovelace>",
        "Day 3 <script>alert(1)</script>", "control n = 3", "<treated> & {x} n = 3", "Groups compared", "patient 02",
        "bad<.png no image", "corrected by hand", SHA, "cd" * 32, "How to cite", "Lord SJ",
    ):  # fmt: skip
        assert part in words, part


def test_nothing_is_fetched_or_run_and_user_text_is_no_markup(html):
    page = Page(html)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    assert all(link.startswith(("data:", "#")) for link in page.links), page.links
    assert not re.search(r"url\((?!#)", html)
    assert "default-src 'none'" in html
    assert html.count("<svg") == 1 + 7 + 3  # the mark, a chart a measure, three distributions
    assert html.count("<img") == 6


def test_it_carries_the_run_record(html):
    (data,) = re.findall(r'download="run.json" href="data:application/json;base64,([^"]+)"', html)
    record = RunRecord.from_json(base64.b64decode(data))
    assert len(record.images) == 6
    assert record.weights[0].sha256 == SHA
    assert record.user == "Ada"


def test_a_study_without_groups_or_cells_or_images(results):
    alone = report_html(drawn_content([("", sample, result) for _, sample, result in results])).decode()
    assert "nothing is compared" in alone
    one = report_html(drawn_content([("a", sample, result) for _, sample, result in results])).decode()
    assert "There is one group" in one
    content = drawn_content(results)
    t = content.tables
    blank = StudyTables(t.cells.iloc[:0], t.images.assign(cell_count=0, flagged_count=0), t.samples)
    assert "<td>–</td>" in report_html(replace(content, tables=blank)).decode()
    empty = StudyTables(t.cells.iloc[:0], t.images.iloc[:0], t.samples.iloc[:0])
    assert b"nothing is compared" in report_html(replace(content, tables=empty))


def test_the_picture_has_outlines_and_a_bar_and_is_small(results):
    group, sample, result = results[0]
    picture = report_picture(result, sample, group)
    pixels = decode(picture.jpeg)[0].image
    assert pixels.shape == (240, 320, 3)
    assert len(picture.jpeg) < 40_000
    green = (pixels[..., 1].astype(int) - pixels[..., 0]) > 60
    assert green.sum() > 200
    without = decode(report_picture(result.without_pixels().with_pixels(result.image, _none(result.labels))).jpeg)[0]
    assert ((without.image[..., 1].astype(int) - without.image[..., 0]) > 60).sum() < 20
    dark = pixels[-60:, -120:].mean(axis=2) < 60  # what lies behind the bar
    assert dark.sum() > 300


def test_outlines_have_the_colours_of_the_classes_and_red_cells_are_green(results):
    _, _, result = results[0]
    n = len(result.scores)
    number = np.array([0, 1] + [0] * (n - 2), np.int16)
    told = replace(result, classes=Classification(("red", "white"), number, np.full(n, 0.9, np.float32)))
    pixels = decode(report_picture(told).jpeg)[0].image.astype(int)
    plain = decode(report_picture(result).jpeg)[0].image.astype(int)
    changed = np.abs(pixels - plain).sum(axis=2) > 60
    rows, columns = np.nonzero(result.labels == 2)
    around = np.zeros_like(changed)
    around[max(0, rows.min() - 8) : rows.max() + 9, max(0, columns.min() - 8) : columns.max() + 9] = True
    assert changed[around].sum() > 30
    assert not changed[~around].any()


def _none(labels: Labels) -> Labels:
    return np.zeros_like(labels)


def test_methods_are_of_what_was_really_used(results):
    words, references = methods(drawn_content(results), TEXTS)
    assert words.startswith(
        "6 images of 6 samples were segmented with bccseg 0.1.0 (weights unet-bbbc041seg, sha256 abab"
    )
    for part in (
        "the typical diameter was measured in each image", "narrower than 40 % of it were left out.",
        "The pixel size was 0.15 µm", "were included", "Mann-Whitney", "measures by Holm's method [3]",
        "pooled, and samples, not cells or images, were compared [2]",
    ):  # fmt: skip
        assert part in words, part
    assert "corrected by hand" not in words
    assert "score below" not in words
    assert [r.split()[0] for r in references] == ["Gundersen", "Lord", "Holm", "Efron"]

    settings = SegmentSettings(diameter_px=50, drop_border_cells=True, min_score=0.7)
    other = drawn_results(groups=("a", "b"), pixel_size_um=None, settings=settings)
    words, references = methods(drawn_content(corrected(other), test="permutation", without_flagged=True), TEXTS)
    for part in (
        "was given (50.0 px)", "and so were cells cut by the edge", "score below 0.7", "sizes are in px",
        "One image was corrected by hand (3 edits, by Grace)", "permutation tests", "left out of sizes",
    ):  # fmt: skip
        assert part in words, part
    assert "frame" not in words  # there is no density without a pixel size
    words, _ = methods(drawn_content(drawn_results(samples=2)), TEXTS)
    assert "described, not tested" in words


def test_methods_say_that_regions_were_counted(results):
    content = drawn_content(results)
    assert "regions" not in methods(content, TEXTS)[0]
    images = content.tables.images.assign(counted_px=[np.nan, 5000, 5000, np.nan, np.nan, np.nan])
    part = replace(content, tables=StudyTables(content.tables.cells, images, content.tables.samples))
    assert "In 2 images only the cells in regions drawn by hand were counted" in methods(part, TEXTS)[0]


def test_citation_names_the_weights(results):
    assert f"Weights unet-bbbc041seg, sha256 {SHA}." in citation(drawn_content(results), TEXTS)


def test_another_language_says_what_it_has(results, monkeypatch):
    monkeypatch.setitem(LANGUAGES, "de", {"report.methods": "Methoden", "measure.diameter_um": "Durchmesser"})
    html = report_html(drawn_content(results), language="de").decode()
    assert '<html lang="de">' in html
    assert "<h2>Methoden</h2>" in html
    assert "Durchmesser (µm)" in html
    assert "Groups compared" in html


@pytest.mark.skipif(not can_print(), reason="no browser that prints")
def test_the_paper_is_read_back(html):
    from pypdf import PdfReader

    reader = PdfReader(io.BytesIO(print_pdf(html.encode())))
    words = " ".join(" ".join(page.extract_text() for page in reader.pages).split())
    for part in ("Iron & <b>spleen</b>", "Research use only", "Groups compared", "Diameter (µm)", "Methods", SHA,
                 f"1 / {len(reader.pages)}", "run.json, comes with the HTML report"):  # fmt: skip
        assert part in words, part
    assert sum(len(page.images) for page in reader.pages) >= 6
    assert (round(reader.pages[0].mediabox.width), round(reader.pages[0].mediabox.height)) == (595, 842)  # A4


def test_without_a_browser_it_is_said_how_to_print(monkeypatch, tmp_path):
    monkeypatch.setenv(pdf.BROWSER, str(tmp_path / "none"))
    assert not can_print()
    with pytest.raises(BccsegError, match="print it from your browser"):
        print_pdf(b"<p>x</p>")
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv(pdf.BROWSER, str(broken))
    with pytest.raises(BccsegError, match="did not print"):
        print_pdf(b"<p>x</p>")
