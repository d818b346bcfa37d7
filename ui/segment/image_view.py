"""The result of one image: picture, numbers, plots, table, downloads."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from bccseg.imaging.pixel_size import doubt, likely_pixel_size
from bccseg.io.archive import flat_stem
from bccseg.io.encode import as_json
from bccseg.report import charts
from bccseg.report.bundle import IMAGE_FILES
from bccseg.report.coco import coco
from bccseg.report.result import ImageResult, MeasuredImage
from bccseg.report.stored_result import StoredResult
from ui.components.viewer import NAME, picture_data, viewer
from ui.segment.calibration import show_calibration
from ui.segment.cell_table import PLACE, select_cell, selected_cell, show_table
from ui.segment.class_filter import classes_of, hidden, hide, shown_cells
from ui.segment.class_numbers import FEW, counts_words, ratio_metrics, show_shares
from ui.segment.corrected import show_correction
from ui.segment.flags import show_flags, warn_of_crowd
from ui.segment.gallery_view import point_to_show
from ui.segment.regions import show_regions
from ui.shared.errors import plain
from ui.shared.plots import PLOT
from ui.shared.settings import set_pixel_size

DIAMETER_FROM = {
    "measured": "Cell diameter found",
    "given": "Cell diameter as typed",
    "assumed": "No cells to measure; diameter assumed",
}
ALL_CELLS = "All cells found, also those cut by the border of the image."
ALL_WHOLE = "All whole cells found. Those cut by the border are left out, as the settings ask for."
DENSITY_HELP = (
    "Cells per square millimetre of the slide, by the unbiased counting frame: cells that touch the left or top edge "
    "of the image are out, those that touch the right or bottom edge in, whether or not the table has them. Here {:,}."
)
DOWNLOADS = {
    "_overlay.png": ("Overlay (PNG)", "The image with outlines, in the colours of the classes if those are known."),
    "_labels.png": ("Labels (16-bit PNG)", "0 is background, each cell has its own number."),
    "_mask.png": ("Mask (PNG)", "White where there is a cell; a dark line parts cells that touch."),
    "_cells.csv": ("Cells (CSV)", "The table, for Excel, R or Python."),
    ".geojson": ("QuPath (GeoJSON)", "Drag it onto the image in QuPath."),
    "_rois.zip": ("ImageJ ROIs (zip)", "Open it in the ROI Manager of ImageJ or Fiji."),
}


def show_image(
    chosen: StoredResult, kept: StoredResult, gallery: Callable[[], None] | None, more_downloads: Callable[[], None]
) -> None:
    """Everything of one image. chosen: of what is kept the corrected cells, or those that the network found. gallery:
    shows it, in the place of the picture, where it is wanted. more_downloads: offers them beside those of the image.
    """
    result = _open(chosen)
    for note in result.notes:
        st.caption(f":material/info: {note}")
    with st.container(key="workbench"):  # beside one another where there is room: see page.css
        with st.container(key="bench_numbers"):
            show_numbers(result)
        with st.container(key="bench_picture"):
            if gallery:
                gallery()
            else:
                _viewer(result)
            show_correction(kept)
        with st.container(key="bench_more"):
            show_more_numbers(result)
            show_shares(result)
            show_flags(result)
            show_origin(result)
    names = ["Cells", "Distributions", "Regions", "Calibration", "Downloads"]
    table, plots, regions, calibration, downloads = st.tabs(names, key="image_tabs", on_change="rerun")
    with table:
        show_table(result)
    if plots.open:  # what is not looked at is not drawn: another image is there the sooner
        with plots:
            show_plots(result)
    if regions.open:
        with regions:
            show_regions(kept, result)
    if calibration.open:
        with calibration:
            show_calibration(kept, result)
    if downloads.open:
        with downloads:
            show_downloads(result)
            more_downloads()


def show_plots(result: ImageResult) -> None:
    """Distributions of the cells of the classes that are shown."""
    cells, classes = shown_cells(result), {c.name: (c.words, c.colour) for c in classes_of(result).values()}
    for column, measure in zip(st.columns(3), charts.MEASURES, strict=True):
        column.plotly_chart(charts.histogram(cells, measure, classes), key=f"plot_{measure}", config=PLOT)


def _open(stored: StoredResult) -> ImageResult:
    """The unpacked result; the last one is kept, because every click asks for it again."""
    kept: tuple[StoredResult, ImageResult] | None = st.session_state.get("open_result")
    if kept is None or kept[0] is not stored:
        kept = (stored, stored.unpack())
        st.session_state["open_result"] = kept
        st.session_state.pop("open_picture", None)
        select_cell()
    return kept[1]


def _viewer(result: ImageResult) -> None:
    if point := point_to_show():
        select_cell(int(result.labels[int(point[1]), int(point[0])]))
    picture: dict[str, Any] | None = st.session_state.get("open_picture")
    if picture is None:
        picture = picture_data(result, [*classes_of(result).values()]) | {
            "place": result.stem,
            "serial": st.session_state.get("picture_serial", 0) + 1,
            "table": f".st-key-{PLACE}",
        }
        st.session_state["open_picture"], st.session_state["picture_serial"] = picture, picture["serial"]

    def select() -> None:
        select_cell(st.session_state[NAME]["selected"] or 0)

    def hide_classes() -> None:
        hide(st.session_state[NAME]["hidden"] or [], classes)
        select_cell()  # the rows are others

    classes = [one["name"] for one in picture.get("classes", [])]
    name = f"{result.stem}:{picture['serial']}"
    viewer(name, picture, selected_cell(result), select, hidden=hidden(classes), on_hide=hide_classes,
           regions=result.regions)  # fmt: skip
    if cell := selected_cell(result):
        st.caption(
            f":material/my_location: **Cell {cell} selected**, marked yellow here and ticked in the table below."
        )
    else:
        st.caption(
            "Scroll or pinch to zoom, drag to move, point at a cell for its size, click to find it in the table."
            + (" Dashed: the whole of cells that others hide in part, estimated." if result.hidden else "")
        )


def show_numbers(result: ImageResult) -> None:
    """Count, classes, size, density, and what to doubt of them."""
    s = result.summary
    size = "–" if s.median_diameter_px is None else f"{s.median_diameter_px:.1f} px"
    if s.median_diameter_um is not None:
        size = f"{s.median_diameter_um:.2f} µm"
    spread = "–" if s.diameter_cv_percent is None else f"{s.diameter_cv_percent:.1f} %"
    every = ALL_WHOLE if result.settings.drop_border_cells else ALL_CELLS
    numbers = [
        ("Cells", f"{s.cell_count:,}", counts_words(result), every),
        *ratio_metrics(result),
        ("Median diameter", size, "", "Of whole cells: the circle of the same area."),
        ("Size variation (CV)", spread, "", "Spread of the diameter over its mean (CV), as RDW says in a blood count."),
    ]
    if s.density_per_mm2 is not None:
        tip = DENSITY_HELP.format(s.cell_count_in_frame)
        numbers.append(("Density", f"{s.density_per_mm2:,.0f} /mm²", "", tip))
    with st.container(horizontal=True, gap="medium", key="numbers"):
        for label, value, below, tip in numbers:
            tint = "orange" if below.endswith(FEW) else "off"
            st.metric(label, value, below or None, tint, help=tip, width="content", delta_arrow="off")
    if s.cell_count == 0:
        st.info("No cells were found. If there are some, type their diameter under *More settings* in the sidebar.")
    doubt_pixel_size(result)
    warn_of_crowd(result)


def show_more_numbers(result: MeasuredImage) -> None:
    """What is asked for less often."""
    s = result.summary
    with st.container(horizontal=True, gap="medium", key="more_numbers"):
        st.metric("Whole cells", f"{s.cell_count_inside:,}", help="Cells that do not touch the border of the image.",
                  width="content")  # fmt: skip
        st.metric("Area covered", f"{100 * s.area_fraction:.1f} %", help="Share of the image that is cell.",
                  width="content")  # fmt: skip


def show_origin(result: MeasuredImage) -> None:
    """How the numbers were found."""
    pixel = (
        f" · pixel size {result.pixel_size_um:.4g} µm ({plain(result.pixel_size_source, 200)})"
        if result.pixel_size_um
        else ""
    )
    st.caption(
        f"{DIAMETER_FROM[result.diameter_from]}: {result.diameter_px:.0f} px{pixel} · {plain(result.weights)} · "
        f"{plain(result.device)} · {sum(result.seconds.values()):.1f} s"
    )


def doubt_pixel_size(result: MeasuredImage) -> None:
    """Ask back where no blood cell has the size that the pixel size gives."""
    diameter, pixel = result.summary.median_diameter_px, result.pixel_size_um
    question = doubt(diameter, pixel)
    if question is None:
        return
    likely = likely_pixel_size(diameter, pixel)
    stated = pixel == result.stated_pixel_size_um
    st.warning(("So says the file. " if stated else "") + question, icon=":material/straighten:")
    st.button(f"Use {likely:.4g} µm", on_click=set_pixel_size, args=(likely,), key="pixel_size_likely")


def show_downloads(result: ImageResult) -> None:
    """Each export of one image; made when it is asked for."""
    columns = st.columns(3)
    for k, (ending, (title, tip)) in enumerate(DOWNLOADS.items()):
        columns[k % 3].download_button(
            title, lambda ending=ending: IMAGE_FILES[ending](result), file_name=flat_stem(result.stem) + ending,
            help=tip, key=f"save_{ending}", on_click="ignore", width="stretch",
        )  # fmt: skip
    columns[0].download_button(
        "COCO (JSON)", lambda: as_json(coco([result])), file_name=f"{flat_stem(result.stem)}_coco.json",
        help="For training other programs.", key="save_coco", on_click="ignore", width="stretch",
    )  # fmt: skip
