"""Tables and files of a slide, made of its parts one after the other, so that no slide is too large for the memory.

summary.csv            a row for each region, and one for all of them together
cells.csv              a row for each cell, in coordinates of the slide
cells.parquet          the same as GeoParquet 1.1 with outlines, where pyarrow is there (extra `slides`)
small_cells.csv        platelets and the like, which are in no label and no count of cells
geojson/cells_001.geojson ...   the cells for QuPath, PIECE_CELLS a file
density.csv, density.png        cells per mm² (or per megapixel) in squares, and as colours over the slide
overview.png           the slide with the regions
labels.ome.zarr        the labels, with levels
"""

import json
import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bccseg.errors import StoreError
from bccseg.files import TEMPORARY_SUFFIX, write_atomically
from bccseg.imaging.flags import is_crowded
from bccseg.imaging.regions import Region
from bccseg.io.encode import png
from bccseg.report.class_numbers import PLATELET, RED, WHITE, platelets_per_1000_red, white_per_100_red
from bccseg.report.tables import PLATELETS, WHITES, csv
from bccseg.slides.job import JobFolder, PartRecord, SlideJob
from bccseg.slides.label_store import SlideLabels
from bccseg.slides.overview import Overview, counted_density, draw_overview, estimated_density, look_at
from bccseg.slides.regions import WHOLE_SLIDE, areas_px, counting, members
from bccseg.slides.segmenting import LABELS, plan
from bccseg.slides.slide import Slide

PIECE_CELLS = 20_000  # of a GeoJSON file: what QuPath imports in seconds
DENSITY_CELLS = 10.0  # side of a square of the density map, in cell diameters
POOLED = "All regions"
NUMBERS = ["centroid_x_px", "centroid_y_px", "area_px", "equivalent_diameter_px"]
GEO = {
    "version": "1.1.0",
    "primary_column": "geometry",
    "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Polygon"], "crs": None}},
}


class Cells(NamedTuple):
    """What the numbers of regions are made of, of all cells of a slide."""

    centres: NDArray[np.float64]  # (N, 2): x, y in px
    area: NDArray[np.float64]  # px
    diameter: NDArray[np.float64]  # px
    whole: NDArray[np.bool_]  # the edge of the slide does not cut it
    flagged: NDArray[np.bool_]
    kind: pd.Categorical  # class


def write_results(slide: Slide, out: Path, *, geojson: bool = True) -> pd.DataFrame:
    """Make the files of a slide whose blocks are all done; returns the summary. Raises StoreError if they are not."""
    folder = JobFolder(out)
    job = folder.job()
    if job is None:
        raise StoreError(f"There is no slide in {out}. Segment one first.")
    records, total = folder.done(), len(plan(job))
    if len(records) < total:
        raise StoreError(f"{len(records)} of {total} blocks are done. Segment the rest first: call it again.")
    tables = folder.tables()
    with _whole(out / "cells.csv") as file:
        for k, path in enumerate(tables):
            lines = path.read_bytes()
            file.write(lines if k == 0 else lines[lines.index(b"\n") + 1 :])
    cells = _read_cells(tables)
    small = _small_table(records, job)
    write_atomically(out / "small_cells.csv", csv(small))
    _write_parquet(folder, out / "cells.parquet")
    if geojson:
        _write_geojson(folder, out / "geojson")
    summary = summarise_slide(job, cells, small)
    write_atomically(out / "summary.csv", csv(summary))
    _write_overview(look_at(slide), job, cells, out)
    SlideLabels(out / LABELS, slide.shape, job.asked.pixel_size_um).finish()
    return summary


