"""The page Studies through Streamlit's AppTest: empty, filled, sorted, removed and brought back, seen from two tabs."""

import io
import time
import zipfile

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bccseg.accounts.roles import Role
from bccseg.accounts.server import Mode
from bccseg.annotation.drafts import open_draft
from bccseg.annotation.edits import Edit
from bccseg.annotation.store import LabelStore
from bccseg.io.archive import Entry
from bccseg.io.encode import png
from bccseg.report.result import ImageResult
from bccseg.studies.process import Segmenting
from bccseg.studies.records import StudySettings
from bccseg.studies.store import StudyStore
from tests.studies.conftest import entries, picture
from tests.ui.test_pages import APP, button
from ui.shared.account import AtWork


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("BCCSEG_STORE", str(tmp_path / "collection"))
    return StudyStore(tmp_path / "studies")


@pytest.fixture
def study(store, discs):
    """Three images that are segmented, two of them of a sample each."""
    study = store.create("Malaria")
    image = np.full((*discs.shape, 3), 200, np.uint8)
    names = ("c/a.png", "t/b.png", "c.png")
    study.images.add([Entry(name, png(image + np.uint8(k))) for k, name in enumerate(names)])
    for one in study.images.all():
        study.keep(one, ImageResult.measure(image, discs, np.full(3, 0.9, np.float32), name=one.name, stem="x",
                                            diameter_px=30.0))  # fmt: skip
    return study


def page(study=None, part=None):
    at = AppTest.from_file(APP, default_timeout=60).run()
    if study:
        at.query_params["study"] = study.id
    if part:
        at.query_params["study_part"] = part
    at.switch_page("pages/studies.py").run()
    assert not at.exception
    return at


def words(at):
    return " ".join(str(e.value) for kind in (at.markdown, at.caption, at.info, at.warning, at.error) for e in kind)


def test_no_study_yet_and_making_one(store):
    at = page()
    assert "A study is a named set of images" in words(at)
    assert [c.label for c in at.text_input] == ["Name of a new study"]
    button(at, "Create study").click().run()
    assert "Give the study a name first" in at.warning[0].value
    at.text_input[0].set_value("Malaria <b>2026</b>")
    button(at, "Create study").click().run()
    assert not at.exception
    (info,) = store.list()
    assert at.query_params["study"] == info.id
    assert at.header[0].value == "Malaria \\<b\\>2026\\</b\\>"
    assert len(at.get("file_uploader")) == 1
    button(at, "Studies").click().run()
    assert [b.label for b in at.button if b.label == "Open"] == ["Open"]


def test_zips_are_added_sorted_and_segmented_beside_the_page(store, tiny_weights):
    study = store.create("Tiny", StudySettings(weights=str(tiny_weights[0]), device="cpu", segment={"diameter_px": 24}))
    zips = []
    for group, start in (("control", 0), ("treated", 10)):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            for k in range(2):
                archive.writestr(f"{group[0]}{k}/1.png", picture(start + k))
            archive.writestr("notes.txt", "no picture")
        zips.append((f"{group}.zip", file.getvalue(), "application/zip"))
    at = page(study)
    at.get("file_uploader")[0].set_value(zips)
    at.run()
    assert [s.value for s in at.selectbox] == ["folder", "archive"]
    example = at.dataframe[0].value
    assert example.iloc[0].tolist() == ["c0/1.png", "c0", "control"]
    button(at, "Add 6 images").click().run()
    end = time.monotonic() + 60
    while study.info().waiting or study.info().images < 4 or Segmenting(study).running:
        assert time.monotonic() < end
        time.sleep(0.2)
    at.run()
    assert not at.exception
    assert [(i.name, i.sample, i.group) for i in study.images.all()] == [
        ("c0/1.png", "c0", "control"), ("c1/1.png", "c1", "control"),
        ("t0/1.png", "t0", "treated"), ("t1/1.png", "t1", "treated"),
    ]  # fmt: skip
    assert {i.state for i in study.images.all()} == {"done"}
    assert "2 files could not be used" in [e.label for e in at.expander]


