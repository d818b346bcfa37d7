"""What was learned from a few marked cells: how well, and its use."""

import numpy as np
import pandas as pd
import streamlit as st

from bccseg.classes import CellClass
from bccseg.jobs.training_run import RunSnapshot
from bccseg.metrics.class_scores import class_scores
from bccseg.report.class_charts import confusion_chart
from ui.shared.errors import plain
from ui.shared.plots import PLOT
from ui.train.promote import ask_to_promote

CHART_PX = 480
ROWS = "Rows are what you marked, columns what was told when it was held out."
LEGEND = {
    "cells": f"{ROWS} Those cells are of the same images as the ones learned from, so it says nothing of other fields, "
    "stains or laboratories.",
    "images": f"{ROWS} Whole images were held out. It says nothing of other stains or laboratories.",
    "": "How good it is was not measured.",
}


def show_few_labels(run: RunSnapshot, key: str) -> None:
    """Accuracy, confusion matrix, classes one by one, and promotion. key: of the place on the page."""
    from bccseg.model.weights import read_config
    from bccseg.training.few_labels_export import accuracy_text

    about = read_config(run.weights).cell_head
    if about is None:
        return
    names, confusion = [one.words for one in about.classes], np.array(about.confusion)
    st.markdown(f"**{plain(run.spec.name)}** · {accuracy_text(about)}")
    share = st.column_config.NumberColumn(format="%.0f %%")
    with st.container(horizontal=True):  # one below the other where there is no room
        chart = confusion_chart(names, confusion)
        st.plotly_chart(chart, key=f"confusion_{key}_{run.id}", config=PLOT, width=CHART_PX)
        st.dataframe(
            pd.DataFrame(_rows(about.classes, about.cells, confusion)), hide_index=True, height="content",
            width="content", key=f"classes_{key}_{run.id}", column_config={"F1": share, "Right": share},
        )  # fmt: skip
    st.caption(LEGEND[about.held_out])
    ask_to_promote(run, compared=True, key=key)


def _rows(classes: tuple[CellClass, ...], cells: dict[str, int], confusion: np.ndarray) -> list[dict[str, object]]:
    scores = class_scores(tuple(one.name for one in classes), confusion)
    return [
        {
            "Class": one.words,
            "Marked": cells.get(one.name, 0),
            "Right": None if score.recall is None else 100 * score.recall,
            "F1": None if score.f1 is None else 100 * score.f1,
        }
        for one, score in zip(classes, scores, strict=True)
    ]
