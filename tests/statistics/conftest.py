"""A study whose numbers are known by arithmetic."""

import pandas as pd
import pytest

from bccseg.statistics.tables import StudyTables


def make_tables(diameters, groups, crowded=(), flagged=(), pixel_size_um=0.1):
    """diameters: px of the cells of each image, as {sample: [[cells of image 1], ...]}; groups: by sample."""
    cells, images = [], []
    for sample, fields in diameters.items():
        for k, sizes in enumerate(fields, start=1):
            name = f"{sample}-{k}.png"
            key = {"group": groups[sample], "sample": sample, "image": name}
            for cell, d in enumerate(sizes, start=1):
                flag = "several cells?" if (sample, k, cell) in flagged else ""
                cells.append({
                    **key, "cell_id": cell, "equivalent_diameter_px": float(d), "circularity": 0.9, "eccentricity": 0.2,
                    "mean_red": 200.0, "mean_green": 100.0 + cell, "mean_blue": 120.0, "touches_border": False,
                    "in_frame": True, "flag": flag, "class": "white" if d > 99 else "red",
                    "equivalent_diameter_um": d * pixel_size_um if pixel_size_um else None,
                })  # fmt: skip
            white = sum(d > 99 for d in sizes)
            images.append({
                **key, "cell_count": len(sizes), "cell_count_in_frame": len(sizes), "area_fraction": 0.25,
                "flagged_count": 0, "too_crowded": (sample, k) in crowded, "width_px": 1000, "height_px": 500,
                "pixel_size_um": pixel_size_um, "count_red": len(sizes) - white, "count_white": white,
                "count_platelet": 1,
            })  # fmt: skip
    samples = pd.DataFrame([{"group": g, "sample": s, "age": 40 + k} for k, (s, g) in enumerate(groups.items())])
    return StudyTables(pd.DataFrame(cells), pd.DataFrame(images), samples)


@pytest.fixture
def tables():
    """Two samples in each of two groups; the first has two images of different numbers of cells."""
    return make_tables(
        {"a1": [[10, 20, 30], [100]], "a2": [[20, 22]], "b1": [[40, 44]], "b2": [[50, 54]]},
        {"a1": "A", "a2": "A", "b1": "B", "b2": "B"},
        crowded={("a1", 2)}, flagged={("a1", 1, 3)},
    )  # fmt: skip
