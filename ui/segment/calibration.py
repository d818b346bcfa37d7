"""The pixel size: what the cells say of the one in use; measured along a line, from the optics, or kept by name."""

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.annotation.records import now
from bccseg.errors import BccsegError
from bccseg.imaging.calibration import Calibration, Optics, verdict
from bccseg.imaging.pixel_size import LEAST_UM, MOST_UM
from bccseg.report.class_numbers import RED
from bccseg.report.result import ImageResult
from bccseg.report.stored_result import StoredResult
from bccseg.report.tables import cell_table
from ui.segment.line_measure import measure_along_line
from ui.shared.account import acting, allowed, at_work, author
from ui.shared.calibrations import calibrations
from ui.shared.errors import plain
from ui.shared.settings import set_pixel_size

WAYS = {"line": "Measure on this image", "optics": "Objective and camera", "kept": "Kept calibrations"}
NAME, WHO, TROUBLE = "calibration_name", "calibration_who", "calibration_trouble"


def show_calibration(kept: StoredResult, result: ImageResult) -> None:
    """Everything about the pixel size. kept: of the visit; result: what is shown of it."""
    _show_in_use(result)
    way = st.segmented_control("How", list(WAYS), format_func=WAYS.__getitem__, default="line", key="calibration_way",
                               label_visibility="collapsed")  # fmt: skip
    if way == "optics":
        _ask_optics(result)
    elif way == "kept":
        _show_kept(result)
    elif way:
        _measure(kept, result)
    if trouble := st.session_state.pop(TROUBLE, ""):
        st.error(plain(trouble, 300))


def typical_px(result: ImageResult) -> tuple[float | None, str]:
    """Median diameter of the red cells that the border does not cut, if any are known, else of all; and their name."""
    if result.classes is not None:
        cells = cell_table(result)
        red = cells.loc[(cells["class"] == RED) & ~cells["touches_border"], "equivalent_diameter_px"]
        if len(red):
            return float(red.median()), "red cells"
    return result.summary.median_diameter_px, "cells"


def _show_in_use(result: ImageResult) -> None:
    if not result.pixel_size_um:
        st.markdown("**No pixel size is known.** With one, sizes are also in µm, densities in cells per mm².")
        return
    st.markdown(f"One pixel is **{result.pixel_size_um:.4g} µm** wide ({plain(result.pixel_size_source, 200)}).")
    show_verdict(result, result.pixel_size_um)


def show_verdict(result: ImageResult, pixel_size_um: float) -> None:
    """What the cells say of a pixel size."""
    diameter_px, cells = typical_px(result)
    if said := verdict(diameter_px, pixel_size_um, cells):
        icon = "check_circle" if said.fits else "error"
        colour = "green" if said.fits else "orange"
        st.caption(f":{colour}[:material/{icon}:] {said.words}")


def _measure(kept: StoredResult, result: ImageResult) -> None:
    found = measure_along_line(kept, result)
    if found is None:
        return
    measured, length_um = found
    st.markdown(f"One pixel is **{measured.pixel_size_um:.4g} µm** wide, ± {measured.error_percent:.2g} %.")
    show_verdict(result, measured.pixel_size_um)
    _offer(
        Calibration(
            name="-", pixel_size_um=measured.pixel_size_um, how="measured", length_um=length_um,
            length_px=round(measured.length_px, 2), error_percent=round(measured.error_percent, 3),
            measured_on=result.name[:200],
        )
    )  # fmt: skip


def _ask_optics(result: ImageResult) -> None:
    st.caption("Pixel size = camera pixel × binning / (objective × tube factor). What is engraved is nominal: a stage "
               "micrometer tells what it really is, often a few percent off.")  # fmt: skip
    with st.container(horizontal=True, key="optics"):
        objective = st.number_input("Objective (×)", 0.5, 250.0, 40.0, 1.0, format="%g", key="optics_objective",
                                    width=150, help="The magnification engraved on it.")  # fmt: skip
        pitch = st.number_input("Camera pixel (µm)", 0.3, 50.0, 3.45, 0.05, key="optics_pitch", width=170,
                                help="Pitch of the sensor, in the camera's data sheet.")  # fmt: skip
        binning = st.number_input("Binning", 1, 16, 1, key="optics_binning", width=130,
                                  help="2 for 2 × 2; also if the picture was saved at half its size.")  # fmt: skip
        tube = st.number_input("Tube factor", 0.05, 10.0, 1.0, 0.05, key="optics_tube", width=150,
                               help="Camera adapter (such as 0.5×), tube lens and optovar, multiplied.")  # fmt: skip
    optics = Optics(objective=objective, camera_pixel_um=pitch, binning=binning, tube_factor=tube)
    if not LEAST_UM <= optics.pixel_size_um <= MOST_UM:
        st.error(f"That would be {optics.pixel_size_um:.4g} µm: no microscope has such pixels.")
        return
    st.markdown(f"One pixel is **{optics.pixel_size_um:.4g} µm** wide.")
    show_verdict(result, optics.pixel_size_um)
    camera = st.text_input("Camera", key="optics_camera", max_chars=80, width=340, placeholder="its name, if you like")
    _offer(Calibration(name="-", pixel_size_um=optics.pixel_size_um, how="optics", optics=optics, camera=camera))


