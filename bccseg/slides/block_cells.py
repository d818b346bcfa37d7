"""The cells of a block as rows of a table and as GeoJSON, in coordinates of the slide."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bccseg.classes import ClassSet
from bccseg.imaging.flags import flag_cells
from bccseg.imaging.label_image import Labels
from bccseg.imaging.measure import measure_cells
from bccseg.imaging.outlines import cell_outlines
from bccseg.imaging.selection import middles
from bccseg.inference.segment import Segmentation
from bccseg.report.class_colours import rgb
from bccseg.slides.blocks import Block
from bccseg.slides.job import SlideJob, SmallCell
from bccseg.slides.regions import JOIN, counting, members

DECIMALS = 2  # of outlines
LEFT_OUT = ["in_frame"]  # columns of a field that mean nothing in a slide


def origin(block: Block) -> NDArray[np.float64]:
    """x, y of the first pixel of a block."""
    return np.array([block.window[1].start, block.window[0].start], float)


def measure_block(
    image: NDArray[np.uint8],
    found: Segmentation,
    target: Labels,
    before_us: NDArray[np.bool_],
    taken: NDArray[np.intp],
    used: int,
    block: Block,
    job: SlideJob,
) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Table and GeoJSON features of the cells of a block that were taken, in coordinates of the slide."""
    own = np.where((target > used) & ~before_us, target - used, 0).astype(np.int32)  # 1..M
    size = job.asked.pixel_size_um
    table = measure_cells(own, image, found.scores[taken], None)
    seen = np.where(before_us, 0, found.labels)
    ids = table["cell_id"].to_numpy()
    flagged = table.assign(cell_id=taken[ids - 1] + 1)  # as `seen` numbers them: rims need the neighbours
    table["flag"] = flag_cells(flagged, seen, image)
    x, y = origin(block)
    table["centroid_x_px"] += x
    table["centroid_y_px"] += y
    table = _in_um(table.drop(columns=LEFT_OUT), size)
    of = members(job.regions, table[["centroid_x_px", "centroid_y_px"]].to_numpy())
    names = [region.name for region in counting(job.regions)]
    table.insert(1, "region", [JOIN.join(n for n, one in zip(names, row, strict=True) if one) for row in of.T])
    if found.classes is not None:
        kinds = found.classes.take(taken[ids - 1])
        table["class"], table["class_score"] = kinds.name_of_each(), kinds.score.astype(np.float64)
    table["cell_id"] += used
    return table, _features(own, table, used, (x, y))


def _in_um(table: pd.DataFrame, size: float | None) -> pd.DataFrame:
    if size:
        for name in [name for name in table if name.endswith("_px")]:
            if name == "area_px":
                table["area_um2"] = table[name] * size**2
            else:
                table[f"{name.removesuffix('_px')}_um"] = table[name] * size
    return table


def _features(own: Labels, table: pd.DataFrame, used: int, origin: tuple[float, float]) -> list[dict[str, Any]]:
    rows = table.set_index("cell_id")
    known = sorted(set(rows["class"])) if "class" in rows else []
    colours = {one.name: list(rgb(one.colour)) for one in ClassSet().known(known)}
    numbers = rows[["area_px", "equivalent_diameter_px", "circularity", "score"]].astype(float).round(4)
    values = dict(zip(numbers.index, numbers.to_numpy().tolist(), strict=True))
    texts = {name: rows[name].to_dict() for name in ("class", "flag", "region") if name in rows}
    features = []
    for cell, ring in cell_outlines(own):
        cell_id = cell + used
        properties: dict[str, Any] = {
            "objectType": "detection",
            "name": f"cell {cell_id}",
            "measurements": {k: v for k, v in zip(numbers, values[cell_id], strict=True) if np.isfinite(v)},
        }
        if kind := texts.get("class", {}).get(cell_id):
            properties["classification"] = {"name": kind, "color": colours[kind]}
        if facts := {name: texts[name][cell_id] for name in ("flag", "region") if texts[name][cell_id]}:
            properties["metadata"] = facts
        closed = (np.vstack([ring, ring[:1]]) + origin).round(DECIMALS).tolist()
        geometry = {"type": "Polygon", "coordinates": [closed]}
        features.append({"type": "Feature", "id": cell_id, "geometry": geometry, "properties": properties})
    return features


def small_cells_of(found: Segmentation, block: Block, job: SlideJob) -> tuple[SmallCell, ...]:
    """Platelets and the like whose middle lies in the core of the block, and in no region before the one it is of."""
    small = found.small_cells
    if small is None or not len(small):
        return ()
    centres = middles(small.labels(found.labels.shape), np.arange(len(small))) - 0.5 + origin(block)
    rows, columns = block.core
    mine = (centres >= (columns.start - 0.5, rows.start - 0.5)).all(axis=1)
    mine &= (centres < (columns.stop - 0.5, rows.stop - 0.5)).all(axis=1)
    inside = members(job.regions, centres)
    mine &= inside[block.region] & ~inside[: block.region].any(axis=0)
    kinds = small.classes.name_of_each()
    return tuple(
        SmallCell(x=float(centres[k, 0]), y=float(centres[k, 1]), kind=kinds[k], score=float(small.classes.score[k]))
        for k in np.flatnonzero(mine)
    )
