"""Widget values that survive a visit to another page: Streamlit forgets those of widgets not on screen."""

from typing import Any

import streamlit as st

STORE = "kept_values"


def restore(key: str, default: Any) -> None:
    """Before a widget with this key: give it the value it had, or the default.

    Set even where it is there: on another page the same key is a new widget, which would start with its default.
    """
    kept = st.session_state.setdefault(STORE, {}).get(key, default)
    st.session_state[key] = st.session_state.get(key, kept)


def save(key: str) -> Any:
    """After the widget: remember its value and return it."""
    st.session_state.setdefault(STORE, {})[key] = st.session_state[key]
    return st.session_state[key]


def reset(defaults: dict[str, Any]) -> None:
    """Give widgets their defaults again; for use as a button's callback."""
    st.session_state.setdefault(STORE, {}).update(defaults)
    for key, value in defaults.items():
        st.session_state[key] = value
