"""Cells laid over others: light, truth, and what may not happen."""

import numpy as np
import pytest

from bccseg.config import NetworkConfig, OverlapConfig, TrainConfig
from bccseg.errors import SettingsError
from bccseg.imaging.cell_shape import cell_shapes, ellipse_area
from bccseg.training.crops import CropDataset
from bccseg.training.overlap import HIDES, LEAST_VISIBLE, Canvas, Patch, add_overlaps, cut_patch
from bccseg.training.targets import cell_distance
from tests.training.images import training_image

WHITE = np.array([240.0, 230, 220], np.float32)
STAIN = np.array([0.3, 0.6, 0.4], np.float32)  # optical density of a cell
RADIUS = 15


def disc(shape, y, x, radius=RADIUS):
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return (rows - y) ** 2 + (cols - x) ** 2 <= radius**2


def smear(places, shape=(160, 200), name="smear"):
    """Evenly stained discs on white, as a training image."""
    labels = np.zeros(shape, np.int32)
    for k, place in enumerate(places, start=1):
        labels[disc(shape, *place)] = k
    light = np.exp(-STAIN * (labels > 0)[..., None])
    cell = ((labels > 0) * 255).astype(np.uint8)
    trusted = np.full(shape, 255, np.uint8)
    trusted[:10] = 0
    image = np.round(light * WHITE).astype(np.uint8)
    return training_image(name, image, cell, cell.copy(), trusted, WHITE, len(places), labels, 2 * RADIUS)


def flat_patch(radius=RADIUS):
    side = 2 * radius + 11
    mask = disc((side, side), side / 2 - 0.5, side / 2 - 0.5, radius)
    density = mask[..., None] * STAIN
    return Patch(density.astype(np.float32), mask.astype(np.float32), mask, float(radius), np.uint32(0))


def paste(canvas, y, x, transmission=1.0, **changes):
    config = OverlapConfig(density_min=1, density_max=1, **changes)
    return canvas.paste(flat_patch(), y, x, transmission, config, np.random.default_rng(0))


def test_densities_add_up_where_light_passes_and_do_not_where_the_cell_in_front_hides():
    for transmission, layers in ((1.0, 2.0), (0.5, 1.5), (0.0, 1.0)):
        canvas = Canvas(smear([(80, 80)]))
        assert paste(canvas, 80, 100, transmission)
        found = canvas.finished().image
        once, both = (np.exp(-STAIN * n) * WHITE for n in (1, layers))
        assert found[80, 90] == pytest.approx(both, abs=1.5)  # in both
        assert found[80, 70] == pytest.approx(once, abs=1.5)  # in the one that was there
        assert found[80, 110] == pytest.approx(once, abs=1.5)
        assert found[40, 40] == pytest.approx(WHITE, abs=1)


def test_shared_pixels_go_to_the_cell_they_lie_deeper_in_or_to_the_one_in_front():
    canvas = Canvas(smear([(80, 80)]))
    paste(canvas, 80, 100, HIDES)
    found = canvas.finished()
    assert (found.labels[80, 66:90] == 1).all()
    assert (found.labels[80, 91:115] == 2).all()
    canvas = Canvas(smear([(80, 80)]))
    paste(canvas, 80, 100, HIDES - 0.01)
    assert (canvas.finished().labels[80, 86:115] == 2).all()


def test_the_truth_of_a_composite_is_complete():
    canvas = Canvas(smear([(80, 80), (40, 160)]))
    paste(canvas, 80, 100)
    part = smear([(80, 80), (40, 160)])
    found = canvas.finished()
    assert ((found.cell > 127) == (found.labels > 0)).all()
    for k, box in ((1, np.s_[60:100, 60:120]), (3, np.s_[60:100, 60:120])):
        own = found.labels[box] == k
        expected = np.round(255 * cell_distance(found.labels[box], k, np.s_[0:40, 0:60]))
        assert (found.distance[box][own] == expected[own]).all()
        assert found.distance[box][own].max() == 255
    assert (found.distance[:60] == part.distance[:60]).all()  # where nothing was laid
    assert found.shapes.centre[3] == pytest.approx([80, 100], abs=0.6)
    assert found.shapes.centre[1] == pytest.approx([80, 80], abs=0.1)  # as before it was covered
    assert ellipse_area(found.shapes.spread[[1, 3]]) == pytest.approx([np.pi * RADIUS**2] * 2, rel=0.02)
    assert found.shapes.whole.tolist() == [False, True, True, True]


def test_the_picture_it_was_made_from_is_left_alone():
    part = smear([(80, 80)])
    before = [part.image.copy(), part.labels.copy(), part.cell.copy(), part.distance.copy(), part.trusted.copy()]
    canvas = Canvas(part)
    assert paste(canvas, 80, 100)
    canvas.finished()
    for old, new in zip(before, (part.image, part.labels, part.cell, part.distance, part.trusted), strict=True):
        assert (old == new).all()


def test_laid_cells_are_trusted_where_nothing_was_known():
    canvas = Canvas(smear([(80, 80)]))
    assert paste(canvas, 25, 80)
    found = canvas.finished()
    assert found.trusted[8, 80] == 0
    assert (found.trusted[found.labels == 2] == 255).all()


