"""The Collection page's export of measures: every cell of what was accepted, in tables and as outlines."""

import io

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.annotation.measures_export import measure_files, measured_versions, zip_measures
from bccseg.annotation.records import Version, now
from bccseg.annotation.review import Item
from bccseg.annotation.store import LabelStore
from ui.shared.account import require

MANY = 300  # images; more are better written by the command line


def show_measures(store: LabelStore, found: list[Item], *, submitted: bool) -> None:
    """One zip with the measures of all accepted versions."""
    versions = measured_versions(found, submitted=submitted)
    images, cells = len({item.info.id for item, _ in versions}), sum(version.cells for _, version in versions)
    st.subheader("Measures", anchor=False, help="Size, shape, place and colour of every cell, for Excel, R or Python.")
    several = f" in {len(versions):,} versions" if len(versions) > images else ""
    st.caption(
        f"{cells:,} cells of {images:,} image{'s' if images > 1 else ''}{several}: a table of all cells (image, "
        "version, author, class, measures), one of images, COCO, and outlines for QuPath (GeoJSON) and ImageJ (ROI)."
    )
    st.download_button(
        "Download measures (zip)", lambda: _zip(store, versions), file_name=f"bccseg_measures_{now():%Y-%m-%d}.zip",
        icon=":material/straighten:", on_click="ignore", key="export_measures",
        help="Every cell is measured anew, which takes about a second an image.",
    )  # fmt: skip
    if images > MANY:
        st.caption(
            ":material/terminal: For so many images the command line is better: it writes the files one by one. "
            "`python -m bccseg export --layout measures --store DIR --out DIR`"
        )


def _zip(store: LabelStore, versions: list[tuple[Item, Version]]) -> io.BytesIO:
    require(Action.EXPORT)
    buffer = io.BytesIO()
    zip_measures(measure_files(store, versions), buffer)
    buffer.seek(0)
    return buffer
