"""Deleting a run, unless its weights are needed."""

import shutil

from bccseg.errors import BccsegError, TrainingError
from bccseg.jobs.promotion import Promotions, own_name
from bccseg.jobs.records import ACTIVE_STATES
from bccseg.jobs.training_run import Run, all_runs


def needed_for(own: Promotions, run: Run) -> str:
    """What the weights of a run are needed for, in words; empty: it may be deleted."""
    name = own_name(run.id)
    if name in own.names:
        where = "the app uses them" if name == own.current else "they are kept as earlier ones"
        return (
            f"Its weights are promoted as '{own.title(name)}', and {where}. Take them back first, on the Weights page."
        )
    copy = own.runs / "promoted" / run.id
    for other in all_runs(own.runs) if copy.exists() else []:
        try:
            if other.spec.config.base_weights == str(copy) and other.progress.state in ACTIVE_STATES:
                return f"The run '{other.spec.name}' learns from its weights. Wait until it has ended."
        except BccsegError:  # a damaged run needs nothing
            continue
    return ""


def delete_run(own: Promotions, run: Run) -> None:
    """Delete a run, and the copy of its weights if it was promoted once. Raises TrainingError while they are needed, or
    while it is under way.
    """
    if why := needed_for(own, run):
        raise TrainingError(why)
    run.delete()
    shutil.rmtree(own.runs / "promoted" / run.id, ignore_errors=True)
