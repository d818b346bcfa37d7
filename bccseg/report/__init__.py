"""Results for people and other programs: tables, pictures, charts, COCO, GeoJSON, ImageJ ROIs, one zip."""
