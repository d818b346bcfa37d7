"""Giving classes on the Correct page: keys, clicks, outlines, one doubtful cell after the other; and the class set."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from bccseg.annotation.drafts import DraftInfo, create_draft, open_draft
from bccseg.annotation.store import LabelStore
from bccseg.classes import UNCLASSIFIED, CellClass, CellMark, ClassSet
from tests.ui.test_pages import APP, button
from ui.components.draw_surface import Command, read_command
from ui.correct.places import by_doubt
from ui.correct.session import CorrectionSession
from ui.correct.tools import HOTKEYS, TOOLS
from ui.shared.class_editor import KEY
from ui.shared.class_keys import FREE, NEXT_DOUBTFUL, TAKE_AWAY

SHAPE = (300, 400)
CENTRES = [(50, 60), (50, 160), (50, 260), (150, 60), (150, 160), (250, 200)]  # y, x
RED, WHITE = CellMark(name="red"), CellMark(name="white")
ROOM = (400, 300)  # one screen px an image px


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("BCCSEG_STORE", str(tmp_path))
    return LabelStore(tmp_path)


def network(name, score):
    return CellMark(name=name, by="network", score=score)


def draft_of(store, **cells):
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    labels = np.zeros(SHAPE, np.int32)
    for k, (cy, cx) in enumerate(CENTRES, start=1):
        labels[(y - cy) ** 2 + (x - cx) ** 2 <= 25**2] = k
    image = np.where(labels[..., None] > 0, (150, 90, 130), (225, 220, 228)).astype(np.uint8)
    marks = {int(k[1:]): mark for k, mark in cells.items()}
    return create_draft(store, image, labels, DraftInfo(name="a.png", diameter_px=50, cells=marks))


class Hand:
    """What the browser would send, one command after the other."""

    def __init__(self, draft, classes=None):
        self.session = CorrectionSession(draft, classes=classes or ClassSet())
        self.session.make_view(ROOM)
        self.number = 0

    def send(self, act, *points, **more):
        self.number += 1
        self.session.take([Command(self.number, act, self.session.make_view(ROOM), points, **more)])
        return self.session.draft.marks

    def key(self, name, *points, value=1, tool="class"):
        return self.send("class", *(points or ((0.0, 0.0),)), name=name, value=value, tool=tool)

    def stroke(self, *points, name="", tool="class"):
        return self.send("draw", *points, tool=tool, name=name)

    def on(self, cell):
        return float(CENTRES[cell - 1][1]), float(CENTRES[cell - 1][0])

    def ring(self):
        return self.session.ring(self.session.view)[:2]

    @property
    def ringed(self):
        """The cell that the ring is around."""
        x, y = self.session.view.to_image(*self.ring())
        return int(self.session.draft.labels[int(y), int(x)])


@pytest.fixture
def hand(store):
    return Hand(draft_of(store))


LASSO = ((20.0, 10.0), (210.0, 10.0), (210.0, 90.0), (20.0, 90.0))  # around cells 1 and 2


def test_a_key_gives_its_class_to_the_cell_under_the_pointer_and_is_then_in_hand(hand):
    assert hand.key("white", hand.on(2)) == {2: WHITE}
    assert hand.stroke(hand.on(4)) == {2: WHITE, 4: WHITE}, "a click gives what is in hand"
    assert hand.session.message == ("info", "White cell")
    assert hand.key("red", hand.on(2))[2] == RED, "a second thought"
    hand.session.undo()
    assert hand.session.draft.marks == {2: WHITE, 4: WHITE}
    assert open_draft(LabelStore(hand.session.draft.folder.parents[1]), hand.session.draft.id).marks == {
        2: WHITE, 4: WHITE,
    }  # fmt: skip


def test_an_outline_then_a_key_and_the_key_again(hand):
    assert hand.stroke(*LASSO) == {}
    kind, text = hand.session.message
    assert kind == "warning"
    assert "1 Red cell" in text
    assert hand.key("white", *LASSO) == {1: WHITE, 2: WHITE}
    assert hand.session.message[1] == "White cell × 2"
    assert hand.key("red", *LASSO) == {1: RED, 2: RED}
    assert hand.stroke(*LASSO, name="platelet")[2].name == "platelet"
    assert hand.session.message[1] == "Platelet × 2: -2 cells"
    assert hand.session.cells == 4
    assert hand.session.classing.beside() == "2 × Platelet"
    assert hand.key(UNCLASSIFIED, *LASSO) == {}
    assert hand.session.cells == 6


def test_a_click_by_a_hand_that_was_moving_is_a_click(hand):
    x, y = hand.on(3)
    assert hand.stroke((x, y), (x + 5, y + 4), (x + 14, y + 9), name="white") == {3: WHITE}
    assert hand.key("red", (x, y), (x + 3, y), (x + 3, y + 2)) == {3: RED}
    hand.key("red", (390.0, 290.0))
    assert hand.session.message == ("warning", "There is no cell there to classify.")


def test_with_other_tools_a_key_only_takes_its_class_in_hand_and_new_cells_have_it(hand):
    assert hand.key("white", hand.on(2), value=0, tool="paint") == {}
    assert hand.session.message == ("info", "White cell is in hand.")
    round_about = tuple((330 + 30 * np.cos(t), 60 + 30 * np.sin(t)) for t in np.linspace(0, 6, 40))
    marks = hand.stroke(*round_about, tool="add")
    assert marks == {7: WHITE}
    hand.stroke(*((x, y + 90) for x, y in round_about), tool="add", name=UNCLASSIFIED)
    assert hand.session.draft.marks == {7: WHITE}
    assert hand.session.cells == 8


def test_a_key_right_after_a_cell_was_added_by_a_click_is_for_that_cell(hand, monkeypatch):
    monkeypatch.setattr("ui.correct.click_tools.ClickTools._look", lambda _self: None)
    session, image = hand.session, hand.session.draft.image
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    image[(y - 150) ** 2 + (x - 300) ** 2 <= 25**2] = (150, 90, 130)
    assert hand.stroke((300.0, 150.0), tool="add", name="red") == {7: RED}
    assert hand.key("white", value=0, tool="add") == {7: WHITE}
    assert [edit.kind for edit in session.draft.history.edits] == ["add"]
    session.handle_hotkey("size:+")
    assert session.draft.marks == {7: WHITE}
    session.undo()
    assert session.draft.marks == {}


def test_doubtful_classes_come_one_by_one_and_a_key_goes_on(store):
    hand = Hand(draft_of(store, c1=network("red", 0.99), c2=network("white", 0.4), c3=RED, c4=network("red", 0.7),
                         c6=network("platelet", 0.5)))  # fmt: skip
    session = hand.session
    hand.send("next", (0.0, 0.0))
    assert session.tool == "class"
    assert hand.ringed == 5, "nothing is known of it"
    assert "5 left; this one: no class yet" in session.message[1]
    hand.key("red", hand.ring(), value=2)
    assert session.message == ("info", "Red cell. 4 left; this one: White cell, score 0.40")
    hand.key("white", hand.ring(), value=2)
    assert hand.ringed == 6
    session.handle_hotkey("back")
    assert hand.ringed == 2, "also what was given a class since"
    hand.key("white", hand.ring(), value=2)
    assert hand.ringed == 6, "it has it already: on it goes"
    for _ in range(3):
        hand.key("red", hand.ring(), value=2)
    assert session.draft.marks == {**dict.fromkeys((1, 3, 4, 5, 6), RED), 2: WHITE}
    assert "A person has given every cell its class" in session.message[1]
    assert len(session.draft.history.edits) == 5
    session.undo()
    hand.send("next", (0.0, 0.0))
    assert hand.ringed == 1


def test_a_key_that_was_pressed_before_the_ring_moved_is_for_the_cell_that_was_ringed(store):
    """Two keys within one answer of the server: both were meant for what was in sight."""
    hand = Hand(draft_of(store, c1=network("red", 0.1), c2=network("red", 0.2), c3=network("red", 0.3)))
    for cell in range(4, 7):
        hand.key("red", hand.on(cell))
    hand.send("next", (0.0, 0.0))
    seen, view = hand.ring(), hand.session.view
    hand.session.take([
        Command(100 + k, "class", view, (seen,), "class", 2, name) for k, name in enumerate(("red", "white"))
    ])  # fmt: skip
    assert hand.session.draft.marks[1] == WHITE
    assert hand.session.draft.marks[2] == network("red", 0.2)
    assert hand.ringed == 2, "it went on once"


def test_undo_right_after_a_key_undoes_that_key(hand, monkeypatch):
    """The button's callback runs before the page has taken what was drawn."""
    hand.key("white", hand.on(1))
    key = Command(99, "class", hand.session.view, (hand.on(2),), "class", 1, "red")
    monkeypatch.setattr("ui.correct.session.commands_since", lambda _, done: [key] if done < key.number else [])
    hand.session.in_turn(hand.session.undo)
    assert hand.session.draft.marks == {1: WHITE}
    hand.session.in_turn(hand.session.redo)
    assert hand.session.draft.marks == {1: WHITE, 2: RED}