def test_what_would_hide_too_much_or_overlap_too_little_is_not_laid():
    assert not paste(Canvas(smear([(80, 80)])), 80, 84)  # nearly all of it
    assert not paste(Canvas(smear([(80, 80)])), 80, 100, overlap_max=0.1)
    assert paste(Canvas(smear([(80, 80)])), 80, 100, overlap_max=0.4)
    assert not paste(Canvas(smear([(80, 80)])), 80, 130, overlap_min=0.2)
    assert paste(Canvas(smear([(80, 80)])), 80, 130)
    assert not paste(Canvas(smear([(80, 80)])), 5, 80)  # reaches beyond the picture
    canvas = Canvas(smear([(80, 80)]))  # one cell may not be covered bit by bit
    assert [paste(canvas, *p, 0.0) for p in ((80, 100), (80, 60), (98, 80), (62, 80))].count(True) < 4
    labels = canvas.finished().labels
    assert (labels == 1).sum() >= LEAST_VISIBLE * np.pi * RADIUS**2


def test_a_range_must_not_end_before_it_begins():
    for name in ("overlap", "transmission", "density"):
        with pytest.raises(SettingsError, match=f"{name}_min must not be above {name}_max, not 0.5 above 0.2"):
            OverlapConfig(**{f"{name}_min": 0.5, f"{name}_max": 0.2})


def test_a_red_cell_may_lie_over_the_rim_of_a_white_one():
    source = smear([(60, 60), (110, 150, 35)], shape=(160, 260))
    assert source.free_cells.tolist() == [1]  # a white cell is no plain cell, and is not laid itself
    canvas = Canvas(source)
    assert paste(canvas, 110, 185, 0.8)
    found = canvas.finished()
    assert 0 < (source.labels == 2).sum() - (found.labels == 2).sum() < np.pi * RADIUS**2
    assert found.labels[110, 190] == 3
    assert not paste(canvas, 110, 140)  # in the middle of it, it could not be told from its nucleus


def test_a_patch_is_the_cell_turned_with_its_stain():
    source = smear([(80, 80)])
    patch = cut_patch(source, 1, np.random.default_rng(3))
    inside = patch.mask & disc(patch.mask.shape, *[len(patch.mask) / 2 - 0.5] * 2, RADIUS - 5)
    assert patch.density[inside] == pytest.approx(np.tile(STAIN, (inside.sum(), 1)), abs=0.02)
    assert 0.85 * RADIUS - 1 <= patch.radius <= 1.18 * RADIUS + 1
    assert (patch.alpha[patch.mask] > 0.6).all()
    assert cell_shapes(patch.mask.astype(np.int32)).centre[1] == pytest.approx([len(patch.mask) / 2 - 0.5] * 2, abs=0.6)


def test_composites_are_made_by_the_seed_and_hold_more_cells():
    source = smear([(40, 40), (40, 100), (110, 60), (110, 140)])
    config = OverlapConfig(share=1, cells=10)
    one, same, other = (add_overlaps(source, source, config, np.random.default_rng(s)) for s in (1, 1, 2))
    assert (one.image == same.image).all()
    assert not (one.image == other.image).all()
    counts = [
        len(np.unique(add_overlaps(source, source, config, np.random.default_rng(s)).labels)) - 1 for s in range(20)
    ]
    assert min(counts) >= 4
    assert 4 < np.mean(counts) <= 14


def test_a_stack_goes_on_where_the_last_cell_was_laid():
    source = smear([(80, 80)], shape=(160, 300))
    config = OverlapConfig(share=1, cells=30, stack_share=1.0, overlap_max=0.9, transmission_min=1)
    found = add_overlaps(source, source, config, np.random.default_rng(4))
    laid = found.shapes.centre[2:]
    steps = np.hypot(*np.diff(laid, axis=0).T)
    assert len(laid) > 2
    assert (steps[:2] < 2 * 1.18 * RADIUS * 0.6 + 1).all()


def test_without_plain_cells_nothing_is_laid():
    crowd = smear([(80, 80), (80, 104)])  # they touch
    assert len(crowd.free_cells) == 0
    assert add_overlaps(crowd, crowd, OverlapConfig(), np.random.default_rng(0)) is crowd
    empty = smear([])
    assert add_overlaps(empty, smear([(80, 80)]), OverlapConfig(), np.random.default_rng(0)) is empty


def test_crops_hold_composites_in_their_share_and_stay_the_same():
    source = smear([(40, 40), (40, 100), (110, 60), (110, 140)])
    config = TrainConfig(
        network=NetworkConfig(head="cell_shape"), crop_px=96, diameter_px=20, augment={"overlap": {"share": 0.5}}
    )
    crops, plain = (
        CropDataset([source], config.replace(augment=config.augment.replace(overlap=OverlapConfig(share=share))))
        for share in (1.0, 0.0)
    )
    more = [
        (crops[0, k].target[0] > 0.5).float().mean() > (plain[0, k].target[0] > 0.5).float().mean() for k in range(12)
    ]
    assert sum(more) > 6
    again = crops[0, 3]
    assert all((a == b).all() for a, b in zip(crops[0, 3], again, strict=True))
    assert again.target.shape == again.weight.shape == (7, 96, 96)
