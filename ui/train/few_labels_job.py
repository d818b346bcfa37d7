"""Learning classes from a few marked cells, in a thread; the page reads how far it is."""

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

from bccseg.annotation.store import LabelStore
from bccseg.classes import ClassSet
from bccseg.errors import BccsegError, Stopped
from ui.shared.predictors import own_predictors
from ui.train.marked_images import MarkedImage

log = logging.getLogger("bccseg")


@dataclass
class FewLabelsJob:
    """The page reads the fields; only the thread writes them."""

    images: list[MarkedImage]
    classes: ClassSet
    weights: str  # by the name that people choose
    base: Path  # folder of those weights
    name: str
    runs: Path
    collection: LabelStore
    share: float = 0.0
    doing: str = "Loading the network"
    run: str = ""  # id of the run that it became
    error: str = ""
    finished: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)

    def start(self) -> "FewLabelsJob":
        """Begin."""
        threading.Thread(target=self._work, name="bccseg-few-labels", daemon=True).start()
        return self

    def stop(self) -> None:
        """Ask it to end; it does before the next image."""
        self._stop.set()

    def _work(self) -> None:
        try:
            self._learn()
        except Stopped:
            log.info("learning classes was stopped")
        except BccsegError as error:
            self.error = str(error)
        except Exception:
            log.exception("classes were not learned")
            self.error = "Something went wrong inside bccseg; the server's log says what. Try again."
        finally:
            self.finished.set()

    def _learn(self) -> None:
        from bccseg.jobs.few_labels_run import create_few_labels_run
        from bccseg.training.cell_head_learning import learn_cell_head
        from bccseg.training.few_labels import describe_cells

        loaded = own_predictors().request(self.weights, "auto").result()
        if loaded.trouble:
            raise BccsegError(loaded.trouble)
        self.doing = "Reading the images"
        fields = [image.read(self.collection, self.classes) for image in self.images]
        cells = describe_cells(loaded.predictor, fields, self._tell)
        self._tell(1.0, "Learning the classes")
        learned = learn_cell_head(cells, self.classes.classes)
        self.run = create_few_labels_run(self.runs, self.name, self.base, learned).id

    def _tell(self, share: float, doing: str) -> None:
        self.share, self.doing = 0.9 * share, doing
        if self._stop.is_set():
            raise Stopped("Stopped.")
