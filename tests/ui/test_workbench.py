"""The start page, and the strip of images on Segment."""

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from bccseg.imaging.synthetic import draw_smear
from bccseg.io.encode import png
from tests.ui.test_pages import APP, MADE, button, finish, fresh, upload
from ui.components.thumbnails import CORRECTED, FAILED, FLAGGED
from ui.segment.thumbnails import _name, _pictures, _said
from ui.shared.given_images import EXAMPLE, example_png


@pytest.fixture(scope="module")
def batch():
    """Segment with two images, and a file that is none."""
    images = {f"a long name of a slide {k}.png": png(draw_smear((160, 200), 8, 40, k)[0]) for k in (1, 2)}
    at = fresh()
    return upload(at, [*images.items(), ("broken.png", b"no picture")])


def start():
    at = AppTest.from_file(APP, default_timeout=60).run()
    assert not at.exception
    return at


def test_the_app_opens_with_three_steps_and_says_what_it_is_for():
    at = start()
    assert "blood smear" in at.title[0].value
    steps = [m.value for m in at.markdown if m.value.startswith("#### ")]
    assert steps == ["#### 1 · Segment", "#### 2 · Correct", "#### 3 · Train and compare"]
    assert any("Research use only, not for diagnosis." in c.value for c in at.caption)
    assert not [b for b in at.button if b.label.startswith("Continue")], "there is nothing yet to go on with"


def test_the_example_is_segmented_at_one_click_and_can_be_gone_on_with():
    at = start()
    button(at, "Try an example").click().run()
    finish(at)
    assert [stored.measured.name for stored in at.session_state["session"].results] == [EXAMPLE]
    assert at.header[0].value == "Segment"
    at.switch_page("pages/start.py").run()
    assert any("**1 image** with 72 cells" in m.value for m in at.markdown)
    button(at, "Continue on Segment").click().run()
    assert {m.label: m.value for m in at.metric}["Cells"] == "72"


def test_the_example_is_the_same_file_each_time():
    assert example_png() == example_png()


def test_marks_and_words_of_a_small_picture(batch):
    stored = batch.session_state["session"].results[0]
    summary = replace(stored.measured.summary, cell_count=8, flagged_count=0, too_crowded=False)
    plain = replace(stored, measured=replace(stored.measured, summary=summary))
    assert _said(plain) == ("a long name of a slide 1.png\n8 cells", 8, ())
    flagged = replace(plain, measured=replace(plain.measured, summary=replace(summary, flagged_count=2)))
    assert _said(flagged)[1:] == (8, (FLAGGED,))
    both = replace(flagged, measured=replace(flagged.measured, correction=MADE))
    assert _said(both)[2] == (FLAGGED, CORRECTED)
    assert "2 to look at" in _said(both)[0]
    assert "corrected by hand" in _said(both)[0]
    assert _name(stored.measured) == "…me of a slide 1", "the end of a name tells a series apart"
    assert FAILED == "failed"


def test_small_pictures_are_small_and_are_made_of_the_image(batch):
    import io

    from PIL import Image

    stored = batch.session_state["session"].results[0]
    (found,) = _pictures({"k": stored}).values() or [b""]
    picture = Image.open(io.BytesIO(found))
    assert picture.size == (150, 120)


def test_with_images_the_uploader_is_folded_into_a_button(batch):
    assert batch.file_uploader[0].label == "Add images"
    assert fresh().file_uploader[0].label == "Smear images"
    assert not [b for b in batch.button if b.label == "Try an example"]
    assert batch.expander[0].label.startswith("1 file")
