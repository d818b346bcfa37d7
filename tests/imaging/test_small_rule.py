"""What tells small cells from dirt; drawn ones, with known numbers."""

import numpy as np
import pytest

from bccseg.errors import DataError, WeightsError
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.imaging.small_rule import SmallRule, small_looks
from bccseg.training.small_rule_learning import SmallCandidates, learn_small_rule

WHITE = np.array([240, 240, 240], np.float32)


def disc(shape, cx, cy, radius):
    y, x = np.mgrid[: shape[0], : shape[1]]
    return (x - cx) ** 2 + (y - cy) ** 2 <= radius**2


@pytest.fixture
def drawn():
    """A cell, a dark candidate alone and a pale one half in the cell."""
    shape = (80, 120)
    cells, pieces = np.zeros(shape, np.int32), np.zeros(shape, np.int32)
    cells[disc(shape, 30, 40, 20)] = 1
    pieces[disc(shape, 80, 40, 6)], pieces[disc(shape, 50, 40, 6)] = 1, 2
    image = np.full((*shape, 3), 240, np.uint8)
    image[cells > 0], image[pieces == 1], image[pieces == 2] = 120, 60, 200
    maps = ProbabilityMaps((cells > 0).astype(np.float32), classes=np.full((4, 40, 60), 0.25, np.float32))
    return small_looks(pieces, cells, np.array([0.9, 0.4], np.float32), image, WHITE, maps, 40.0)


def test_candidates_are_told_by_colour_surroundings_and_place(drawn):
    dark, pale = drawn
    assert drawn.shape == (2, 1 + 1 + 18 + 3 + 3 * 4 + 6)
    assert dark[0] == pytest.approx(0.9)
    assert dark[1] == pytest.approx(np.log(2 * np.sqrt(113 / np.pi) / 40), abs=1e-4)
    assert dark[2] == pytest.approx(np.log(240 / 60), abs=1e-5), "absorbance"
    assert dark[3] == pytest.approx(0, abs=1e-5)
    assert dark[5] == pytest.approx(0, abs=1e-5), "around it is nothing"
    assert dark[7] == pytest.approx(np.log(120 / 60), abs=1e-5), "darker than a cell"
    assert dark[-4] == 0
    assert 0.4 < pale[-4] < 0.6, "half in a cell"


def test_a_candidate_without_a_pixel_at_the_scale_of_the_network_is_no_error():
    pieces = np.zeros((100, 100), np.int32)
    pieces[1, 1] = 1
    maps = ProbabilityMaps(np.zeros((10, 10), np.float32))
    found = small_looks(
        pieces, np.zeros_like(pieces), np.array([0.5], np.float32), np.full((10, 10, 3), 200, np.uint8), WHITE, maps, 40
    )
    assert found.shape[0] == 1
    assert np.isfinite(found).all()


@pytest.fixture
def candidates():
    """400 candidates in 40 images; a quarter are true, told by the second number."""
    random = np.random.default_rng(1)
    true = random.random(400) < 0.25
    looks = random.normal(0, 1, (400, 3)).astype(np.float32)
    looks[:, 1] += 4 * true
    return SmallCandidates(looks, true, np.arange(400) % 40, np.zeros(400, bool), missed=5)


def test_the_rule_finds_what_tells_them_apart_and_says_how_likely_it_is(candidates):
    rule, held_out = learn_small_rule(candidates, "a test")
    assert abs(rule.weight[1]) > 5 * max(abs(rule.weight[0]), abs(rule.weight[2]))
    f1, precision, recall = candidates.scores(held_out, 0.5)
    assert f1 > 0.9
    assert precision > 0.93
    assert recall < candidates.true.sum() / (candidates.true.sum() + 5) + 1e-9, "what has no candidate is missed"
    assert held_out.mean() == pytest.approx(candidates.true.mean(), abs=0.03), "on average as many as there are"
    assert rule(candidates.looks).mean() == pytest.approx(candidates.true.mean(), abs=0.03)
    assert SmallRule.from_json(rule.to_json()) == rule


def test_scores_count_as_boxes_do(candidates):
    told = candidates.true.astype(float)
    assert candidates.scores(told, 0.5)[1] == 1
    none = candidates.scores(np.zeros(400), 0.5)
    assert none == (0, 0, 0)


def test_too_few_and_lists_that_do_not_fit_are_refused(candidates):
    few = SmallCandidates(candidates.looks, np.arange(400) < 10, candidates.image, candidates.cut, 0)
    with pytest.raises(DataError, match="50 small cells"):
        learn_small_rule(few)
    with pytest.raises(WeightsError, match="a weight for each"):
        SmallRule(mean=(0.0,), scale=(1.0, 1.0), weight=(1.0,), bias=0.0)
    with pytest.raises(WeightsError, match="scale above 0"):
        SmallRule(mean=(0.0,), scale=(0.0,), weight=(1.0,), bias=0.0)
