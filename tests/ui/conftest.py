"""A browser that the server knows again, and where it keeps what that browser had."""

import secrets

import pytest


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("BCCSEG_STORE", str(tmp_path))
    return tmp_path / "visits"


@pytest.fixture
def token():
    return secrets.token_hex(32)
