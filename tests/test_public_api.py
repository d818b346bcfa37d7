"""bccseg as a library: what is public, that it is light to import, documented, and that its examples are true."""

import doctest
import inspect
import os
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

import bccseg
from bccseg.config import SegmentSettings
from bccseg.io.encode import png
from bccseg.io.label_files import mask_png
from tests.paths import ROOT

PUBLIC = [name for name in bccseg.__all__ if name != "__version__"]


def examples():
    from bccseg.inference.predictor import Predictor

    return {**{name: getattr(bccseg, name) for name in PUBLIC}, "predictor.segment": Predictor.segment}


def test_the_public_names_are_these():
    assert PUBLIC == [
        "BccsegError", "SegmentSettings", "draw_smear", "evaluate", "load_predictor", "measure_cells", "read_image",
    ]  # fmt: skip
    assert set(dir(bccseg)) == set(bccseg.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        bccseg.nonsense  # noqa: B018


def test_importing_it_loads_nothing_else():
    code = "import sys, bccseg; assert not {'torch', 'numpy', 'pandas', 'cv2', 'pydantic'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("name", sorted(set(examples()) - {"BccsegError"}))
def test_the_examples_of_a_docstring_are_true(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BCCSEG_WEIGHTS", raising=False)
    text = inspect.getdoc(examples()[name])
    found = doctest.DocTestParser().get_doctest(
        text, {"bccseg": bccseg, "Path": Path, "png": png, "mask_png": mask_png}, name, None, 0
    )
    assert len(found.examples) >= 2
    assert "Examples\n--------" in text
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(found).failed == 0


def test_every_public_name_is_in_the_guide_for_programmers_and_its_script_runs(tmp_path, smear):
    text = (ROOT / "docs/library.md").read_text(encoding="utf-8")
    script = (ROOT / "docs/example.py").read_text(encoding="utf-8").split('"""\n\n', 1)[1]
    assert f"```python\n{script}```" in text
    assert len(script.strip().splitlines()) <= 12
    for name in PUBLIC:
        assert f"`{name}" in text
    cv2.imwrite(str(tmp_path / "smear.png"), smear[0][..., ::-1])
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs/example.py"), "smear.png"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    count = int(done.stdout.split()[0])
    assert abs(count - smear[1].max()) <= 1
    assert len((tmp_path / "cells.csv").read_text().splitlines()) == count + 1


def test_settings_do_not_lose_the_thresholds_of_the_weights(predictor, smear, monkeypatch):
    strict = predictor.config.replace(thresholds={"min_score": 0.99}, calibration=None)
    usual = len(predictor.segment(smear[0], SegmentSettings(diameter_px=56)).scores)
    monkeypatch.setattr(predictor, "config", strict)
    few = len(predictor.segment(smear[0]).scores)
    assert few < usual
    assert len(predictor.segment(smear[0], SegmentSettings(diameter_px=56)).scores) == pytest.approx(few, abs=2)
    asked = predictor.segment(smear[0], SegmentSettings(diameter_px=56, min_score=0.55))
    assert len(asked.scores) == usual
    assert asked.labels.dtype == np.int32
