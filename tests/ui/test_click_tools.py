"""Clicks on a draft: add, size, cut, the next line, merge; what undo makes of them."""

import numpy as np
import pytest

from bccseg.annotation.drafts import DraftInfo, create_draft, open_draft
from bccseg.annotation.store import LabelStore
from bccseg.errors import EditError
from bccseg.imaging.label_image import count_cells
from bccseg.inference.click_view import ClickView
from bccseg.report.viewport import make_view
from ui.components.draw_surface import Command
from ui.correct import click_tools
from ui.correct.click_tools import MOST_STEPS, ClickTools
from ui.correct.session import CorrectionSession

SHAPE = (200, 300)
PLACES = [(60, 60), (60, 160), (60, 200), (150, 60)]  # the second and third are one cell in the labels


def disc(x, y, r=24):
    rows, cols = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    return (rows - y) ** 2 + (cols - x) ** 2 <= r * r


@pytest.fixture
def draft(tmp_path, monkeypatch):
    """Three outlines for five cells: a pair is one, and the one at (150, 150) was missed. No network is at hand."""
    monkeypatch.setattr(ClickTools, "_look", lambda _self: None)
    labels = np.zeros(SHAPE, np.int32)
    for k, (y, x) in zip((1, 2, 2, 3), PLACES, strict=True):
        labels[disc(x, y)] = k
    cells = (labels > 0) | disc(150, 150)
    noise = np.random.default_rng(1).normal(0, 4, (*SHAPE, 3))
    image = np.clip(np.where(cells[..., None], (150, 90, 130), (225, 220, 228)) + noise, 0, 255).astype(np.uint8)
    return create_draft(LabelStore(tmp_path), image, labels, DraftInfo(name="a.png", diameter_px=48))


def iou(a, b):
    return (a & b).sum() / (a | b).sum()


def test_a_click_adds_the_whole_cell_and_is_one_edit(draft):
    clicks = ClickTools(draft)
    clicks.act("add", 143, 156)
    assert iou(draft.labels == 4, disc(150, 150)) > 0.93
    assert [edit.kind for edit in draft.history.edits] == ["add"]
    assert clicks.adjustable
    with pytest.raises(EditError, match="There is a cell already"):
        clicks.act("add", 150, 150)
    with pytest.raises(EditError, match="outside"):
        clicks.act("add", -3, 10)


def test_a_click_finds_the_cell_where_the_image_could_not_be_looked_at_beforehand(draft, monkeypatch, caplog):
    monkeypatch.undo()  # the network is at hand again
    draft.info = draft.info.replace(weights="unet-bbbc041seg")

    def no_room(_self):
        raise RuntimeError("out of memory")

    monkeypatch.setattr(ClickView, "look", no_room)
    clicks = ClickTools(draft)
    clicks.act("add", 143, 156)
    assert iou(draft.labels == 4, disc(150, 150)) > 0.9
    assert "could not be looked at" in caplog.text


def test_while_others_have_images_segmented_a_click_looks_at_a_window_alone(draft, monkeypatch):
    monkeypatch.undo()
    draft.info = draft.info.replace(weights="unet-bbbc041seg")
    monkeypatch.setattr(click_tools, "jobs_open", lambda: 1)
    monkeypatch.setattr(ClickView, "look", lambda _self: pytest.fail("the cores are wanted"))
    ClickTools(draft).act("add", 143, 156)
    assert iou(draft.labels == 4, disc(150, 150)) > 0.9


def test_its_size_changes_as_long_as_it_is_the_last_edit(draft):
    clicks = ClickTools(draft)
    with pytest.raises(EditError, match="Click on a cell that was missed"):
        clicks.resize(1)
    clicks.act("add", 150, 150)
    sizes = [int((draft.labels == draft.labels[150, 150]).sum())]
    for step in (1, 1, -3):
        clicks.resize(step)
        sizes.append(int((draft.labels == draft.labels[150, 150]).sum()))
    assert sizes[3] < sizes[0] < sizes[1] < sizes[2]
    assert len(draft.history.edits) == 1
    clicks.resize(10**6)
    radius = np.sqrt((draft.labels == draft.labels[150, 150]).sum() / np.pi)
    assert radius == pytest.approx(24 + MOST_STEPS, abs=1.5)
    view = make_view(SHAPE, 1.0, None, (300, 200))
    x, y, r = clicks.circle(view)
    assert (x, y, r) == pytest.approx((150, 150, 30), abs=2)
    draft.undo()
    assert not clicks.adjustable
    assert count_cells(draft.labels) == 3, "the cell is gone at one undo, whatever sizes it has had"
    assert clicks.circle(view) is None


def test_what_was_clicked_is_on_the_disk(draft, tmp_path):
    clicks = ClickTools(draft)
    clicks.act("add", 150, 150)
    clicks.resize(2)
    clicks.act("cut", 180, 60)
    clicks.act("cut", 180, 60)
    kept = open_draft(LabelStore(tmp_path), draft.id)
    assert (kept.labels == draft.labels).all()
    assert kept.history.edits == draft.history.edits


def test_a_click_parts_a_pair_and_another_one_tries_the_next_line(draft):
    clicks = ClickTools(draft)
    clicks.act("cut", 165, 62)
    assert draft.labels[60, 160] != draft.labels[60, 200]
    assert iou(draft.labels == draft.labels[60, 160], disc(160, 60) & (draft.proposal == 2)) > 0.75
    first = draft.labels.copy()
    clicks.act("cut", 200, 60)
    assert count_cells(draft.labels) == 4
    assert (draft.labels != first).any()
    assert len(draft.history.edits) == 1
    clicks.act("cut", 60, 60)
    assert count_cells(draft.labels) == 5, "a click on another cell parts that one"
    assert len(draft.history.edits) == 2
    with pytest.raises(EditError, match="Click on a cell"):
        clicks.act("cut", 280, 190)


def test_a_click_between_two_pieces_makes_them_one(draft):
    clicks = ClickTools(draft)
    clicks.act("cut", 180, 60)
    assert count_cells(draft.labels) == 4
    clicks.act("merge", 181, 55)
    assert count_cells(draft.labels) == 3
    with pytest.raises(EditError, match="where two pieces"):
        clicks.act("merge", 60, 150)


def test_a_click_of_the_hand_goes_to_the_tools_and_the_message_says_what_else_it_can_do(draft):
    session = CorrectionSession(draft)
    view = session.make_view((300, 200))
    session.take([Command(1, "draw", view, ((150.0, 150.0), (151.0, 150.0)), "add")])
    assert session.message == ("info", "Add: +1 cell. Wheel over it, or [ and ]: smaller or larger.")
    before = (draft.labels == 4).sum()
    session.take([Command(2, "size", view, ((0.0, 0.0),), value=1.0)])
    assert (draft.labels == 4).sum() > before
    session.handle_hotkey("brush:-")
    assert (draft.labels == 4).sum() == before
    session.take([Command(3, "take", view, ((0.0, 0.0),))])
    assert not session.clicks.adjustable
    session.take([Command(4, "draw", view, ((180.0, 60.0),), "cut")])
    assert session.message[1].startswith("Cut: +1 cell")
    session.take([Command(5, "draw", view, ((180.0, 60.0),), "merge")])
    assert session.message[1] == "Merge: -1 cell"
    session.corners = True
    session.take([Command(6, "draw", view, ((150.0, 30.0),), "add")])
    assert session.message[0] == "warning", "with corners a click is a corner"
