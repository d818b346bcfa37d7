"""Training: pairs of images and masks -> targets -> the loop -> weights."""
