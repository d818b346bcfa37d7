"""Cells outlined in other programs: COCO, GeoJSON, YOLO, LabelMe and Label Studio files, and how they become labels."""
