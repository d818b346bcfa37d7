"""Calibrations kept by name."""

import pytest

from bccseg.errors import StoreError
from bccseg.imaging.calibration import Calibration
from bccseg.io.calibrations import Calibrations


def made(name, size=0.065):
    return Calibration(name=name, pixel_size_um=size, how="measured", who="Ana", when="2026-05-04T10:00:00+00:00")


def test_they_are_kept_listed_replaced_and_deleted(tmp_path):
    kept = Calibrations(tmp_path / "calibrations")
    assert kept.all() == []
    kept.keep(made("oil 100x"))
    kept.keep(made("../../40x / water", 0.16))
    assert [one.name for one in kept.all()] == ["../../40x / water", "oil 100x"]
    assert {path.parent for path in tmp_path.rglob("*.json")} == {tmp_path / "calibrations"}
    kept.keep(made("Oil 100x", 0.066))
    assert kept.get(" OIL 100X").pixel_size_um == 0.066
    assert len(kept.all()) == 2
    kept.delete("oil 100x")
    kept.delete("oil 100x")
    assert [one.name for one in Calibrations(tmp_path / "calibrations").all()] == ["../../40x / water"]


def test_a_damaged_file_is_left_out(tmp_path, caplog):
    kept = Calibrations(tmp_path)
    kept.keep(made("a"))
    (tmp_path / "broken.json").write_bytes(b"{")
    assert [one.name for one in kept.all()] == ["a"]
    assert "broken.json" in caplog.text


def test_a_disk_that_refuses_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="could not be kept"):
        Calibrations(tmp_path / "file" / "below").keep(made("a"))
