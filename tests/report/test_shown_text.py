"""Names that people gave are shown as they are: in charts, model cards and tables."""

import numpy as np
import pandas as pd
import pytest

from bccseg.report.charts import count_bars, distributions, histogram
from bccseg.report.class_charts import confusion_chart
from bccseg.report.shown_text import chart_text, markdown_text
from bccseg.report.tables import csv

EVIL = '<a href="javascript:x">b</a>%{x}'
SHOWN = '&lt;a href="javascript:x"&gt;b&lt;/a&gt;%\u200b{x}'


def test_chart_text():
    assert chart_text(EVIL) == SHOWN
    assert chart_text("a & b\n c") == "a &amp; b c"
    assert chart_text("smear 7.png") == "smear 7.png"


def test_charts_show_names_as_text():
    cells = pd.DataFrame({
        "equivalent_diameter_px": [30.0, 40.0, 50.0], "area_px": [1.0, 2.0, 3.0], "circularity": [1.0, 0.9, 0.8],
        "touches_border": [False] * 3, "class": ["x"] * 3,
    })  # fmt: skip
    summary = pd.DataFrame({"image": [EVIL], "cell_count": [3], "cell_count_inside": [2]})
    figures = [
        histogram(cells, "circularity", {"x": (EVIL, "#112233")}), count_bars(summary),
        distributions({EVIL: cells}, "circularity"), confusion_chart([EVIL, "b"], np.eye(2, dtype=int)),
    ]  # fmt: skip
    for figure in figures:
        text = str(figure.to_dict())
        assert "<a " not in text
        assert "&lt;a href=" in text


def test_markdown_text():
    assert markdown_text("a|b\n# c <script> [x](y)") == r"a\|b \# c \<script\> \[x\]\(y\)"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_no_cell_and_no_heading_is_a_formula(start):
    evil = f"{start}HYPERLINK(1)"
    table = pd.DataFrame({
        "text": [evil], "mixed": pd.Series([evil], dtype=object), "kind": pd.Categorical([evil]), evil: [-1.5],
    })  # fmt: skip
    back = pd.read_csv(pd.io.common.BytesIO(csv(table)), dtype=str)
    for name in ("text", "mixed", "kind"):
        assert back[name][0].startswith("'")
    assert back.columns[3].startswith("'")
    assert back.iloc[0, 3] == "-1.5000"  # a number stays one


def test_numbers_in_columns_of_several_kinds_stay():
    table = pd.DataFrame({"a": pd.Series([-1, "-x", None], dtype=object), "b": [True, False, True]})
    assert csv(table).decode() == "a,b\n-1,True\n'-x,False\n,True\n"
