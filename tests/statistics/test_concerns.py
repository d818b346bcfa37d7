import numpy as np
import pytest

from bccseg.statistics.compare import compare_groups
from bccseg.statistics.concerns import concerns
from bccseg.statistics.measures import sample_values, study_measures
from bccseg.statistics.tables import StudyTables
from tests.statistics.conftest import make_tables


def of(tables, groups=("A", "B"), tested=None):
    values = sample_values(tables)
    measures = study_measures(tables)[:tested]
    found = concerns(tables, values, groups, compare_groups(values, measures, groups))
    return {one.kind: one for one in found}


def study(n, **options):
    names = {f"{g}{k}": g for g in "AB" for k in range(n)}
    return make_tables({s: [[10 + k, 20 + k]] * 2 for k, s in enumerate(names)}, names, **options)


def test_two_samples_are_too_few(tables):
    found = of(tables)
    assert found["too_few"].values == {"group": "A", "n": 2, "needed": 3}
    assert "few" not in found


def test_few_samples_are_said_and_what_p_can_be():
    found = of(study(3))
    assert found["few"].values["n"] == 3
    assert found["p_bound"].values["p"] == pytest.approx(0.1)
    assert "p_bound" in of(study(4))  # 2 / 70 for each of two measures that vary
    assert "p_bound" not in of(study(4), tested=4)  # the diameter alone
    assert not {"few", "p_bound", "too_few"} & set(of(study(6), tested=3))


def test_crowded_fields_and_flags(tables):
    found = of(tables)
    assert found["crowded"].values["percent"] == pytest.approx(100 / 3)
    assert found["flags_differ"].values["percent"] == pytest.approx(100 / 6)
    assert "crowded" not in of(study(3))


def test_scale_and_sorting(tables):
    assert not {"no_scale", "some_scale", "unsorted", "one_image"} & set(of(tables))
    bare = tables.images.assign(pixel_size_um=np.nan)
    assert "no_scale" in of(StudyTables(tables.cells, bare, tables.samples))
    some = tables.images.assign(pixel_size_um=[0.1, np.nan, 0.1, 0.1, 0.1])
    assert of(StudyTables(tables.cells, some, tables.samples))["some_scale"].values == {"count": 1, "images": 5}
    lost = tables.images.assign(sample=["a1", "a1", "", "b1", "b2"], group=["A", "A", "A", "B", ""])
    assert of(StudyTables(tables.cells, lost, tables.samples))["unsorted"].values["count"] == 2
