"""The Train page's other half: how a run is doing, what earlier ones gave, and what to do with them."""

from dataclasses import replace

import plotly.graph_objects as go
import streamlit as st

from bccseg.imaging import charts
from bccseg.labels.records import MAX_TEXT
from bccseg.train.jobs import ALIVE, Run, all_runs, create_run, place_in_queue
from ui.collection import runs_root
from ui.compare import show_compare
from ui.errors import plain, shown
from ui.progress import duration
from ui.promoted import PREFIX, promote, promoted, roll_back
from ui.results_view import PLOT

STATES = {
    "queued": "waits for its turn", "preparing": "reads the images", "training": "training", "paused": "paused",
    "done": "done", "cancelled": "cancelled", "failed": "failed", "lost": "ended unexpectedly",
}  # fmt: skip
LICENCES = ["research use only", "CC BY 4.0", "CC BY-NC 4.0", "CC BY-NC-SA 4.0", "CC0 1.0"]
LICENCE_HELP = "It goes by the images that were learned from, and by the base weights. Choose, or type another."
COLOURS = [charts.COLOUR, "#5b7fb5", "#4c956c", "#c77d0a", "#7b5ea7"]
POLL_SECONDS = 1.0
MUCH_WAITING = 0.1  # share of the time; below it more processes for cutting crops would not help


@st.fragment(run_every=POLL_SECONDS)
def show_live(run: Run) -> None:
    """A run that is under way; when it ends, the page is drawn anew."""
    progress = run.progress
    if progress.state not in ALIVE:
        st.rerun()
    with st.container(border=True):
        st.markdown(f"**{plain(run.spec.name)}** {STATES[progress.state]}")
        before = place_in_queue(run) if progress.state == "queued" else 0
        st.progress(progress.share, text=f"{before} before it" if before else _where(run))
        facts = [plain(progress.device)] if progress.device else []
        if progress.images_per_second:
            facts.append(f"{progress.images_per_second:.0f} crops a second")
        if progress.memory_mb:
            facts.append(f"{progress.memory_mb / 1000:.1f} GB memory")
        if progress.loss is not None:
            facts.append(f"loss {progress.loss:.3f}")
        waiting = run.reports[-1].get("waiting") if run.reports else None
        if waiting and waiting > MUCH_WAITING:
            facts.append(f"waits {100 * waiting:.0f} % of the time for images")
        st.caption(" · ".join(facts) or "starting")
        for warning in progress.warnings:
            st.caption(f":material/warning: {plain(warning, 300)}")
        with st.container(horizontal=True):
            if progress.state == "paused":
                st.button("Go on", icon=":material/play_arrow:", on_click=run.say, args=("",))
            else:
                st.button(
                    "Pause",
                    icon=":material/pause:",
                    on_click=run.say,
                    args=("pause",),
                    disabled=progress.state != "training",
                )
            st.button("Cancel", icon=":material/stop_circle:", on_click=run.say, args=("cancel",),
                      help="Ends within seconds. What was learned is kept; resume goes on.")  # fmt: skip
        show_curves([run])
        show_preview(run)


def _where(run: Run) -> str:
    progress = run.progress
    if progress.message:
        return plain(progress.message)
    epoch = min(progress.epoch + 1, progress.epochs)
    return f"Epoch {epoch} of {progress.epochs}, batch {progress.step} of {progress.steps}{_left(run)}"


def _left(run: Run) -> str:
    """Time left at the pace of the finished epochs."""
    progress, reports = run.progress, run.reports
    if not reports:
        return ""
    pace = sum(r["seconds"] for r in reports[-5:]) / len(reports[-5:])
    return f", about {duration(pace * progress.epochs * (1 - progress.share))} left"


def show_curves(runs: list[Run]) -> None:
    """Loss and IoU by epoch: solid what is learned from, dotted what is checked on."""
    plots = st.columns(2)
    for column, key, title in ((plots[0], "loss", "Loss"), (plots[1], "iou", "IoU of cell pixels")):
        figure = go.Figure()
        for k, run in enumerate(runs):
            reports = run.reports
            epochs = [r["epoch"] for r in reports]
            name = run.spec.name if len(runs) > 1 else ""
            for part, dash, words in ((key, "solid", "training"), (f"val_{key}", "dot", "validation")):
                line = {"dash": dash, "color": COLOURS[k % len(COLOURS)]}
                values = [r[part] for r in reports]
                figure.add_scatter(x=epochs, y=values, name=f"{name} {words}".strip(), mode="lines+markers", line=line)
        legend = {"orientation": "h", "y": 1.15, "x": 1, "xanchor": "right"}
        figure.update_layout(title=title, height=280, margin={"l": 40, "r": 10, "t": 40, "b": 30}, legend=legend)
        longest = max((len(run.reports) for run in runs), default=0)
        figure.update_xaxes(title="epoch", dtick=1 if longest <= 12 else None)
        column.plotly_chart(figure, key=f"curve_{key}_{'_'.join(r.id for r in runs)}", config=PLOT)


