"""The predictor's padding, channels and folded batch norms; the results of many files."""

import io
import zipfile

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from bccseg.config import NetworkConfig, SegmentSettings
from bccseg.errors import ImageError
from bccseg.imaging.instances import ProbabilityMaps
from bccseg.inference import batch
from bccseg.inference.batch import Failure, segment_entries, segment_page
from bccseg.inference.predictor import Predictor, fold_batch_norm
from bccseg.io.archive import Entry
from bccseg.io.page import Page
from bccseg.model.build import build_network
from bccseg.model.weights import Weights, WeightsConfig


def stirred(module):
    """The module with batch norms that change something."""
    torch.manual_seed(1)
    for part in module.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.running_mean.uniform_(-1, 1)
            part.running_var.uniform_(0.5, 2)
            part.weight.data.uniform_(0.5, 2)
            part.bias.data.uniform_(-1, 1)
    return module.eval()


def test_batch_norms_are_merged_into_the_convolution_before_them_and_nothing_else():
    first = nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.BatchNorm2d(4))
    second = nn.Sequential(nn.Conv2d(4, 5, 1, bias=False), nn.BatchNorm2d(5), nn.Conv2d(5, 2, 1), nn.BatchNorm2d(2))
    network = stirred(nn.ModuleList([nn.Identity(), first, second]))
    x = torch.rand(2, 3, 9, 8)
    with torch.inference_mode():
        before = second(first(x))
        fold_batch_norm(network)
        after = second(first(x))
    assert torch.allclose(before, after, atol=1e-5)
    kinds = [[type(part) for part in sequence] for sequence in (first, second)]
    assert kinds[0] == [nn.BatchNorm2d, nn.Conv2d, nn.ReLU, nn.BatchNorm2d]
    assert kinds[1] == [nn.Conv2d, nn.Identity, nn.Conv2d, nn.Identity]


def weights_of(**network):
    config = WeightsConfig(name="w", network=NetworkConfig(width=4, depth=3, **network), diameter_px=48.0)
    torch.manual_seed(0)
    return Weights(config, stirred(build_network(config.network)), "from somewhere")


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 256, (21, 34, 3), dtype=np.uint8)


@pytest.mark.parametrize("architecture", ["unet", "resunet"])
@pytest.mark.parametrize(
    ("in_channels", "head"), [(3, "cell_shape"), (3, "cell_distance"), (1, "cell_distance"), (3, "binary")]
)
def test_maps_are_those_of_the_network_on_a_padded_picture(architecture, in_channels, head, noise, monkeypatch):
    monkeypatch.setattr("bccseg.inference.predictor.inference_dtype", lambda _device: torch.float32)
    weights = weights_of(architecture=architecture, in_channels=in_channels, head=head)
    white = np.array([200, 180, 250], np.float32)
    planes = np.pad(noise, ((0, 3), (0, 6), (0, 0)), mode="edge") / white  # 24 x 40: multiples of 8
    if in_channels == 1:
        planes = planes.mean(axis=2, keepdims=True)
    with torch.inference_mode():
        batch_of_one = torch.from_numpy(planes.transpose(2, 0, 1)[None].astype(np.float32))
        logits = weights.network(batch_of_one)[0, :, :21, :34].numpy()
    expected = 1 / (1 + np.exp(-logits))
    for optimise in (True, False):
        maps = Predictor(weights, "cpu", optimise=optimise)(noise, white)
        assert maps.cell.shape == (21, 34)
        assert maps.cell.dtype == np.float32
        assert np.abs(maps.cell - expected[0]).max() < 1e-4
        if head == "binary":
            assert maps.distance is None
        else:
            assert np.abs(maps.distance - expected[1]).max() < 1e-4
        if head == "cell_shape":  # numbers, not probabilities
            assert np.abs(maps.way - logits[2:4]).max() < 1e-4
            assert np.abs(maps.spread - logits[4:]).max() < 1e-4
        else:
            assert maps.way is None
            assert maps.spread is None
    assert expected[0].std() > 1e-3


def test_a_picture_that_fits_is_not_padded(noise):
    predictor = Predictor(weights_of(), "cpu", optimise=False)
    sizes = []
    predictor.network.encoders[0].register_forward_pre_hook(lambda _module, given: sizes.append(tuple(given[0].shape)))
    for shape in ((16, 24), (17, 25), (1, 1)):
        predictor(np.resize(noise, (*shape, 3)), np.full(3, 255, np.float32))
    assert sizes == [(1, 3, 16, 24), (1, 3, 24, 32), (1, 3, 8, 8)]


def test_a_predictor_leaves_the_weights_alone(noise):
    weights = weights_of()
    before = {name: value.clone() for name, value in weights.network.state_dict().items()}
    predictor = Predictor(weights, "cpu")
    predictor(noise, np.full(3, 255, np.float32))
    assert all(torch.equal(value, before[name]) for name, value in weights.network.state_dict().items())
    assert (predictor.config, predictor.source) == (weights.config, "from somewhere")
    assert predictor.network.head.weight.dtype == torch.float32
    assert not predictor.network.training
    assert predictor.device.type == "cpu"
    assert not any(isinstance(part, nn.BatchNorm2d) for part in predictor.network.modules())
    plain = Predictor(weights, "cpu", optimise=False)
    assert any(isinstance(part, nn.BatchNorm2d) for part in plain.network.modules())
    assert plain.dtype == torch.float32


