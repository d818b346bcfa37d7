import dataclasses

import cv2
import numpy as np
import pytest

from bccseg.config import SegmentSettings
from bccseg.errors import SettingsError, Stopped
from bccseg.imaging.synthetic import Stain, draw_smear
from bccseg.inference import segment as module_segment
from bccseg.inference import tiling as module
from bccseg.inference.segment import fitting_diameter, segment
from bccseg.inference.tiling import paste_tile, tile_windows
from bccseg.model.device import choose_device


def matched(labels, truth):
    """Share of true cells (of either side) with a partner at IoU >= 0.5: F1."""
    n, m = labels.max(), truth.max()
    both = np.bincount(truth.ravel() * (n + 1) + labels.ravel(), minlength=(m + 1) * (n + 1)).reshape(m + 1, n + 1)
    iou = both[1:, 1:] / (both.sum(1)[1:, None] + both.sum(0)[None, 1:] - both[1:, 1:])
    return 2 * (iou >= 0.5).sum() / (n + m)


@pytest.mark.parametrize("name", ["unet-bbbc041seg", "resunet-bbbc041seg"])
def test_a_drawn_smear_is_segmented(name, smear):
    from bccseg.inference.predictor import Predictor
    from bccseg.model.weight_sources import locate
    from bccseg.model.weights import load_weights

    image, truth = smear
    found = segment(image, Predictor(load_weights(*locate(name)), "cpu"))
    assert found.labels.shape == truth.shape
    assert found.labels.dtype == np.int32
    assert found.scores.shape == (found.labels.max(),)
    assert ((found.scores > 0) & (found.scores <= 1)).all()
    assert found.diameter_px == pytest.approx(56, rel=0.12)
    assert matched(found.labels, truth) > 0.9


@pytest.mark.parametrize("scale", [0.4, 1.0, 3.0])
def test_the_diameter_is_found_at_any_magnification(predictor, scale):
    image, truth = draw_smear((480, 640), cells=40, diameter_px=50, seed=8, stain=Stain(cell=(0.7, 0.6, 0.75)))
    view = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    found = segment(view, predictor)
    assert found.diameter_from == "measured"
    assert found.diameter_px == pytest.approx(50 * scale, rel=0.12)
    shrunk = cv2.resize(truth.astype(np.float32), view.shape[1::-1], interpolation=cv2.INTER_NEAREST).astype(np.int64)
    assert matched(found.labels, shrunk) > 0.9


def test_a_typed_diameter_is_used(predictor, smear):
    found = segment(smear[0], predictor, SegmentSettings(diameter_px=50))
    assert (found.diameter_px, found.diameter_from) == (50, "given")


def test_blank_fields_have_no_cells(predictor):
    for image in (
        np.full((300, 400, 3), 255, np.uint8),
        np.zeros((64, 64, 3), np.uint8),
        np.full((1, 1, 3), 9, np.uint8),
    ):
        found = segment(image, predictor)
        assert found.labels.shape == image.shape[:2]
        assert found.labels.max() == 0
        assert found.diameter_from == "assumed"


def test_tiles_give_the_cells_of_one_piece(predictor, monkeypatch):
    image, _ = draw_smear((700, 900), cells=90, diameter_px=48, seed=4)
    settings = SegmentSettings(diameter_px=48)
    whole = segment(image, predictor, settings).labels
    monkeypatch.setattr(module, "TILE_PX", 320)
    assert len(list(tile_windows(image.shape[:2], 1.0, 48))) >= 9
    tiled = segment(image, predictor, settings).labels
    assert tiled.max() == whole.max()
    assert matched(tiled, whole) == 1
    assert ((tiled > 0) == (whole > 0)).mean() > 0.995


@pytest.mark.parametrize("shape", [(10, 10), (1000, 1000), (1290, 2600), (5000, 40)])
@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_windows_cover_the_image_and_overlap(shape, factor):
    candidate = np.zeros(shape, np.uint8)
    windows = list(tile_windows(shape, factor, 48 / factor))
    for rows, cols in windows:
        assert rows.stop - rows.start <= 1.3 * module.TILE_PX / factor
        candidate[rows, cols] += 1
    assert (candidate > 0).all()
    starts = sorted({w[1].start for w in windows})
    stops = sorted({w[1].stop for w in windows})
    for start, stop in zip(starts[1:], stops, strict=False):
        assert stop - start >= module.OVERLAP * 48 / factor - 2