def show_preview(run: Run) -> None:
    """Crops the network has not learned from: image, each map as predicted and as it should be."""
    path = run.folder / "preview.png"
    if path.exists():
        with st.expander("What it sees", icon=":material/visibility:"):
            st.image(path.read_bytes(), caption="Image; then each map as predicted, and as it should be")
    if text := run.console():
        with st.expander("Log", icon=":material/notes:"):
            st.code(text, language=None)


def show_history() -> None:
    """Finished runs: curves over one another, compare, promote, resume, delete."""
    runs = [run for run in all_runs(runs_root()) if run.progress.state not in ALIVE]
    own = promoted()
    if own.names:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"The app uses weights of its own training: **{plain(own.current)}**")
            if st.button("Back to the ones before", icon=":material/undo:"):
                roll_back()
                st.rerun()
    if not runs:
        st.info("No run has ended yet.")
        return
    names = {run.id: f"{run.spec.name} ({run.id[:8]}, {STATES[run.progress.state]})" for run in runs}
    picked = st.multiselect("Show", list(names), default=[runs[0].id], format_func=names.__getitem__, max_selections=5)
    chosen = [run for run in runs if run.id in picked]
    if chosen:
        show_curves(chosen)
    for run in chosen:
        _show_ended(run)


def _show_ended(run: Run) -> None:
    progress, spec = run.progress, run.spec
    with st.container(border=True):
        best = min(run.reports, key=lambda r: r["val_loss"], default=None)
        found = f" · best epoch {best['epoch']}: validation IoU {best['val_iou']:.3f}" if best else ""
        st.markdown(
            f"**{plain(spec.name)}** · {STATES[progress.state]} · {progress.epoch} of {progress.epochs} epochs{found}"
        )
        if progress.message and progress.state != "done":
            tell = st.error if progress.state == "failed" else st.info
            tell(plain(progress.message, 800))
        for warning in progress.warnings:
            st.caption(f":material/warning: {plain(warning, 300)}")
        with st.container(horizontal=True), shown():
            if progress.state in ("cancelled", "failed", "lost") and st.button(
                "Resume", icon=":material/play_arrow:", key=f"resume_{run.id}"
            ):
                run.start()
                st.rerun()
            if (
                progress.out_of_memory
                and spec.config.batch_size > 1
                and st.button(
                    f"Start anew with batch {spec.config.batch_size // 2}", type="primary", key=f"halve_{run.id}"
                )
            ):
                halved = replace(spec.config, batch_size=spec.config.batch_size // 2)
                create_run(runs_root(), replace(spec, config=halved)).start()
                st.rerun()
            new = run.weights and promoted().current != PREFIX + run.id
            if new and st.button("Promote", type="primary", icon=":material/upgrade:", key=f"promote_{run.id}",
                                 help="Makes these the app's weights, for everyone. One click goes back."):  # fmt: skip
                promote(run)
                st.rerun()
            if st.button("Delete", icon=":material/delete:", key=f"delete_{run.id}"):
                run.delete()
                st.rerun()
        notes = st.text_area("Notes", value=run.notes, key=f"notes_{run.id}", height=80, max_chars=MAX_TEXT)
        if notes != run.notes:
            run.write_notes(notes)
        if run.weights:
            with st.container():  # what comes and goes in it does not move, and so reset, what is below
                show_compare(run)
            _show_publish(run)
        show_preview(run)


def _show_publish(run: Run) -> None:
    """Push the weights with their model card to the Hub."""
    from bccseg.model.weights import read_config

    with st.expander("Publish to the Hugging Face Hub", icon=":material/cloud_upload:"):
        repo = st.text_input("Repository", placeholder="owner/name", key=f"repo_{run.id}",
                             help="Made if it is not there. The server needs an HF_TOKEN that may write.")  # fmt: skip
        licences = list(dict.fromkeys([read_config(run.weights).licence or LICENCES[0], *LICENCES]))
        licence = st.selectbox("Licence", licences, key=f"licence_{run.id}", accept_new_options=True, help=LICENCE_HELP)
        with st.container(horizontal=True):
            public = st.toggle("Public", key=f"public_{run.id}", help="Off: only you see it. Counts when it is made.")
            pull = st.toggle("As a pull request", key=f"pull_{run.id}")
        if st.button("Publish", icon=":material/cloud_upload:", key=f"publish_{run.id}", disabled=not repo.strip()):
            from bccseg.hub import publish_weights
            from bccseg.train.publish import complete_weights

            with shown(), st.spinner("Pushing the weights"):
                complete_weights(run.folder, licence=licence or LICENCES[0])
                name = publish_weights(run.weights, repo.strip(), private=not public, pull_request=pull)
                st.success(f"Published: {plain(name, 200)}. Type it under Weights, here or on any other server.")
