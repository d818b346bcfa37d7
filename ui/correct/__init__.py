"""The Correct page."""