def test_paste_takes_each_cell_once():
    labels = np.zeros((20, 40), np.int32)
    found = np.zeros((20, 25), np.int32)
    found[5:10, 3:8], found[5:10, 21:25] = 1, 2  # the second touches the inner edge
    kept = paste_tile(labels, found, (slice(0, 20), slice(0, 25)), 5.0, 0, single=False)
    assert kept.tolist() == [0]
    again = np.zeros((20, 25), np.int32)
    again[5:10, 5:12] = 1  # x 20 to 27: the whole of the second
    kept = paste_tile(labels, again, (slice(0, 20), slice(15, 40)), 5.0, 1, single=False)
    assert kept.tolist() == [0]
    assert np.unique(labels).tolist() == [0, 1, 2]
    kept = paste_tile(labels, again, (slice(0, 20), slice(15, 40)), 5.0, 2, single=False)
    assert kept.size == 0  # it is there already


def test_progress_runs_to_the_end_and_stop_stops(predictor, smear):
    shares = []
    segment(smear[0], predictor, on_progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1

    def stop(_share):
        raise Stopped("Stopped.")

    with pytest.raises(Stopped):
        segment(smear[0], predictor, on_progress=stop)


def test_border_cells_can_be_left_out(predictor, smear):
    everything = segment(smear[0], predictor, SegmentSettings(diameter_px=56))
    inner = segment(smear[0], predictor, SegmentSettings(diameter_px=56, drop_border_cells=True))
    from bccseg.imaging.label_image import border_ids

    assert len(border_ids(everything.labels)) > 0
    assert len(border_ids(inner.labels)) == 0
    assert len(inner.scores) == len(everything.scores) - len(border_ids(everything.labels))


def test_devices():
    import torch

    assert choose_device("cpu").type == "cpu"
    with pytest.raises(SettingsError, match="Unknown device"):
        choose_device("tpu")
    if not torch.cuda.is_available():
        with pytest.raises(SettingsError, match="no usable cuda"):
            choose_device("cuda")


@pytest.mark.parametrize("wrong", [{"diameter_px": 1}, {"cell_threshold": 1.5}, {"min_cell_percent": -1}])
def test_settings_out_of_range(wrong):
    with pytest.raises(SettingsError):
        SegmentSettings(**wrong)


def test_a_diameter_that_does_not_fit_is_noticed():
    """Two pieces of 20 px where 10 px were looked for: a mistake only if the network is not sure of them."""
    labels = np.zeros((60, 60), np.int32)
    labels[5:23, 5:23], labels[30:48, 30:48] = 1, 2
    sure = np.ones(2, bool)
    doubtful, certain = np.array([0.1, 0.4], np.float32), np.array([0.9, 0.6], np.float32)
    assert fitting_diameter(labels, doubtful, sure, 10) == pytest.approx(2 * 18 / np.sqrt(np.pi))
    assert fitting_diameter(labels, certain, sure, 10) is None
    assert fitting_diameter(labels, doubtful, sure, 18) is None, "pieces of the size that was looked for"
    assert fitting_diameter(labels, doubtful, ~sure, 10) is None


def test_a_second_look_counts_where_the_network_is_surer(predictor, smear, monkeypatch):
    image, truth = smear
    right, sureness, _ = module_segment._segment(image, predictor, SegmentSettings(diameter_px=50), None)
    looks = []

    def look(_image, _predictor, settings, _progress):
        looks.append(settings.diameter_px)
        wrong = dataclasses.replace(right, labels=np.zeros_like(truth), diameter_px=20.0)
        return (wrong, sureness / 2, 50.0) if settings.diameter_px is None else (right, sureness, None)

    monkeypatch.setattr(module_segment, "_segment", look)
    found = segment(image, predictor)
    assert looks == [None, 50.0]
    assert (found.labels == right.labels).all()
    assert found.diameter_from == "measured"
    assert found.seconds["network"] == pytest.approx(2 * right.seconds["network"])
