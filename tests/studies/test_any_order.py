"""Whatever is done to a study, in whatever order, it says what a plain model of it says."""

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bccseg.io.archive import Entry
from bccseg.studies.store import StudyStore
from bccseg.studies.study import Study
from tests.studies.conftest import picture

PICTURES = [picture(k) for k in range(5)]
NAMES = st.sampled_from(["a", "B", "b", "p 1", " a ", "'; DROP TABLE image; --", "ä/ö"])
NUMBERS = st.integers(0, 4)


class AnyOrder(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.root = Path(tempfile.mkdtemp())
        self.study = StudyStore(self.root).create("x")
        self.images = {}  # number of a picture: [id, sample, removed]
        self.groups = {}  # by sample, lower case

    def teardown(self):
        shutil.rmtree(self.root)

    @rule(number=NUMBERS)
    def add(self, number):
        report = self.study.images.add([Entry(f"{number}.png", PICTURES[number])])
        there = self.images.get(number)
        if there and not there[2]:
            assert not report.added
        elif there:
            assert report.added == [there[0]]
            there[2] = False
        else:
            self.images[number] = [report.added[0], "", False]

    @rule(number=NUMBERS)
    def remove(self, number):
        if number in self.images:
            self.study.images.remove([self.images[number][0]])
            self.images[number][2] = True

    @rule(number=NUMBERS, name=NAMES)
    def put_into_sample(self, number, name):
        if number in self.images:
            self.study.images.put_into_sample([self.images[number][0]], name)
            self.images[number][1] = name.strip().lower()
            self.groups.setdefault(name.strip().lower(), "")

    @rule(number=NUMBERS, name=NAMES)
    def rename(self, number, name):
        if number in self.images:
            self.study.images.rename(self.images[number][0], name)

    @rule(name=NAMES, group=NAMES)
    def set_group(self, name, group):
        for sample in self.study.samples.all():
            if sample.name.lower() == name.strip().lower():
                self.study.samples.set_group(sample.id, group)
                self.groups[name.strip().lower()] = group.strip()

    @rule(old=NAMES, new=NAMES)
    def rename_sample(self, old, new):
        old, new = old.strip().lower(), new.strip()
        for sample in self.study.samples.all():
            if sample.name.lower() == old:
                self.study.samples.rename(sample.id, new)
                group = self.groups.pop(old)
                self.groups.setdefault(new.lower(), group)
                for image in self.images.values():
                    image[1] = new.lower() if image[1] == old else image[1]

    @invariant()
    def others_see_the_same(self):
        other = Study(self.study.folder)
        shown = other.images.all()
        wanted = {
            i: (sample, self.groups.get(sample, "")) for i, sample, removed in self.images.values() if not removed
        }
        assert {i.id: (i.sample.lower(), i.group) for i in shown} == wanted
        assert len({i.name for i in shown}) == len(shown)
        assert {s.name.lower(): s.group for s in other.samples.all()} == self.groups
        assert other.info().images == len(shown)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=12, stateful_step_count=20, deadline=None)
