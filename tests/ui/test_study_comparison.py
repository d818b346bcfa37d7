"""The tab Compare of a study, by itself."""

from streamlit.testing.v1 import AppTest


def script(groups, samples):
    import numpy as np

    from bccseg.statistics.tables import StudyTables
    from tests.statistics.conftest import make_tables
    from ui.studies.comparison import show_comparison

    names = {f"{group}{k}": group for group in groups for k in range(samples)}
    base = {group: 60 + 10 * k for k, group in enumerate(groups)}
    sizes = {s: [np.linspace(base[g] - 5, base[g] + 5 + k, 9)] * 2 for k, (s, g) in enumerate(names.items())}
    tables = make_tables(sizes, names) if names else make_tables({"a": [[10, 12]]}, {"a": ""})
    if not samples:
        tables = StudyTables(tables.cells.iloc[:0], tables.images.iloc[:0], tables.samples.iloc[:0])
    show_comparison(tables, (" ".join(groups), samples))


def shown(groups=("control", "treated"), samples=6):
    page = AppTest.from_function(script, args=(groups, samples), default_timeout=60).run()
    assert not page.exception
    return page


def words(page):
    return "\n".join(one.value for one in [*page.markdown, *page.caption])


def test_two_groups():
    page = shown()
    assert "**Diameter differs between control and treated.** Samples of treated have" in words(page)
    assert "n = 6 and 6 samples" in words(page)
    table = page.dataframe[0].value
    assert list(table.columns)[1:3] == ["control (n = 6)", "treated (n = 6)"]
    assert table.set_index("Measure").loc["Diameter (µm)", "Larger in"] == "treated, 100 % of pairs"
    assert not page.warning
    page.toggle(key="compare_unflagged").set_value(True).run()
    assert not page.exception
    page.radio(key="compare_test").set_value("permutation").run()
    assert "permutation test" in words(page)


def test_few_samples_are_not_tested_and_that_is_said():
    page = shown(samples=2)
    assert "too few samples to compare" in words(page)
    assert any("nothing is tested here" in one.value for one in page.warning)


def test_three_groups_of_which_some_are_chosen():
    page = shown(("a", "b", "c"), 4)
    assert "3 groups" in words(page)
    page.multiselect(key="compare_groups").set_value(["a", "c"]).run()
    assert "between a and c" in words(page)
    page.multiselect(key="compare_groups").set_value([]).run()
    assert "Choose a group." in page.info[0].value


def test_one_group_and_no_groups_and_nothing():
    assert "One group, a: 3 samples" in words(shown(("a",), 3))
    assert "no groups yet" in shown((), 3).info[0].value
    assert "Nothing to compare yet" in shown((), 0).info[0].value
