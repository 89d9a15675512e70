"""The simulation decides as the gate decides, adds exactly the difference that it says, and writes between its marks only."""

from __future__ import annotations

import numpy as np
import pytest

from eval.baseline import Measured
from eval.bench.simulation import BEGIN, END, Noise, Sets, filled, sets, shares
from eval.gate import gate
from eval.gate_policy import Policy
from eval.power import spread
from eval.score import Score
from eval.stats import paired
from rag.errors import ConfigError

LOCK = {"corpus": "c", "questions": "q", "judge": {}, "config": {}, "models": [], "prompts": {}, "package": "1", "latency": {}, "metrics": {"span_recall": 1}}


def test_the_rule_is_that_of_the_gate() -> None:
    """Forty sets of 60 questions whose differences scatter so that every verdict comes up, on few documents and on enough."""
    rng, seen = np.random.default_rng(0), set()
    for i in range(40):
        count = 60 if i % 4 else 15
        groups = {f"q{j}": f"d{j % count}" for j in range(60)}
        new = np.clip(0.5 + rng.normal(rng.choice([-0.2, -0.05, 0.0]), rng.choice([0.05, 0.3]), 60), 0, 1)
        by = [{q: Score(q, "span_recall", float(v)) for q, v in zip(groups, values, strict=True)} for values in (new, np.full(60, 0.5))]
        one, other = (Measured("x", LOCK, {"span_recall": rows}, groups) for rows in by)
        found = paired(new.tolist(), [0.5] * 60, list(groups.values()))
        ends = Sets(np.array([found.low]), np.array([found.high]), np.array([found.delta]), np.array([0.0]), found.clusters)
        decided = next(name for name, share in shares(ends, 0.0).items() if share)
        verdict = gate(one, other, Policy(metrics=("span_recall",))).verdict
        assert {"pass": "pass", "regressed": "regressed", "abstain": "inconclusive"}[decided] == verdict
        seen.add(verdict)
    assert seen == {"pass", "regressed", "inconclusive"}


def test_a_true_drop_moves_every_mean_and_every_end() -> None:
    """An interval of -.02 to .03 passes at no drop; at a drop of .05 it straddles the margin, at .1 it is below it."""
    found = Sets(np.array([-0.02]), np.array([0.03]), np.array([0.005]), np.array([-0.01]), 30)
    assert [max(shares(found, drop), key=shares(found, drop).__getitem__) for drop in (0.0, 0.05, 0.1)] == ["pass", "abstain", "regressed"]
    assert [shares(found, drop)["tolerance"] for drop in (0.0, 0.05, 0.06)] == [0.0, 0.0, 1.0]
    assert [shares(found, drop)["threshold"] for drop in (0.0, 0.05)] == [0.0, 1.0]
    assert shares(found, 0.0)["mean"] == 0.0


def test_sets_are_drawn_by_whole_documents_and_have_the_size_asked_for() -> None:
    """Ten documents of two questions that differ alike: 40 questions are 20 documents, and the mean is a mean of documents."""
    values = np.repeat(np.array([-1.0, 1.0] * 5), 2)
    rows = tuple(np.array([2 * i, 2 * i + 1]) for i in range(10))
    known = spread(values.tolist(), [i // 2 for i in range(20)])
    assert known is not None
    found = sets(Noise("x", values, values, rows, known, 0.0), 40, 200)
    assert found.clusters == 20
    assert np.allclose(found.delta * 10, np.round(found.delta * 10))
    assert found.delta.std() == pytest.approx(np.sqrt(1 / 20), rel=0.15)
    assert (found.delta == found.level).all()


def test_only_what_is_between_the_marks_is_written() -> None:
    assert filled(f"a\n{BEGIN}\nold\n{END}\nb\n", ["new"]) == f"a\n{BEGIN}\nnew\n{END}\nb\n"
    with pytest.raises(ConfigError, match="are not there"):
        filled("a", ["new"])
