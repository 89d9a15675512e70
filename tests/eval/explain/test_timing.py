"""Timing in turn: what a machine does meanwhile comes to both sides alike, and no side is asked more than the other."""

from __future__ import annotations

import pytest

from eval.explain.timing import in_turn
from eval.latency import ENOUGH, LEAST, SAMPLE, sample
from eval.questions import Question

QUESTIONS = [Question(f"q{i}", "?") for i in range(10)]


class Machine:
    """A machine on which every ask takes `drift` milliseconds longer than the one before; `asked` is what was asked, in order."""

    def __init__(self, drift: float = 0.0) -> None:
        self.drift, self.asked = drift, []

    def ask(self, name, ms):
        def asked(question):
            self.asked.append((name, question.id))
            return None if ms is None or question.id in ms else 10.0 + ms.get("more", 0.0) + self.drift * len(self.asked)

        return asked

    def now(self):
        return float(len(self.asked))


def timed(machine, variants, questions=QUESTIONS, full=None):
    asks = {name: machine.ask(name, ms) for name, ms in variants.items()}
    return in_turn(machine.ask("full", full or {}), asks, questions, lambda: 0.0)


def mean(pairs):
    return sum(a - b for a, b in pairs.values()) / len(pairs)


def test_a_machine_that_slows_down_makes_no_difference():
    """One after the other, twenty asks at 1 ms more each would be 10 ms apart."""
    found = timed(Machine(1.0), {"same": {}, "slower": {"more": 5.0}})
    assert mean(found["same"]) == pytest.approx(0.0)
    assert mean(found["slower"]) == pytest.approx(-5.0)


def test_each_pair_is_asked_right_after_each_other_and_who_goes_first_alternates():
    machine = Machine()
    timed(machine, {"a": {}, "b": {}}, QUESTIONS[:2])
    names = [(n, q) for n, q in machine.asked[6:]]  # after two of each to warm up
    assert names == [("full", "q0"), ("a", "q0"), ("b", "q0"), ("full", "q0"), ("a", "q1"), ("full", "q1"), ("full", "q1"), ("b", "q1")]
    assert [n for n, _ in machine.asked[:6]] == ["full", "full", "a", "a", "b", "b"]


def test_a_question_that_fails_on_one_side_has_no_pair():
    found = timed(Machine(), {"a": {"q3": 1}, "b": {}})
    assert set(found["a"]) == {q.id for q in QUESTIONS} - {"q3"}
    assert len(found["b"]) == 10
    assert timed(Machine(), {"a": {}}, full={"q3": 1})["a"].keys() == found["a"].keys()


def test_after_so_many_seconds_no_more_are_asked_but_at_least_so_many():
    late = iter([0.0, *[ENOUGH + 1] * 99])
    machine = Machine()
    found = in_turn(machine.ask("full", {}), {"a": machine.ask("a", {})}, QUESTIONS, lambda: next(late))
    assert len(found["a"]) == LEAST


def test_the_questions_are_spread_and_each_is_there_once():
    questions = [Question(f"q{i}", "?") for i in range(100)]
    found = sample(questions)
    assert len({q.id for q in found}) == len(found) == SAMPLE
    assert {"q0", "q99"} <= {q.id for q in found}
    assert len({int(q.id[1:]) // 34 for q in found[:5]}) == 3, "the first that are asked come of every part"
