"""Whole slides and very large fields: read region by region, segmented block by block, in bounded memory."""
