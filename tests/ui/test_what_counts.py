"""Settings of what counts, applied to results that are there; pixel sizes; names of files in folders."""

import io
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bccseg.annotation.edits import Edit
from bccseg.imaging.measure import measure_cells
from tests.odd_files import odd_files, tiff, zipped
from tests.ui.test_pages import MADE, button, finish, fresh, upload
from ui.shared.given_images import example_png
from ui.shared.handover import corrected, draft_of_result


def shown(at):
    return {m.label: m.value for m in at.metric}


def test_pixel_size_border_and_smallest_cell_apply_at_once():
    """And take back nothing: what they leave out is kept."""
    at = fresh()
    button(at, "Try an example").click().run()
    finish(at)
    state, before = at.session_state["session"], shown(at)
    job = state.job
    at.text_input(key="set_pixel_size").set_value("0,11").run()
    with_size = shown(at)
    assert with_size["Median diameter"].endswith("µm")
    assert "/mm²" in with_size["Density"]
    at.toggle(key="set_drop_border").set_value(True).run()
    fewer = shown(at)
    assert int(fewer["Cells"]) < int(before["Cells"])
    assert fewer["Cells"] == fewer["Whole cells"] == before["Whole cells"]
    assert fewer["Density"] == with_size["Density"]
    assert len(at.dataframe[0].value) == int(fewer["Cells"])
    at.slider(key="set_min_cell").set_value(100.0).run()
    assert int(shown(at)["Cells"]) < int(fewer["Cells"])
    button(at, "Reset settings").click().run()
    assert shown(at) == before
    assert state.job is job, "nothing was segmented again"
    assert not any("settings have changed" in i.value for i in at.info)
    assert not at.exception


def test_another_diameter_needs_the_network():
    at = fresh()
    button(at, "Try an example").click().run()
    finish(at)
    at.toggle(key="set_auto").set_value(False).run()
    assert any("settings have changed" in i.value for i in at.info)
    button(at, "Segment again").click().run()
    finish(at)
    assert not any("settings have changed" in i.value for i in at.info)
    button(at, "Clear all").click().run()
    assert not at.metric


def test_all_images_are_measured_anew_and_corrected_ones_with_what_was_found():
    at = fresh()
    png = odd_files()["no suffix"][0]
    upload(at, [(f"{k}.png", png) for k in range(3)])
    state = at.session_state["session"]
    first = state.results[2]
    state.results[2] = replace(first, found=first, measured=replace(first.measured, correction=MADE))
    at.text_input(key="set_pixel_size").set_value("0.2").run()
    at.toggle(key="set_drop_border").set_value(True).run()
    assert not at.exception
    for stored in state.results:
        assert stored.measured.pixel_size_um == 0.2
        assert not stored.measured.cells["touches_border"].any()
        assert stored.unpack().labels.max() == stored.measured.summary.cell_count
    assert state.results[2].measured.correction == MADE
    assert state.results[2].found.measured.pixel_size_um == 0.2
    assert not state.results[2].found.measured.cells["touches_border"].any()


def test_pixel_sizes_that_files_state_are_doubted_too():
    rgb = np.asarray(Image.open(io.BytesIO(example_png())))
    at = fresh()
    stated = {"resolution": (2000, 2000), "resolutionunit": "CENTIMETER"}  # 5 µm a pixel
    upload(at, [("<b>1</b>.tif", tiff(rgb, photometric="rgb", **stated)), ("2.png", example_png())])
    assert at.session_state["session"].results[0].measured.pixel_size_um == pytest.approx(5)
    words = [w.value for w in at.warning]
    assert any("So says the file" in w and "red cells are 6 to 9" in w for w in words)
    (batch,) = (w for w in words if "these files" in w)
    assert "1" in batch
    assert "2.png" not in batch
    assert "<b>" not in batch


def test_cut_cells_that_do_not_count_are_corrected_all_the_same():
    at = fresh()
    button(at, "Try an example").click().run()
    finish(at)
    state, every = at.session_state["session"], int(shown(at)["Cells"])
    at.toggle(key="set_drop_border").set_value(True).run()
    whole = int(shown(at)["Cells"])
    draft = draft_of_result(state, 0)
    platelets = sum(mark.name == "platelet" for mark in draft.info.cells.values())
    assert draft.labels.max() - platelets == len(draft.info.scores) == every
    cell = measure_cells(draft.labels, draft.image).query("not touches_border").iloc[0]
    draft.apply(Edit(kind="delete", points=((cell.centroid_x_px + 0.5, cell.centroid_y_px + 0.5),), radius_px=0))
    state.results[0] = corrected(state.results[0], draft, "Ada")
    at.run()
    assert not at.exception
    assert int(shown(at)["Cells"]) == whole - 1
    at.toggle(key="set_drop_border").set_value(False).run()
    assert int(shown(at)["Cells"]) == every - 1
    assert state.results[0].measured.correction.edits == 1


def test_folders_of_a_zip_are_kept_everywhere():
    from ui.segment.batch_view import _zip

    png = odd_files()["no suffix"][0]
    names = ["patientA/10.png", "patientB/10.png", "../../climbing.png"]
    at = fresh()
    upload(at, [("study.zip", zipped(dict.fromkeys(names, png)))])
    state = at.session_state["session"]
    shown = ["patientA/10.png", "patientB/10.png", "climbing.png"]
    assert [stored.measured.name for stored in state.results] == shown
    assert at.selectbox(key="chosen_image").options == [f"{k}. {name}" for k, name in enumerate(shown, start=1)]
    assert at.dataframe[1].value["image"].tolist() == shown
    with zipfile.ZipFile(_zip(state, state.used)) as archive:
        summary = pd.read_csv(archive.open("summary.csv"))
        assert summary["image"].tolist() == shown
        assert summary["files"].tolist() == ["patientA/10", "patientB/10", "climbing"]
        written = set(archive.namelist())
    for stem in summary["files"]:
        assert {f"{stem}_labels.png", f"{stem}_cells.csv", f"{stem}_rois.zip"} <= written

    other_tab = replace(state.used, pixel_size_um=0.5)
    with zipfile.ZipFile(_zip(state, other_tab)) as archive:
        assert pd.read_csv(archive.open("summary.csv"))["pixel_size_um"].tolist() == [0.5] * 3
    assert state.results[0].measured.pixel_size_um is None


def test_nonsense_for_a_pixel_size_is_told_and_an_impossible_one_asked_back():
    at = fresh()
    button(at, "Try an example").click().run()
    finish(at)
    at.text_input(key="set_pixel_size").set_value("abc").run()
    assert any("no pixel size" in e.value for e in at.error)
    assert shown(at)["Median diameter"].endswith("px")
    at.text_input(key="set_pixel_size").set_value("0,8").run()
    assert not at.error
    assert any("red cells are 6 to 9" in w.value for w in at.warning)
    button(at, "Use 0.08 µm").click().run()
    assert at.text_input(key="set_pixel_size").value == "0.08"
    assert not at.warning
    assert float(shown(at)["Median diameter"].removesuffix(" µm")) == pytest.approx(8, abs=3)
