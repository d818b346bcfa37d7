"""A server among others on one computer: memory goes back to the system, and waiting threads leave the cores alone."""

import ctypes
import gc
import os
import sys
from functools import cache
from pathlib import Path

ARENAS, MMAP_FROM = 2, 256 * 1024  # of glibc; see `keep_small`
_M_ARENA_MAX, _M_MMAP_THRESHOLD = -8, -3  # malloc.h


@cache
def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:  # another C library
        return None
    return library if hasattr(library, "malloc_trim") else None


def resident_bytes() -> int:
    """Memory that this process holds now; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def keep_small() -> None:
    """Call once, before threads begin: few arenas, so that freed memory is shared between threads; and pictures in
    pages of their own, which go back as soon as they are freed. Otherwise a server of many short threads keeps most of
    what it ever held.
    """
    if library := _glibc():
        library.mallopt(_M_ARENA_MAX, ARENAS)
        library.mallopt(_M_MMAP_THRESHOLD, MMAP_FROM)


def wait_asleep() -> None:
    """Call before torch is loaded; processes that are started later do the same. Threads of OpenMP sleep until the
    others are done. By default they keep their cores busy while they wait: 10 % quicker on a computer that does nothing
    else, but where pages, a training or another image need the cores, the network takes twice as long. What the
    environment says already stays.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def give_back() -> None:
    """Collect what nothing refers to any more, and give free pages back (glibc). Takes a few tenths of a second."""
    gc.collect()
    if library := _glibc():
        library.malloc_trim(0)
