"""bccseg as a library: what is public, that it is light to import, documented, and that its examples are true."""

import ast
import doctest
import inspect
import os
import subprocess
import sys

import cv2
import numpy as np
import pytest

import bccseg
from bccseg.config import SegmentSettings, Thresholds
from bccseg.inference.segment import segment
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
    found = doctest.DocTestParser().get_doctest(text, {"bccseg": bccseg}, name, None, 0)
    assert len(found.examples) >= 2
    assert "Examples\n--------" in text
    assert doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(found).failed == 0


def test_editors_see_the_names_that_are_loaded_later():
    tree = ast.parse((ROOT / "bccseg/__init__.py").read_text(encoding="utf-8"))
    shown = next(node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING")
    assert {alias.name: node.module for node in shown.body for alias in node.names} == bccseg._HOMES
    assert set(bccseg._HOMES) == set(PUBLIC)


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
    monkeypatch.setattr(predictor, "config", predictor.config.replace(calibration=None))  # scores as they are compared
    usual = predictor.segment(smear[0])
    given = SegmentSettings(diameter_px=usual.diameter_px)
    np.testing.assert_array_equal(segment(smear[0], predictor, given).labels, usual.labels)

    preferred = predictor.config.thresholds
    strict = predictor.config.replace(thresholds={**preferred, "min_score": float(np.median(usual.scores))})
    monkeypatch.setattr(predictor, "config", strict)
    few = predictor.segment(smear[0])
    assert 0 < len(few.scores) < len(usual.scores)
    np.testing.assert_array_equal(segment(smear[0], predictor, given).labels, few.labels)
    np.testing.assert_array_equal(predictor.segment(smear[0], SegmentSettings()).labels, few.labels)
    asked = given.replace(min_score=preferred.get("min_score", Thresholds().min_score))
    np.testing.assert_array_equal(segment(smear[0], predictor, asked).labels, usual.labels)
