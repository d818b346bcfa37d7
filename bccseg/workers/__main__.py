"""The worker process; see `bccseg.workers`. Not to be started by hand."""

import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from bccseg.config import WORKER_NICENESS
from bccseg.memory import give_back
from bccseg.workers.messages import Answer, Line, Order

if TYPE_CHECKING:
    from bccseg.workers.tasks import Tasks

TIDY_SECONDS = 5.0


def main() -> None:
    """Take orders until the server is gone."""
    reads, writes = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what some library prints must not get between the answers
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is the server's; this process ends after it
    logging.basicConfig(format="%(asctime)s worker %(levelname)s %(message)s", level=logging.INFO)
    if hasattr(os, "nice"):
        os.nice(WORKER_NICENESS)
    line = Line(Order, reads, writes)
    orders = threading.Thread(target=_work, args=(line,), daemon=True)
    orders.start()
    orders.join()
    os._exit(0)  # at once: tasks under way have nobody to answer to


def _work(line: Line[Order]) -> None:
    from bccseg.model.device import available_devices
    from bccseg.workers.networks import Networks
    from bccseg.workers.tasks import Tasks

    tasks = Tasks(line, Networks())
    line.send(Answer(kind="hello", devices=available_devices()))
    threading.Thread(target=_tidy, args=(tasks,), name="tidy", daemon=True).start()
    while found := line.receive():
        order, body = found
        if order.kind == "stop":
            tasks.stop(order.task)
        else:
            tasks.begin(order, body)


def _tidy(tasks: "Tasks") -> None:
    """Whenever work has ended, give memory back; forget networks that nobody asks for."""
    worked = False
    while True:
        time.sleep(TIDY_SECONDS)
        if tasks.open:
            worked = True
        elif tasks.networks.forget_idle() or worked:
            worked = False
            give_back()


if __name__ == "__main__":
    sys.exit(main())
