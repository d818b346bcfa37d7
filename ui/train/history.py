"""Training runs that have ended: what they gave, and what to do with them."""

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.annotation.records import MAX_TEXT
from bccseg.config import WEIGHT_LICENCES
from bccseg.errors import TrainingError
from bccseg.jobs.deletion import delete_run, needed_for
from bccseg.jobs.promotion import own_name
from bccseg.jobs.training_run import Run, RunSnapshot, all_runs, create_run
from ui.shared.account import acting, allowed
from ui.shared.clicks import click_waits, clicked, noting_button, take_click
from ui.shared.errors import plain, show_errors
from ui.shared.promoted import promoted
from ui.shared.storage import runs_folder
from ui.shared.weights_at_work import is_at_work
from ui.train.compare import show_compare
from ui.train.curves import show_classes, show_curves, show_preview
from ui.train.few_labels_result import show_few_labels
from ui.train.hub_machine import paid
from ui.train.live_run import STATES
from ui.train.promote import ask_to_promote, show_in_use

DELETED = "run_deleted"
LICENCE_HELP = "It goes by the images that were learned from, and by the base weights. Choose, or type another."


def read_runs() -> tuple[list[Run], list[RunSnapshot]]:
    """The runs under way, and those that have ended; read once a draw, so that none is shown as both."""
    active, ended = [], []
    for run in all_runs(runs_folder()):
        try:
            snapshot = run.snapshot()
        except TrainingError as error:  # a damaged file of one run hides no other
            st.warning(plain(str(error), 300))
            continue
        if snapshot.active:
            active.append(run)
        else:
            ended.append(snapshot)
    return active, ended


def show_history(runs: list[RunSnapshot]) -> None:
    """Ended runs: curves over one another, compare, promote, resume, delete."""
    show_in_use()
    if text := st.session_state.pop(DELETED, ""):
        st.success(text)
    if not runs:
        st.info("No run has ended yet.")
        return
    names = {run.id: f"{run.spec.name} ({run.id[:8]}, {STATES[run.progress.state]})" for run in runs}
    picked = st.multiselect("Show", list(names), default=[runs[0].id], format_func=names.__getitem__, max_selections=5)
    chosen = [run for run in runs if run.id in picked]
    if trained := [run for run in chosen if not run.spec.few_labels]:
        show_curves(trained)
    for run in chosen:
        _show_ended(run)


