"""What server and worker say to each other: a record as JSON, and bytes beside it. Nothing is unpickled.

On the line: 4 bytes length of the record, 8 bytes length of the body, both big-endian; the record; the body.
"""

import struct
import threading
from dataclasses import dataclass
from typing import BinaryIO, Generic, Literal, TypeVar

from bccseg.config import SegmentSettings
from bccseg.report.result import MeasuredImage
from bccseg.schema import Schema

HEAD = struct.Struct(">IQ")
Kind = TypeVar("Kind", bound=Schema)


class Network(Schema):
    """Weights on a device, as the server has found them; a worker that was restarted loads them by this."""

    folder: str  # of the weights: a path of the server's own, never a visitor's
    source: str  # what results call them
    device: str = "auto"


class Order(Schema):
    """From the server. A file that is to be segmented is the body."""

    kind: Literal["load", "segment", "stop"]
    task: int
    network: Network | None = None
    visitor: str = ""  # whose turn it is goes by this
    name: str = ""  # of the file
    settings: SegmentSettings = SegmentSettings()
    pixel_size_um: float | None = None
    taken: tuple[str, ...] = ()  # file stems in use, lower case


class Answer(Schema):
    """From the worker. A result (`Found`, packed) is the body."""

    kind: Literal["hello", "alive", "loaded", "share", "result", "failure", "done", "stopped", "error"]
    task: int = 0
    share: float = 0.0  # of the picture under way
    name: str = ""  # of a file that failed
    text: str = ""  # why; or the device, for people
    devices: tuple[str, ...] = ()  # hello: those there are, first the one that "auto" takes

    @property
    def last(self) -> bool:
        """Whether nothing follows in this task."""
        return self.kind in {"loaded", "done", "stopped", "error"}


@dataclass(frozen=True)
class Found:
    """What one picture gave, as it travels."""

    measured: MeasuredImage
    labels: bytes  # int32, zlib


class Line(Generic[Kind]):
    """One end of a pipe. Several threads may send; one receives."""

    def __init__(self, kind: type[Kind], reads: BinaryIO, writes: BinaryIO) -> None:
        self.kind, self._reads, self._writes = kind, reads, writes
        self._sending = threading.Lock()

    def send(self, record: Schema, body: bytes = b"") -> None:
        """Raises OSError or ValueError if the other side is gone."""
        text = record.to_json()
        with self._sending:
            self._writes.write(HEAD.pack(len(text), len(body)) + text)
            self._writes.write(body)
            self._writes.flush()

    def receive(self) -> tuple[Kind, bytes] | None:
        """The next record and its body; None when the other side is gone."""
        head = self._reads.read(HEAD.size)
        if len(head) < HEAD.size:
            return None
        size, body_size = HEAD.unpack(head)
        text, body = self._reads.read(size), self._reads.read(body_size)
        if len(text) < size or len(body) < body_size:
            return None
        return self.kind.from_json(text), body

    def close(self) -> None:
        """Let the other side know that nothing follows."""
        for end in (self._writes, self._reads):
            try:
                end.close()
            except OSError:  # it is gone already
                continue
