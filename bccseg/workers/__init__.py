"""Inference out of the server's process: one warm process a device, shared fairly, restarted if it dies.

The server keeps its interpreter for pages; networks, tiles and what they leave in memory live in the worker.
`WorkerPool` is what a server asks. `python -m bccseg.workers` is the worker; it reads orders from its standard input,
answers on its standard output, and ends when the server does.
"""
