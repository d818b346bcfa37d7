"""How errors reach the person. The library raises BccsegError; only this module shows it."""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from bccseg.errors import BccsegError, Stopped

BANNER = "Research use only, not for diagnosis."
MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~$:])")
log = logging.getLogger("bccseg")


def plain(text: str, limit: int = 120) -> str:
    """Text from outside (a file name, say) so that Markdown and HTML in it show as they are, on one line."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) > limit:
        line = line[: limit - 20] + "…" + line[-19:]
    return MARKDOWN.sub(r"\\\1", line)


@contextmanager
def show_errors() -> Iterator[None]:
    """Show a BccsegError as a message; log anything else and say that it is our fault."""
    try:
        yield
    except Stopped:
        st.info("Stopped. What was finished is kept.")
    except BccsegError as error:
        st.error(plain(str(error), 600), icon=":material/error:")
