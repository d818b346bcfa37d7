"""Charts of a report as SVG: still, with text as text, and nothing that a browser would have to fetch or run."""

import io
from collections.abc import Sequence
from threading import Lock

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from bccseg.report.study_charts import group_colours, sample_places
from bccseg.report.texts import Texts
from bccseg.statistics.distributions import spread_of_groups
from bccseg.statistics.measures import Measure, sorted_only

SIZE_INCHES = (2.36, 2.2)  # three side by side on A4
STYLE = {
    "svg.fonttype": "none", "svg.hashsalt": "bccseg", "font.family": "sans-serif", "font.size": 7.5,
    "font.sans-serif": ["DejaVu Sans"], "axes.spines.top": False, "axes.spines.right": False,
    "axes.edgecolor": "#9a8f96", "axes.labelcolor": "#3a3137", "xtick.color": "#3a3137", "ytick.color": "#3a3137",
    "axes.linewidth": 0.7, "axes.grid": True, "axes.grid.axis": "y", "grid.color": "#ece6ea", "axes.axisbelow": True,
    "text.parse_math": False,
}  # fmt: skip
GRID = 200  # places at which a density is drawn
BINS = 40
_drawing = Lock()  # styles are set for the whole process


def superplot(values: pd.DataFrame, cells: pd.DataFrame, measure: Measure, groups: Sequence[str], texts: Texts) -> str:
    """Each sample a point over the distribution of the group's cells (Lord et al. 2020): SVG."""
    with _drawing, rc_context(STYLE):
        figure, axes = _figure()
        spread, colours, rows = (
            spread_of_groups(cells, measure, list(groups)),
            group_colours(groups),
            sorted_only(values),
        )
        labels = []
        for k, name in enumerate(groups):
            y = rows.loc[rows["group"] == name, measure.key].dropna().to_numpy(np.float64)
            _draw_density(axes, spread[name], k, colours[name])
            if len(y):
                axes.plot([k - 0.3, k + 0.3], [y.mean()] * 2, color=colours[name], lw=1.8, solid_capstyle="butt")
                axes.scatter(
                    k + sample_places(len(y)), y, s=20, color=colours[name], edgecolor="white", lw=0.7, zorder=3
                )
            labels.append(f"{short(name)}\nn = {len(y)}")
        axes.set_xticks(range(len(groups)), labels)
        axes.set_xlim(-0.6, len(groups) - 0.4)
        axes.tick_params(axis="x", length=0)
        axes.set_ylabel(texts.axis(measure))
        return _svg(figure)


def histogram(cells: pd.DataFrame, measure: Measure, groups: Sequence[str], texts: Texts) -> str:
    """Shares of a group's cells by value, groups over each other; all cells where there are no groups: SVG."""
    with _drawing, rc_context(STYLE):
        figure, axes = _figure()
        if measure.kind != "colour":
            cells = cells[~cells["touches_border"].astype(bool)]
        values = cells[measure.column].dropna()
        low, high = np.quantile(values, (0.001, 0.999)) if len(values) else (0, 1)
        edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
        for name, colour in (group_colours(groups) if groups else {"": "#b5305f"}).items():
            part = values[cells["group"] == name] if groups else values
            if not len(part):
                continue
            share = 100 * np.histogram(part, edges)[0] / len(part)
            label = short(name) if name else None
            axes.stairs(share, edges, fill=True, color=colour, alpha=0.22)
            axes.stairs(share, edges, color=colour, lw=1.2, label=label)
        axes.set_xlabel(texts.axis(measure))
        axes.set_ylabel(texts("figure.share"))
        axes.set_ylim(bottom=0)
        if groups:
            place = {"loc": "outside upper left", "ncols": 2, "borderaxespad": 0.1}
            figure.legend(frameon=False, fontsize=6.5, handlelength=1, columnspacing=1, **place)
        return _svg(figure)


def short(name: str, limit: int = 16) -> str:
    """A name that fits below a group."""
    return name if len(name) <= limit else f"{name[: limit - 6]}…{name[-5:]}"


def _figure() -> tuple[Figure, Axes]:
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    return figure, figure.subplots()


def _draw_density(axes: Axes, cells: NDArray[np.float64], at: int, colour: str) -> None:
    if len(np.unique(cells)) < 3:
        return
    from scipy.stats import gaussian_kde

    places = np.linspace(cells.min(), cells.max(), GRID)
    density = gaussian_kde(cells)(places)
    width = 0.4 * density / density.max()
    axes.fill_betweenx(places, at - width, at + width, color=colour, alpha=0.2, lw=0)


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
