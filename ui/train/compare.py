"""The page's comparison of new weights with those in use, on the same images the new ones have not learned from."""

import pandas as pd
import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.classes import words
from bccseg.jobs.promotion import own_name
from bccseg.jobs.training_run import RunSnapshot
from bccseg.metrics.titles import METRIC_TITLES
from bccseg.model.weight_sources import shipped_names
from bccseg.report.class_charts import confusion_chart
from ui.shared.account import allowed, require
from ui.shared.clicks import clicked
from ui.shared.errors import plain
from ui.shared.plots import PLOT
from ui.shared.promoted import promoted, weights_title
from ui.train.comparison import MIN_IMAGES, Comparison, Table, comparisons, remember
from ui.train.test_images import offer_test_images

COLUMNS = {
    "image": "Image", "f1": "F1", "pq": "PQ",
    **{name: METRIC_TITLES[name] for name in ("dice", "boundary_px", "count_error")}, "mistakes": "Errors",
}  # fmt: skip
NUMBERS = ("F1 before", "F1 new", "Precision", "Recall")
NONE_LEFT = (
    "The run has learned from all your images, so nothing says how good it is on others like them. "
    "Keep some for comparing, train again, and compare then."
)
HOW = "**Compare these weights with others on images that neither has learned from; if they are better, promote them.**"
LEGEND = """
Green: cells that fit the truth. :orange[Orange]: found, but no such cell in the truth. :violet[Magenta]: a true
cell that was not found, or not by itself. Cells cut by the border count neither way.
"""
SPLIT_TITLES = {
    "test": "Test images ({}): neither has learned from them",
    "validation": "Images held out ({}): they chose the epoch of the new weights, so this favours the new a little",
    "base": "Images of the base training set, held out ({}): whether what was known before is forgotten",
}


def show_compare(run: RunSnapshot) -> bool:
    """What to do, which weights to compare with, button, progress, and the tables; whether a comparison is shown."""
    st.markdown(HOW)
    key, current = f"compare_{run.id}", promoted().current
    names = [n for n in dict.fromkeys([current, *promoted().names, *shipped_names()]) if n != own_name(run.id)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        old = st.selectbox("Compare with", names, key=f"with_{key}", width=300, format_func=weights_title,
                           help="The first ones are in use, unless these are.")  # fmt: skip
        compared = (run.id, run.progress.epoch, old)
        comparison = comparisons().get(compared)
        if (comparison is None or comparison.error) and clicked(
            "Compare", icon=":material/compare:", key=f"start_{key}", disabled=not allowed(Action.TRAIN)
        ):
            require(Action.TRAIN, run.spec.name)
            remember(compared, Comparison(run.run, old).start())
            st.rerun()
    if comparison is None:
        return False
    if not comparison.finished.is_set():
        _poll(comparison)
        return False
    if comparison.error:
        st.error(plain(comparison.error, 600))
        return False
    _show_tables(comparison, key)
    _show_images(comparison, key)
    return True


def _show_tables(comparison: Comparison, key: str) -> None:
    st.markdown(f"Against **{plain(weights_title(comparison.old))}**; differences with 95 % intervals.")
    number = st.column_config.NumberColumn(format="%.4f")
    for table in comparison.tables:
        st.markdown(SPLIT_TITLES[table.split].format(table.images))
        st.dataframe(pd.DataFrame(table.rows), hide_index=True, key=f"table_{table.split}_{key}", height="content",
                     column_config=dict.fromkeys(("Before", "New", "Difference", "from", "to"), number))  # fmt: skip
        if table.classes:
            _show_classes(table, key)
    own = [table.images for table in comparison.tables if table.split != "base"]
    if not own:
        st.warning(NONE_LEFT)
    if not own or own[0] < MIN_IMAGES:
        offer_test_images(key)


def _show_classes(table: Table, key: str) -> None:
    """How classes are told: one by one, and what the new weights take for what."""
    number = st.column_config.NumberColumn(format="%.3f")
    left, right = st.columns(2)
    left.markdown("Classes of the cells that were found")
    left.dataframe(pd.DataFrame(table.classes), hide_index=True, key=f"class_table_{table.split}_{key}",
                   height="content", column_config=dict.fromkeys(NUMBERS, number))  # fmt: skip
    if table.confusion is not None:
        names = [words(name) for name in table.confusion.names]
        right.plotly_chart(confusion_chart(names, table.confusion.confusion, "With the new weights"), config=PLOT,
                           key=f"class_picture_{table.split}_{key}")  # fmt: skip


def _show_images(comparison: Comparison, key: str) -> None:
    if not comparison.each:
        return
    with st.expander("Each image with the new weights, worst first"):
        rows = [{**row, "mistakes": ", ".join(f"{n} {kind}" for kind, n in row["mistakes"].items())}
                for row in comparison.each]  # fmt: skip
        table = pd.DataFrame(rows)[list(COLUMNS)].rename(columns=COLUMNS)
        st.dataframe(table, hide_index=True, key=f"each_{key}")
    with st.expander("Pictures of the worst images", icon=":material/image_search:"):
        st.caption(LEGEND)
        for name, text, before, new in comparison.pictures:
            st.markdown(f"**{plain(name)}**: {text} with the new weights")
            left, right = st.columns(2)
            left.image(before, caption="Before")
            right.image(new, caption="New")


@st.fragment(run_every=1.0)
def _poll(comparison: Comparison) -> None:
    if comparison.finished.is_set():
        st.rerun()
    share = comparison.done / max(1, comparison.total)
    st.progress(share, text=f"Comparing: image {comparison.done} of {comparison.total or '…'}")
