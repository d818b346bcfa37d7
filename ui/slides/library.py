"""The slides of this server, and what may be done with them."""

from collections.abc import Callable

import streamlit as st

from bccseg.accounts.roles import Action
from bccseg.errors import BccsegError
from bccseg.folders import slides_folder
from bccseg.slides.library import SlideLibrary
from ui.shared.account import acting
from ui.shared.errors import plain


def library() -> SlideLibrary:
    """The folder of slides as it is now."""
    return SlideLibrary(slides_folder())


def change(action: Action, on: str, do: Callable[..., object], *args: object) -> bool:
    """Do something if the person at work may; whether it was done. What may not be, or goes wrong, is said in a corner,
    so that this serves as a button's callback.
    """
    try:
        with acting(action, on):
            do(*args)
    except BccsegError as error:
        st.toast(plain(str(error), 600), icon=":material/block:", duration="long")
        return False
    return True
