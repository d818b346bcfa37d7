"""Colours of classes while cells are corrected."""

import numpy as np
import pytest

from bccseg.classes import CellMark, ClassSet
from bccseg.report.class_colours import MOST_COLOURED, NETWORK, class_colours, rgb
from bccseg.report.overlay import OUTLINE_COLOUR, PALETTE
from bccseg.report.viewport import PROPOSAL_COLOUR, draw_marks, make_view

RED, WHITE = rgb("#E4572E"), rgb("#2E86DE")
LABELS = np.zeros((40, 60), np.int32)
for _cell, _left in ((3, 5), (7, 25), (9, 45)):
    LABELS[10:20, _left : _left + 10] = _cell
MARKS = {3: CellMark(name="red"), 9: CellMark(name="white", by="network", score=0.8), 20: CellMark(name="red")}


def drawn(show="outlines", labels=LABELS, marks=MARKS, opacity=1.0):
    """Colour and opacity of each pixel, (40, 60, 4)."""
    view = make_view(LABELS.shape, 1.0, None, LABELS.shape[::-1])
    found = draw_marks(view, labels, LABELS, show, opacity, class_colours(ClassSet(), marks))
    return found.colours[found.index]


def test_outlines_have_the_colour_of_the_class_on_both_sides():
    out, plain = drawn(), drawn(marks={})
    assert np.array_equal(out[..., 3] > 0, plain[..., 3] > 0), "the same lines"
    for column, colour, strength in ((4, RED, 1), (5, RED, 1), (24, OUTLINE_COLOUR, 1), (25, OUTLINE_COLOUR, 1),
                                     (54, WHITE, NETWORK), (55, WHITE, NETWORK)):  # fmt: skip
        assert out[15, column].tolist() == [*colour, round(255 * strength)]
    assert out[15, 10, 3] == 0
    assert (plain[plain[..., 3] > 0][:, :3] == OUTLINE_COLOUR).all()


def test_cells_are_tinted_and_those_without_a_class_are_not():
    out = drawn("classes", opacity=0.8)
    assert out[15, 10].tolist() == [*RED, round(255 * 0.5 * 0.8)]
    assert out[15, 50].tolist() == [*WHITE, round(255 * NETWORK * 0.5 * 0.8)]
    assert out[15, 30, 3] == 0
    assert out[15, 5].tolist() == [*RED, round(255 * 0.8)]
    assert np.array_equal(drawn("classes", marks={}), drawn("outlines", marks={}))


def test_other_ways_to_show_cells_stay_what_they_were():
    filled = drawn("filled")
    assert filled[15, 10, :3].tolist() == PALETTE[2].tolist()
    assert filled[15, 5, :3].tolist() == list(RED)
    assert (drawn("image") == 0).all()
    proposal = drawn("proposal")
    assert (proposal[proposal[..., 3] > 0][:, :3] == PROPOSAL_COLOUR).all()
    changed = drawn("changes", labels=np.where(LABELS == 3, 0, LABELS))
    assert changed[15, 10, :3].tolist() == [220, 30, 60]
    assert changed[15, 45, :3].tolist() == list(WHITE)


def test_ids_beyond_the_marks_and_names_beyond_the_set():
    assert class_colours(ClassSet(), {}) is None
    far = np.where(LABELS == 7, 5000, LABELS)
    assert drawn(labels=far)[15, 25, :3].tolist() == list(OUTLINE_COLOUR)
    own = class_colours(ClassSet().renamed("red", "erythrocyte"), {1: CellMark(name="red"), 2: CellMark(name="zebra")})
    assert own.colours[own.row[1] - 1].tolist() == list(RED)
    assert own.row[2] == 9
    many = class_colours(ClassSet(), {k: CellMark(name=f"c{k:03}") for k in range(1, 300)})
    assert len(many.colours) == 2 * MOST_COLOURED
    assert many.row.max() <= 2 * MOST_COLOURED


@pytest.mark.parametrize("show", ["outlines", "classes"])
def test_there_are_never_more_than_256_colours(show):
    marks = {k: CellMark(name=f"c{k:03}") for k in range(1, 300)}
    view = make_view(LABELS.shape, 1.0, None, LABELS.shape[::-1])
    assert len(draw_marks(view, LABELS, LABELS, show, 1.0, class_colours(ClassSet(), marks)).colours) <= 256