def test_the_picture_stays_where_it_is_while_the_next_cell_is_in_sight(store):
    hand = Hand(draft_of(store))
    hand.session.zoom = 1.0
    hand.send("next", (0.0, 0.0))
    before = hand.session.make_view(ROOM)
    hand.key("red", hand.ring(), value=2)
    assert hand.session.make_view(ROOM) == before
    hand.session.zoom, hand.session.middle = 4.0, hand.on(1)
    hand.key("red", hand.on(6), value=1)
    hand.session.doubtful.current = None
    hand.send("next", (0.0, 0.0))
    assert hand.ringed == 2
    assert abs(np.subtract(hand.session.middle, hand.on(2))).max() < 1, "it was out of sight"


def test_the_order_is_by_score_and_else_as_one_reads(store):
    labels = draft_of(store).labels
    assert by_doubt(labels, {}, 50) == [1, 2, 3, 4, 5, 6]
    marks = {1: network("red", 0.2), 4: network("red", 0.9), 5: CellMark(name="red", by="network")}
    assert by_doubt(labels, marks, 50) == [2, 3, 6, 5, 1, 4]
    assert by_doubt(labels * 0, {}, 50) == []


def test_names_that_nobody_knows_are_shown_and_never_taken_from_the_browser(store):
    own = ClassSet(classes=(CellClass(name="red", colour="#E4572E", key="a"),))
    hand = Hand(draft_of(store, c1=CellMark(name="Blaste <b>")), own)
    lines = {line.name: line for line in hand.session.classing.counts()}
    assert list(lines) == ["red", "Blaste <b>", UNCLASSIFIED]
    assert (lines["Blaste <b>"].cells, lines[UNCLASSIFIED].cells) == (1, 5)
    assert lines["red"].key == "", "A is a tool's key"
    assert list(hand.session.classing.by_key()) == [TAKE_AWAY]
    assert hand.key("invented", hand.on(2)) == {1: CellMark(name="Blaste <b>")}
    assert hand.key("Blaste <b>", hand.on(2))[2].name == "Blaste <b>"
    hand.session.classing.use(ClassSet(classes=(CellClass(name="erythrocyte", colour="#E4572E", formerly=("red",)),)))
    assert hand.session.classing.name == "Blaste <b>"


