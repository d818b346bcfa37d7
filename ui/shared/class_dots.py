"""Words with a dot in the colour of a class before them. No text from outside becomes HTML: only colours do."""

import re

import streamlit as st

COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


def dot_style(key: str, inside: str, colours: list[str]) -> None:
    """A dot before `inside`, a CSS selector, of each container or button `<key>_<k>`, in the colour number k."""
    own = [f".st-key-{key}_{k} {{ --class: {one}; }}" for k, one in enumerate(colours) if COLOUR.fullmatch(one)]
    st.html(
        f"<style>[class*='st-key-{key}_'] {inside}::before {{ content: ''; width: 0.8em; height: 0.8em; "
        "border-radius: 50%; display: inline-block; margin-right: 0.45em; flex: none; background: var(--class); } "
        f"{' '.join(own)}</style>"
    )


def dots(key: str, lines: list[tuple[str, str]]) -> None:
    """Lines of Markdown, each with its colour "#RRGGBB", in a row."""
    dot_style(key, "p", [colour for _, colour in lines])
    with st.container(horizontal=True, gap="small", key=f"{key}s"):
        for k, (text, _) in enumerate(lines):
            with st.container(key=f"{key}_{k}", width="content"):
                st.markdown(text, width="content")
