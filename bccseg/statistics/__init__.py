"""Numbers of a study: pooled for each sample first, then compared between groups of samples."""
