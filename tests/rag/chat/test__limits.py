"""Rate and budget, with a clock that the test turns."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.chat._limits import MINUTE, Budget, Rate
from rag.errors import ChatError
from rag.models.chat import Usage


class Clock:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def rate(requests: int | None, tokens: int | None) -> tuple[Rate, Clock]:
    clock = Clock()
    return Rate(requests, tokens, clock, clock.sleep), clock


def test_requests_go_at_once_until_the_minute_is_full_and_then_as_the_first_ones_pass_out_of_it() -> None:
    limit, clock = rate(2, None)
    times = []
    for gap in (0, 10, 0, 0, 0):
        clock.now += gap
        assert limit.take(1, math.inf)
        times.append(clock.now)
    assert times == [0, 10, 60, 70, 120]


def test_tokens_wait_for_as_many_to_pass_out_as_are_needed() -> None:
    limit, clock = rate(None, 100)
    times = []
    for tokens, gap in ((60, 0), (30, 5), (20, 0), (90, 0)):
        clock.now += gap
        assert limit.take(tokens, math.inf)
        times.append(clock.now)
    assert times == [0, 5, 60, 120]  # 20 fit when the 60 are gone, 90 when the 20 of second 60 are


def test_a_request_larger_than_a_minute_goes_alone() -> None:
    limit, clock = rate(None, 100)
    assert limit.take(500, 0)
    assert limit.take(1, math.inf)
    assert clock.now == 60


def test_a_wait_that_is_too_long_is_not_begun() -> None:
    limit, clock = rate(1, None)
    assert limit.take(1, 0)
    assert not limit.take(1, 59)
    assert clock.now == 0
    assert limit.take(1, 61)


def test_a_pause_holds_for_everybody() -> None:
    limit, clock = rate(None, None)
    limit.pause(7)
    limit.pause(3)
    assert limit.take(1, math.inf)
    assert clock.now == 7


@given(st.integers(1, 5), st.integers(1, 100), st.lists(st.tuples(st.integers(1, 150), st.integers(0, 70)), max_size=30))
def test_no_minute_holds_more_than_its_limit(requests: int, tokens: int, asked: list[tuple[int, int]]) -> None:
    """But for a request that is larger than a minute: it is alone in its own."""
    limit, clock = rate(requests, tokens)
    sent: list[tuple[float, int]] = []
    for size, gap in asked:
        clock.now += gap
        assert limit.take(size, math.inf)
        sent.append((clock.now, size))
        minute = [s for t, s in sent if t > clock.now - MINUTE]
        assert len(minute) <= requests
        assert sum(minute) <= tokens or len(minute) == 1


def test_what_is_under_way_counts_with_the_most_it_can_take_until_it_is_known() -> None:
    budget = Budget(100, None, "m")
    with budget.held(Usage(30, 30)) as spend:
        with pytest.raises(ChatError, match="up to 41 tokens would go beyond budget_tokens 100 \\(60 used or under way\\)"), budget.held(Usage(40, 1)):
            pass
        spend(Usage(30, 5))
    with budget.held(Usage(40, 25)):
        pass
    assert budget.spent == Usage(30, 5)


def test_what_fails_gives_back_what_it_held() -> None:
    budget = Budget(None, 1.0, "m")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), budget.held(Usage(cost=0.9)):
            raise ZeroDivisionError
    with pytest.raises(ChatError) as caught, budget.held(Usage(cost=1.1)):
        pass
    assert caught.value.why == "over_budget"


def test_no_budget_is_no_limit() -> None:
    with Budget(None, None, "m").held(Usage(10**9, 10**9, 0, 1e9)):
        pass
