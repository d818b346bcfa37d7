"""What the viewer and the surface for regions share in the browser: zooming, and regions and the scale bar as lines."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from bccseg.imaging.regions import Region
from bccseg.report.region_drawing import EXCLUDED_COLOUR, IN_COLOUR, OUT_COLOUR, POLYGON_COLOUR

HERE = Path(__file__).parent
# By kind; `out` are the lines of a counting frame that leave cells out.
COLOURS = {
    kind: "#{:02x}{:02x}{:02x}".format(*colour)
    for kind, colour in (
        ("frame", IN_COLOUR), ("out", OUT_COLOUR), ("polygon", POLYGON_COLOUR), ("excluded", EXCLUDED_COLOUR),
    )
}  # fmt: skip


@cache
def image_view_js() -> str:
    """What goes before a component's own code that shows an image: `ImageView`, which zooms and moves it."""
    return (HERE / "image_view.js").read_text(encoding="utf-8")


@cache
def region_lines_js() -> str:
    """What goes before a component's own code: `drawRegion`, `drawScaleBar` and what they use."""
    return (HERE / "region_lines.js").read_text(encoding="utf-8")


def region_data(regions: Sequence[Region]) -> dict[str, Any]:
    """Regions as the browser draws them, and in which colours."""
    return {"shapes": [region.to_dict() for region in regions], "colours": COLOURS}