def test_a_predictor_segments_with_the_settings_asked_for_and_tells_its_progress(noise):
    shares = []
    found = Predictor(weights_of(), "cpu").segment(noise, SegmentSettings(diameter_px=24), shares.append)
    assert (found.diameter_px, found.diameter_from) == (24, "given")
    assert found.labels.shape == (21, 34)
    assert shares == [0.1, 1.0]


class Eye:
    """A predictor that takes the dark as cell, on a device of known name."""

    config = WeightsConfig(name="eye", network=NetworkConfig(), diameter_px=20.0)
    source, device, dtype = "the eye", torch.device("cpu"), torch.bfloat16

    def __call__(self, image, white):
        dark = (image[..., 0] < 100).astype(np.float32)
        return ProbabilityMaps(dark, dark)


def field(cells=1):
    image = np.full((40, 120, 3), 200, np.uint8)
    for k in range(cells):
        image[10:28, 10 + 30 * k : 28 + 30 * k] = 10
    return image


def png(image):
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


SETTINGS = SegmentSettings(diameter_px=20)


def test_a_result_holds_all_that_is_known():
    shares, page = [], Page(field(2), pixel_size_um=0.25, notes=("16 bit",))
    result = segment_page("smear 7.png", page, Eye(), SETTINGS, None, shares.append, set())
    assert (result.name, result.stem, result.page) == ("smear 7.png", "smear 7", 1)
    assert result.image is page.image
    assert result.labels.max() == len(result.scores) == len(result.cells) == result.summary.cell_count == 2
    assert (result.diameter_px, result.diameter_from) == (20, "given")
    assert (result.pixel_size_um, result.notes) == (0.25, ("16 bit",))
    assert (result.weights, result.device) == ("the eye", "CPU, half precision")
    assert set(result.seconds) == {"scale", "network", "instances"}
    assert result.rejected.shape == (0, 3)
    assert shares[-1] == 1
    typed = segment_page("a.png", page, Eye(), SETTINGS, 0.5, None, set())
    assert typed.pixel_size_um == 0.5


def test_rejected_objects_are_part_of_the_result():
    picky = SegmentSettings(diameter_px=20, min_score=0.999)
    result = segment_page("a.png", Page(field(1)), Half(), picky, None, None, set())
    assert (result.labels.max(), result.summary.cell_count) == (0, 0)
    assert result.rejected.tolist() == [pytest.approx([19, 19, 0.75 * 0.75], abs=0.05)]


class Half(Eye):
    def __call__(self, image, white):
        dark = 0.75 * (image[..., 0] < 100).astype(np.float32)
        return ProbabilityMaps(dark, dark)


def test_pages_and_equal_names_are_kept_apart():
    taken = {"smear_p002"}
    names = [
        (r.name, r.stem, r.page)
        for r in (
            segment_page(name, Page(field(), number, count), Eye(), SETTINGS, None, None, taken)
            for name, number, count in (("smear.tif", 1, 3), ("smear.tif", 2, 3), ("b.png", 1, 1), ("B.jpg", 1, 1))
        )
    ]
    assert names == [
        ("smear.tif, page 1", "smear_p001", 1),
        ("smear.tif, page 2", "smear_p002-2", 2),
        ("b.png", "b", 1),
        ("B.jpg", "B-2", 1),
    ]
    assert taken == {"smear_p002", "smear_p001", "smear_p002-2", "b", "b-2"}


def test_files_zips_and_failures_come_in_their_order():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("folder/a.png", png(field(2)))
        archive.writestr("notes.txt", "not a picture")
        archive.writestr("c.png", png(field(3)))
    entries = [
        Entry("a.png", png(field(1))),
        Entry("broken.png", error=ImageError("It is damaged.")),
        Entry("all.zip", buffer.getvalue()),
        Entry("empty.png", b""),
        Entry("last.png", png(field(0))),
    ]
    shares = []
    found = list(segment_entries(entries, Eye(), SETTINGS, 0.5, shares.append))
    assert [f.name for f in found] == [
        "a.png",
        "broken.png",
        "folder/a.png",
        "notes.txt",
        "c.png",
        "empty.png",
        "last.png",
    ]
    results = [f for f in found if not isinstance(f, Failure)]
    assert [(r.stem, r.summary.cell_count) for r in results] == [("a", 1), ("folder/a", 2), ("c", 3), ("last", 0)]
    assert {r.pixel_size_um for r in results} == {0.5}
    assert found[1].reason == "It is damaged."
    assert all(f.reason for f in found if isinstance(f, Failure))
    assert shares.count(1.0) == 4
    taken = {"a"}
    (again,) = segment_entries(entries[:1], Eye(), SETTINGS, taken=taken)
    assert (again.stem, again.pixel_size_um, taken) == ("a-2", None, {"a", "a-2"})
    assert [r.stem for r in segment_entries(entries[:1] * 2, Eye(), SETTINGS)] == ["a", "a-2"]


@pytest.mark.parametrize("where", ["decode", "segment"])
def test_too_little_memory_for_a_picture_is_told_and_the_next_is_done(where, monkeypatch):
    known, calls = getattr(batch, where), []

    def fail_once(*given):
        calls.append(given)
        if len(calls) == 1:
            raise MemoryError
        return known(*given)

    monkeypatch.setattr(batch, where, fail_once)
    first, second = segment_entries([Entry("a.png", png(field())), Entry("b.png", png(field()))], Eye(), SETTINGS)
    assert first == Failure("a.png", "The memory of this computer is too small for this picture. Crop it.")
    assert second.stem == "b"
