"""Plotly figures of cell and image measures. Without cells a figure says so."""

from collections.abc import Iterable, Mapping

import pandas as pd
import plotly.graph_objects as go

from bccseg.report.shown_text import chart_text

NO_CELLS = "no cells"
COLOUR = "#b5305f"  # eosin
SERIES = ("#b5305f", "#4a6fa5", "#2e8b74", "#d98e32", "#7b5ea7", "#5c8a3c", "#a5504a", "#3f8fa8")
HEIGHT_PX = 260

# Column of the cell table without its unit -> what a person calls it.
MEASURES = {"equivalent_diameter": "Diameter", "area": "Area", "circularity": "Circularity"}


def column_and_title(measure: str, cells: pd.DataFrame) -> tuple[str, str]:
    """Column of a measure and its axis title, in µm where the table has it."""
    name = MEASURES[measure]
    if measure == "circularity":
        return measure, f"{name} (1 = circle)"
    power = "2" if measure == "area" else ""
    if f"{measure}_um{power}" in cells:
        return f"{measure}_um{power}", f"{name} (µm{'²' if power else ''})"
    return f"{measure}_px", f"{name} (px{'²' if power else ''})"


def _styled(figure: go.Figure, title: str, height: int = HEIGHT_PX) -> go.Figure:
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 36, "b": 8},
        title={"text": title, "font": {"size": 14}, "x": 0, "xanchor": "left"},
        showlegend=False,
        bargap=0.05,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def empty(title: str) -> go.Figure:
    """A figure that says there are no cells."""
    figure = go.Figure()
    figure.add_annotation(text=NO_CELLS, showarrow=False, x=0.5, y=0.5, xref="paper", yref="paper", font={"size": 18})
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    return _styled(figure, title)


def histogram(cells: pd.DataFrame, measure: str, classes: Mapping[str, tuple[str, str]] | None = None) -> go.Figure:
    """Histogram of 'equivalent_diameter', 'area' or 'circularity' of the cells off the border.

    classes: words and colour of each class, by the values of the column `class`; each then has a colour, the first at
    the bottom. The median is that of all.
    """
    column, title = column_and_title(measure, cells)
    whole = cells[~cells["touches_border"]]
    values = whole[column]
    if values.empty:
        return empty(title)
    figure = go.Figure()
    for name, (words, colour) in (classes or {"": ("cells", COLOUR)}).items():
        part = values[whole["class"] == name] if classes else values
        if len(part):
            shown = chart_text(words)
            tip = f"%{{x}}: %{{y}} {shown}<extra></extra>"
            figure.add_histogram(x=part, nbinsx=30, bingroup=1, name=shown, marker_color=colour, hovertemplate=tip)
    figure.update_layout(barmode="stack")
    median = float(values.median())
    figure.add_vline(x=median, line_dash="dot", line_color="#888")
    figure.update_yaxes(title="cells")
    return _styled(figure, f"{title}, median {median:.3g}" if median < 1000 else f"{title}, median {median:,.0f}")


def count_bars(summary: pd.DataFrame) -> go.Figure:
    """Cells an image, as bars; the part that touches the border lighter. summary: `summary_table`."""
    title = "Cells in each image"
    if not summary["cell_count"].sum():
        return empty(title)
    inside, cut = summary["cell_count_inside"], summary["cell_count"] - summary["cell_count_inside"]
    names = [chart_text(name) for name in summary["image"]]
    figure = go.Figure(
        [
            go.Bar(x=names, y=inside, name="whole cells", marker_color=COLOUR),
            go.Bar(x=names, y=cut, name="cut by the border", marker_color="#e3a9bd"),
        ]
    )
    figure.update_layout(barmode="stack")
    figure.update_xaxes(type="category", tickangle=tilt(summary["image"]))
    _styled(figure, title, HEIGHT_PX + 60)
    legend = {"orientation": "h", "y": 1.08, "x": 1, "xanchor": "right"}
    return figure.update_layout(bargap=0.3, showlegend=True, legend=legend)


def tilt(names: Iterable[str]) -> int:
    """Angle of axis labels in degrees: tilted where they would run into each other."""
    return -30 if sum(len(name) for name in names) > 40 else 0


def distributions(tables: dict[str, pd.DataFrame], measure: str) -> go.Figure:
    """A violin an image side by side: the spread of one measure. tables: cells by image name."""
    columns = [column_and_title(measure, cells) for cells in tables.values()]
    mixed = len({column for column, _ in columns}) > 1  # some images have a known pixel size, some not
    figure, title = go.Figure(), columns[0][1] if columns else MEASURES[measure]
    for k, (name, cells) in enumerate(tables.items()):
        column = columns[k][0]
        if mixed:
            column, title = column_and_title(measure, cells.filter(regex="^(?!.*_um)"))
        values = cells.loc[~cells["touches_border"], column]
        if len(values):
            figure.add_violin(
                y=values,
                name=chart_text(name),
                line_color=SERIES[k % len(SERIES)],
                box_visible=True,
                meanline_visible=True,
            )
    if not figure.data:
        return empty(title)
    figure.update_xaxes(type="category", tickangle=tilt(tables))
    return _styled(figure, title, HEIGHT_PX + 60)