def _offer(found: Calibration) -> None:
    """Use it, or keep it under a name."""
    may, shared = allowed(Action.CALIBRATE), at_work().shared
    st.session_state.setdefault(WHO, author())
    with st.container(horizontal=True, vertical_alignment="bottom", key="calibration_keep"):
        st.button("Use this pixel size", type="primary", key="bar_use", on_click=set_pixel_size,
                  args=(found.pixel_size_um, _unnamed(found)))  # fmt: skip
        if not may:
            return
        st.text_input("Keep it as", key=NAME, max_chars=80, placeholder="40× oil, blue camera", width=240)
        st.text_input("Your name", key=WHO, max_chars=80, width=180, disabled=shared)
        st.button("Keep and use", key="calibration_save", icon=":material/save:", on_click=_keep, args=(found,),
                  help="For everybody who uses this server. One of the same name is replaced.")  # fmt: skip


def _unnamed(found: Calibration) -> str:
    if found.how == "measured":
        return f"measured on {found.measured_on}, ± {found.error_percent:.2g} %"
    return f"objective and camera: {found.optics.objective:g}×" if found.optics else ""


def _keep(found: Calibration) -> None:
    name = " ".join(st.session_state[NAME].split())
    if not name:
        st.session_state[TROUBLE] = "Type a name to keep it under."
        return
    who = (author() if at_work().shared else st.session_state[WHO]).strip()[:80]
    made = found.replace(name=name, who=who, when=now().isoformat(timespec="seconds"))
    try:
        with acting(Action.CALIBRATE, name):
            calibrations().keep(made)
    except BccsegError as error:
        st.session_state[TROUBLE] = str(error)
        return
    st.session_state[NAME] = ""
    set_pixel_size(made.pixel_size_um, made.source)


def _show_kept(result: ImageResult) -> None:
    kept = calibrations().all()
    if not kept:
        st.info("None is kept yet. Measure one, or make one of objective and camera, and give it a name.")
        return
    names = {one.name: one for one in kept}
    st.dataframe(
        [
            {"Name": one.name, "Pixel size (µm)": one.pixel_size_um, "How": _how(one), "± %": one.error_percent,
             "Who": one.who, "When": one.when[:10], "On": one.measured_on or one.camera}
            for one in kept
        ],
        hide_index=True, key="calibration_table",
        column_config={"Pixel size (µm)": st.column_config.NumberColumn(format="%.4f"),
                       "± %": st.column_config.NumberColumn(format="%.2f")},
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom", key="calibration_choice"):
        name = st.selectbox("Calibration", list(names), key="calibration_chosen", width=280)
        one = names.get(name)
        if one:
            st.button("Use", type="primary", key="calibration_use", on_click=set_pixel_size,
                      args=(one.pixel_size_um, one.source))  # fmt: skip
            st.button("Delete", icon=":material/delete:", key="calibration_delete", on_click=_delete, args=(one.name,),
                      disabled=not allowed(Action.CALIBRATE),
                      help="For everybody. Results that were measured with it stay as they are.")  # fmt: skip
    if one:
        show_verdict(result, one.pixel_size_um)


def _how(one: Calibration) -> str:
    if one.optics:
        o = one.optics
        return f"{o.objective:g}× · {o.camera_pixel_um:g} µm camera · binning {o.binning} · tube {o.tube_factor:g}×"
    return f"{one.length_um:g} µm on {one.length_px:.0f} px" if one.length_um and one.length_px else one.how


def _delete(name: str) -> None:
    try:
        with acting(Action.CALIBRATE, name) as note:
            calibrations().delete(name)
            note.text = "deleted"
    except BccsegError as error:
        st.session_state[TROUBLE] = str(error)
