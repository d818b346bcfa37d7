"""What a count found: maps, a row a region, a close look, files."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.accounts.server import ServerSettings
from bccseg.imaging.regions import Region
from bccseg.slides.closeup import Closeup, closeup
from bccseg.slides.regions import counting
from bccseg.slides.runs import SlideRun
from ui.components.viewer import viewer
from ui.components.viewer.pair import single_data
from ui.shared.account import allowed
from ui.shared.errors import plain

MAPS = {"overview.png": "Regions", "density.png": "Cells per area"}
TITLES = {
    "region": "Region", "score": "How good a field", "cell_count": "Cells", "flagged_count": "To look at",
    "too_crowded": "Too crowded", "density_per_mm2": "Density (/mm²)", "area_mm2": "Area (mm²)",
    "area_px": "Area (px²)",
    "area_fraction": "Covered", "median_diameter_um": "Median diameter (µm)",
    "median_diameter_px": "Median diameter (px)", "diameter_cv_percent": "Size variation (CV, %)",
    "count_red": "Red", "count_white": "White", "count_platelet": "Platelets",
    "white_per_100_red": "White per 100 red", "platelets_per_1000_red": "Platelets per 1,000 red",
}  # fmt: skip
FORMATS = {
    "score": "%.2f", "density_per_mm2": "%,.0f", "area_mm2": "%.4f", "area_px": "%,.0f", "area_fraction": "percent",
    "median_diameter_um": "%.2f", "median_diameter_px": "%.1f", "diameter_cv_percent": "%.1f",
    "white_per_100_red": "%.2f", "platelets_per_1000_red": "%.1f", "cell_count": "%,d", "flagged_count": "%,d",
}  # fmt: skip
IN_PX = {"area_px", "median_diameter_px"}
FILES = {
    "summary.csv": ("Regions (CSV)", ":material/table:", "A row a region, and one for all together."),
    "cells.csv": ("Cells (CSV)", ":material/table:", "A row a cell, in coordinates of the slide."),
    "cells.parquet": ("Cells (GeoParquet)", ":material/table:", "The same with outlines, for R, Python and GIS."),
    "geojson": (
        "QuPath (GeoJSON)",
        ":material/folder_zip:",
        "The cells in pieces; drag them onto the slide in QuPath.",
    ),
    "small_cells.csv": ("Platelets (CSV)", ":material/table:", "Platelets and the like, which no count of cells has."),
    "density.csv": ("Density map (CSV)", ":material/grid_on:", "Cells per area in squares over the slide."),
    "run.json": ("Run record", ":material/history:", "What this was made of: enough to repeat it."),
}
PLACE = "slide_closeup"


def show_pictures(count: SlideRun) -> None:
    """The slide with its regions, or with the density of cells; or a close look."""
    names = [name for name in MAPS if (count.folder / name).exists()]
    shown = st.segmented_control("Show", [*names, PLACE], default=names[0] if names else PLACE, key="slide_map",
                                 format_func=lambda one: MAPS.get(one, "Close look"), required=True,
                                 label_visibility="collapsed")  # fmt: skip
    if shown == PLACE:
        _show_closeup(count)
        return
    st.image((count.folder / shown).read_bytes(), width="stretch")
    if shown == "density.png":
        table = pd.read_csv(count.folder / "density.csv", nrows=1)
        unit = "mm²" if "cells_per_mm2" in table else "megapixel"
        st.caption(f"Cells per {unit}, {table['from'].iloc[0]}: dark blue few, yellow many.")


def _show_closeup(count: SlideRun) -> None:
    job = count.job
    regions = {one.name: one for one in counting(job.regions)} if job else {}
    if not regions:
        return
    with st.container(horizontal=True, vertical_alignment="bottom", key="closeup_head"):
        name = st.selectbox("Region", list(regions), key=f"closeup_region {count.number}")
        key = f"closeup_place {count.number} {name}"
        st.session_state.setdefault(key, 0)
        st.button("Another place", icon=":material/explore:", key="closeup_next", on_click=_next, args=(key,),
                  help="Looks at another part of the region.")  # fmt: skip
    shown = _closeup(str(count.folder), str(count.slide), regions[name or next(iter(regions))], st.session_state[key])
    viewer(f"{count.folder} {name} {st.session_state[key]}", single_data(shown.image, shown.labels), 0, lambda: None,
           "slide_closeup_viewer")  # fmt: skip
    st.caption(f"{shown.cells} cells outlined, from x {shown.left:,}, y {shown.top:,} px on, full resolution.")


def _next(key: str) -> None:
    st.session_state[key] += 1


@st.cache_data(show_spinner="Reading the slide …", max_entries=8)
def _closeup(folder: str, slide: str, region: Region, number: int) -> Closeup:
    return closeup(Path(slide), Path(folder), region, number)


def show_results(count: SlideRun) -> None:
    """Numbers and files, once it has ended."""
    table = count.summary()
    if table is None:
        return
    by_um = "area_mm2" in table
    shown = [name for name in TITLES if name in table and not (by_um and name in IN_PX) and table[name].notna().any()]
    st.dataframe(
        table[shown], hide_index=True, key="slide_summary",
        column_config={
            name: st.column_config.NumberColumn(TITLES[name], format=FORMATS[name])
            if name in FORMATS
            else TITLES[name]
            for name in shown
        },
    )  # fmt: skip
    if table["too_crowded"].iloc[-1] or table["too_crowded"].any():
        st.warning("Some regions are too crowded to be counted: their numbers should not be trusted.",
                   icon=":material/groups:")  # fmt: skip
    if allowed(Action.EXPORT):
        _show_files(count)


def _show_files(count: SlideRun) -> None:
    there = [name for name in FILES if (count.folder / name).exists()]
    columns = st.columns(4)
    for k, name in enumerate(there):
        title, icon, tip = FILES[name]
        stem = count.slide.name.partition(".")[0]
        file = f"{stem}_{name}.zip" if name == "geojson" else f"{stem}_{name}"
        columns[k % 4].download_button(title, _reader(count.folder / name), file_name=file, help=tip, icon=icon,
                                       key=f"slide_file_{name}", on_click="ignore", width="stretch")  # fmt: skip
    if not ServerSettings.shared():
        st.caption(f"All files, with the labels as OME-Zarr, are in {plain(str(count.folder), 300)}.")


def _reader(path: Path) -> Callable[[], bytes]:
    """Reads a file, or a folder as a zip, when it is asked for."""

    def read() -> bytes:
        if path.is_file():
            return path.read_bytes()
        data = io.BytesIO()
        with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
            for one in sorted(path.iterdir()):
                archive.write(one, one.name)
        return data.getvalue()

    return read