def summarise_slide(job: SlideJob, cells: Cells, small: pd.DataFrame) -> pd.DataFrame:
    """A row for each region, and, if there are several, one for all of them together, cells in two of them once.

    Columns region, score (of those that the program chose), cell_count, flagged_count, area_px, area_fraction,
    too_crowded, and as in `region_table` of an image: median_diameter_px, diameter_cv_percent, the two without flagged
    cells, µm, mm² and density_per_mm2 where the pixel size is known, count_<class> and ratios where classes are.
    """
    regions = counting(job.regions)
    areas, together = areas_px(job.regions, job.asked.shape)
    inside = members(job.regions, cells.centres)
    small_inside = members(job.regions, small[["centroid_x_px", "centroid_y_px"]].to_numpy())
    small = small.astype({"class": "category"})  # those of which a region has none, too
    rows = [
        _row(job, region, cells, inside[k], small["class"][small_inside[k]], float(areas[k]))
        for k, region in enumerate(regions)
    ]
    if len(regions) > 1:
        rows.append(_row(job, None, cells, inside.any(axis=0), small["class"][small_inside.any(axis=0)], together))
    return pd.DataFrame(rows)


def _row(
    job: SlideJob, region: Region | None, cells: Cells, inside: NDArray[np.bool_], small: pd.Series, area_px: float
) -> dict[str, Any]:
    size, flagged = job.asked.pixel_size_um, int((inside & cells.flagged).sum())
    count, covered = int(inside.sum()), float(cells.area[inside].sum()) / max(1.0, area_px)
    name = region.name if region else POOLED
    row: dict[str, Any] = {
        "region": name, "score": job.region_scores.get(name), "cell_count": count, "flagged_count": flagged,
        "area_px": area_px, "area_fraction": covered,
        "too_crowded": bool(count) and is_crowded(count, flagged, covered),
    }  # fmt: skip
    for end, which in (("", inside & cells.whole), ("_unflagged", inside & cells.whole & ~cells.flagged)):
        diameter = cells.diameter[which]
        median = float(np.median(diameter)) if len(diameter) else None
        row[f"median_diameter_px{end}"] = median
        row[f"diameter_cv_percent{end}"] = (
            float(100 * diameter.std(ddof=1) / diameter.mean()) if len(diameter) > 1 else None
        )
        if size:
            row[f"median_diameter_um{end}"] = median and median * size
    if size:
        row["area_mm2"] = area_px * size**2 / 1e6
        row["density_per_mm2"] = count / row["area_mm2"] if area_px else None
    if len(cells.kind.categories):
        counts = cells.kind[inside].value_counts().to_dict() | small.value_counts().to_dict()
        counts = {str(of): int(n) for of, n in counts.items()}
        row |= {f"count_{of.replace(' ', '_')}": n for of, n in counts.items()}
        for column, ratio, needed in (
            (WHITES, white_per_100_red, WHITE), (PLATELETS, platelets_per_1000_red, PLATELET),
        ):  # fmt: skip
            if RED in counts and needed in counts:
                row[column] = getattr(ratio(counts), "value", None)
    return row


def _read_cells(tables: list[Path]) -> Cells:
    """The numbers of all cells; of each only what a summary needs, so that millions fit the memory."""
    parts = []
    for path in tables:
        names = [*NUMBERS, "touches_border", "flag", "class"]
        part = pd.read_csv(path, usecols=lambda name, names=names: name in names, keep_default_na=False)
        part["flag"] = part["flag"].astype(str) != ""
        parts.append(part)
    columns = [*NUMBERS, "touches_border", "flag"]
    full = [part for part in parts if len(part)]
    table = pd.concat(full, ignore_index=True) if full else pd.DataFrame({name: np.zeros(0) for name in columns})
    values = {name: table[name].to_numpy(float) for name in NUMBERS}
    return Cells(
        np.column_stack([values["centroid_x_px"], values["centroid_y_px"]]),
        values["area_px"],
        values["equivalent_diameter_px"],
        ~table["touches_border"].to_numpy(bool),
        table["flag"].to_numpy(bool),
        pd.Categorical(table["class"] if "class" in table else [None] * len(table)),
    )


