"""Who may use the device now. One at a time; the turn goes round by visitor, so that nobody waits for a whole batch."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bccseg.errors import Stopped


class Turns:
    """The device's turn. Among the tasks of one visitor who came first goes first."""

    def __init__(self, least_s: float = 0.0) -> None:
        self.least_s = least_s  # a turn is not handed over before
        self._changed = threading.Condition()
        self._holder: Turn | None = None
        self._waiting: dict[str, deque[Turn]] = {}  # by visitor, in the order of their turns

    def wake(self) -> None:
        """Let those who wait see whether they were stopped."""
        with self._changed:
            self._changed.notify_all()

    @property
    def waiting(self) -> int:
        """How many tasks wait."""
        with self._changed:
            return sum(map(len, self._waiting.values()))

    @property
    def held_s(self) -> float:
        """For how long one task has had the turn by now; 0 if none has."""
        with self._changed:
            return time.monotonic() - self._holder.since if self._holder else 0.0

    def _next(self) -> None:
        """The turn goes to the visitor who has waited longest since their last one."""
        self._holder = None
        for visitor in list(self._waiting):
            queue = self._waiting.pop(visitor)
            self._holder = queue.popleft()
            self._holder.since = time.monotonic()
            if queue:
                self._waiting[visitor] = queue  # at the end of the round
            break
        self._changed.notify_all()


class Turn:
    """One task's part in it. stopped: whether the task was asked to stop."""

    def __init__(self, turns: Turns, visitor: str, stopped: Callable[[], bool] = lambda: False) -> None:
        self.turns, self.visitor, self.stopped, self.since = turns, visitor, stopped, 0.0

    @property
    def held(self) -> bool:
        """Whether it is this task's turn."""
        return self.turns._holder is self  # noqa: SLF001  (two halves of one thing)

    def take(self) -> None:
        """Wait for the turn. Raises Stopped."""
        with self.turns._changed:  # noqa: SLF001
            if not self.held:
                self._wait()
        self.check()

    def _wait(self) -> None:
        """Into the queue, and out when it is this task's turn, which is then another's no more. Raises Stopped."""
        turns = self.turns
        turns._waiting.setdefault(self.visitor, deque()).append(self)  # noqa: SLF001
        if turns._holder in (None, self):  # noqa: SLF001
            turns._next()  # noqa: SLF001
        turns._changed.wait_for(lambda: self.held or self.stopped())  # noqa: SLF001
        if not self.held:
            self._forget()
            raise Stopped("Stopped.")

    @contextmanager
    def whole(self) -> Iterator[None]:
        """The turn from the beginning to the end, but for what is handed over between. Raises Stopped."""
        self.take()
        try:
            yield
        finally:
            self.leave()

    def hand_over(self) -> None:
        """Let the others have theirs, then go on; at once if nobody waits. Raises Stopped."""
        self.check()
        with self.turns._changed:  # noqa: SLF001
            if self.held and time.monotonic() - self.since < self.turns.least_s:
                return
            self._wait()
        self.check()

    def leave(self) -> None:
        """Give the turn up, if it is held."""
        with self.turns._changed:  # noqa: SLF001
            if self.held:
                self.turns._next()  # noqa: SLF001

    def check(self) -> None:
        """Raises Stopped if the task was stopped; the turn is then given up."""
        if self.stopped():
            self.leave()
            raise Stopped("Stopped.")

    def _forget(self) -> None:
        waiting = self.turns._waiting  # noqa: SLF001
        queue = waiting[self.visitor]
        queue.remove(self)
        if not queue:
            del waiting[self.visitor]
