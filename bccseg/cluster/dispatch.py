"""Handing items to the workers: few at a time, in groups, and again where a worker is lost."""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, TypeVar

from bccseg.errors import BccsegError, WorkerError

if TYPE_CHECKING:
    from distributed import Client, Future

T, R = TypeVar("T"), TypeVar("R")

# Handing out takes some milliseconds a task, whatever it is, so a task is a group of fields. It costs nothing where a
# worker is lost, because each field of a group is noted when it is done.
MOST_IN_GROUP = 32
GROUPS_A_WORKER = 4  # that wait at the scheduler, so that no worker waits and a million items fill no memory
FEWEST_GROUPS = 8  # before workers are there
QUIET_SECONDS = 30.0  # without a result, after which it is told how many workers there are
LOST = (
    "The connection to the cluster was lost. Give the same command again when it is back: what is done is not done "
    "again."
)
ENDED_WORKERS = "It ended the process of its worker several times, most likely for want of memory."


def run_items(
    client: "Client", do: Callable[[T], R], items: Sequence[T], on_quiet: Callable[[int], None] = lambda _workers: None
) -> Iterator[tuple[T, R | str]]:
    """Each item with what `do` made of it on a worker, or why it failed, in words; in the order they are done.

    do: picklable, and doing an item twice must do no harm: a group is done again as a whole where its worker is lost.
    A group that fails is parted, so that the item at fault fails alone. on_quiet: called with the number of workers
    when nothing came for a while. Raises WorkerError where a worker says that it can do no item, or the scheduler is
    gone.
    """
    size = max(1, min(MOST_IN_GROUP, len(items) // (GROUPS_A_WORKER * max(1, _threads(client)))))
    groups = deque(tuple(items[k : k + size]) for k in range(0, len(items), size))
    suspects: deque[T] = deque()  # were under way on workers that ended: each is done alone, when all else is done
    running: dict[Future, tuple[T, ...]] = {}
    while groups or running or suspects:
        alone = not (groups or running)
        if alone:
            groups.append((suspects.popleft(),))
        most = max(FEWEST_GROUPS, GROUPS_A_WORKER * _threads(client))
        while groups and len(running) < most:
            group = groups.popleft()
            running[client.submit(_do_group, do, group, pure=False)] = group
        for future in _finished(client, running, on_quiet):
            group = running.pop(future)
            error = _error(future)
            if error is None:
                yield from zip(group, future.result(), strict=True)
            elif _ended_its_worker(error) and not alone:
                suspects.extend(group)
            elif len(group) > 1:
                groups.extend((item,) for item in group)
            else:
                yield group[0], ENDED_WORKERS if _ended_its_worker(error) else f"{type(error).__name__}: {error}"


def _do_group(do: Callable[[T], R], group: tuple[T, ...]) -> list[R]:
    return [do(item) for item in group]


def _finished(client: "Client", running: "Collection[Future]", on_quiet: Callable[[int], None]) -> "set[Future]":
    """Those that have ended, once there are some; none where nothing came for a while."""
    from distributed import wait
    from distributed.utils import TimeoutError as NothingYet

    try:
        return set(wait(list(running), timeout=QUIET_SECONDS, return_when="FIRST_COMPLETED").done)
    except NothingYet:
        if client.status != "running":
            raise WorkerError(LOST) from None
        on_quiet(_threads(client))
        return set()
    except CancelledError as error:  # the client has given them up
        raise WorkerError(LOST) from error


def _error(future: "Future") -> BaseException | None:
    """Why a group failed; None: it did not. Raises WorkerError where no other would go better."""
    if future.status == "finished":
        return None
    if future.status != "error":
        raise WorkerError(LOST)
    error: Any = future.exception()
    if isinstance(error, BccsegError):  # what is wrong with an item comes as its result
        raise WorkerError(str(error)) from error
    return error


def _ended_its_worker(error: BaseException) -> bool:
    from distributed.scheduler import KilledWorker

    return isinstance(error, KilledWorker)


def _threads(client: "Client") -> int:
    """Of all workers; each does an item at a time. Raises WorkerError."""
    try:
        return sum(client.nthreads().values())
    except (OSError, AttributeError) as error:  # a client without scheduler has no `nthreads` at all
        raise WorkerError(LOST) from error
