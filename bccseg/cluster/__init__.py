"""Segmenting on several machines: Dask hands out the work, data go by path or URL, results are files."""
