"""The width of a pixel on the slide, as people write it; and whether cells can be as large as it says."""

import math
import re

from bccseg.errors import SettingsError

LEAST_UM, MOST_UM = 0.001, 100.0  # of a pixel
RED_CELL_UM = (6.0, 9.0)  # across, on a dry smear
DOUBTFUL_BELOW_UM, DOUBTFUL_ABOVE_UM = 2.0, 30.0  # no median of blood cells is outside
SLIP_UM = (5.0, 11.0)  # a median in here says that only the decimal point was wrong
WRITTEN = re.compile(r"([0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)\s*(µm|μm|um|nm)?\s*(?:/\s*(?:px|pixel))?", re.IGNORECASE)


def read_pixel_size(text: str) -> float | None:
    """A pixel size in µm from "0.065", "0,065", "0.065 µm" or "65 nm"; None from nothing. Raises SettingsError."""
    size = read_um(text, "no pixel size. Type the width of one pixel in µm, such as 0.065 or 0,065.")
    if size is not None and not LEAST_UM <= size <= MOST_UM:
        raise SettingsError(f"A pixel is {LEAST_UM:g} to {MOST_UM:g} µm wide, not {size:g}. Such as 0.065.")
    return size


def read_um(text: str, otherwise: str) -> float | None:
    """A length in µm, written with a point or a comma, also in nm; None from nothing. Raises SettingsError, which says
    that the text is `otherwise`.
    """
    text = text.strip()
    if not text:
        return None
    written = WRITTEN.fullmatch(text)
    if not written:
        raise SettingsError(f"'{text}' is {otherwise}")
    return float(written[1].replace(",", ".")) / (1000 if (written[2] or "").lower() == "nm" else 1)


def likely_pixel_size(diameter_px: float | None, pixel_size_um: float | None) -> float | None:
    """What the pixel size may have been meant to be, if blood cells of that median diameter cannot have it; else None.

    The same figures with the decimal point elsewhere, if red cells are then of their size; else what gives them that.
    """
    if not diameter_px or not pixel_size_um:
        return None
    if DOUBTFUL_BELOW_UM <= diameter_px * pixel_size_um <= DOUBTFUL_ABOVE_UM:
        return None
    usual = math.sqrt(math.prod(RED_CELL_UM))
    shift = round(math.log10(usual / (diameter_px * pixel_size_um)))
    size = float(f"{pixel_size_um * 10.0**shift:.6g}")
    return size if SLIP_UM[0] <= diameter_px * size <= SLIP_UM[1] else float(f"{usual / diameter_px:.2g}")


def doubt(diameter_px: float | None, pixel_size_um: float | None) -> str | None:
    """The question to ask where the pixel size cannot be right, in words; None where it can."""
    likely = likely_pixel_size(diameter_px, pixel_size_um)
    if likely is None:
        return None
    return (
        f"At a pixel size of {pixel_size_um:.4g} µm a typical cell would be {diameter_px * pixel_size_um:.3g} µm "
        f"across; red cells are {RED_CELL_UM[0]:g} to {RED_CELL_UM[1]:g}. Is it {likely:.4g}?"
    )