def _small_table(records: list[PartRecord], job: SlideJob) -> pd.DataFrame:
    cells = [one for record in records for one in record.small]
    table = pd.DataFrame(
        {
            "centroid_x_px": np.array([one.x for one in cells], float),
            "centroid_y_px": np.array([one.y for one in cells], float),
            "class": pd.Series([one.kind for one in cells], dtype=object),
            "score": np.array([one.score for one in cells], float),
        }
    )
    if size := job.asked.pixel_size_um:
        for axis in "xy":
            table[f"centroid_{axis}_um"] = table[f"centroid_{axis}_px"] * size
    return table


def _write_geojson(folder: JobFolder, out: Path) -> None:
    """FeatureCollections of at most PIECE_CELLS."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    piece = 1
    lines: list[str] = []

    def flush() -> None:
        nonlocal piece, lines
        text = '{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n"
        write_atomically(out / f"cells_{piece:03d}.geojson", text.encode())
        piece, lines = piece + 1, []

    for number in range(len(folder.done())):
        for line in folder.features(number):
            lines.append(line)
            if len(lines) == PIECE_CELLS:
                flush()
    if lines or piece == 1:
        flush()


def _write_parquet(folder: JobFolder, path: Path) -> None:
    """GeoParquet (https://geoparquet.org), a row group a block; nothing where pyarrow is not there."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    writer = None
    try:
        for number, table_path in enumerate(folder.tables()):
            table = pd.read_csv(table_path, keep_default_na=False, na_values={"class_score": [""], "score": [""]})
            for name in ("region", "flag", "class"):
                if name in table:
                    table[name] = table[name].astype(str)
            if not len(table):
                continue
            arrow = pa.Table.from_pandas(table, preserve_index=False)
            rings = [_wkb(json.loads(line)["geometry"]["coordinates"][0]) for line in folder.features(number)]
            arrow = arrow.append_column("geometry", pa.array(rings, pa.binary()))
            if writer is None:
                schema = arrow.schema.with_metadata({b"geo": json.dumps(GEO).encode()})
                writer = pq.ParquetWriter(temporary, schema)
            writer.write_table(arrow.cast(writer.schema))
    finally:
        if writer is not None:
            writer.close()
    if writer is not None:
        temporary.replace(path)


def _wkb(ring: list[list[float]]) -> bytes:
    """A polygon of one ring as well-known binary, little endian (OGC 06-103r4)."""
    return struct.pack("<BIII", 1, 3, 1, len(ring)) + np.asarray(ring, "<f8").tobytes()


def _write_overview(overview: Overview, job: SlideJob, cells: Cells, out: Path) -> None:
    """Pictures, and the density: counted where the whole slide was, else estimated from what is stained."""
    side = max(1, round(DENSITY_CELLS * job.diameter_px))
    counted = [region.name for region in job.regions] == [WHOLE_SLIDE]
    if counted:
        density = counted_density(cells.centres, job.asked.shape, side)
    else:
        density = estimated_density(overview, job.diameter_px, side)
    size = job.asked.pixel_size_um
    rows, columns = np.indices(density.shape)
    height, width = (n / m for n, m in zip(job.asked.shape, density.shape, strict=True))
    table = pd.DataFrame({
        "x_px": columns.ravel() * width, "y_px": rows.ravel() * height, "width_px": width, "height_px": height,
        "cells_per_mm2" if size else "cells_per_megapixel": density.ravel() * 1e6 / (size**2 if size else 1),
        "from": "counted" if counted else "estimated from the stained area",
    })  # fmt: skip
    write_atomically(out / "density.csv", csv(table))
    write_atomically(out / "overview.png", png(draw_overview(overview, job.regions)))
    write_atomically(out / "density.png", png(draw_overview(overview, job.regions, density)))


@contextmanager
def _whole(path: Path) -> Iterator[BinaryIO]:
    """A file that takes its place when it is complete."""
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    with temporary.open("wb") as file:
        yield file
    temporary.replace(path)
