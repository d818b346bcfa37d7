"""Regions of an image: drawn, named, and counted in."""

import streamlit as st

from bccseg.errors import SettingsError
from bccseg.imaging.regions import LONGEST_NAME, MOST_REGIONS, RULES, Region
from bccseg.imaging.resize import resize
from bccseg.io.archive import flat_stem
from bccseg.io.encode import jpeg
from bccseg.report.overlay import draw_overlay
from bccseg.report.region_counts import region_table
from bccseg.report.result import ImageResult
from bccseg.report.stored_result import StoredResult
from bccseg.report.tables import csv
from ui.components.shapes import shapes
from ui.segment.cell_table import column_format
from ui.segment.region_edits import DONE, SURFACE, change_regions, place_of, take_strokes
from ui.shared.region_commands import put, rename
from ui.shared.session import visitor_state
from ui.shared.visitor import VisitorState

MOST_PX = 2400  # longer side of the picture that is drawn on
KINDS = {"frame": "Counting frame", "polygon": "Region", "excluded": "Excluded"}
NOTE = "region_note"
ASKED = (
    "region", "kind", "cell_count", "area_px", "area_mm2", "density_per_mm2", "median_diameter_px",
    "median_diameter_um", "diameter_cv_percent", "flagged_count",
)  # fmt: skip
HOW = (
    "**Counting frame**: cells in it count, also those that its green dashed lines cut; cells that touch its red lines "
    "do not, so that frames count without bias (Gundersen 1977). **Region**: cells whose centre lies in it. "
    "**Exclude**: cells whose centre lies in it count in no region. The numbers above stay those of the whole image."
)


def show_regions(kept: StoredResult, result: ImageResult) -> None:
    """Draw and name regions, and count in each. kept: of the visit; result: what is shown of it."""
    state, place = visitor_state(), place_of(kept)
    st.caption(HOW)
    shapes(
        SURFACE, place, f"{id(result.labels)}", lambda: _picture(result), result.shape,
        st.session_state.get(DONE, {}).get(place, 0), regions=result.regions, pixel_size_um=result.pixel_size_um,
        on_change=lambda: take_strokes(state),
    )  # fmt: skip
    if result.regions:
        _show_counts(state, place, result)
    with st.container(horizontal=True, vertical_alignment="center", key="region_tools"):
        _ask_frame(state, place, result)
        if not result.regions:
            return
        if len(state.results) > 1:
            st.button("Copy to all images", icon=":material/content_copy:", key="regions_all",
                      on_click=_copy_to_all, args=(state, result.regions),
                      help="The same regions in every image of this batch. Regions of the same name are "
                           "replaced, others stay.")  # fmt: skip
        st.button("Delete all", icon=":material/delete:", key="regions_none",
                  on_click=change_regions, args=(state, place, lambda _: ()))  # fmt: skip
        table = region_table(result)
        st.download_button(
            "Regions (CSV)", lambda: csv(table.assign(rule=table["kind"].map(RULES).fillna(""))),
            file_name=f"{flat_stem(result.stem)}_regions.csv", key="save_regions", on_click="ignore",
            icon=":material/table:",
        )  # fmt: skip


def _show_counts(state: VisitorState, place: str, result: ImageResult) -> None:
    """A row a region; names are typed in it."""
    table, regions = region_table(result), result.regions
    left_out = any(one.kind == "excluded" for one in regions)
    table["kind"] = ["All but what is excluded" if left_out else "", *(KINDS[one.kind] for one in regions)]
    by_um = result.pixel_size_um is not None
    hide = {"area_px", "median_diameter_px"} if by_um else set()
    shown = table[[name for name in table if name not in hide and (name in ASKED or name.startswith("count_"))]]
    key = f"region_names {place} {[one.name for one in regions]}"

    def named() -> None:
        for row, change in st.session_state[key]["edited_rows"].items():
            old = regions[int(row) - 1].name if int(row) else None
            if old is None or "region" not in change:
                continue
            try:
                change_regions(state, place, lambda there, old=old, new=change["region"]: rename(there, old, new or ""))
            except SettingsError:
                st.session_state[NOTE] = f"A region has a name of up to {LONGEST_NAME} characters."

    st.data_editor(
        shown, hide_index=True, key=key, on_change=named, placeholder="–",
        disabled=[name for name in shown if name != "region"],
        column_config={
            **{name: column_format(name) for name in shown},
            "region": st.column_config.TextColumn("Region", help="Double-click a name to change it."),
            "kind": st.column_config.TextColumn("Kind"),
            "area_mm2": st.column_config.NumberColumn("Area (mm²)", format="%.4f"),
            "density_per_mm2": st.column_config.NumberColumn("Density (/mm²)", format="%,.0f"),
        },
    )  # fmt: skip
    if words := st.session_state.pop(NOTE, ""):
        st.error(words)


def _picture(result: ImageResult) -> bytes:
    """The cells outlined, so that one sees what counts."""
    shrink = min(1.0, MOST_PX / max(result.shape))
    return jpeg(resize(draw_overlay(result.image, result.labels), shrink))


def _ask_frame(state: VisitorState, place: str, result: ImageResult) -> None:
    """A counting frame of a stated size, in the middle of the image."""
    unit = "µm" if result.pixel_size_um else "px"
    height, width = (side * (result.pixel_size_um or 1.0) for side in result.shape)
    with st.popover("Frame of a given size", icon=":material/crop_square:"):
        across = st.number_input(f"Width ({unit})", 0.1, None, round(width / 2, 1), key=f"frame_width_{unit}")
        down = st.number_input(f"Height ({unit})", 0.1, None, round(height / 2, 1), key=f"frame_height_{unit}")
        st.button("Add the frame", type="primary", key="frame_add", on_click=_add_frame,
                  args=(state, place, result.shape, across, down, result.pixel_size_um or 1.0),
                  help="In the middle of the image; drag it where it is wanted.")  # fmt: skip


def _add_frame(
    state: VisitorState, place: str, shape: tuple[int, int], across: float, down: float, unit_px: float
) -> None:
    width, height, middle = across / unit_px, down / unit_px, (shape[1] / 2, shape[0] / 2)
    x, y = middle[0] - width / 2, middle[1] - height / 2
    corners = ((x, y), (x + width, y + height))

    def add(regions: tuple[Region, ...]) -> tuple[Region, ...]:
        return put(regions, Region(name="Frame 1", kind="frame", points=corners), is_new=True)

    change_regions(state, place, add)


def _copy_to_all(state: VisitorState, regions: tuple[Region, ...]) -> None:
    for stored in list(state.results):
        names = {one.name for one in regions}
        change_regions(
            state,
            place_of(stored),
            lambda there, names=names: (*[r for r in there if r.name not in names], *regions)[:MOST_REGIONS],
        )
