"""Turns go round by visitor at each tile; a batch, or a large picture, makes others wait for a tile of it."""

import threading
import time

import pytest

from bccseg.errors import Stopped
from bccseg.workers.turns import Turn, Turns


class Log:
    """Runs tasks of so many tiles and notes whose tile was done when. Nothing begins before all wait."""

    def __init__(self, turns):
        self.turns, self.tiles, self.threads = turns, [], []
        self.first = Turn(turns, "first")
        self.first.take()

    def add(self, visitor, tiles, stopped=lambda: False):
        waiting = self.turns.waiting

        def run():
            turn = Turn(self.turns, visitor, stopped)
            try:
                with turn.whole():
                    for _ in range(tiles):
                        assert turn.held
                        self.tiles.append(visitor)
                        turn.hand_over()
            except Stopped:
                self.tiles.append(f"{visitor} stopped")

        self.threads.append(threading.Thread(target=run))
        self.threads[-1].start()
        while self.turns.waiting == waiting:
            time.sleep(0.001)

    def run(self):
        self.first.leave()
        for thread in self.threads:
            thread.join(20)
            assert not thread.is_alive()
        return self.tiles


def test_turns_go_round_by_visitor_at_each_tile():
    log = Log(Turns())
    log.add("large", 6)
    log.add("ana", 1)
    log.add("ben", 2)
    assert log.run() == ["large", "ana", "ben", "large", "ben", "large", "large", "large", "large"]


def test_many_tasks_of_one_visitor_have_one_visitors_share():
    log = Log(Turns())
    for _ in range(20):
        log.add("batch", 2)
    log.add("ana", 3)
    order = log.run()
    assert [k for k, who in enumerate(order) if who == "ana"] == [1, 3, 5]


def test_a_turn_is_not_handed_over_before_it_is_worth_it():
    log = Log(Turns(least_s=30))
    log.add("ana", 3)
    log.add("ben", 2)
    assert log.run() == ["ana"] * 3 + ["ben"] * 2


def test_who_waits_can_be_stopped_and_does_not_hold_the_others_up():
    stop = threading.Event()
    log = Log(Turns())
    log.add("ana", 2, stop.is_set)
    log.add("ben", 2)
    stop.set()
    log.turns.wake()
    assert log.run() == ["ana stopped", "ben", "ben"]
    assert log.turns.waiting == 0


def test_who_is_stopped_while_at_it_gives_the_turn_up():
    turns, stop = Turns(), threading.Event()
    turn, other = Turn(turns, "ana", stop.is_set), Turn(turns, "ben")
    turn.take()
    stop.set()
    with pytest.raises(Stopped):
        turn.hand_over()
    assert not turn.held
    other.take()
    assert other.held
