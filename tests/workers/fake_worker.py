"""A worker without a network. What it does with a file stands in the file's name:

ends      it ends, each time
once      it ends, but not if the file in FAKE_WORKER_SEEN is there already
freezes   it stands still, as a whole, but not if that file is there already
slow      it tells progress until it is asked to stop
pages     three pictures; with "once", it ends after the first
no start  (FAKE_WORKER_BROKEN) it ends before it says hello
"""

import os
import signal
import sys
import threading
import time
from pathlib import Path

if os.environ.get("FAKE_WORKER_BROKEN"):  # before the imports, which take a second
    sys.exit(3)

import numpy as np

from bccseg.io.packing import pack
from bccseg.report.result import ImageResult
from bccseg.workers.messages import Answer, Found, Line, Order

SEEN = Path(os.environ.get("FAKE_WORKER_SEEN", "/nowhere"))


def picture(name, size, by):
    """A result that says what it was made of: its height is the number of bytes of the file."""
    image, labels = np.zeros((size, 4, 3), np.uint8), np.zeros((size, 4), np.int32)
    result = ImageResult.measure(
        image, labels, np.zeros(0, np.float32), name=name, stem=name, diameter_px=9.0, device=by
    )
    return pack(Found(result.without_pixels(), labels.tobytes()))


def work(line, order, body, stopped):
    task, name = order.task, order.name
    if "ends" in name:
        os._exit(1)
    if "freezes" in name and not SEEN.exists():
        SEEN.write_text("")
        os.kill(os.getpid(), signal.SIGSTOP)
    for k in range(3 if "pages" in name else 1):
        line.send(Answer(kind="share", task=task, share=0.5))
        while "slow" in name and not stopped.is_set():
            line.send(Answer(kind="share", task=task, share=0.5))
            time.sleep(0.01)
        if stopped.is_set():
            line.send(Answer(kind="stopped", task=task))
            return
        line.send(Answer(kind="result", task=task), picture(f"{name} {k}", len(body), order.visitor))
        if "once" in name and not SEEN.exists():
            SEEN.write_text("")
            os._exit(1)
    line.send(Answer(kind="done", task=task))


def pulse(line):
    while True:
        time.sleep(0.02)
        line.send(Answer(kind="alive"))


if __name__ == "__main__":
    line, stops = Line(Order, sys.stdin.buffer, sys.stdout.buffer), {}
    line.send(Answer(kind="hello", devices=("cpu",)))
    threading.Thread(target=pulse, args=(line,), daemon=True).start()
    while found := line.receive():
        order, body = found
        if order.kind == "load":
            line.send(Answer(kind="loaded", task=order.task, text=f"process {os.getpid()}"))
        elif order.kind == "stop":
            stops[order.task].set()
        else:
            stops[order.task] = threading.Event()
            threading.Thread(target=work, args=(line, order, body, stops[order.task]), daemon=True).start()