def test_a_class_in_hand_follows_its_new_name_and_is_put_down_with_its_class(hand):
    hand.session.hold("white")
    assert hand.session.tool == "add", "new cells have it"
    assert "New cells have it" in hand.session.message[1]
    hand.session.tool = "paint"
    hand.session.hold("white")
    assert (hand.session.tool, hand.session.classing.name) == ("class", "white")
    hand.session.classing.use(ClassSet().renamed("white", "leukocyte"))
    assert hand.session.classing.name == "leukocyte"
    hand.session.classing.use(ClassSet(classes=()))
    assert hand.session.classing.name == ""
    hand.session.classing.use(ClassSet())
    hand.session.hold("white")
    hand.session.hold("white")
    assert hand.session.classing.name == ""


def test_keys_of_classes_do_nothing_else():
    taken = {*HOTKEYS, *(tool.key for tool in TOOLS.values()), *"zyn0rc", TAKE_AWAY, NEXT_DOUBTFUL}
    assert not taken & set(FREE)
    assert len({tool.key for tool in TOOLS.values()}) == len(TOOLS)
    assert not {TAKE_AWAY, NEXT_DOUBTFUL} & (set(HOTKEYS) | set("zyn0"))
    assert all(one.key in FREE for one in ClassSet().classes)


def test_what_a_browser_sends_is_checked():
    entry = {"view": [0, 0, 4, 4, 4, 4], "points": [[1, 1]], "number": 1, "act": "class", "name": "x" * 9000}
    assert len(read_command(entry).name) == 200
    assert read_command({**entry, "name": None}).name == "None"


