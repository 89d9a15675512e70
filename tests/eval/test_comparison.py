"""The comparison of two configurations: pairing, lost questions, direction, and the shape of the contract."""

from eval.comparison import compare
from eval.metrics import parse
from eval.score import Score

CLUSTERS = {f"q{i}": f"d{i // 2}" for i in range(40)}
METRICS = [parse("recall@5"), parse("context_tokens")]


def scores(metric, values):
    """One score per question, `not applicable` for None."""
    return [Score(f"q{i}", metric, value, "" if value is not None else "not_applicable: no evidence is named") for i, value in enumerate(values)]


def run(offset=0.0, tokens=100.0, missing=()):
    """The scores of one configuration on 40 questions."""
    recall = [None if i in missing else (i % 3) / 4 + offset for i in range(40)]
    return scores("recall@5", recall) + scores("context_tokens", [tokens + i for i in range(40)])


def test_shape_of_the_contract():
    """Names and keys that other programs rely on."""
    found = compare("x", run(), "y", run(), CLUSTERS, METRICS)
    assert (found["a"], found["b"], list(found["metrics"])) == ("x", "y", ["recall@5", "context_tokens"])
    for entry in found["metrics"].values():
        assert {"delta", "low", "high", "p", "p_adjusted", "wins", "losses", "ties", "n", "mde"} <= set(entry)


def test_a_run_against_itself():
    """No difference, no win, nothing lost."""
    entry = compare("x", run(), "x", run(), CLUSTERS, METRICS)["metrics"]["recall@5"]
    assert (entry["delta"], entry["low"], entry["high"], entry["p"], entry["p_adjusted"]) == (0.0, 0.0, 0.0, 1.0, 1.0)
    assert (entry["wins"], entry["losses"], entry["ties"], entry["n"], entry["clusters"]) == (0, 0, 40, 40, 20)
    assert entry["lost"] == {"a": 0, "b": 0, "both": 0}


def test_the_direction_is_a_minus_b_and_wins_are_better_values():
    """Higher recall and fewer tokens both win for `a`; delta keeps its sign."""
    found = compare("x", run(offset=0.25, tokens=90.0), "y", run(), CLUSTERS, METRICS)["metrics"]
    assert (found["recall@5"]["delta"], found["recall@5"]["wins"], found["recall@5"]["losses"]) == (0.25, 40, 0)
    assert (found["context_tokens"]["delta"], found["context_tokens"]["wins"], found["context_tokens"]["losses"]) == (-10.0, 40, 0)


def test_only_questions_scored_on_both_sides_are_paired():
    """Two lost in `a`, one in `b`, one in both; a question with no row at all counts as lost."""
    a, b = run(offset=0.25, missing={0, 1, 2}), run(missing={2, 3})
    entry = compare("x", a, "y", b, CLUSTERS, METRICS)["metrics"]["recall@5"]
    assert entry["n"] == 36
    assert entry["delta"] == 0.25
    assert entry["lost"] == {"a": 2, "b": 1, "both": 1}
    fewer = [s for s in a if s.question != "q39"]
    assert compare("x", fewer, "y", b, CLUSTERS, METRICS)["metrics"]["recall@5"]["lost"] == {"a": 3, "b": 1, "both": 1}


def test_nothing_in_common_has_no_figures():
    """None instead of a number, and no part in the correction."""
    found = compare("x", run(missing=range(40)), "y", run(tokens=90.0), CLUSTERS, METRICS)["metrics"]
    assert (found["recall@5"]["delta"], found["recall@5"]["p"], found["recall@5"]["p_adjusted"], found["recall@5"]["n"]) == (None, None, None, 0)
    assert found["recall@5"]["lost"] == {"a": 40, "b": 0, "both": 0}
    assert found["context_tokens"]["p_adjusted"] == found["context_tokens"]["p"]


def test_p_values_are_adjusted_over_the_metrics_compared():
    """Two metrics with equally small p: each is doubled (Holm)."""
    found = compare("x", run(offset=0.25, tokens=90.0), "y", run(), CLUSTERS, METRICS)["metrics"]
    assert found["recall@5"]["p"] == 1 / 10_001
    assert found["recall@5"]["p_adjusted"] == found["context_tokens"]["p_adjusted"] == 2 / 10_001


def test_a_against_b_mirrors_b_against_a():
    """Signs change exactly, p stays, wins and losses swap."""
    a, b = run(offset=0.1, tokens=97.0), scores("recall@5", [(i % 5) / 5 for i in range(40)]) + scores("context_tokens", [100.0] * 40)
    one, other = (compare("x", left, "y", right, CLUSTERS, METRICS)["metrics"] for left, right in ((a, b), (b, a)))
    for name, x in one.items():
        y = other[name]
        assert (x["delta"], x["low"], x["high"], x["p"], x["wins"]) == (-y["delta"], -y["high"], -y["low"], y["p"], y["losses"])
