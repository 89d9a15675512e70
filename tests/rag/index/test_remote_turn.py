"""Two builds of one index at once: one of them stops and says so, and what they left is made whole by the next."""

from __future__ import annotations

from contextlib import suppress

import pytest

from rag.errors import StoreError
from rag.index.check import check
from rag.index.remote_turn import Turn

from .remote_lab import STEP, Disk, Lab, pipeline

PIPE = pipeline()
BEFORE = {"a": "cat dog text", "b": "horse new words", "c": "zebra cat", "d": "dog w7"}
ONE = {"a": "cat first of both", "b": "horse new words", "d": "dog number3 and more words than before", "e": "zebra new"}
TWO = {"a": "cat second", "c": "zebra dog", "d": "dog w7", "e": "horse text that is new", "f": "cat"}


def heal(lab):
    """Build until it is done: the first of two builds may only find out what is not as it should be."""
    for _ in range(2):
        try:
            lab.build(PIPE, ONE)
            return
        except StoreError as error:
            assert "run this one again" in str(error)


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    return Disk(tmp_path_factory.mktemp("disk"))


def test_a_build_takes_the_turn_of_one_that_began_before_and_did_not_go_on():
    lab = Lab()
    lab.build(PIPE, BEFORE)
    with lab.opened() as index:
        one, two = Turn(index.engine, "here"), Turn(index.engine, "here")
        one.keep()
        one.keep()
        with pytest.raises(StoreError, match=r"here: another build of this index runs or ran.*run this one again"):
            two.keep()
        three = Turn(index.engine, "here")
        three.keep()
        with pytest.raises(StoreError, match="another build"):
            one.check()


def test_of_two_builds_that_overlap_anywhere_one_stops_or_both_are_right_and_the_next_heals(disk, monkeypatch):
    monkeypatch.setattr("rag.index.commit.WINDOW", 2)
    monkeypatch.setattr("rag.index.remote_write._TOGETHER", 2)
    stopped = 0
    lab = Lab()
    lab.build(PIPE, BEFORE)
    most = lab.requests(lambda: lab.build(PIPE, ONE)).total()
    for number in range(1, most + 1, STEP):
        lab = Lab()
        lab.build(PIPE, BEFORE)
        lab.calls.made.clear()
        lab.calls.then[number] = lambda lab=lab: lab.build(PIPE, TWO)  # a whole build between two requests of the first
        try:
            lab.build(PIPE, ONE)
        except StoreError as error:
            stopped += 1
            assert "another build" in str(error)
            assert "again" in str(error)
        else:
            with lab.opened() as index:
                assert check(index)["faults"] == []
        lab.calls.then.clear()
        heal(lab)
        disk.same(lab, PIPE, ONE)
    assert stopped > 10


def test_a_build_that_is_cut_into_by_one_that_stops_half_way_is_healed(disk, monkeypatch):
    monkeypatch.setattr("rag.index.commit.WINDOW", 2)
    for number in range(8, 60, 3):
        for depth in (12, 18, 25):
            lab = Lab()
            lab.build(PIPE, BEFORE)
            lab.calls.made.clear()

            def half(lab=lab, number=number, depth=depth):
                lab.calls.fail_at = number + depth
                with suppress(StoreError):
                    lab.build(PIPE, TWO)
                lab.calls.fail_at = 0

            lab.calls.then[number] = half
            try:
                lab.build(PIPE, ONE)
            except StoreError as error:
                assert "again" in str(error)
            lab.calls.then.clear()
            heal(lab)
            disk.same(lab, PIPE, ONE)