def test_an_image_is_renamed_noted_and_put_into_a_sample(study):
    at = page(study)
    named = next(t for t in at.text_input if t.label == "Name")
    assert named.value == "c/a.png"
    named.set_value("first.png").run()
    at.text_area[0].set_value("blurred").run()
    next(s for s in at.selectbox if s.label == "Sample").set_value("t").run()
    assert not at.exception
    first = study.images.all()[0]
    assert (first.name, first.note, first.sample) == ("first.png", "blurred", "t")


def test_what_is_shown_of_an_image_outlives_another_page(study):
    at = page(study)
    at.switch_page("pages/guide.py").run()
    at.query_params["study"] = study.id
    at.switch_page("pages/studies.py").run()
    assert next(s for s in at.selectbox if s.label == "Sample").value == "c"
    assert next(t for t in at.text_input if t.label == "Name").value == "c/a.png"
    assert study.images.all()[0].sample == "c"


def test_search_removal_and_undo(study):
    at = page(study)
    search = next(t for t in at.text_input if t.label == "Search images")
    search.set_value("T/B").run()
    assert next(t for t in at.text_input if t.label == "Name").value == "t/b.png"
    button(at, "Remove").click().run()
    assert [i.name for i in study.images.all()] == ["c/a.png", "c.png"]
    assert "1 image removed" in words(at)
    button(at, "Undo").click().run()
    assert len(study.images.all()) == 3
    next(t for t in at.text_input if t.label == "Search images").set_value("nothing like it").run()
    assert "No image has this" in words(at)
    assert not at.exception


def test_what_another_person_writes_is_shown_and_not_overwritten(study):
    at = page(study)
    first = study.images.all()[0]
    study.images.write_note(first.id, "theirs")
    study.images.rename(first.id, "theirs.png")
    study.images.put_into_sample([first.id], "t")
    at.run()
    assert at.text_area[0].value == "theirs"
    assert next(t for t in at.text_input if t.label == "Name").value == "theirs.png"
    assert next(s for s in at.selectbox if s.label == "Sample").value == "t"
    now = study.images.all()[0]
    assert (now.note, now.name, now.sample) == ("theirs", "theirs.png", "t")
    next(s for s in at.selectbox if s.label == "Sample").set_value("").run()
    assert study.images.all()[0].sample == "", "taken out again"


def test_another_tab_sees_what_this_one_adds(study):
    one, two = page(study), page(study)
    next(t for t in one.text_input if t.label == "Name").set_value("new name.png").run()
    study.images.add([Entry("later.png", picture(8))])
    two.run()
    assert next(t for t in two.text_input if t.label == "Name").value == "new name.png"
    assert any("4 images" in c.value for c in two.caption)
    Segmenting(study).stop()


def test_samples_from_a_spreadsheet(study):
    at = page(study, "Samples")
    assert "1 image of no sample yet" in words(at)
    at.get("file_uploader")[0].set_value([("t.csv", b"patient;group;age\nc;control;34\nt;treated;51\n", "text/csv")])
    at.run()
    assert [s.value for s in at.selectbox] == ["patient", "group", "–"]
    assert "2 samples (2 in the study, 0 new)" in words(at)
    button(at, "Take over").click().run()
    assert not at.exception
    assert [(s.name, s.group, s.free) for s in study.samples.all()] == [
        ("c", "control", {"age": "34"}), ("t", "treated", {"age": "51"}),
    ]  # fmt: skip
    at.switch_page("pages/studies.py")
    assert study.tables().images["age"].tolist()[:2] == [34.0, 51.0]


def test_groups_are_compared_and_damaged_results_named(study):
    for sample, group in zip(study.samples.all(), ("control", "treated"), strict=True):
        study.samples.set_group(sample.id, group)
    first = study.images.all()[2]
    (study.folder / "results" / f"{first.result}.npz").write_bytes(b"broken")
    at = page(study, "Compare")
    assert "Left out, because their results cannot be read: c.png" in words(at).replace("\\", "")
    assert any(s.label == "Measure" for s in at.selectbox)


