"""The worker's side: large pictures are unpacked and measured beside the turn, and every end is told."""

import threading

import numpy as np
import pytest

from bccseg.errors import WeightsError
from bccseg.inference.batch import Failure
from bccseg.io.packing import unpack
from bccseg.report.result import ImageResult
from bccseg.workers import __main__ as main_module
from bccseg.workers import tasks as tasks_module
from bccseg.workers.messages import Answer, Found, Network, Order
from bccseg.workers.networks import Networks
from bccseg.workers.tasks import TROUBLE, Tasks
from bccseg.workers.turns import Turn, Turns

NETWORK = Network(folder="/weights", source="weights")
LARGE, SMALL = b"L", b"S"


class Ears:
    """Takes the answers down."""

    def __init__(self):
        self.answers, self.ended = [], threading.Event()

    def send(self, answer, body=b""):
        self.answers.append((answer, body))
        if answer.last:
            self.ended.set()


class NoNetworks:
    def get(self, network):
        if network.folder == "/nowhere":
            raise WeightsError("They are gone.")

    def forget_idle(self):
        return 0


@pytest.fixture
def made(monkeypatch):
    """Tasks whose pictures have two tiles, and a list of (file, what, whether it was its turn)."""
    monkeypatch.setattr(tasks_module, "count_pixels", lambda data: 10**8 if data == LARGE else 10**4)
    ears, steps = Ears(), []
    tasks = Tasks(ears, NoNetworks(), Turns())

    def picture(entries, _predictor, _settings, _size, tell, _taken):
        entry = entries[0]

        def note(what):
            holder = tasks.turns._holder
            steps.append((entry.name, what, holder is not None and holder.visitor == entry.name))

        if entry.name == "bad":
            yield Failure("bad", "It is damaged.")
            return
        if entry.name == "broken":
            raise ValueError
        note("unpack")
        for share in (0.1, 0.55, 1.0):
            tell(share)
            note(f"after {share}")
        labels = np.zeros((3, 4), np.int32)
        yield ImageResult.measure(np.zeros((3, 4, 3), np.uint8), labels, np.zeros(0, np.float32),
                                  name=entry.name, stem=entry.name, diameter_px=9.0)  # fmt: skip
        note("packed")

    monkeypatch.setattr(tasks_module, "segment_entries", picture)
    return tasks, ears, steps


def run(tasks, ears, name, data=SMALL, network=NETWORK):
    tasks.begin(Order(kind="segment", task=3, network=network, visitor=name, name=name), data)
    assert ears.ended.wait(20)
    return ears.answers


def test_a_small_picture_has_the_turn_from_beginning_to_end(made):
    tasks, ears, steps = made
    answers = run(tasks, ears, "ana")
    assert [answer.kind for answer, _ in answers] == ["share", "share", "share", "result", "done"]
    assert unpack(Found, answers[3][1]).measured.name == "ana"
    assert {held for _, _, held in steps} == {True}
    assert tasks.turns._holder is None
    assert tasks.open == 0


def test_a_large_picture_takes_the_turn_for_its_tiles_alone(made):
    tasks, ears, steps = made
    run(tasks, ears, "ana", LARGE)
    assert [held for _, _, held in steps] == [False, True, True, False, False]
    assert tasks.large.acquire(timeout=0)
    assert tasks.large.acquire(timeout=0), "its room is free again"


def test_large_pictures_wait_for_room_and_can_be_stopped_there(made):
    tasks, ears, steps = made
    tasks.large.acquire()
    tasks.large.acquire()
    tasks.begin(Order(kind="segment", task=3, network=NETWORK, visitor="ana", name="ana"), LARGE)
    assert not ears.ended.wait(0.3)
    tasks.stop(3)
    assert ears.ended.wait(5)
    assert [answer.kind for answer, _ in ears.answers] == ["stopped"]
    assert steps == []


@pytest.mark.parametrize(
    ("name", "network", "kinds", "text"),
    [
        ("bad", NETWORK, ["failure", "done"], "It is damaged."),
        ("broken", NETWORK, ["error"], TROUBLE),
        ("ana", NETWORK.replace(folder="/nowhere"), ["error"], "They are gone."),
        ("ana", None, ["error"], "No weights were named. Choose some."),
    ],
)
def test_every_end_is_told(made, name, network, kinds, text):
    tasks, ears, _ = made
    answers = [answer for answer, _ in run(tasks, ears, name, network=network)]
    assert [answer.kind for answer in answers] == kinds
    assert answers[0].text == text
    assert tasks.open == 0
    assert tasks.turns._holder is None


def test_networks_are_kept_while_they_are_used(tiny_weights):
    folder, _ = tiny_weights
    one, two, three = (Network(folder=str(folder), source=name, device="cpu") for name in ("one", "two", "three"))
    networks = Networks(most=2, idle_minutes=0)
    first = networks.get(one)
    assert networks.get(one) is first
    assert networks.get(two).source == "two"
    assert networks.get(one) is first
    networks.get(three)
    assert networks.get(one) is first, "the one that was used longest ago went"
    assert len(networks) == 2
    assert networks.forget_idle() == 1
    assert networks.get(one) is first, "the last one stays"


def test_an_answer_says_whether_more_follows():
    kinds = ("hello", "share", "result", "failure", "loaded", "done", "stopped", "error")
    assert [Answer(kind=kind).last for kind in kinds] == [False] * 4 + [True] * 4


def test_a_worker_whose_turn_does_not_come_forward_ends_itself(made, monkeypatch):
    tasks, ears, _ = made
    ended, slept = [], []

    class Ended(BaseException):
        pass

    def end(status):
        ended.append(status)
        raise Ended

    monkeypatch.setattr(main_module.os, "_exit", end)
    monkeypatch.setattr(main_module.time, "sleep", slept.append)
    monkeypatch.setattr(main_module, "TURN_STUCK_SECONDS", 0.2)
    turn = Turn(tasks.turns, "ana")
    turn.take()
    with pytest.raises(Ended):
        main_module._look_after(tasks)
    assert ended == [main_module.STUCK]
    assert len(slept) == len(ears.answers) > 1  # it told that it is there meanwhile
    assert {answer.kind for answer, _ in ears.answers} == {"alive"}
    assert tasks.turns.held_s > 0.2
    turn.leave()
    assert tasks.turns.held_s == 0
