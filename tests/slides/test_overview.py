"""The rule for a monolayer on a drawn slide whose parts are known: empty, crowded, blurred, uneven, and good."""

import cv2
import numpy as np
import pytest

from bccseg.slides.open import open_slide
from bccseg.slides.overview import (
    counted_density,
    draw_overview,
    estimated_density,
    fields,
    look_at,
    monolayer,
    worth_of_cover,
)  # fmt: skip
from bccseg.slides.regions import whole_slide
from tests.slides.slide_files import write_bigtiff

FIELD, DIAMETER = 400, 20.0
PINK = (226, 150, 165)


def draw_field(rng, cells, *, half=False, blur=0.0):
    """A field of discs; half: all of them in its upper half."""
    picture = np.full((FIELD, FIELD, 3), (238, 233, 236), np.uint8)
    for _ in range(cells):
        x, y = rng.uniform(0, FIELD), rng.uniform(0, FIELD / 2 if half else FIELD)
        cv2.circle(picture, (int(x), int(y)), int(DIAMETER / 2), PINK, -1, cv2.LINE_AA)
        cv2.circle(picture, (int(x), int(y)), int(DIAMETER / 5), (236, 205, 212), -1, cv2.LINE_AA)
    picture = cv2.GaussianBlur(picture, (0, 0), blur) if blur else picture
    return np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    """Rows of fields: good ones, crowded, empty, blurred, and uneven ones."""
    rng = np.random.default_rng(4)
    rows = [
        [draw_field(rng, 120) for _ in range(5)],
        [draw_field(rng, 900) for _ in range(5)],
        [draw_field(rng, 0) for _ in range(5)],
        [draw_field(rng, 120, blur=5.0) for _ in range(5)],
        [draw_field(rng, 120, half=True) for _ in range(5)],
    ]
    image = np.vstack([np.hstack(row) for row in rows])
    path = write_bigtiff(tmp_path_factory.mktemp("overview") / "parts.tif", image, "zlib")
    with open_slide(path) as opened:
        yield opened


def test_only_the_good_fields_are_chosen(slide):
    chosen = monolayer(slide, look_at(slide), DIAMETER, 12)
    assert len(chosen) == 5
    assert all(one.window[0] == slice(0, FIELD) for one in chosen)
    assert all(one.evenness > 0.4 and one.focus > 0.6 for one in chosen)
    assert [one.score for one in chosen] == sorted((one.score for one in chosen), reverse=True)
    assert len(monolayer(slide, look_at(slide), DIAMETER, 2)) == 2


def test_cover_and_evenness_are_those_that_were_drawn(slide):
    by_row = {}
    for one in fields(look_at(slide), slide.shape, FIELD):
        by_row.setdefault(one.window[0].start // FIELD, []).append(one)
    cover = [np.mean([one.cover for one in by_row[k]]) for k in range(5)]
    true = 1 - np.exp(-120 * np.pi * (DIAMETER / 2 / FIELD) ** 2)  # discs at random places cover each other
    assert cover[0] == pytest.approx(true, abs=0.05)
    assert cover[1] > 0.7
    assert cover[2] < 0.01
    assert max(one.evenness for one in by_row[4]) < 0.2


def test_worth_of_a_cover():
    assert [worth_of_cover(c) for c in (0, 0.03, 0.065, 0.1, 0.45, 0.55, 0.65, 1)] == pytest.approx(
        [0, 0, 0.5, 1, 1, 0.5, 0, 0]
    )


def test_densities(slide):
    estimated = estimated_density(look_at(slide), DIAMETER, FIELD)
    assert estimated.shape == (5, 5)
    assert estimated[0].mean() * FIELD**2 == pytest.approx(120, rel=0.3)  # less where discs lie on each other
    assert estimated[2].max() * FIELD**2 < 5
    centres = np.array([[10.0, 20.0], [30.0, 20.0], [399.0, 799.0]])
    counted = counted_density(centres, (800, 400), 200)
    assert (counted * 200**2).round(6).tolist() == [[2, 0], [0, 0], [0, 0], [0, 1]]


def test_the_picture_shows_regions_and_density(slide):
    overview = look_at(slide)
    plain = draw_overview(overview)
    drawn = draw_overview(overview, [whole_slide(slide.shape)], estimated_density(overview, DIAMETER, FIELD))
    assert plain.shape == drawn.shape == overview.picture.shape
    assert (plain == overview.picture).all()
    assert (drawn[0, 100] == (228, 87, 46)).all()
