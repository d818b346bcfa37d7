"""From an image to its cells: predictor, tiles, cell diameter, batches, evaluation."""
