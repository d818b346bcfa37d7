"""Curves and pictures of training runs."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from bccseg.jobs.training_run import RunSnapshot
from bccseg.metrics.class_scores import class_scores
from bccseg.report import charts
from bccseg.report.class_charts import confusion_chart
from bccseg.report.shown_text import chart_text
from ui.shared.plots import PLOT

COLOURS = [charts.COLOUR, "#5b7fb5", "#4c956c", "#c77d0a", "#7b5ea7"]


def show_curves(runs: list[RunSnapshot]) -> None:
    """Loss and IoU by epoch: solid what is learned from, dotted what is checked on."""
    plots = st.columns(2)
    for column, key, title in ((plots[0], "loss", "Loss"), (plots[1], "iou", "IoU of cell pixels")):
        figure = go.Figure()
        for k, run in enumerate(runs):
            epochs = [report.epoch for report in run.epochs]
            name = chart_text(run.spec.name) if len(runs) > 1 else ""
            for name_of, dash, words in ((key, "solid", "training"), (f"val_{key}", "dot", "validation")):
                line = {"dash": dash, "color": COLOURS[k % len(COLOURS)]}
                values = [getattr(report, name_of) for report in run.epochs]
                figure.add_scatter(x=epochs, y=values, name=f"{name} {words}".strip(), mode="lines+markers", line=line)
        legend = {"orientation": "h", "y": 1.15, "x": 1, "xanchor": "right"}
        figure.update_layout(title=title, height=280, margin={"l": 40, "r": 10, "t": 40, "b": 30}, legend=legend)
        longest = max((len(run.epochs) for run in runs), default=0)
        figure.update_xaxes(title="epoch", dtick=1 if longest <= 12 else None)
        column.plotly_chart(figure, key=f"curve_{key}_{'_'.join(r.id for r in runs)}", config=PLOT)


def show_classes(run: RunSnapshot) -> None:
    """How well each class is told on what is checked on: by epoch, and as a picture of the best epoch."""
    told = [report for report in run.epochs if report.class_confusion]
    if not told:
        return
    classes = run.spec.config.classes
    names = ("none of them", *(one.words for one in classes))
    scores = [class_scores(names, np.array(report.class_confusion)) for report in told]
    left, right = st.columns(2)
    figure = go.Figure()
    for k, one in enumerate(classes, start=1):
        figure.add_scatter(x=[report.epoch for report in told], y=[score[k].f1 for score in scores],
                           name=chart_text(one.words),
                           mode="lines+markers", line={"color": one.colour})  # fmt: skip
    legend = {"orientation": "h", "y": 1.15, "x": 1, "xanchor": "right"}
    figure.update_layout(title="Dice of each class", height=280, margin={"l": 40, "r": 10, "t": 40, "b": 30},
                         legend=legend, showlegend=True)  # fmt: skip
    figure.update_xaxes(title="epoch", dtick=1 if len(told) <= 12 else None)
    left.plotly_chart(figure, key=f"class_curve_{run.id}", config=PLOT)
    best = run.best if run.best in told else told[-1]
    table, title = np.array(best.class_confusion), f"Pixels by class, epoch {best.epoch}"
    there = np.flatnonzero(table.sum(axis=1) + table.sum(axis=0))
    chart = confusion_chart([names[k] for k in there], table[np.ix_(there, there)], title, "pixels")
    right.plotly_chart(chart, key=f"class_confusion_{run.id}", config=PLOT)


def show_preview(run: RunSnapshot) -> None:
    """Crops the network has not learned from: image, each map as predicted and as it should be."""
    path = run.run.folder / "preview.png"
    if path.exists():
        with st.expander("What it sees", icon=":material/visibility:"):
            st.image(path.read_bytes(), caption="Image; then each map as predicted, and as it should be")
    if text := run.run.console():
        with st.expander("Log", icon=":material/notes:"):
            st.code(text, language=None)
