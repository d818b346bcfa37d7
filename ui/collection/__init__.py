"""The Collection page."""
