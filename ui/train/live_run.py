"""A training run that is under way."""

import time

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.jobs.queue import queue_position
from bccseg.jobs.training_run import Run, RunSnapshot
from ui.shared.account import allowed, guarded
from ui.shared.duration import duration
from ui.shared.errors import plain
from ui.train.curves import show_classes, show_curves, show_preview

STATES = {
    "queued": "waits for its turn", "preparing": "reads the images", "training": "training", "paused": "paused",
    "done": "done", "cancelled": "cancelled", "failed": "failed", "lost": "ended unexpectedly",
}  # fmt: skip
POLL_SECONDS = 1.0
CANCEL_THERE = "Ends the job on Hugging Face; nothing more is paid. What was learned is lost."
MUCH_WAITING = 0.1  # share of the time; below it more processes for cutting crops would not help


@st.fragment(run_every=POLL_SECONDS)
def show_live(run: Run) -> None:
    """A run that is under way; when it ends, the page is drawn again."""
    now = run.snapshot()
    progress = now.progress
    if not now.active:
        st.rerun()
    with st.container(border=True):
        st.markdown(f"**{plain(now.spec.name)}** {STATES[progress.state]}")
        before = queue_position(run) if progress.state == "queued" else 0
        st.progress(progress.share, text=f"{before} before it" if before else _position_text(now))
        facts = [plain(progress.device)] if progress.device else []
        if progress.images_per_second:
            facts.append(f"{progress.images_per_second:.0f} crops a second")
        if progress.memory_mb:
            facts.append(f"{progress.memory_mb / 1000:.1f} GB memory")
        if progress.loss is not None:
            facts.append(f"loss {progress.loss:.3f}")
        waiting = now.epochs[-1].waiting if now.epochs else 0
        if waiting and waiting > MUCH_WAITING:
            facts.append(f"waits {100 * waiting:.0f} % of the time for images")
        st.caption(" · ".join(facts) or "starting")
        if now.spec.hub:
            _show_hub_job(run, now)
        for warning in progress.warnings:
            st.caption(f":material/warning: {plain(warning, 300)}")
        if allowed(Action.TRAIN):
            _show_buttons(run, now)
        if now.epochs:
            show_curves([now])
            show_classes(now)
        show_preview(now)


def _show_buttons(run: Run, now: RunSnapshot) -> None:
    signal = guarded(Action.TRAIN, run.send_signal, on=now.spec.name, version=run.id)
    with st.container(horizontal=True):
        if now.spec.hub:
            st.button("Cancel", icon=":material/stop_circle:", on_click=signal, args=("cancel",),
                      disabled=now.signal == "cancel", help=CANCEL_THERE)  # fmt: skip
            return
        if now.progress.state == "paused":
            st.button("Go on", icon=":material/play_arrow:", on_click=signal, args=("",))
        else:
            st.button(
                "Pause",
                icon=":material/pause:",
                on_click=signal,
                args=("pause",),
                disabled=now.progress.state != "training",
            )
        st.button("Cancel", icon=":material/stop_circle:", on_click=signal, args=("cancel",),
                  help="Ends within seconds. What was learned is kept; resume goes on.")  # fmt: skip


def _show_hub_job(run: Run, now: RunSnapshot) -> None:
    """Machine and price so far of a run that trains on Hugging Face."""
    machine, job = now.spec.hub, run.hub_job
    if machine is None:
        return
    text = f":material/cloud: {plain(machine.title_there or machine.flavor, 80)} of Hugging Face"
    if job:
        hours = min(machine.minutes / 60, max(0.0, time.time() - job.started) / 3600)
        text += f" · about \\${hours * machine.dollars_an_hour:.2f} so far, at most \\${machine.most_dollars:.2f}"
        if job.url.startswith("https://"):
            text += f" · [job]({job.url})"
    st.caption(text)


def _position_text(run: RunSnapshot) -> str:
    progress = run.progress
    if progress.message:
        return plain(progress.message)
    epoch = min(progress.epoch + 1, progress.epochs)
    return f"Epoch {epoch} of {progress.epochs}, batch {progress.step} of {progress.steps}{_left(run)}"


def _left(run: RunSnapshot) -> str:
    """Time left at the pace of the finished epochs."""
    progress, reports = run.progress, run.epochs
    if not reports:
        return ""
    pace = sum(r.seconds for r in reports[-5:]) / len(reports[-5:])
    return f", about {duration(pace * progress.epochs * (1 - progress.share))} left"
