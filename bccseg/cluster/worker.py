"""What a worker of the cluster does: the network is loaded once, an item is read, segmented and written."""

import threading
import time
from pathlib import Path

from bccseg import __version__
from bccseg.cluster.addresses import read
from bccseg.cluster.records import DONE, Item, ItemRecord, PictureRecord, Work
from bccseg.errors import BccsegError, ImageError, WorkerError
from bccseg.files import write_atomically
from bccseg.imaging.pixel_size import doubt
from bccseg.inference.batch import Failure, segment_entries
from bccseg.inference.predictor import Predictor
from bccseg.io.archive import Entry
from bccseg.model.weight_sources import locate
from bccseg.model.weights import load_weights
from bccseg.report.result import ImageResult
from bccseg.report.result_files import write_result
from bccseg.report.run_record import RunRecorder
from bccseg.report.tables import summary_row

_loaded: dict[tuple[str, str, str], Predictor] = {}  # one at a time: a worker works for one run
_loading = threading.Lock()


def segment_item(work: Work, item: Item) -> ItemRecord:
    """Segment one item, unless it was done before, and write its files; the note that it is done comes last.

    Two workers that do the same item, because one was thought lost, write the same files, each by a rename. Raises
    WorkerError where this worker cannot do any item.
    """
    started, cpu = time.perf_counter(), time.process_time()
    _check(work)
    note = work.done_file(item)
    if kept := _kept(work, note):
        return kept
    predictor = the_predictor(work)
    recorder = RunRecorder()
    pictures: list[PictureRecord] = []
    failures: list[tuple[str, str]] = []
    try:
        entry = Entry(item.name, read(item.address))
    except OSError as error:
        entry = Entry(item.name, error=ImageError(f"The file cannot be opened ({error.strerror or error})."))
    for outcome in segment_entries([entry], predictor, work.settings, work.pixel_size_um, taken=set(item.taken)):
        if isinstance(outcome, Failure):
            failures.append((outcome.name, outcome.reason))
            continue
        try:
            write_result(outcome, Path(work.out), work.also, small_cells=work.small_cells)
        except (BccsegError, OSError) as error:
            failures.append((outcome.name, f"It could not be saved: {error}"))
            continue
        recorder.add(outcome, item.file)
        pictures.append(_picture(outcome))
    record = ItemRecord(
        pictures=tuple(pictures), failures=tuple(failures), run=recorder.record(), worker=_name(),
        seconds=time.perf_counter() - started, cpu_seconds=time.process_time() - cpu,
    )  # fmt: skip
    if not failures:
        note.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(note, record.to_json())
    return record


def the_predictor(work: Work) -> Predictor:
    """The network of a run, loaded by the first item that needs it. Raises WorkerError, WeightsError."""
    key = (work.weights_sha256, work.head_sha256, work.device)
    with _loading:
        if key not in _loaded:
            if work.threads:
                import torch

                torch.set_num_threads(work.threads)
            weights = load_weights(*locate(work.weights))
            head = weights.config.cell_head.sha256 if weights.config.cell_head else ""
            if (weights.config.sha256, head) != key[:2]:
                raise WorkerError(
                    f"The weights '{work.weights}' on the worker {_name()} are not those of the machine that began the "
                    "run. Put the same folder on every machine, or name weights of the Hub with their commit."
                )
            _loaded.clear()
            _loaded[key] = Predictor(weights, work.device)
        return _loaded[key]


def _check(work: Work) -> None:
    """Whether this worker can take part. Raises WorkerError."""
    if work.version != __version__:
        raise WorkerError(
            f"The worker {_name()} has bccseg {__version__}, the machine that began the run {work.version}. Install "
            "the same version on every machine."
        )
    if work.token and not (Path(work.out) / DONE / work.token).exists():
        raise WorkerError(
            f"The worker {_name()} does not see the folder '{work.out}' of the machine that began the run. Choose a "
            "folder for the results on a disk that all machines share, under the same path."
        )


def _kept(work: Work, note: Path) -> ItemRecord | None:
    """What an earlier run, or a worker that was lost since, has done of an item; None: it is to be done."""
    try:
        record = ItemRecord.from_json(note.read_bytes())
    except (OSError, BccsegError):
        return None
    there = all((Path(work.out) / f"{one.stem}_labels.png").exists() for one in record.pictures)
    return record if there else None


def _picture(result: ImageResult) -> PictureRecord:
    question = doubt(result.summary.median_diameter_px, result.pixel_size_um)
    return PictureRecord(stem=result.stem, row=summary_row(result), doubt=question or "")


def _name() -> str:
    from distributed import get_worker

    try:
        return str(get_worker().address)
    except ValueError:  # called without a cluster
        return "here"
