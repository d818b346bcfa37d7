"""New weights against those in use, on the same images the new ones have not learned from."""

import threading
from dataclasses import dataclass, field

import pandas as pd
import streamlit as st

from bccseg.errors import BccsegError
from bccseg.train.jobs import Run
from ui.errors import plain
from ui.promoted import PREFIX, folder_of, promoted

TITLES = {
    "f1": "F1 at IoU 0.5", "ap50": "AP50", "pq": "PQ", "dice": "Dice", "iou": "IoU",
    "boundary_px": "Outline distance (px)",
    "count_error": "Count error",
}  # fmt: skip
MIN_IMAGES = 5  # drawing from fewer again and again says little
LOWER_IS_BETTER = ("boundary_px", "count_error")


@dataclass
class Comparison:
    """A comparison in a thread; the page reads, the thread writes."""

    run: Run
    old: str
    part: str = "test"
    done: int = 0
    total: int = 0
    error: str = ""
    rows: list[dict[str, object]] = field(default_factory=list)
    worst: list[dict[str, object]] = field(default_factory=list)
    finished: threading.Event = field(default_factory=threading.Event)

    def start(self) -> "Comparison":
        """Begin."""
        threading.Thread(target=self._work, name="bccseg-compare", daemon=True).start()
        return self

    def _work(self) -> None:
        try:
            self._compare()
        except BccsegError as error:
            self.error = str(error)
        except OSError as error:
            self.error = f"A file could not be read ({error})."
        finally:
            self.finished.set()

    def _compare(self) -> None:
        from bccseg.imaging.bootstrap import paired_differences
        from bccseg.model.predict import Predictor
        from bccseg.model.sources import locate
        from bccseg.model.weights import load_weights
        from bccseg.train.evaluate import evaluate
        from bccseg.train.sources import gather

        spec = self.run.spec
        data = gather(spec.sources, self.run.folder / "data", spec.config.validation_share)
        pairs = data.test or data.validation
        self.part = "test" if data.test else "validation"
        self.total = 2 * len(pairs)
        old = (folder_of(self.old), self.old) if self.old.startswith(PREFIX) else locate(self.old)
        found = []
        for folder, name in (old, (self.run.weights, spec.name)):
            before = self.done
            predictor = Predictor(load_weights(folder, name), spec.device)
            found.append(evaluate(predictor, pairs, lambda k, _n, before=before: setattr(self, "done", before + k)))
        for name, difference in paired_differences(found[0].scores, found[1].scores).items():
            if name in TITLES:
                better = (difference.value < 0) == (name in LOWER_IS_BETTER)
                verdict = ("better" if better else "worse") if difference.beyond_noise else "within noise"
                if len(pairs) < MIN_IMAGES:
                    verdict = "too few images to tell"
                self.rows.append({
                    "Measure": TITLES[name], "In use": found[0].metrics[name], "New": found[1].metrics[name],
                    "Difference": difference.value, "from": difference.low, "to": difference.high, "Verdict": verdict,
                })  # fmt: skip
        self.worst = found[1].each()[:10]


def show_compare(run: Run) -> None:
    """Button, progress, and the table."""
    key, current = f"compare_{run.id}", promoted().current
    comparison: Comparison | None = st.session_state.get(key)
    if comparison is None or comparison.old != current:
        if st.button("Compare with the weights in use", icon=":material/compare:", key=f"start_{key}"):
            st.session_state[key] = Comparison(run, current).start()
            st.rerun()
        return
    if not comparison.finished.is_set():
        _poll(comparison)
        return
    if comparison.error:
        st.error(plain(comparison.error, 600))
        return
    part = "test images, which neither has learned from" if comparison.part == "test" else \
        "validation images: they chose the epoch of the new weights, so this favours the new a little"  # fmt: skip
    st.markdown(
        f"Against **{plain(comparison.old)}** on {comparison.total // 2} {part}; differences with 95 % intervals."
    )
    number = st.column_config.NumberColumn(format="%.4f")
    st.dataframe(pd.DataFrame(comparison.rows), hide_index=True, key=f"table_{key}",
                 column_config=dict.fromkeys(("In use", "New", "Difference", "from", "to"), number))  # fmt: skip
    with st.expander("Images with the new weights, worst first"):
        columns = ["image", "f1", "pq", "dice", "count_error", "count_bias"]
        st.dataframe(pd.DataFrame(comparison.worst)[columns], hide_index=True, key=f"worst_{key}")


@st.fragment(run_every=1.0)
def _poll(comparison: Comparison) -> None:
    if comparison.finished.is_set():
        st.rerun()
    share = comparison.done / max(1, comparison.total)
    st.progress(share, text=f"Comparing: image {comparison.done} of {comparison.total or '…'}")
