"""Where to count, and beginning to."""

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.errors import BccsegError
from bccseg.imaging.regions import MOST_REGIONS
from bccseg.slides.library import SlideLibrary
from bccseg.slides.regions import areas_px, counting, regions_of
from bccseg.slides.request import SlideRequest
from bccseg.slides.segmenting import AUTO_FIELDS
from ui.shared.account import allowed, author
from ui.shared.errors import plain
from ui.shared.region_commands import put
from ui.shared.settings import Chosen
from ui.slides.choose import begin_shown
from ui.slides.drawing import DRAWN, WAY
from ui.slides.library import change
from ui.slides.looking import Look

WAYS = {"auto": "Good fields", DRAWN: "My regions", "all": "All of it"}
TELLS = {
    "auto": f"The program looks for up to {AUTO_FIELDS} fields that are covered evenly, not too crowded and in focus, "
    "and counts there. The rule was tried on drawn slides: look at what it chooses.",
    DRAWN: "Counts in the regions that you draw on the slide, or take from QuPath.",
    "all": "Counts on the whole slide. That takes longest.",
}
UPLOAD = "slide_geojson"


def ask_to_begin(slides: SlideLibrary, name: str, look: Look, chosen: Chosen) -> None:
    """Everything before a count."""
    if not allowed(Action.COUNT_SLIDE):
        st.info("Counting needs the role annotator.", icon=":material/lock:")
        return
    st.markdown("##### Where to count")
    regions = slides.regions(name)
    way = st.segmented_control("Where", list(WAYS), format_func=WAYS.__getitem__, key=WAY, required=True,
                               default=DRAWN if counting(regions) else "auto",
                               label_visibility="collapsed")  # fmt: skip
    st.caption(TELLS[way])
    whole = look.shape[0] * look.shape[1]
    if way == DRAWN:
        _show_regions(slides, name, look)
    area = areas_px(regions, look.shape)[1] if way == DRAWN and regions else whole if way == "all" else None
    if area is not None:
        mm2 = f" · {area * size**2 / 1e6:,.2f} mm²" if (size := chosen.pixel_size_um or look.pixel_size_um) else ""
        st.caption(f"{area / 1e6:,.1f} megapixels{mm2}. Weights, device and pixel size are those of the sidebar.")
    st.button("Count", type="primary", icon=":material/play_arrow:", key="slide_count_begin", width="stretch",
              disabled=way == DRAWN and not counting(regions), on_click=_begin, args=(slides, name, way, chosen),
              help="It goes on when you leave the page or close the browser.")  # fmt: skip


def _begin(slides: SlideLibrary, name: str, way: str, chosen: Chosen) -> None:
    def begin() -> None:
        asked = SlideRequest(
            regions=slides.regions(name) if way == DRAWN else way, weights=chosen.weights, device=chosen.device,
            settings=chosen.settings, pixel_size_um=chosen.pixel_size_um, who=author(),
        )  # fmt: skip
        begin_shown(name, slides.begin(name, asked))

    change(Action.COUNT_SLIDE, name, begin)


def _show_regions(slides: SlideLibrary, name: str, look: Look) -> None:
    regions = slides.regions(name)
    if regions:
        areas = dict(zip([one.name for one in counting(regions)], areas_px(regions, look.shape)[0], strict=True))
        words = [f"{plain(one.name)}: {areas[one.name] / 1e6:,.1f} megapixels" if one.name in areas
                 else f"{plain(one.name)}: left out" for one in regions]  # fmt: skip
        st.markdown("\n".join(f"* {line}" for line in words))
    else:
        st.info("Draw a region on the slide, or take some from QuPath.", icon=":material/draw:")
    with st.container(horizontal=True, key="slide_region_tools"):
        with st.popover("From QuPath", icon=":material/upload_file:"):
            file = st.file_uploader("Annotations exported as GeoJSON", ["geojson", "json"], key=UPLOAD,
                                    help="In QuPath: File, Export objects as GeoJSON. What has the class "
                                         "Ignore* is left out.")  # fmt: skip
            if file is not None:
                _take_file(slides, name, file.name, file.getvalue(), file.file_id)
        if regions:
            st.button("Delete all", icon=":material/delete:", key="slide_regions_none",
                      on_click=change, args=(Action.COUNT_SLIDE, name, slides.set_regions, name, ()))  # fmt: skip


def _take_file(slides: SlideLibrary, name: str, file: str, data: bytes, upload: str) -> None:
    """Each file once."""
    if st.session_state.get("slide_geojson_taken") == (name, upload):
        return
    st.session_state["slide_geojson_taken"] = (name, upload)
    try:
        found = regions_of(data, file)
    except BccsegError as error:
        st.error(plain(str(error), 400))
        return
    regions = slides.regions(name)
    for one in found:
        regions = put(regions, one, is_new=True)
    if len(regions) >= MOST_REGIONS:
        st.toast(f"A slide has up to {MOST_REGIONS} regions; further ones were left out.")
    if change(Action.COUNT_SLIDE, name, slides.set_regions, name, regions):
        st.rerun()
