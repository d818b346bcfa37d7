"""What the class names of a file become here: asked where they are not those of the collection."""

import streamlit as st

from bccseg.annotation.class_mapping import class_name, suggest_class
from bccseg.annotation.import_parts import Dataset
from bccseg.classes import ClassSet
from ui.shared.errors import plain

UNCLASSIFIED = "Leave unclassified"
EXPLAINED = (
    "What a class is called here. New ones join the classes of the collection; cells that are left unclassified can be "
    "classified later."
)
MANY = 12  # names; more are scrolled


def ask_for_classes(about: Dataset, classes: ClassSet, key: str) -> dict[str, str]:
    """A choice for each class name of the source: what was not left as guessed, ours by theirs, for `map_classes`.

    Nothing is asked where all names are ours. key: of the widgets; another one for another source.
    """
    counts = about.class_counts
    if all(classes.find(name) for name in counts):
        return {}
    ours = [one.name for one in classes.classes]
    words = {one.name: one.words for one in classes.classes}
    st.markdown("**Classes in this file**", help=EXPLAINED)
    chosen: dict[str, str] = {}
    with st.container(
        horizontal=True, gap="small", height=320 if len(counts) > MANY else "content", border=len(counts) > MANY
    ):
        for number, (name, count) in enumerate(sorted(counts.items(), key=lambda pair: -pair[1])):
            guess = suggest_class(name, classes)
            new = list(dict.fromkeys(n for n in (guess, class_name(name)) if n and n not in ours))
            options = [*ours, *new, ""]
            answer = st.selectbox(
                f"{plain(name, 60)} :gray[{count:,}]", options, index=options.index(guess), key=f"{key}_{number}",
                format_func=lambda value: words.get(value) or (f"New class: {value}" if value else UNCLASSIFIED),
                width=230,
            )  # fmt: skip
            if answer != guess:  # a guess that cannot be had, one class too many, say, must not stop the import
                chosen[name] = answer
    return chosen
