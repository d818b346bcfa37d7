import re
import string

import pandas as pd

from bccseg.report.conclusion import concern_words, conclusion, number, overall, p_number, plus_minus
from bccseg.report.texts import LANGUAGES, Texts
from bccseg.report.texts.english import ENGLISH
from bccseg.statistics.compare import compare_groups
from bccseg.statistics.concerns import Concern
from bccseg.statistics.measures import Measure

SIZE = Measure("d", "Diameter", "µm", "size")
SHARE = Measure("d", "White cell", "% of cells", "class")
TEXTS = Texts()


def compared(measure=SIZE, tested=1, **groups):
    rows = [(g, f"{g}{k}", v) for g, vs in groups.items() for k, v in enumerate(vs)]
    table = pd.DataFrame(rows, columns=["group", "sample", "d"])
    (one,) = compare_groups(table, [measure], list(groups))
    return str(conclusion(one, tested, TEXTS)), one


def test_a_clear_difference():
    words, one = compared(control=[7, 7.1, 7.2, 7.3, 7.4], treated=[8, 8.1, 8.2, 8.3, 8.4])
    assert words == (
        "Diameter differs between control and treated. Samples of treated have 1.00 µm (+14 %) more on average "
        "than those of control (95 % interval of the difference: "
        f"{number(one.differences[0].low)} to {number(one.differences[0].high)}); "
        "Mann-Whitney U test, n = 5 and 5 samples, p = 0.008."
    )


def test_no_clear_difference_is_not_called_none():
    words, _ = compared(control=[7, 8, 9, 10], treated=[7.5, 8.5, 9.5, 6.5])
    assert words.startswith("Diameter: no clear difference between control and treated.")
    assert "less on average" in words
    assert "This does not show that they are the same." in words


def test_too_few_samples_are_described():
    words, _ = compared(control=[7, 8], treated=[9])
    assert "1.50 µm (+20 %) more on average" in words
    assert "n = 2 and 1, not tested" in words
    assert "p =" not in words
    assert "interval" not in words
    assert compared(control=[7], treated=[])[0] == "Diameter is not known for samples of treated."
    assert compared(control=[7, 7, 7], treated=[7, 7, 7])[0] == "Diameter is the same in all samples."


def test_shares_differ_by_percentage_points():
    words, _ = compared(SHARE, control=[1, 2, 3], treated=[4, 5, 6])
    assert "3.00 percentage points more on average than those of control (95 %" in words


def test_three_groups():
    words, _ = compared(a=[1, 2, 3], b=[4, 5, 6], c=[7, 8, 9])
    assert words == (
        "Diameter differs between the 3 groups. On average it is 8.00 in c and 2.00 in a; "
        "Kruskal-Wallis test, n = 3 + 3 + 3 samples, p = 0.027."
    )


def test_overall():
    _, clear = compared(a=[1, 2, 3, 4, 5], b=[6, 7, 8, 9, 10])
    _, unclear = compared(a=[1, 2, 3], b=[4, 5, 6])
    _, untested = compared(a=[1, 2], b=[4, 5, 6])
    assert overall([clear, unclear, untested], ["a", "b"], TEXTS) == (
        "One of 2 measures differs clearly between a / b: diameter (larger in b)."
    )
    assert overall([unclear], ["a", "b"], TEXTS).startswith("The measure does not differ clearly")
    assert "not tested" in overall([untested], ["a", "b"], TEXTS)


def test_numbers():
    assert [number(v) for v in (1234.5, 12.345, 0.012345, -0.5, 0, float("nan"))] == [
        "1,234", "12.3", "0.0123", "−0.500", "0", "–"
    ]  # fmt: skip
    assert number(0.9999) == "1.00"
    assert plus_minus(0.91512, 0.00158) == "0.9151 ± 0.0016"
    assert plus_minus(7260.4, 270.2) == "7,260 ± 270"
    assert plus_minus(3.0, float("nan")) == "3.00"
    assert [p_number(p) for p in (0.0004, 0.0123, 0.0499, 0.2, float("nan"))] == [
        "< 0.001",
        "0.012",
        "0.050",
        "0.20",
        "–",
    ]


def test_braces_in_names_are_names():
    words, _ = compared(**{"{p}": [1, 2, 3], "{0}": [4, 5, 6]})
    assert "between {p} and {0}" in words


def test_concerns_have_words():
    words = concern_words(Concern("crowded", True, {"group": "A", "percent": 33.4}), TEXTS)
    assert words.startswith("33 % of the images of group A are too crowded")
    assert "smaller than 0.10;" in concern_words(Concern("p_bound", True, {"p": 0.1, "tested": 6}), TEXTS)


def test_languages_fill_in_the_same_values():
    for language, texts in LANGUAGES.items():
        for key, text in texts.items():
            if key.startswith("measure."):
                continue
            fields = {name for _, name, _, _ in string.Formatter().parse(ENGLISH[key]) if name}
            assert {name for _, name, _, _ in string.Formatter().parse(text) if name} == fields, (language, key)
    assert not re.findall(r"<\w", "".join(ENGLISH.values()))  # texts are no HTML
