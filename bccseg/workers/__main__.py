"""The worker process; see `bccseg.workers`. Not to be started by hand."""

import faulthandler
import logging
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

from bccseg.config import TURN_STUCK_SECONDS, WORKER_NICENESS, WORKER_PULSE_SECONDS
from bccseg.memory import give_back
from bccseg.workers.messages import Answer, Line, Order

if TYPE_CHECKING:
    from bccseg.workers.tasks import Tasks

log = logging.getLogger("bccseg")

STUCK = 3  # exit status


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
    threading.Thread(target=_look_after, args=(tasks,), name="pulse", daemon=True).start()
    while found := line.receive():
        order, body = found
        if order.kind == "stop":
            tasks.stop(order.task)
        else:
            tasks.begin(order, body)


def _look_after(tasks: "Tasks") -> None:
    """Tell the server that this process is there. Whenever work has ended, give memory back; forget networks that
    nobody asks for. End where a picture does not come forward: the server takes the others up again.
    """
    worked = False
    while True:
        time.sleep(WORKER_PULSE_SECONDS)
        tasks.tell_alive()
        if tasks.turns.held_s > TURN_STUCK_SECONDS:
            log.error("a picture has not come forward for %.0f s; where it stands:", tasks.turns.held_s)
            faulthandler.dump_traceback()
            os._exit(STUCK)
        if tasks.open:
            worked = True
        elif tasks.networks.forget_idle() or worked:
            worked = False
            give_back()


if __name__ == "__main__":
    sys.exit(main())
