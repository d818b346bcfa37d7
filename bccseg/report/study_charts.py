"""Plotly figures that compare groups of samples: each sample a point over the distribution of the cells."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from bccseg.report.charts import SERIES
from bccseg.statistics.measures import Measure, sorted_only

HEIGHT_PX = 420
SPREAD = 0.16  # of the points of a group, to both sides, in widths of a group


def sample_places(n: int) -> NDArray[np.float64]:
    """Where `n` points of a group lie, -SPREAD to SPREAD: side by side, alternating, so that none hides another."""
    step = np.arange(n)
    places = ((step * 0.618034) % 1) * 2 - 1  # the golden ratio keeps neighbours apart
    return SPREAD * places if n > 1 else np.zeros(n)


def group_colours(groups: Sequence[str]) -> dict[str, str]:
    """A colour a group, by its place."""
    return {name: SERIES[k % len(SERIES)] for k, name in enumerate(groups)}


def group_chart(
    values: pd.DataFrame,
    measure: Measure,
    groups: Sequence[str],
    spread: Mapping[str, NDArray[np.float64]],
    axis: str = "",
) -> go.Figure:
    """Groups side by side. values: `sample_values`; spread: `spread_of_groups`; axis: title of the values."""
    figure, colours, rows = go.Figure(), group_colours(groups), sorted_only(values)
    for k, name in enumerate(groups):
        part, colour = rows[(rows["group"] == name) & rows[measure.key].notna()], colours[name]
        cells = spread.get(name, np.zeros(0))
        if len(np.unique(cells)) > 1:
            figure.add_violin(
                y=cells, x0=k, line={"width": 0}, fillcolor=colour, opacity=0.22, points=False, hoverinfo="skip",
                width=0.8, spanmode="hard",
            )  # fmt: skip
        if part.empty:
            continue
        y = part[measure.key].to_numpy(np.float64)
        mean = float(y.mean())
        figure.add_scatter(x=[k - 0.3, k + 0.3], y=[mean, mean], mode="lines", hoverinfo="skip",
                           line={"color": colour, "width": 3})  # fmt: skip
        tip = "%{text}: %{y:.3~g}<extra></extra>"
        figure.add_scatter(
            x=k + sample_places(len(y)), y=y, mode="markers", text=[_plain(s) for s in part["sample"]],
            hovertemplate=tip, marker={"color": colour, "size": 11, "line": {"color": "white", "width": 1.5}},
        )  # fmt: skip
    counts = [int(rows.loc[rows["group"] == name, measure.key].notna().sum()) for name in groups]
    labels = [f"{_plain(name)}<br>n = {n}" for name, n in zip(groups, counts, strict=True)]
    figure.update_xaxes(tickvals=list(range(len(groups))), ticktext=labels, range=[-0.6, len(groups) - 0.4],
                        showgrid=False, zeroline=False)  # fmt: skip
    figure.update_yaxes(title=axis or measure.axis, zeroline=False)
    return figure.update_layout(
        height=HEIGHT_PX, showlegend=False, margin={"l": 8, "r": 8, "t": 12, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
    )  # fmt: skip


def _plain(name: str) -> str:
    """Plotly would read angle brackets as markup."""
    short = name if len(name) <= 24 else f"{name[:14]}…{name[-9:]}"
    return short.replace("&", "&amp;").replace("<", "‹").replace(">", "›")
