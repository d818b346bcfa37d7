"""Regions on Segment: what the browser sends, applied to the visit; kept, renamed, copied, and in what is shown."""

import pytest

from bccseg.imaging.regions import Region
from tests.ui.test_pages import button, finish, fresh
from ui.components.shapes import read_command
from ui.segment.region_edits import DONE, change_regions, place_of
from ui.shared.region_commands import apply_commands, rename

SQUARE = [[10, 10], [60, 50]]


def sent(number, act="put", name="Frame 1", points=SQUARE, kind="frame", place="a", **more):
    return {"number": number, "act": act, "place": place, "name": name, "kind": kind, "points": points, **more}


def command(*values, **more):
    return read_command(sent(*values, **more))


def test_strokes_become_regions_in_order():
    drawn = [
        command(1, new=True),
        command(2, name="Region 1", kind="polygon", points=[[0, 0], [50, 0], [0, 50]], new=True),
    ]
    regions = apply_commands((), drawn)
    assert [(r.name, r.kind) for r in regions] == [("Frame 1", "frame"), ("Region 1", "polygon")]
    moved = apply_commands(regions, [command(3, points=[[20, 10], [70, 50]])])
    assert [r.points[0] for r in moved] == [(20, 10), (0, 0)]
    assert apply_commands(moved, [command(4, "delete", points=[])]) == moved[1:]


def test_a_stroke_that_comes_twice_is_done_once():
    once = apply_commands((), [command(1, new=True)])
    assert apply_commands(once, [command(1, new=True)]) == once


def test_two_tabs_that_use_one_name_keep_both():
    both = apply_commands((), [command(1, new=True), command(2, points=[[0, 0], [9, 9]], new=True)])
    assert [r.name for r in both] == ["Frame 1", "Frame 1 (2)"]


@pytest.mark.parametrize(
    "entry",
    [None, 5, {}, sent(1, "spray"), sent("x"), sent(1, points=[["a", 1]]), sent(1, points=[[1e9, 0]]),
     sent(1, points=3), sent(1, points=[[float("nan"), 1]]), {**sent(1), "number": None}],
)  # fmt: skip
def test_what_is_not_understood_is_left_out(entry):
    assert read_command(entry) is None


@pytest.mark.parametrize("points", [[], [[1, 1]], [[1, 1], [1, 9]]])
def test_a_region_without_an_area_is_none(points):
    assert apply_commands((), [command(1, points=points, new=True)]) == ()


def test_names_stay_different():
    regions = apply_commands((), [command(1, new=True), command(2, name="Frame 2", points=[[0, 0], [9, 9]], new=True)])
    assert [r.name for r in rename(regions, "Frame 2", "Frame 1")] == ["Frame 1", "Frame 1 (2)"]
    assert [r.name for r in rename(regions, "Frame 1", " feathered edge ")] == ["feathered edge", "Frame 2"]


def draw(at, *entries):
    """As if the surface had sent it: its callback runs before the page."""
    state = at.session_state["session"]
    for entry in entries:
        change_regions(state, entry["place"], lambda there, e=entry: apply_commands(there, [read_command(e)]))
    return at.run()


def test_regions_are_counted_named_and_exported():
    at = fresh()
    button(at, "Try an example").click().run()
    finish(at)
    state = at.session_state["session"]
    place, shape = place_of(state.results[0]), state.results[0].measured.shape
    whole = [[0, 0], [shape[1], shape[0]]]
    at.session_state["image_tabs"] = "Regions"
    draw(
        at, sent(1, points=whole, place=place, new=True), sent(2, points=SQUARE, name="Frame 2", place=place, new=True)
    )
    assert not at.exception
    stored = state.results[0]
    assert [r.name for r in stored.measured.regions] == ["Frame 1", "Frame 2"]
    assert at.session_state["open_result"][1].regions == stored.measured.regions
    table = next(d.value for d in at.dataframe if "region" in d.value)
    assert table["region"].tolist() == ["Whole image", "Frame 1", "Frame 2"]
    assert table["cell_count"][1] == stored.measured.summary.cell_count_in_frame
    button(at, "Delete all").click().run()
    assert state.results[0].measured.regions == ()
    assert not at.exception


def test_regions_stay_when_the_settings_change_and_when_segmented_again():
    at = fresh()
    button(at, "Try an example").click().run()
    finish(at)
    state = at.session_state["session"]
    draw(at, sent(1, place=place_of(state.results[0]), new=True))
    regions = state.results[0].measured.regions
    assert len(regions) == 1
    at.toggle(key="set_drop_border").set_value(True).run()
    at.text_input(key="set_pixel_size").set_value("0.1").run()
    assert state.results[0].measured.regions == regions
    at.toggle(key="set_auto").set_value(False).run()
    button(at, "Segment again").click().run()
    finish(at)
    assert state.results[0].measured.regions == regions
    assert state.results[0].measured.diameter_from == "given"


def test_a_region_of_a_given_size_is_in_the_middle():
    at = fresh()
    button(at, "Try an example").click().run()
    finish(at)
    state = at.session_state["session"]
    at.text_input(key="set_pixel_size").set_value("0.1").run()
    at.session_state["image_tabs"] = "Regions"
    at.run()
    at.number_input(key="frame_width_µm").set_value(20.0).run()
    at.number_input(key="frame_height_µm").set_value(10.0).run()
    at.button(key="frame_add").click().run()
    (region,) = state.results[0].measured.regions
    height, width = state.results[0].measured.shape
    assert region == Region(
        name="Frame 1", kind="frame", points=((width / 2 - 100, height / 2 - 50), (width / 2 + 100, height / 2 + 50))
    )
    assert DONE not in at.session_state or at.session_state[DONE] == {}
