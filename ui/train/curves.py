"""Curves and pictures of training runs."""

import plotly.graph_objects as go
import streamlit as st

from bccseg.jobs.training_run import RunSnapshot
from bccseg.report import charts
from ui.shared.plots import PLOT

COLOURS = [charts.COLOUR, "#5b7fb5", "#4c956c", "#c77d0a", "#7b5ea7"]


def show_curves(runs: list[RunSnapshot]) -> None:
    """Loss and IoU by epoch: solid what is learned from, dotted what is checked on."""
    plots = st.columns(2)
    for column, key, title in ((plots[0], "loss", "Loss"), (plots[1], "iou", "IoU of cell pixels")):
        figure = go.Figure()
        for k, run in enumerate(runs):
            epochs = [report.epoch for report in run.epochs]
            name = run.spec.name if len(runs) > 1 else ""
            for name_of, dash, words in ((key, "solid", "training"), (f"val_{key}", "dot", "validation")):
                line = {"dash": dash, "color": COLOURS[k % len(COLOURS)]}
                values = [getattr(report, name_of) for report in run.epochs]
                figure.add_scatter(x=epochs, y=values, name=f"{name} {words}".strip(), mode="lines+markers", line=line)
        legend = {"orientation": "h", "y": 1.15, "x": 1, "xanchor": "right"}
        figure.update_layout(title=title, height=280, margin={"l": 40, "r": 10, "t": 40, "b": 30}, legend=legend)
        longest = max((len(run.epochs) for run in runs), default=0)
        figure.update_xaxes(title="epoch", dtick=1 if longest <= 12 else None)
        column.plotly_chart(figure, key=f"curve_{key}_{'_'.join(r.id for r in runs)}", config=PLOT)


def show_preview(run: RunSnapshot) -> None:
    """Crops the network has not learned from: image, each map as predicted and as it should be."""
    path = run.run.folder / "preview.png"
    if path.exists():
        with st.expander("What it sees", icon=":material/visibility:"):
            st.image(path.read_bytes(), caption="Image; then each map as predicted, and as it should be")
    if text := run.run.console():
        with st.expander("Log", icon=":material/notes:"):
            st.code(text, language=None)
