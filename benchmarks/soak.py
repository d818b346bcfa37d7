"""Many people at once for minutes: uploading, segmenting, correcting, at a person's pace, over the app's own protocol.

    python benchmarks/soak.py [--sessions 20] [--minutes 10] [--thought 1 4] [--json FILE]

Each person uploads a drawn smear of 800 x 600 px, waits for the result, opens it on Correct, deletes cells one after
another (with --thought seconds between), goes back, and begins anew. An action is what a page answers: opening
a page, going from one to another, an edit until its effect is shown; not the time until an image is segmented, which
is told apart. One person has been there before. Everything is on this machine: people take processor time, too.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

from benchmarks.load import PICTURES, Client, Server, smear, spread

EDITS, AGAIN_S = 5, 8.0
SURFACE, ROOM, ROOM_PX = "bccseg_draw_surface", "bccseg_hotkeys", 1200  # components, and how wide this browser is
CORRECT = ("Correct this image", "Continue correcting")


@dataclass
class Person(Client):
    """A tab whose hand corrects."""

    buttons: dict[str, tuple[str, str]] = field(default_factory=dict)  # words -> id of the widget, of its fragment
    surface: dict[str, Any] = field(default_factory=dict)  # what is drawn on
    place: tuple[str, str] = ("", "")  # ids of the surface and its fragment
    room: str = ""  # id of what tells how wide the browser is
    edits: int = 0  # done
    lost: int = 0

    def _draw(self, message: ForwardMsg) -> None:
        super()._draw(message)
        element = message.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "button":
            self.buttons[element.button.label] = element.button.id, message.delta.fragment_id
        elif kind == "bidi_component" and element.bidi_component.component_name == ROOM:
            self.room = element.bidi_component.id
        elif kind == "bidi_component" and element.bidi_component.component_name == SURFACE:
            self.place = element.bidi_component.id, message.delta.fragment_id
            self.surface = json.loads(element.bidi_component.json)
            self.changed.set()

    async def press(self, words: tuple[str, ...]) -> None:
        """Press the first of these buttons that there is."""
        await self._until(lambda: not self.running and any(one in self.buttons for one in words))
        widget, fragment = next(self.buttons[one] for one in words if one in self.buttons)
        await self._tell(WidgetState(id=widget, trigger_value=True), fragment)

    async def go(self, page: str) -> None:
        """Go to another page by its hash."""
        self.page, self.buttons, self.surface, self._state = page, {}, {}, None
        runs = self.runs
        await self._rerun()
        await self._until(lambda: self.runs > runs and not self.running)

    async def tell_width(self) -> None:
        """As a browser does when the page is there."""
        await self._tell(WidgetState(id=self.room, json_value=json.dumps({"width": ROOM_PX})))

    async def _tell(self, state: WidgetState, fragment: str = "") -> None:
        message = BackMsg()
        message.rerun_script.page_script_hash, message.rerun_script.fragment_id = self.page, fragment
        message.rerun_script.widget_states.widgets.append(state)
        await self._send(message)

    async def delete(self, number: int, at: tuple[float, float]) -> None:
        """Press on a place with the tool that deletes, until the picture shows it; told again as a browser does."""
        command = {"number": number, "act": "draw", "view": self.surface["view"], "points": [at], "tool": "delete"}
        state = {"waiting": {"has": self.surface["name"], "commands": [command]}}
        widget = WidgetState(id=self.place[0], json_value=json.dumps(state))
        for _ in range(5):
            await self._tell(widget, self.place[1])
            with suppress(TimeoutError):
                await self._until(lambda: self.surface.get("done", 0) >= number, AGAIN_S)
                self.edits += 1
                return
        self.lost += 1


async def timed(kind: str, told: dict[str, list[float]], doing: Any) -> None:
    """Note how long it takes."""
    began = time.perf_counter()
    await doing
    told[kind].append(time.perf_counter() - began)


async def at_work(
    person: Person, end: float, told: dict[str, list[float]], thought_s: tuple[float, float], *, first: bool = False
) -> None:
    """Image after image until the time is over; or, for the `first` one, one image."""
    dice, images = random.Random(person.token), 0  # noqa: S311, a pace
    told["open"].append(await person.open())
    segment = person.page
    while time.monotonic() < end or (first and not images):
        name = f"smear-{person.token[:8]}-{images}.png"
        await timed("segment", told, person.segment(name, smear(images % PICTURES)))
        images += 1
        await asyncio.sleep(dice.uniform(*thought_s))
        person.surface, person.room = {}, ""

        async def open_draft() -> None:
            await person.press(CORRECT)
            await person._until(lambda: person.room and not person.running)  # noqa: SLF001
            await person.tell_width()
            await person._until(lambda: person.surface and not person.running)  # noqa: SLF001

        await timed("to correct", told, open_draft())
        _left, _top, _width, _height, across, down = person.surface["view"]
        first = int(person.surface.get("done", 0))
        for k in range(EDITS):
            await asyncio.sleep(dice.uniform(*thought_s))
            at = dice.uniform(0, across), dice.uniform(0, down)
            await timed("edit", told, person.delete(first + k + 1, at))
        await asyncio.sleep(dice.uniform(*thought_s))
        await timed("back", told, person.go(segment))


async def main() -> None:
    """Print the figures as JSON."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--sessions", type=int, default=20)
    ask.add_argument("--minutes", type=float, default=10)
    ask.add_argument("--thought", type=float, nargs=2, default=(1.0, 4.0), help="seconds, least and most")
    ask.add_argument("--json", type=Path)
    args = ask.parse_args()
    for k in range(PICTURES):
        smear(k)
    told: dict[str, list[float]] = defaultdict(list)
    server = Server()
    try:
        await at_work(Person(server.url), 0, defaultdict(list), (0, 0), first=True)
        people = [Person(server.url) for _ in range(args.sessions)]
        end, watching = time.monotonic() + 60 * args.minutes, asyncio.create_task(server.watch())
        async with asyncio.TaskGroup() as group:
            for person in people:
                group.create_task(at_work(person, end, told, args.thought))
        strangers = sum(person.strangers() for person in people)
        for person in people:
            await person.close()
        watching.cancel()
        errors = server.errors()
    finally:
        server.close()
    actions = [one for kind in ("open", "to correct", "edit", "back") for one in told[kind]]
    found = {
        "sessions": args.sessions, "minutes": args.minutes, "thought_s": args.thought, "page_actions": spread(actions),
        **{kind: {"n": len(values), **spread(values)} for kind, values in told.items()},
        "edits_lost": sum(person.lost for person in people), "pages_with_files_of_others": strangers,
        "files_given_again": sum(person.stalls for person in people), "errors_in_the_log": errors,
        "peak_memory_gb": round(server.peak, 2),
    }  # fmt: skip
    print(json.dumps(found, indent=1))
    if args.json:
        args.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
