"""The quickest way: each tried first, the slower one tried again now and then, and left again unless it has become quick."""

from __future__ import annotations

from collections import Counter

from rag.models.quicker import AGAIN, TRIES, Quicker


def ways(quicker: Quicker, seconds: dict[int, float], calls: int) -> list[int]:
    """Return the ways of so many calls that each take what is said of their way."""
    found = []
    for _ in range(calls):
        found.append(quicker.way())
        quicker.took(found[-1], seconds[found[-1]])
    return found


def test_each_way_is_tried_and_then_the_quickest_taken() -> None:
    assert ways(Quicker(3), {0: 2.0, 1: 1.0, 2: 3.0}, 3 * TRIES + 5) == [0] * TRIES + [1] * TRIES + [2] * TRIES + [1] * 5


def test_what_the_first_call_pays_does_not_count() -> None:
    quicker = Quicker()
    assert ways(quicker, {0: 100.0, 1: 100.0}, 1) == [0]
    assert ways(quicker, {0: 1.0, 1: 2.0}, 2 * TRIES + 5)[-5:] == [0] * 5


def test_a_way_that_becomes_slow_is_left_after_two_calls_and_taken_again_after_two_trials_when_it_is_quick_again() -> None:
    quicker = Quicker()
    ways(quicker, {0: 1.0, 1: 2.0}, 2 * TRIES + 2)
    assert ways(quicker, {0: 50.0, 1: 2.0}, 8) == [0] * 2 + [1] * 6
    found = ways(quicker, {0: 1.0, 1: 2.0}, AGAIN + 10)
    first = found.index(0)
    assert first < AGAIN
    assert found[first : first + 10] == [0] * 10


def test_one_slow_call_of_the_quicker_way_and_one_quick_call_of_the_slower_change_nothing() -> None:
    quicker = Quicker()
    ways(quicker, {0: 1.0, 1: 2.0}, 2 * TRIES)
    assert (ways(quicker, {0: 50.0, 1: 2.0}, 1), ways(quicker, {0: 1.0, 1: 2.0}, 3)) == ([0], [0] * 3)
    assert ways(quicker, {0: 1.0, 1: 2.0}, AGAIN - 5) == [0] * (AGAIN - 5)
    assert ways(quicker, {0: 1.0, 1: 0.5}, 1) == [1]  # the trial that is due
    assert ways(quicker, {0: 1.0, 1: 2.0}, 4) == [1] + [0] * 3  # it is tried once more, and left


def test_the_slower_way_costs_one_call_in_so_many() -> None:
    quicker = Quicker()
    ways(quicker, {0: 1.0, 1: 9.0}, 2 * TRIES)
    assert Counter(ways(quicker, {0: 1.0, 1: 9.0}, 10 * AGAIN)) == {0: 10 * (AGAIN - 1), 1: 10}


def test_one_way_alone_is_always_taken() -> None:
    assert set(ways(Quicker(1), {0: 1.0}, 3 * AGAIN)) == {0}
