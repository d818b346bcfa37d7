"""Edits made again from the beginning."""

from bccseg.annotation.history import History


def replay(base, edits):
    """Labels after `edits` on `base`."""
    history = History(base)
    for edit in edits:
        history.apply(edit)
    return history.labels
