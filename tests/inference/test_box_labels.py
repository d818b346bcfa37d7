"""Labels of images that have boxes only."""

from types import SimpleNamespace

import numpy as np

from bccseg.imaging.instances import ProbabilityMaps
from bccseg.inference.box_labels import label_boxes

SHAPE = (120, 200)


def disc(y, x, radius, shape=SHAPE):
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (cols - x) ** 2 <= radius**2


def box(y, x, radius):
    return [x - radius, y - radius, x + radius, y + radius]


def predictor(seen):
    """A network that sees this, at the size of the boxes."""

    def predict(image, white):
        assert image.shape[:2] == SHAPE
        return ProbabilityMaps(seen.astype(np.float32))

    predict.config = SimpleNamespace(diameter_px=40.0)
    return predict


def label(seen, cells, others=()):
    image = np.full((*SHAPE, 3), 240, np.uint8)
    return label_boxes(
        image, np.array(cells, float).reshape(-1, 4), np.array(others, float).reshape(-1, 4), predictor(seen)
    )


def test_what_is_seen_is_parted_by_the_boxes():
    pair = disc(60, 60, 20) | disc(60, 85, 20)
    found = label(pair, [box(60, 60, 20), box(60, 85, 20)])
    assert ((found.labels > 0) == pair).mean() > 0.999
    assert found.labels.max() == 2
    assert found.labels[60, 70] != found.labels[60, 76]
    assert found.unknown.sum() < 10


def test_what_nobody_boxed_is_unknown_and_platelets_are_background():
    seen = disc(60, 60, 20) | disc(30, 160, 20) | disc(100, 150, 8)
    found = label(seen, [box(60, 60, 20)], [box(100, 150, 10)])
    assert found.labels.max() == 1
    assert (found.unknown == disc(30, 160, 20)).all()


def test_a_cell_that_is_not_seen_is_its_ellipse_with_an_unknown_rim():
    found = label(disc(60, 150, 20), [box(60, 50, 20), box(60, 150, 20)])
    depth = ((np.mgrid[:120, :200] - np.array([60, 50])[:, None, None]) ** 2).sum(axis=0) / 400
    drawn = found.labels[60, 50]
    assert drawn > 0
    assert ((found.labels == drawn) == (depth <= 0.7)).all()
    assert found.unknown[60, 50 + 18]
    assert not found.unknown[60, 50 + 24]
    assert found.labels[60, 150] not in (0, drawn)


def test_scraps_beside_a_box_are_no_cells():
    seen = disc(60, 60, 20)
    seen[58:62, 82:84] = True  # within reach of the box, apart from the cell
    found = label(seen, [box(60, 60, 20)])
    assert found.labels.max() == 1
    assert found.unknown[60, 82]


def test_without_boxes_nothing_is_known():
    found = label(disc(60, 60, 20), [])
    assert found.labels.max() == 0
    assert found.unknown.all()
