"""The Segment page."""