def _show_ended(run: RunSnapshot) -> None:
    progress, spec = run.progress, run.spec
    with st.container(border=True):
        best = run.best
        if spec.few_labels:
            _show_learned_classes(run)
            return
        found = f" · best epoch {best.epoch}: validation IoU {best.val_iou:.3f}" if best else ""
        st.markdown(
            f"**{plain(spec.name)}** · {STATES[progress.state]} · {progress.epoch} of {progress.epochs} epochs{found}"
        )
        if progress.message and progress.state != "done":
            show = st.error if progress.state == "failed" else st.info
            show(plain(progress.message, 800))
        for warning in progress.warnings:
            st.caption(f":material/warning: {plain(warning, 300)}")
        with st.container(horizontal=True), show_errors():
            may_train = allowed(Action.TRAIN)
            looks_on = progress.state == "lost" and run.run.hub_job is not None
            again_words = _resume_words(run, looks_on=looks_on)
            if (
                may_train
                and progress.state in ("cancelled", "failed", "lost")
                and clicked(again_words, icon=":material/play_arrow:", key=f"resume_{run.id}")
            ):
                with acting(Action.TRAIN, spec.name, run.id) as note:
                    note.text = "looked on again" if looks_on else f"resumed{paid(spec.hub)}"
                    run.run.start(follow=looks_on)
                st.rerun()
            if (
                may_train
                and progress.out_of_memory
                and spec.config.batch_size > 1
                and clicked(
                    f"Train again with batch {spec.config.batch_size // 2}", type="primary", key=f"halve_{run.id}"
                )
            ):
                halved = spec.config.replace(batch_size=spec.config.batch_size // 2)
                folder = runs_folder()
                with acting(Action.TRAIN, spec.name, run.id) as note:
                    again = create_run(folder, spec.replace(config=halved))
                    note.text = f"run {again.id}{paid(spec.hub)}"
                    again.start()
                st.rerun()
            _ask_to_delete(run)
        notes = st.text_area("Notes", value=run.notes, key=f"notes_{run.id}", height=80, max_chars=MAX_TEXT,
                             disabled=not may_train)  # fmt: skip
        if notes != run.notes:
            with show_errors(), acting(Action.TRAIN, spec.name, run.id) as note:
                note.text = "notes"
                run.run.write_notes(notes)
        if run.weights:
            with st.container():  # what comes and goes in it does not move, and so reset, what is below
                compared = show_compare(run)
                ask_to_promote(run, compared=compared)
            _show_publish(run)
        show_classes(run)
        show_preview(run)


def _resume_words(run: RunSnapshot, *, looks_on: bool) -> str:
    """What the button says: on Hugging Face nothing is there to go on from, and it costs again."""
    if run.spec.hub is None:
        return "Resume"
    return "Look on again" if looks_on else f"Train anew on Hugging Face, at most ${run.spec.hub.most_dollars:.2f}"


def _show_learned_classes(run: RunSnapshot) -> None:
    show_few_labels(run, "runs")
    with st.container(horizontal=True), show_errors():
        _ask_to_delete(run)
    _show_publish(run)


def _ask_to_delete(run: RunSnapshot) -> None:
    """Asks before it deletes, and refuses while the weights are in use."""
    if not allowed(Action.DELETE_RUN):
        return
    own, name = promoted(), plain(run.spec.name)
    used = needed_for(own, run.run)
    if not used and is_at_work(own_name(run.id)):
        used = "Somebody's segmentation uses its weights right now. Try again when it is done."
    with st.popover("Delete", icon=":material/delete:"):
        if used:
            st.markdown(f":material/block: **{name}** cannot be deleted. {plain(used, 400)}")
            return
        st.markdown(f"Delete **{name}** with its curves, notes and weights? There is no way back.")
        if clicked("Delete this run", type="primary", icon=":material/delete_forever:", key=f"delete_{run.id}"):
            with show_errors():
                with acting(Action.DELETE_RUN, run.spec.name, run.id):
                    delete_run(own, run.run)
                st.session_state[DELETED] = f"The run **{name}** is deleted."
                st.rerun()


def _show_publish(run: RunSnapshot) -> None:
    """Push the weights with their model card to the Hub."""
    if not allowed(Action.PUBLISH):
        return
    from bccseg.model.weights import read_config

    with st.expander("Publish to the Hugging Face Hub", icon=":material/cloud_upload:"):
        repo = st.text_input("Repository", placeholder="owner/name", key=f"repo_{run.id}",
                             help="Made if it is not there. The server needs an HF_TOKEN that may write.")  # fmt: skip
        licences = list(dict.fromkeys([read_config(run.weights).licence or WEIGHT_LICENCES[0], *WEIGHT_LICENCES]))
        licence = st.selectbox("Licence", licences, key=f"licence_{run.id}", accept_new_options=True, help=LICENCE_HELP)
        with st.container(horizontal=True):
            public = st.toggle("Public", key=f"public_{run.id}", help="Off: only you see it. Counts when it is made.")
            pull = st.toggle("As a pull request", key=f"pull_{run.id}")
        key = f"publish_{run.id}"
        noting_button("Publish", key, icon=":material/cloud_upload:", disabled=not repo.strip())
        if repo.strip() and click_waits(key):
            from bccseg.hub import publish_weights
            from bccseg.training.weight_export import complete_weights

            with show_errors(), st.spinner("Pushing the weights"):
                take_click(key)
                with acting(Action.PUBLISH, run.spec.name, run.id) as note:
                    note.text = f"{repo} {'public' if public else 'private'}"
                    complete_weights(run.run.folder, licence=licence or WEIGHT_LICENCES[0])
                    name = publish_weights(run.weights, repo.strip(), private=not public, pull_request=pull)
                    note.text = name
                st.success(f"Published: {plain(name, 200)}. Type it under Weights, here or on any other server.")
