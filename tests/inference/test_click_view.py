"""What the network sees around a click: once for the whole image, or window by window."""

import numpy as np
import pytest

from bccseg.imaging.one_click import click_window
from bccseg.imaging.synthetic import draw_smear
from bccseg.inference.click_view import ClickView
from bccseg.inference.predictor import load_predictor
from bccseg.inference.tiling import TILE_PX

DIAMETER = 71.0  # no whole number of working pixels


@pytest.fixture(scope="module")
def predictor():
    return load_predictor(device="cpu")


@pytest.fixture(scope="module")
def smear():
    return draw_smear((411, 523), cells=14, diameter_px=DIAMETER, seed=4)


def middle(labels, cell):
    rows, cols = np.nonzero(labels == cell)
    return float(cols.mean()), float(rows.mean())


def test_a_click_gives_the_cell_whether_the_image_was_looked_at_before_or_not(predictor, smear):
    image, labels = smear
    by_window, whole = ClickView(predictor, image, DIAMETER), ClickView(predictor, image, DIAMETER)
    whole.look()
    for cell in range(1, int(labels.max()) + 1):
        others = np.where(labels == cell, 0, labels)
        for view in (by_window, whole):
            window, found = view.propose(others, middle(labels, cell))
            true = labels == cell
            assert (found & true[window]).sum() / (true.sum() + (found & ~true[window]).sum()) > 0.9, (cell, view)


def test_what_was_seen_beforehand_lies_where_it_is(predictor, smear):
    image, labels = smear
    view = ClickView(predictor, image, DIAMETER)
    view.look()
    shape = view._whole.cell.shape
    for click in ((0, 0), (522, 410), (200, 100), (261.5, 205.5)):
        window, seen = view._within(click_window(labels.shape, click, DIAMETER), shape)
        for side, part, size, length in zip(window, seen, labels.shape, shape, strict=True):
            assert 0 <= part.start < part.stop <= length
            assert abs(side.start - part.start * size / length) <= 0.5
            assert abs(side.stop - part.stop * size / length) <= 0.5
        asked = click_window(labels.shape, click, DIAMETER)
        assert all(
            own.start <= side.start and own.stop >= side.stop - 1 for own, side in zip(window, asked, strict=True)
        )


def test_after_the_look_no_click_asks_the_network(predictor, smear, monkeypatch):
    image, labels = smear
    view = ClickView(predictor, image, DIAMETER)
    view.look()
    monkeypatch.setattr(view, "_maps", None)
    view.look()
    view.propose(np.zeros_like(labels), middle(labels, 1))


def test_an_image_of_several_tiles_is_not_kept_whole(predictor):
    image = np.full((40, int(TILE_PX * 1.3), 3), 230, np.uint8)
    view = ClickView(predictor, image, predictor.config.diameter_px)
    view.look()
    assert view._whole is None
