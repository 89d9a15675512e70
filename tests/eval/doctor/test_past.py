"""What a run says of its questions: saturation, spread, and runs that do not fit."""

import json

import pytest

from eval.doctor import reach, saturation
from eval.doctor.findings import Severity
from eval.doctor.past import read_past
from eval.metrics import parse
from eval.power import detectable, needed
from eval.questions import Question
from rag.errors import StoreError
from rag.types import Span


def folder(tmp_path, scores, clusters):
    """Write the folder of a run: `{config: {metric: [value per question, None for missing]}}` and the cluster of each question."""
    names = [f"q{i}" for i in range(len(clusters))]
    (tmp_path / "summary.json").write_text(json.dumps({"configs": {c: {} for c in scores}}))
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps({"question": q, "cluster": c}) + "\n" for q, c in zip(names, clusters, strict=True)))
    for config, metrics in scores.items():
        (tmp_path / config).mkdir()
        rows = [
            {"question": q, "metric": m, "value": v, "why": "" if v is not None else "abstained", "evidence": []}
            for m, values in metrics.items()
            for q, v in zip(names, values, strict=True)
        ]
        (tmp_path / config / "scores.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    return tmp_path, [Question(q, "What?", (Span(c, 0, 1),)) for q, c in zip(names, clusters, strict=True)]


def test_questions_that_all_get_right_or_wrong_are_counted(tmp_path):
    """Four questions: right, wrong, told apart, and one that a configuration has no value for."""
    scores = {"a": {"recall@5": [1, 0, 1, 1]}, "b": {"recall@5": [1, 0, 0.5, None]}}
    checked = saturation.check(read_past(*folder(tmp_path, scores, "wxyz")))
    assert checked.figures["metrics"] == {"recall@5": {"n": 3, "right": 0.333, "wrong": 0.333}}
    assert [(f.severity, f.facts) for f in checked.findings] == [
        (Severity.NOTE, {"metric": "recall@5", "right": 0.333, "wrong": 0.333, "n": 3}),
        (Severity.WARNING, {"questions": ["q1"]}),
    ]


def test_a_question_that_any_metric_gives_something_for_is_not_lost(tmp_path):
    scores = {c: {"recall@5": [0, 1, 0.5], "span_recall": [0.2, 1, 0.5]} for c in "ab"}
    assert [f for f in saturation.check(read_past(*folder(tmp_path, scores, "xyz"))).findings if "questions" in f.facts] == []


def test_metrics_without_an_upper_end_are_left_out(tmp_path):
    scores = {c: {"context_tokens": [10, 20], "recall@5": [1, 1]} for c in "ab"}
    past = read_past(*folder(tmp_path, scores, "xy"))
    assert list(past.metrics) == [parse("recall@5")]
    (found,) = saturation.check(past).findings
    assert (found.severity, found.facts["right"]) == (Severity.WARNING, 1.0)


def test_one_configuration_tells_nothing_apart(tmp_path):
    (found,) = saturation.check(read_past(*folder(tmp_path, {"a": {"recall@5": [1, 0]}}, "xy"))).findings
    assert "one configuration" in found.message


def test_the_spread_of_a_run_gives_the_smallest_difference(tmp_path, subject_of, row):
    """Differences 1, 1, -1, -1 in clusters xxyy: sd sqrt(4/3), design effect 3 (see test_power)."""
    past = read_past(*folder(tmp_path, {"a": {"recall@5": [1, 1, 0, 0]}, "b": {"recall@5": [0, 0, 1, 1]}}, "xxyy"))
    texts = {"x": "one two", "y": "three four"}
    subject = subject_of(texts, [row(f"q{i}", "What?", (d, w)) for i, (d, w) in enumerate([("x", "one"), ("x", "two"), ("y", "three"), ("y", "four")])])
    checked = reach.check(subject, past)
    measured = checked.figures["metrics"]["recall@5"]
    sd = (4 / 3) ** 0.5
    assert (measured["sd"], measured["deff"], measured["icc"], measured["pairs"]) == (1.1547, 3.0, 1.0, 1)
    assert measured["smallest"] == round(detectable(sd, 4, 2, 3.0), 4) == measured["largest"]
    assert measured["needed"] == {str(p): needed(p / 100, sd, 2, 3.0) for p in (1, 3, 5, 10)}
    assert checked.findings[0].facts == {"metrics": ["recall@5"]}


def test_equal_configurations_have_no_spread(tmp_path, subject_of, row):
    past = read_past(*folder(tmp_path, {c: {"recall@5": [1, 0]} for c in "ab"}, "xy"))
    subject = subject_of({"x": "one", "y": "two"}, [row("q0", "What?", ("x", (0, 3))), row("q1", "What else?", ("y", (0, 3)))])
    figures = reach.check(subject, past).figures
    assert (figures["metrics"], figures["without_difference"]) == ({}, ["recall@5"])


def test_without_a_run_the_spread_is_assumed_and_said_to_be(subject_of, row):
    """Clusters of 2 and 1: mean of squares over mean 5/3, so the design effect is 1 + 2/3 of .1."""
    subject = subject_of({"x": "one two", "y": "three"}, [row("a", "A?", ("x", "one")), row("b", "B?", ("x", "two")), row("c", "C?", ("y", "three"))])
    checked = reach.check(subject, None)
    assert (checked.figures["measured"], checked.figures["assumed_icc"], checked.figures["deff"]) == (False, 0.1, 1.067)
    assert [r["sd"] for r in checked.figures["rows"]] == [0.1, 0.2, 0.3, 0.4]
    assert checked.figures["rows"][2]["needed"]["10"] == needed(0.1, 0.3, 1.5, 1 + 0.1 * 2 / 3)
    (found,) = checked.findings
    assert "assumed" in found.message


def test_one_cluster_can_show_nothing(subject_of, row):
    (found,) = reach.check(subject_of({"x": "one two"}, [row("a", "A?", ("x", "one"))]), None).findings
    assert found.severity is Severity.ERROR


def test_runs_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(StoreError, match="no finished run"):
        read_past(tmp_path / "absent", [Question("q0", "What?")])
    run, _ = folder(tmp_path, {"a": {"recall@5": [1]}}, "x")
    with pytest.raises(StoreError, match="asked none of these questions"):
        read_past(run, [Question("other", "What?")])
    (run / "a" / "scores.jsonl").write_text('{"question": "q0", "metric": "recall@5", "value": null, "why": "bored", "evidence": []}\n')
    with pytest.raises(StoreError, match="another version"):
        read_past(run, [Question("q0", "What?")])


def test_questions_that_the_set_no_longer_has_are_counted(tmp_path):
    run, questions = folder(tmp_path, {"a": {"recall@5": [1, 1]}}, "xy")
    assert read_past(run, questions[:1]).foreign == 1
