"""The worker's side of a task: a thread that segments one file whenever it is its turn."""

import logging
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from bccseg.config import LARGE_MEGAPIXELS, LARGE_PICTURES_AT_ONCE, TURN_SECONDS
from bccseg.errors import BccsegError, Stopped, WeightsError
from bccseg.inference.batch import Failure, segment_entries
from bccseg.io.archive import Entry
from bccseg.io.images import count_pixels
from bccseg.io.packing import pack
from bccseg.model.device import describe_device
from bccseg.report.result import ImageResult
from bccseg.workers.messages import Answer, Found, Line, Network, Order
from bccseg.workers.networks import Networks
from bccseg.workers.turns import Turn, Turns

log = logging.getLogger("bccseg")

TROUBLE = "Something went wrong inside bccseg; the server's log says what. Try again."


class Tasks:
    """What a worker does, and for whom. All tasks may be open at once; one computes."""

    def __init__(self, line: Line[Order], networks: Networks, turns: Turns | None = None) -> None:
        self.line, self.networks = line, networks
        self.turns = turns or Turns(TURN_SECONDS)
        self.large = threading.Semaphore(LARGE_PICTURES_AT_ONCE)  # that are unpacked
        self._stopped: dict[int, threading.Event] = {}

    @property
    def open(self) -> int:
        """How many there are."""
        return len(self._stopped)

    def tell_alive(self) -> None:
        """The server ends a worker that it does not hear of."""
        self._send(Answer(kind="alive"))

    def begin(self, order: Order, body: bytes) -> None:
        """Take an order up; it goes on in a thread."""
        self._stopped[order.task] = threading.Event()
        threading.Thread(target=self._run, args=(order, body), name=f"task {order.task}", daemon=True).start()

    def stop(self, task: int) -> None:
        """Let a task end at its next tile."""
        if event := self._stopped.get(task):
            event.set()
            self.turns.wake()

    def _run(self, order: Order, body: bytes) -> None:
        try:
            last = self._load(order) if order.kind == "load" else self._segment(order, body)
        except Stopped:
            last = Answer(kind="stopped", task=order.task)
        except BccsegError as error:
            last = Answer(kind="error", task=order.task, text=str(error))
        except Exception:
            log.exception("a task failed")
            last = Answer(kind="error", task=order.task, text=TROUBLE)
        del self._stopped[order.task]
        self._send(last)

    def _send(self, answer: Answer, body: bytes = b"") -> None:
        try:
            self.line.send(answer, body)
        except (OSError, ValueError):  # the server is gone, and so will this process be
            log.info("nobody listens any more")

    def _load(self, order: Order) -> Answer:
        predictor = self.networks.get(_network(order))
        return Answer(kind="loaded", task=order.task, text=describe_device(predictor.device, predictor.dtype))

    def _segment(self, order: Order, body: bytes) -> Answer:
        predictor = self.networks.get(_network(order))
        stopped = self._stopped[order.task].is_set
        turn = Turn(self.turns, order.visitor, stopped)
        large = count_pixels(body) > LARGE_MEGAPIXELS * 1e6

        def tell(share: float) -> None:
            self._send(Answer(kind="share", task=order.task, share=share))
            if large and share >= 1:  # the tiles are done: measuring is long, too, and needs no network
                turn.leave()
                turn.check()
            else:
                turn.hand_over()

        with self._room(turn) if large else turn.whole():
            entries = [Entry(order.name, body)]
            for outcome in segment_entries(
                entries, predictor, order.settings, order.pixel_size_um, tell, set(order.taken)
            ):
                self._send(*_told(order.task, outcome))
                turn.check()
        return Answer(kind="done", task=order.task)

    @contextmanager
    def _room(self, turn: Turn) -> Iterator[None]:
        """Few large pictures are unpacked at once, for their memory. They take the turn for their tiles alone."""
        while not self.large.acquire(timeout=0.2):
            turn.check()
        try:
            yield
        finally:
            turn.leave()
            self.large.release()


def _network(order: Order) -> Network:
    if order.network is None:
        raise WeightsError("No weights were named. Choose some.")
    return order.network


def _told(task: int, outcome: ImageResult | Failure) -> tuple[Answer, bytes]:
    if isinstance(outcome, Failure):
        return Answer(kind="failure", task=task, name=outcome.name, text=outcome.reason), b""
    found = Found(outcome.without_pixels(), zlib.compress(outcome.labels.tobytes(), 1))
    return Answer(kind="result", task=task), pack(found)
