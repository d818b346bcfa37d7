"""Results as files that other programs open: PNG, CSV, COCO, GeoJSON (QuPath), ImageJ ROI sets, one zip."""
