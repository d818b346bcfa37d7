"""The images of a batch together: summary, counts, distributions, and everything in one zip."""

import io

import pandas as pd
import streamlit as st

from bccseg.imaging.pixel_size import doubt
from bccseg.report import charts
from bccseg.report.bundle import write_zip
from bccseg.report.result import MeasuredImage
from bccseg.report.tables import csv, summary_table
from ui.segment.cell_table import column_format
from ui.segment.class_numbers import show_together
from ui.shared.account import author
from ui.shared.errors import plain
from ui.shared.plots import PLOT
from ui.shared.session import VisitorState
from ui.shared.settings import Chosen

SHOWN_NAMES = 5  # in a warning


def show_batch(state: VisitorState, chosen: Chosen) -> None:
    """All images together: summary, counts, distributions, one zip. Of a single image everything is shown already."""
    images = [stored.measured for stored in state.results]
    if len(images) < 2:
        return
    table = summary_table(images)
    names = charts_names([r.name for r in images])
    st.subheader("All images", anchor=False)
    show_together(images)
    rows, plots = st.tabs(["Summary", "Charts"], key="batch_tabs", on_change="rerun")
    shown = table.drop(columns="files")  # the names say it
    rows.dataframe(
        shown, hide_index=True, key="summary_table", column_config={name: column_format(name) for name in shown}
    )
    if plots.open:
        with plots:
            _show_charts(images, table.assign(image=names), names)
    _doubt_stated_sizes(images, chosen)
    offer_everything(state, chosen)


def offer_everything(state: VisitorState, chosen: Chosen) -> None:
    """All files of all images in one zip, and the summary."""
    columns, by = st.columns(3), author()  # a download is made outside the page, which knows who is at work
    columns[0].download_button("Everything (zip)", lambda: _zip(state, chosen, by), file_name="bccseg_results.zip",
                               help="Masks, labels, overlays, tables, QuPath, ImageJ and COCO files of all images.",
                               type="primary", on_click="ignore", icon=":material/folder_zip:",
                               width="stretch")  # fmt: skip
    columns[1].download_button("Summary (CSV)", lambda: csv(summary_table([one.measured for one in state.results])),
                               file_name="summary.csv", on_click="ignore", help="A row an image.",
                               icon=":material/table:", width="stretch")  # fmt: skip


def _show_charts(images: list[MeasuredImage], table: pd.DataFrame, names: list[str]) -> None:
    """Cells of each image, and how a measure is spread in each."""
    left, right = st.columns(2)
    left.plotly_chart(charts.count_bars(table), key="plot_counts", config=PLOT)
    with right:
        measure = st.selectbox("Compare", list(charts.MEASURES), format_func=charts.MEASURES.__getitem__)
        tables = dict(zip(names, (r.cells for r in images), strict=True))
        st.plotly_chart(charts.distributions(tables, measure), key="plot_spread", config=PLOT)


def _doubt_stated_sizes(images: list[MeasuredImage], chosen: Chosen) -> None:
    """Name the images whose files state a pixel size that blood cells cannot have; a typed one is asked back above."""
    if chosen.pixel_size_um is not None:
        return
    names = [r.name for r in images if doubt(r.summary.median_diameter_px, r.pixel_size_um)]
    if names:
        more = f" and {len(names) - SHOWN_NAMES} more" if len(names) > SHOWN_NAMES else ""
        st.warning(
            "Blood cells cannot be as large or as small as the pixel size in these files says: "
            f"{', '.join(plain(name, 40) for name in names[:SHOWN_NAMES])}{more}. Type the pixel size in the sidebar.",
            icon=":material/straighten:",
        )


def charts_names(names: list[str]) -> list[str]:
    """Short names, all different, for axes; angle brackets would be read as markup by the chart."""
    out: list[str] = []
    for name in names:
        clean = " ".join(name.split()).replace("<", "‹").replace(">", "›")
        short = clean if len(clean) <= 20 else clean[:11] + "…" + clean[-8:]
        out.append(short if short not in out else f"{short} ({out.count(short) + len(out)})")
    return out


def _zip(state: VisitorState, chosen: Chosen, by: str = "") -> io.BytesIO:
    """As this tab shows them; another tab of this browser may have other settings."""
    buffer = io.BytesIO()
    wanted = chosen.settings, chosen.pixel_size_um, chosen.pixel_size_from
    shown = (stored.recounted(*wanted) for stored in state.results)
    write_zip((stored.unpack() for stored in shown), buffer, by)
    buffer.seek(0)
    return buffer
