"""A store of studies, small pictures, and weights that need no time."""

import io

import pytest
from PIL import Image

from bccseg.imaging.synthetic import draw_smear
from bccseg.io.archive import Entry
from bccseg.studies.records import StudySettings
from bccseg.studies.store import StudyStore


def picture(seed, size=(60, 80)):
    """A drawn smear as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(draw_smear(size, cells=3, diameter_px=24, seed=seed)[0]).save(file, "PNG")
    return file.getvalue()


def entries(*names):
    return [Entry(name, picture(seed)) for seed, name in enumerate(names)]


@pytest.fixture
def store(tmp_path):
    return StudyStore(tmp_path / "studies")


@pytest.fixture
def study(store):
    return store.create("Malaria")


@pytest.fixture
def tiny_study(store, tiny_weights):
    """A study whose network is small and untrained."""
    settings = StudySettings(weights=str(tiny_weights[0]), device="cpu", segment={"diameter_px": 24})
    return store.create("Tiny", settings)
