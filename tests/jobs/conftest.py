"""Drawn smears to train on."""

import pytest


@pytest.fixture(autouse=True)
def one_core_each(monkeypatch):
    """Runs beside each other would wait for each other's threads."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def dataset(drawn_dataset):
    return drawn_dataset
