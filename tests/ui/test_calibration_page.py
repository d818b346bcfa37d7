"""The tab Calibration: optics, a line, what is kept by name; and where tables say the pixel size comes from."""

import numpy as np
import pytest

from bccseg.report.tables import summary_table
from tests.ui.test_pages import button, finish, fresh
from ui.segment.line_measure import LINES
from ui.segment.region_edits import place_of
from ui.shared.calibrations import calibrations


@pytest.fixture
def at(tmp_path, monkeypatch):
    monkeypatch.setenv("BCCSEG_STORE", str(tmp_path))
    at = fresh()
    button(at, "Try an example").click().run()
    finish(at)
    at.session_state["image_tabs"] = "Calibration"
    return at.run()


def source(at):
    return summary_table([at.session_state["session"].results[0].measured])["pixel_size_from"][0]


def choose(at, way):
    at.session_state["calibration_way"] = way
    return at.run()


def test_optics_give_a_pixel_size_that_is_kept_and_used_again(at):
    choose(at, "optics")
    assert any("0.08625 µm" in m.value for m in at.markdown)  # 3.45 / 40
    at.number_input(key="optics_binning").set_value(2).run()
    at.text_input(key="calibration_name").set_value(" 40x  blue ").run()
    at.text_input(key="calibration_who").set_value("Ana").run()
    at.button(key="calibration_save").click().run()
    assert not at.exception
    assert at.text_input(key="set_pixel_size").value == "0.1725"
    (kept,) = calibrations().all()
    assert (kept.name, kept.who, kept.pixel_size_um) == ("40x blue", "Ana", pytest.approx(0.1725))
    assert source(at) == kept.source
    assert kept.source.startswith("objective and camera: 40x blue (20")
    at.text_input(key="set_pixel_size").set_value("0.2").run()
    assert source(at) == "typed"
    button(at, "40x blue · 0.1725 µm").click().run()  # in the sidebar
    assert (at.text_input(key="set_pixel_size").value, source(at)) == ("0.1725", kept.source)
    choose(at, "kept")
    at.button(key="calibration_delete").click().run()
    assert calibrations().all() == []
    assert source(at) == kept.source, "what was measured with it stays"
    assert not at.exception


def test_a_name_is_asked_for(at):
    choose(at, "optics")
    at.button(key="calibration_save").click().run()
    assert any("Type a name" in e.value for e in at.error)
    assert calibrations().all() == []


def test_optics_of_no_microscope_are_told(at):
    choose(at, "optics")
    at.number_input(key="optics_objective").set_value(0.5).run()
    at.number_input(key="optics_tube").set_value(0.05).run()
    at.number_input(key="optics_binning").set_value(16).run()
    assert any("2208 µm: no microscope" in e.value for e in at.error)
    assert not at.exception


def test_a_line_and_its_length_give_a_pixel_size(at):
    place = place_of(at.session_state["session"].results[0])
    at.session_state[LINES] = {place: (((100.0, 100.0), (400.0, 500.0)), 2.0)}
    at.selectbox(key="bar_snap").set_value("none").run()
    assert any("type its length" in c.value for c in at.caption)
    at.selectbox(key="bar_unit").set_value("mm").run()
    at.text_input(key="bar_length").set_value("0,05").run()
    words = next(m.value for m in at.markdown if "The line is" in m.value)
    assert "**500.0 px**" in words
    assert "± 0.71 px" in words
    words = next(m.value for m in at.markdown if "**0.1 µm** wide, ±" in m.value)
    assert f"± {100 * np.hypot(0.5, 0.5) / 500:.2g} %" in words
    assert at.selectbox(key="bar_snap").value == "none"
    at.button(key="bar_use").click().run()
    assert at.text_input(key="set_pixel_size").value == "0.1"
    assert source(at).startswith("measured on synthetic smear")
    at.text_input(key="bar_length").set_value("ten").run()
    assert any("no length" in e.value for e in at.error)
    at.text_input(key="bar_length").set_value("99").run()
    assert any("No microscope" in e.value for e in at.error)
    assert not at.exception


def test_the_cells_are_asked_whether_it_can_be(at):
    at.text_input(key="set_pixel_size").set_value("0.01").run()
    assert any("smaller than red cells" in c.value or "cannot be right" in c.value for c in at.caption)
