"""Tools of the Correct page, what can be shown of the labels, and the keys for both."""

from dataclasses import dataclass

from bccseg.report.viewport import Show


@dataclass(frozen=True)
class Tool:
    """One tool of the toolbar."""

    name: str
    title: str
    icon: str
    key: str
    help: str
    brush: bool = False
    colour: str = "#ffd500"


TOOLS = {
    tool.name: tool
    for tool in (
        Tool("add", "Add", ":material/add_circle:", "a",
             "Click on a cell that was missed, or draw around it. It takes background only.", colour="#00c85a"),
        Tool("paint", "Paint", ":material/brush:", "p",
             "Start inside a cell and paint what is missing of it.", brush=True, colour="rgba(0,200,90,0.55)"),
        Tool("erase", "Erase", ":material/ink_eraser:", "e",
             "Wipe away what is no cell. Through a cell, it makes two.", brush=True, colour="rgba(230,40,70,0.55)"),
        Tool("cut", "Cut", ":material/content_cut:", "c",
             "Click on a cell that is two, or draw a line across it. Another click tries the next line."),
        Tool("merge", "Merge", ":material/join:", "m",
             "Click where two pieces meet (with any tool: Shift + click), or draw from one into the other."),
        Tool("delete", "Delete", ":material/delete:", "d", "Click on a cell, or draw around several.",
             colour="#e62846"),
        Tool("fill", "Fill holes", ":material/format_color_fill:", "f", "Click on a cell that has holes."),
        Tool("smooth", "Smooth", ":material/gesture:", "s", "Click on a cell with a ragged outline."),
        Tool("class", "Class", ":material/label:", "k",
             "Point at a cell and press the key of its class; or choose a class, then click or draw around cells."),
        Tool("move", "Move", ":material/pan_tool:", "h", "Drag the image."),
    )
}  # fmt: skip
SHOWS: dict[Show, str] = {
    "outlines": "Outlines", "filled": "Filled", "classes": "Classes", "image": "Image only",
    "proposal": "First proposal", "changes": "Changes",
}  # fmt: skip
# Keys without a button that has them as its `shortcut`; Streamlit takes letters and digits for those, not + and -.
HOTKEYS = {
    **{tool.key: f"tool:{tool.name}" for tool in TOOLS.values()},
    "+": "zoom:in", "=": "zoom:in", "-": "zoom:out",
    "b": "back", "v": "show", "?": "keys", "[": "brush:-", "]": "brush:+",
    "ArrowLeft": "pan:-1,0", "ArrowRight": "pan:1,0", "ArrowUp": "pan:0,-1", "ArrowDown": "pan:0,1",
}  # fmt: skip
