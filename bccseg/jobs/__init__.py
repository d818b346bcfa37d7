"""Training runs as processes of their own: run folders, queue, signals, progress, promotion."""
