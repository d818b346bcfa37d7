"""Parts of a study's image in which cells count: drawn, named, copied to others."""

import streamlit as st

from bccseg.imaging.regions import read_regions, write_regions
from bccseg.imaging.resize import resize
from bccseg.io.encode import jpeg
from bccseg.report.overlay import draw_overlay
from bccseg.report.region_counts import region_table
from bccseg.report.result import ImageResult
from bccseg.studies.records import StudyImage
from bccseg.studies.study import Study
from ui.components.shapes import shape_commands, shapes
from ui.shared.region_commands import Regions, apply_commands
from ui.studies.opened import change, images_of

SURFACE, DONE = "study_regions", "study_regions_done"  # the drawing surface, and the last command by image
MOST_PX = 2400  # longer side of the picture that is drawn on
TITLES = {
    "region": "Region", "cell_count": "Cells", "area_px": "Area (px²)", "area_mm2": "Area (mm²)",
    "density_per_mm2": "Density (/mm²)", "median_diameter_um": "Median diameter (µm)", "flagged_count": "To look at",
}  # fmt: skip
HOW = (
    "**Counting frame**: cells in it count, also those that its green dashed lines cut; cells that touch its red lines "
    "do not. **Region**: cells whose centre lies in it. **Exclude**: cells whose centre lies in it do not count. With "
    "regions the study counts this image by them alone."
)


def show_regions(study: Study, image: StudyImage, result: ImageResult) -> None:
    """The picture to draw on, what counts in each region, and what can be done with them."""
    place = f"{study.id} {image.id}"
    st.caption(HOW)
    shapes(
        SURFACE, place, image.result, lambda: _picture(result), result.shape,
        st.session_state.get(DONE, {}).get(place, 0), regions=result.regions, pixel_size_um=result.pixel_size_um,
        on_change=lambda: _take(study),
    )  # fmt: skip
    if not result.regions:
        return
    table = region_table(result)
    shown = [name for name in TITLES if name in table and (name != "area_px" or not result.pixel_size_um)]
    st.dataframe(table[shown].rename(columns=TITLES).round(4), hide_index=True)
    others = [one.id for one in images_of(study) if one.id != image.id and one.result]
    with st.container(horizontal=True):
        st.button("Copy to all images", on_click=change, args=(study, _copy, study, others, image.regions),
                  disabled=not others, icon=":material/content_copy:", key="study_regions_all",
                  help="The same regions in every image of this study, in place of those they have.")  # fmt: skip
        st.button("Delete all", on_click=change, args=(study, study.images.set_regions, image.id, ""),
                  icon=":material/delete:", key="study_regions_none")  # fmt: skip


def _take(study: Study) -> None:
    """Apply what was drawn since the last run."""
    done: dict[str, int] = st.session_state.setdefault(DONE, {})
    commands = shape_commands(SURFACE, 0)
    for place in dict.fromkeys(command.place for command in commands):
        of, _, number = place.partition(" ")
        new = [command for command in commands if command.place == place and command.number > done.get(place, 0)]
        image = study.images.get(int(number)) if of == study.id and number.isdecimal() else None
        if image is None or not new:
            continue
        before: Regions = read_regions(image.regions)
        after = apply_commands(before, new)
        if after == before or change(study, study.images.set_regions, image.id, write_regions(after)):
            done[place] = new[-1].number


def _copy(study: Study, images: list[int], regions: str) -> None:
    for image in images:
        study.images.set_regions(image, regions)


def _picture(result: ImageResult) -> bytes:
    """The cells outlined, so that one sees what counts."""
    shrink = min(1.0, MOST_PX / max(result.shape))
    return jpeg(resize(draw_overlay(result.image, result.labels), shrink))
