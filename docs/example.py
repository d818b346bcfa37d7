"""Segment one image and save its cells. Call it as `python example.py smear.jpg`."""

import sys

import bccseg

image = bccseg.read_image(sys.argv[1])
predictor = bccseg.load_predictor()
found = predictor.segment(image)
cells = bccseg.measure_cells(found.labels, image, found.scores)
whole = cells[~cells["touches_border"]]
print(f"{len(cells)} cells, median diameter {whole['equivalent_diameter_px'].median():.1f} px")
cells.to_csv("cells.csv", index=False)
