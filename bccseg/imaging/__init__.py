"""Array work without torch: reading, cells from maps, measures, pictures, exports, synthetic smears."""