def test_images_that_wait_with_nobody_at_it_are_offered(store):
    study = store.create("Stopped")
    study.images.add(entries("a.png"))
    Segmenting(study).stop()
    at = page(study)
    assert "1 image waits to be segmented" in words(at)
    assert button(at, "Segment them")


def test_a_study_that_is_gone_or_damaged_is_told(store, study):
    bad = store.create("Bad")
    for path in bad.folder.glob("study.sqlite*"):
        path.unlink()
    at = page()
    assert [b.disabled for b in at.button if b.label == "Open"].count(True) == 1
    store.remove(study.id)
    at = page(study)
    assert "not on this server" in words(at)
    assert not at.exception
    button(at, "Bring back").click().run()
    assert "Malaria" in [info.name for info in store.list()]


def test_corrections_come_back_to_the_numbers_of_the_study(store, study):
    at = page(study)
    button(at, "Correct this image").click().run()
    assert not at.exception
    image = study.images.all()[0]
    draft = open_draft(LabelStore(store.folder.parent / "collection"), image.draft)
    assert (draft.info.study, draft.info.study_image, draft.info.name) == (study.id, image.id, "c/a.png")
    draft.apply(Edit(kind="delete", points=((100.5, 50.5),)))
    at.switch_page("pages/studies.py")
    at.query_params["study"] = study.id
    at.run()
    assert not at.exception
    image = study.images.all()[0]
    assert (image.cell_count, image.edits) == (2, 1)
    tables = study.tables()
    assert tables.images["cell_count"].tolist() == [2, 3, 3]
    assert tables.images["edits"].tolist() == [1, 0, 0]
    assert button(at, "Continue correcting")
    draft = open_draft(LabelStore(store.folder.parent / "collection"), image.draft)
    draft.undo()
    at.run()
    assert study.images.all()[0].cell_count == 3, "all was undone"
    study.images.segment_again()
    assert {i.state for i in study.images.all()} == {"waiting"}


def test_what_a_person_corrected_is_not_segmented_again_with_all(store, study):
    at = page(study)
    button(at, "Correct this image").click().run()
    draft = open_draft(LabelStore(store.folder.parent / "collection"), study.images.all()[0].draft)
    draft.apply(Edit(kind="delete", points=((100.5, 50.5),)))
    page(study)
    study.images.segment_again()
    assert [i.state for i in study.images.all()] == ["done", "waiting", "waiting"]


def test_who_may_only_look_changes_nothing(study, monkeypatch):
    monkeypatch.setattr("ui.shared.account.at_work", lambda: AtWork(Mode.TEAM, roles=frozenset({Role.VIEWER})))
    at = page(study)
    next(t for t in at.text_input if t.label == "Name").set_value("mine.png").run()
    button(at, "Remove").click().run()
    assert not at.exception
    assert any("needs the role" in toast.value for toast in at.toast)
    assert [i.name for i in study.images.all()] == ["c/a.png", "t/b.png", "c.png"]
    monkeypatch.setattr("ui.shared.account.at_work", lambda: AtWork(Mode.TEAM))
    assert "Log in" in words(page()), "the list is for people who are logged in"
    assert "Malaria" not in words(page(study))


def edited_table():
    import pandas as pd
    import streamlit as st

    from ui.studies.editing import edit_table

    rows = st.session_state.setdefault("rows", {1: "a", 2: "b"})

    def apply(number, column, text):
        rows[number] = st.session_state.get("instead", text)

    edit_table("t", pd.DataFrame({"Name": list(rows.values())}, dtype=object), list(rows), apply, {}, disabled=[])


def test_typed_cells_are_kept_at_once_and_what_others_change_is_shown():
    at = AppTest.from_function(edited_table).run()
    base = at.session_state["t_base"]
    assert base.number == 1
    base.kept[0, "Name"] = "typed"  # as its callback does
    at.session_state["rows"][1] = "typed"
    at.run()
    assert at.session_state["t_base"] is base, "its own edits change nothing beneath them"
    at.session_state["rows"][2] = "by somebody else"
    at.run()
    assert at.session_state["t_base"].number == 2
    assert at.session_state["t_base"].table["Name"].tolist() == ["typed", "by somebody else"]
