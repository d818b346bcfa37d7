"""Classes on Segment: what is said of them, what is shown, and the gallery's moves in every number."""

import io
import threading
import time
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from bccseg.annotation.drafts import open_draft
from bccseg.annotation.edits import Edit
from bccseg.classes import ClassSet
from bccseg.config import SegmentSettings
from bccseg.imaging.cell_classes import Classification
from bccseg.imaging.full_outline import no_outlines
from bccseg.imaging.selection import Candidates
from bccseg.imaging.small_cells import SmallCells
from bccseg.io.packing import pack, unpack
from bccseg.report.bundle import IMAGE_FILES
from bccseg.report.result import ImageResult, MeasuredImage
from bccseg.report.stored_result import StoredResult
from bccseg.report.tables import cell_table, class_columns
from tests.ui.test_pages import fresh
from ui.components.gallery import GalleryCommand, read_command
from ui.segment.batch_view import _zip
from ui.segment.gallery_session import ELSEWHERE
from ui.shared.handover import draft_of_result
from ui.shared.settings import Chosen
from ui.shared.storage import store

NAMES = ("red", "white", "platelet")
PLACES = [(20 + 40 * (k // 6), 10 + 40 * (k % 6)) for k in range(12)]  # of cells 1 to 12; 3 are white
WHITES = (3, 7, 8)


def stored_smear():
    """Twelve cells in rows, three of them white, and two platelets; none is cut."""
    labels, small = np.zeros((120, 250), np.int32), np.zeros((120, 250), np.int32)
    image = np.full((120, 250, 3), 220, np.uint8)
    for cell, (y, x) in enumerate(PLACES, start=1):
        labels[y : y + 24, x : x + 24] = cell
    small[50:56, 12:18], small[50:56, 60:66] = 1, 2
    image[(labels > 0) | (small > 0)] = 90
    number = np.array([k in WHITES for k in range(1, 13)], np.int16)
    classes = Classification(NAMES, number, np.linspace(0.6, 0.99, 12).astype(np.float32))
    pieces = SmallCells.of(small, Classification(NAMES, np.full(2, 2, np.int16), np.full(2, 0.5, np.float32)))
    scores, sure = np.full(12, 0.9, np.float32), np.ones(12, bool)
    result = ImageResult.measure(
        image, labels, scores, name="a.png", stem="a", diameter_px=26.0, classes=classes, small_cells=pieces,
        settings=SegmentSettings(),
        candidates=Candidates.of(labels, np.arange(12), scores, sure, no_outlines(12), classes, pieces),
    )  # fmt: skip
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return StoredResult.pack(result, buffer.getvalue())


@pytest.fixture
def page():
    at = fresh()
    at.session_state["session"].results.append(stored_smear())
    at.run()
    assert not at.exception
    return at


def shown(at):
    return {m.label: (m.value, m.delta) for m in at.metric}


def open_gallery(at):
    at.session_state["segment_view"] = "Gallery"
    at.run()
    assert not at.exception
    return at.session_state["gallery_session"]


def move(session, number, ids, to):
    session.take([GalleryCommand(number, "move", tuple(ids), to)])


def test_the_numbers_of_a_haematologist_come_first_with_their_intervals(page):
    numbers = shown(page)
    assert list(numbers)[:3] == ["Cells", "White per 100 red", "Platelets per 1,000 red, est."]
    assert numbers["Cells"] == ("12", "9 red, 3 white")
    assert numbers["White per 100 red"] == ("33", "95 %: 9.8–114, few")  # 3 in 12: 0.089 to 0.532
    assert numbers["Platelets per 1,000 red, est."] == (
        "222",
        "2 here, 95 %: 54–912",
    )  # 2 in 11: 0.051 to 0.477
    table = next(m.value for m in page.markdown if m.value.startswith("| Class"))
    assert "| White cell | 3 | 25.0 % | 8.9 to 53.2 % |" in table
    assert "| Platelet | 2 | – | beside the cells, an estimate |" in table
    assert any("Few cells" in c.value and "3 white cells and 9 red cells" in c.value for c in page.caption)
    cells = page.dataframe[0].value
    assert cells["class"].value_counts().to_dict() == {"Red cell": 9, "White cell": 3}


def test_classes_are_hidden_in_table_and_plots_but_not_in_the_numbers(page):
    before = shown(page)
    page.session_state["hidden_classes"] = ["red", "burr"]
    page.session_state["image_tabs"] = "Distributions"
    page.run()
    assert page.dataframe[0].value["cell_id"].tolist() == list(WHITES)
    plot = page.get("plotly_chart")[0].proto.spec
    assert "White cell" in plot
    assert "Red cell" not in plot
    assert shown(page) == before
    page.session_state["hidden_classes"] = ["red", "white"]
    page.run()
    assert page.dataframe[0].value.empty
    assert not page.exception


def test_weights_without_classes_leave_the_page_as_it_was():
    kept = stored_smear()
    of = replace(kept.measured.candidates, classes=None, small=None)
    bare = replace(kept, measured=replace(kept.measured, classes=None, small_cells=None, candidates=of))
    at = fresh()
    at.session_state["session"].results.append(bare)
    at.run()
    assert shown(at)["Cells"] == ("12", "")
    assert not any("per 1" in name for name in shown(at))
    assert "class" not in at.dataframe[0].value
    assert not any(m.value.startswith("| Class") for m in at.markdown)
    session = open_gallery(at)
    assert len(session.order) == 12
    move(session, 1, [1, 2], "white")
    at.run()
    assert shown(at)["Cells"] == ("12", "2 white, 10 unclassified")
    assert at.dataframe[0].value["class"].tolist()[:3] == ["White cell", "White cell", "Unclassified"]


def test_the_gallery_is_sorted_by_class_rarest_first_and_the_least_sure_first(page):
    session = open_gallery(page)
    assert session.order == [13, 14, *WHITES, *(k for k in range(1, 13) if k not in WHITES)]
    cells, pages = session.shown(["white"])
    assert (len(cells), pages) == (11, 1)
    sheet = Image.open(io.BytesIO(session.sheet(cells)))
    assert sheet.size == (16 * 96, 96)


def test_moves_reach_every_number_and_one_undo_takes_back_one_move(page):
    at, state = page, page.session_state["session"]
    session = open_gallery(at)
    move(session, 1, [1, 2, 12], "white")
    move(session, 2, [13], "not a cell")
    move(session, 3, [7], "platelet")
    move(session, 3, [5], "white")  # sent again: done already
    move(session, 4, [999, -1], "white")
    move(session, 5, [4], "no such class")
    assert (len(session.draft.history.edits), session.done, session.trouble) == (3, 5, "")
    assert session.order[:3] == [13, 14, 3], "nothing jumps"
    at.run()
    assert not at.exception
    assert at.session_state["gallery_session"] is session
    assert shown(at)["Cells"] == ("11", "6 red, 5 white")
    assert shown(at)["White per 100 red"][0] == "83"
    assert shown(at)["Platelets per 1,000 red, est."][1].startswith("2 here")
    result = state.results[0].measured
    table = cell_table(result)
    assert table["class"].tolist() == ["white"] * 3 + ["red"] * 3 + ["white"] + ["red"] * 3 + ["white"]
    assert table["class_by"].value_counts().to_dict() == {"network": 8, "person": 3}
    assert table.loc[table["class_by"] == "person", "class_score"].isna().all()
    assert at.dataframe[0].value["class_by"].value_counts().to_dict() == {"network": 8, "by hand": 3}
    line = next(m.value for m in at.markdown if m.value.startswith("| Class"))
    assert "| White cell | 5 | 45.5 % | 21.3 to 72.0 % | 3 |" in line
    assert class_columns(result) == {
        "count_red": 6, "count_white": 5, "count_platelet": 2, "count_unclassified": 0,
        "white_per_100_red": pytest.approx(500 / 6), "platelets_per_1000_red": pytest.approx(2000 / 6),
    }  # fmt: skip
    saved = pd.read_csv(io.BytesIO(IMAGE_FILES["_cells.csv"](state.results[0].unpack())))
    assert saved["class"].tolist() == table["class"].tolist()
    with zipfile.ZipFile(_zip(state, Chosen(SegmentSettings(), None, "", "cpu"))) as archive:
        row = pd.read_csv(archive.open("summary.csv")).iloc[0]
    assert row[["cell_count", "count_red", "count_white", "count_platelet", "edits"]].tolist() == [11, 6, 5, 2, 3]
    kept = unpack(MeasuredImage, pack(result))
    pd.testing.assert_frame_equal(cell_table(kept), table)
    assert class_columns(kept) == class_columns(result)

    session.take([GalleryCommand(6, "undo"), GalleryCommand(7, "undo")])
    at.run()
    assert shown(at)["Cells"] == ("12", "6 red, 6 white")
    session.take([GalleryCommand(8, "redo"), GalleryCommand(9, "undo"), GalleryCommand(10, "undo")])
    at.run()
    assert shown(at)["Cells"] == ("12", "9 red, 3 white")
    assert state.results[0].measured.correction is None


def test_the_draft_is_the_one_of_correct_and_drawn_edits_are_not_undone_here(page):
    at, state = page, page.session_state["session"]
    session = open_gallery(at)
    move(session, 1, [1], "white")
    at.run()
    (x, y) = PLACES[1][1] + 5, PLACES[1][0] + 5
    session.draft.apply(Edit(kind="delete", points=((x, y),)))  # as on Correct, with the same object
    at.run()
    session = at.session_state["gallery_session"]
    assert len(session.order) == 13, "opened anew: there is a cell less"
    session.take([GalleryCommand(2, "undo")])
    assert session.trouble == ELSEWHERE
    assert len(session.draft.history.edits) == 2
    assert shown(at)["Cells"] == ("11", "7 red, 4 white")
    assert state.results[0].measured.correction.edits == 2


def test_runs_at_once_begin_one_draft_and_lose_no_move(page):
    """Streamlit starts the run of a click on a button while that of a move is still at work."""
    session = open_gallery(page)
    begin = session.begin

    begun = []

    def slowly():
        begun.append(1)
        time.sleep(0.3)
        return begin()

    session.begin = slowly
    commands = [GalleryCommand(k, "move", (k,), "white") for k in (1, 2)]
    threads = [threading.Thread(target=session.take, args=(commands[: k + 1],)) for k in range(2)]
    for thread in threads:
        thread.start()
        time.sleep(0.1)
    for thread in threads:
        thread.join()
    assert (len(session.draft.history.edits), len(begun)) == (2, 1)
    page.run()
    assert shown(page)["Cells"] == ("12", "7 red, 5 white")


def test_a_run_that_is_ended_in_the_middle_leaves_its_move_to_the_next(page):
    session = open_gallery(page)
    begin = session.begin

    class RunEndsError(BaseException):
        """As Streamlit does it."""

    def ended():
        raise RunEndsError

    session.begin = ended
    commands = [GalleryCommand(1, "move", (1,), "white")]
    with pytest.raises(RunEndsError):
        session.take(commands)
    session.begin = begin
    session.take(commands)
    page.run()
    assert shown(page)["Cells"] == ("12", "8 red, 4 white")


def test_a_move_in_another_window_does_not_lose_either(page):
    at, state = page, page.session_state["session"]
    session = open_gallery(at)
    move(session, 1, [1], "white")
    other = open_draft(store(), state.results[0].draft)
    other.apply(Edit(kind="classify", points=((PLACES[1][1] + 5, PLACES[1][0] + 5),), cell_class="white"))
    move(session, 2, [4], "white")
    assert session.trouble == ""
    at.run()
    assert shown(at)["Cells"] == ("12", "6 red, 6 white")


def test_the_ratios_of_all_images_together():
    at = fresh()
    kept = stored_smear()
    at.session_state["session"].results += [kept, replace(kept, measured=replace(kept.measured, name="b", stem="b"))]
    at.run()
    (line,) = (m.value for m in at.markdown if m.value.startswith("All fields together"))
    assert "33 white per 100 red** (95 %: 14–81)" in line  # 6 in 24: 0.120 to 0.449
    assert "18 red cells, 6 white, 4 platelets (2.0 a field)" in line


def test_settings_and_a_cleared_image_while_the_gallery_is_open(page):
    at, state = page, page.session_state["session"]
    session = open_gallery(at)
    move(session, 1, [1], "platelet")
    move(session, 2, [2], "white")
    at.toggle(key="set_drop_border").set_value(True).run()
    assert not at.exception
    assert shown(at)["Cells"] == ("11", "7 red, 4 white")
    assert shown(at)["Platelets per 1,000 red, est."][1].startswith("3 here")
    assert cell_table(state.results[0].measured)["class_by"].tolist()[:2] == ["person", "network"]
    assert at.session_state["gallery_session"].class_of(1) == "platelet"
    gone = at.session_state["gallery_session"]
    state.results.clear()
    gone.draft.discard()
    move(gone, 9, [4], "white")
    assert "not here any more" in gone.trouble


def test_names_that_a_collection_has_changed(page, monkeypatch):
    classes = ClassSet().renamed("white", "leukocyte")
    monkeypatch.setattr("bccseg.annotation.store.LabelStore.class_set", lambda self: classes)
    page.run()
    session = open_gallery(page)
    assert session.offered == ["red", "white", "platelet", "not a cell"]
    move(session, 1, [1], "white")
    page.run()
    assert shown(page)["Cells"] == ("12", "8 red, 4 white")
    assert page.dataframe[0].value["class"].iloc[0] == "Leukocyte"


def test_commands_of_a_browser_are_read_or_left_out():
    assert read_command({"number": 5, "act": "move", "ids": [1, "2"], "to": "red"}) == GalleryCommand(
        5, "move", (1, 2), "red"
    )
    for wrong in (None, {}, {"number": "x", "act": "move"}, {"number": 1, "act": "move", "ids": [None]}, [1]):
        assert read_command(wrong) is None


def test_a_draft_begins_with_the_classes(page):
    draft = draft_of_result(page.session_state["session"], 0)
    assert [draft.marks[k].name for k in (1, 3, 13)] == ["red", "white", "platelet"]
    assert len(draft.info.scores) == 12
