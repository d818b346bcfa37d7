"""Plotly figures of how classes are told."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from bccseg.report.shown_text import chart_text

ROW_PX, FRAME_PX = 34, 120
SCALE = [[0, "#eef2f8"], [1, "#3a5f96"]]  # opaque, so that the numbers can be read on dark pages, too


def confusion_chart(
    names: Sequence[str], confusion: NDArray[np.integer], title: str = "", unit: str = "cells"
) -> go.Figure:
    """Counts (K, K) as a picture: a row for what cells are, a column for what they were told to be.

    Colours are shares of a row, so that rare classes are seen as well; the number is the count of `unit`.
    """
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    names = [chart_text(name) for name in names]
    text = [[f"{count:,}" if count else "" for count in row] for row in confusion.tolist()]
    figure = go.Figure(
        go.Heatmap(
            z=share, x=list(names), y=list(names), text=text, texttemplate="%{text}", colorscale=SCALE, zmin=0, zmax=1,
            showscale=False, xgap=2, ygap=2, customdata=confusion,
            hovertemplate=f"%{{y}}, told %{{x}}: %{{customdata:,}} {unit} (%{{z:.0%}})<extra></extra>",
        )
    )  # fmt: skip
    plain = {"type": "category", "showgrid": False, "zeroline": False, "ticks": ""}
    figure.update_xaxes(title={"text": "told", "standoff": 8}, tickangle=-40 if len(names) > 3 else 0, **plain)
    figure.update_yaxes(title={"text": "true class", "standoff": 8}, autorange="reversed", **plain)
    return figure.update_layout(
        title={"text": title, "font": {"size": 14}}, height=FRAME_PX + ROW_PX * max(2, len(names)),
        margin={"l": 10, "r": 10, "t": 36 if title else 10, "b": 10},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip
