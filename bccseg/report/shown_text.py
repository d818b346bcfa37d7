"""Text from people (names of files, classes, runs, samples) on its way into something that reads markup."""

import html
import re

MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+!|~$])")


def chart_text(text: str) -> str:
    """As Plotly shows it: `<b>` stays three characters, and a template's `%{x}` is no template."""
    return html.escape(one_line(text), quote=False).replace("%{", "%\u200b{")


def markdown_text(text: str) -> str:
    """As Markdown shows it, on one line, also inside a table."""
    return MARKDOWN.sub(r"\\\1", one_line(text))


def one_line(text: str) -> str:
    """Printable, without line breaks."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