# --- the class set of the collection


def window():
    """The editor's window by itself: AppTest closes a dialog at the first click in it."""
    import streamlit as st

    from ui.shared import class_editor

    if class_editor.KEY not in st.session_state:
        saved = class_editor.store().class_set()
        st.session_state[class_editor.KEY] = class_editor.ClassDraft.of(saved, saved)
    class_editor._window.__wrapped__()


@pytest.fixture
def editor(store):
    at = AppTest.from_function(window, default_timeout=60).run()
    assert not at.exception
    return at


def test_it_opens_from_the_collection(store):
    info = store.add_image(np.full((20, 20, 3), 9, np.uint8), "a.png")
    store.save_version(info.id, np.ones((20, 20), np.int32), author="Ana")
    at = AppTest.from_file(APP, default_timeout=60).run().switch_page("pages/collection.py").run()
    at.button(key="collection_classes").click().run()
    assert not at.exception
    assert [t.value for t in at.text_input if t.label == "Name"] == ["red", "white", "platelet", "not a cell"]


def row(at, name):
    return next(one for one in at.session_state[KEY].rows if one.name == name)


def test_classes_are_renamed_recoloured_added_and_put_in_order(editor, store):
    at = editor
    red, white = row(at, "red"), row(at, "white")
    at.text_input(key=f"class_name_{red.id}").set_value("erythrocyte")
    at.color_picker(key=f"class_colour_{red.id}").set_value("#123456")
    at.selectbox(key=f"class_key_{white.id}").set_value("w")
    at.run()
    at.button(key=f"class_up_{white.id}").click().run()
    at.button(key="class_add").click().run()
    new = at.session_state[KEY].rows[-1]
    at.text_input(key=f"class_name_{new.id}").set_value("blast").run()
    at.toggle(key=f"class_counts_{new.id}").set_value(False).run()
    at.button(key=f"class_out_{row(at, 'not a cell').id}").click().run()
    at.button(key="class_save").click().run()
    assert not at.exception
    classes = store.class_set().classes
    assert [(one.name, one.key, one.counted, one.formerly) for one in classes] == [
        ("white", "w", True, ()), ("erythrocyte", "1", True, ("red",)), ("platelet", "3", True, ()),
        ("blast", "2", False, ()),
    ]  # fmt: skip
    assert classes[1].colour == "#123456"
    assert classes[2].small


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ({"red": "  "}, "has no name"),
        ({"red": "1st"}, "begins with a letter"),
        ({"red": "White"}, "Two classes are called"),
        ({"red": "Unclassified"}, "without a class"),
        ({"red": "x", "white": "red"}, "was called 'red' before"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_saved(editor, store, names, words):
    at = editor
    for name, new in names.items():
        at.text_input(key=f"class_name_{row(at, name).id}").set_value(new)
    at.button(key="class_save").click().run()
    assert not at.exception
    assert any(words in e.value.replace("\\", "") for e in at.error)
    assert store.class_set() == ClassSet()


def test_what_somebody_else_saved_meanwhile_is_not_overwritten(editor, store):
    theirs = ClassSet().renamed("red", "erythrocyte")
    store.save_class_set(theirs)
    at = editor
    at.text_input(key=f"class_name_{row(at, 'white').id}").set_value("leukocyte")
    at.button(key="class_save").click().run()
    assert any("Somebody else" in e.value for e in at.error)
    assert store.class_set() == theirs


def test_another_set_to_begin_with_keeps_the_names_that_classes_had(editor, store):
    at = editor
    at.text_input(key=f"class_name_{row(at, 'white').id}").set_value("leukocyte")
    at.button(key="class_save").click().run()
    del at.session_state[KEY]
    at.run()
    button(at, "Shapes of red cells").click().run()
    at.button(key="class_save").click().run()
    found = store.class_set()
    assert found.find("white").name == "leukocyte"
    assert found.find("schistocyte")
    assert found.find("red") is None
