"""A latency ceiling is held to exact bounds on the share of slower questions; floors and ceilings of metrics are in test_gate.py."""

from __future__ import annotations

from eval.baseline import Measured
from eval.gate_bounds import bounds
from eval.gate_policy import Policy


def timed(slow, n):
    """Return the times of so many questions, of which so many took 12 ms and the others 5."""
    times = {f"q{i:03}": ms for i, ms in enumerate([*[5.0] * (n - slow), *[12.0] * slow])}
    return {"stages": {"total": {"p50": 5.0, "p95": 12.0}}, "sample": n, "questions": times}


def run(slow, n):
    return Measured("x", {"latency": timed(slow, n)}, {}, {})


def latency(slow, n, **ceiling):
    """Return what came of the one ceiling on so many timed questions."""
    (found,) = bounds(run(slow, n), Policy(**ceiling))
    return found


def test_a_p95_ceiling_passes_only_where_enough_were_timed_to_show_it():
    """Clopper-Pearson by scipy: 0 of 58 at most 5.03 %, 0 of 59 at most 4.95 %, 1 of 93 at most 5.00 %; 2 of 15 at least 2.42 %, 3 of 15 at least 5.68 %."""
    few = latency(0, 15, latency_p95_ms=6)
    assert (few.verdict, few.value, few.n, few.needs) == ("inconclusive", 12.0, 15, 44)
    assert few.why == (
        "is 12.0 ms over 15 timed questions; 0 took longer than 6: with 95% confidence at most 18.1% of all do, and 5% may; "
        "needs 44 more questions timed, none of them slower"
    )
    assert [latency(s, n, latency_p95_ms=6).verdict for s, n in ((0, 58), (0, 59), (1, 92), (1, 93))] == ["inconclusive", "pass", "inconclusive", "pass"]
    assert [latency(s, 15, latency_p95_ms=6).verdict for s in (1, 2, 3, 15)] == ["inconclusive", "inconclusive", "regressed", "regressed"]
    assert latency(3, 15, latency_p95_ms=6).why.endswith("; 3 took longer than 6: with 95% confidence at least 5.7% of all do, and 5% may")
    assert latency(3, 15, latency_p95_ms=6).needs is None
    assert latency(59, 59, latency_p95_ms=12).verdict == "pass", "as slow as the ceiling is no slower"


def test_a_p50_ceiling_can_be_shown_with_fifteen():
    """Of 15 fair coins at most 3 are heads with probability .0176, at most 4 with .0592; at least 11 with .0592, at least 12 with .0176."""
    found = {s: latency(s, 15, latency_p50_ms=6).verdict for s in (3, 4, 11, 12)}
    assert found == {3: "pass", 4: "inconclusive", 11: "inconclusive", 12: "regressed"}
    both = bounds(run(0, 15), Policy(latency_p50_ms=6, latency_p95_ms=6))
    assert [(c.metric, c.verdict, c.value) for c in both] == [("latency_p50_ms", "pass", 5.0), ("latency_p95_ms", "inconclusive", 12.0)]
