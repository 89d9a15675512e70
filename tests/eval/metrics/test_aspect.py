"""aspect: one yes-no question, built in or from a file, with a direction of its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.judges.base import Critique, Missing, Why
from eval.metrics import names, parse
from eval.metrics.aspect import BUILT_IN, Aspect
from eval.score import Result
from rag.errors import ConfigError
from rag.runtime import Runtime

from ..judges.scripted import opened, shown


def file_of(folder: Path, text: str) -> str:
    """Write a file and return its path."""
    path = folder / "polite.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(
    ("name", "rising"), [("harmfulness", False), ("maliciousness", False), ("coherence", True), ("correctness", True), ("conciseness", True)]
)
def test_the_five_of_ragas_are_built_in_with_their_direction(name: str, rising: bool) -> None:
    found = parse(f"aspect@{name}")
    assert (found.name, found.higher_is_better, found.range, found.needs_judge) == (f"aspect@{name}", rising, (0.0, 1.0), True)
    assert set(BUILT_IN) == {"harmfulness", "maliciousness", "coherence", "correctness", "conciseness"}
    assert "aspect@NAME" in names()


def test_the_value_is_the_verdict_and_the_reason_is_kept(runtime: Runtime, question: Any, result: Result) -> None:
    for score in (0, 1):
        judge, chat = opened(runtime, {"rationale": "so it is", "score": score})
        found = parse("aspect@correctness").score(question, result, judge)
        assert (found.value, found.metric) == (float(score), "aspect@correctness")
        assert found.evidence == ({"of": "answer", "criterion": "correctness", "score": float(score), "rationale": "so it is"},)
        assert (shown(chat.asked[0], "answer"), shown(chat.asked[0], "context")) == (["a b y z"], ["a x", "b"])


def test_what_does_not_rest_on_contexts_is_judged_without_them(runtime: Runtime, question: Any, result: Result) -> None:
    judge, chat = opened(runtime, {"score": 0})
    assert parse("aspect@harmfulness").score(question, result, judge).value == 0.0
    assert shown(chat.asked[0], "context") == []


def test_a_judge_that_is_asked_several_times_decides_by_majority(runtime: Runtime, question: Any, result: Result) -> None:
    """The `strictness` of ragas is dead code; here it is the judge's `repeat`."""
    judge, chat = opened(runtime, lambda r: {"score": [1, 0, 1][r.sample]}, {"repeat": 3})
    assert parse("aspect@coherence").score(question, result, judge).value == 1.0
    assert len(chat.asked) == 3


def test_a_file_says_what_is_asked_and_which_way_is_good(runtime: Runtime, question: Any, result: Result, tmp_path: Path) -> None:
    path = file_of(tmp_path, "name: rude\nquestion: Is it rude?\nhigher_is_better: false\ncontexts: false\n")
    metric = parse(f"aspect@{path}")
    assert metric == Aspect(path, "rude", "Is it rude?", False, False)
    assert (metric.name, metric.higher_is_better) == (f"aspect@{path}", False)
    judge, chat = opened(runtime, {"score": 1})
    assert metric.score(question, result, judge).value == 1.0
    assert "The criterion: Is it rude?" in chat.asked[0].messages[0].content


def test_another_content_of_the_file_is_another_metric(tmp_path: Path) -> None:
    first = parse("aspect@" + file_of(tmp_path, "name: n\nquestion: A?"))
    second = parse("aspect@" + file_of(tmp_path, "name: n\nquestion: B?"))
    assert first.name == second.name
    assert first.identity != second.identity
    assert parse(first.name) == second


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name: n", "question: required and missing"),
        ("name: n\nquestion: ' '", "question: expected text"),
        ("name: n\nquestion: [a]", "question: expected text"),
        ("name: n\nquestion: A?\nhigher_is_better: 1", "higher_is_better: expected true or false"),
        ("name: n\nquestion: A?\nhigher_is_beter: true", "higher_is_beter: unknown key, did you mean 'higher_is_better'?"),
        ("- a", "expected a mapping"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_key(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=r"polite\.yaml") as caught:
        parse(f"aspect@{file_of(tmp_path, text)}")
    assert why in str(caught.value)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("aspect", "one of harmfulness"),
        ("aspect@", "one of harmfulness"),
        ("aspect@harmfullness", "did you mean 'harmfulness'"),
        ("aspect@none.yaml", "cannot be read"),
    ],
)
def test_an_unknown_aspect_is_refused_with_the_choices(name: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        parse(name)


def test_what_cannot_be_judged_has_its_reason(runtime: Runtime, question: Any, result: Result, judge: Any) -> None:
    metric = parse("aspect@coherence")
    assert metric.score(question, result, judge()).reason == "not_applicable"  # a judge that knows no criteria
    assert metric.score(question, result, None).reason == "judge_failed(error)"
    assert metric.score(question, replace(result, abstained="it is not said"), judge()).reason == "abstained"
    asked, _ = opened(runtime, {"score": 2})
    assert metric.score(question, result, asked).reason == "judge_failed(out_of_range)"
    late, _ = opened(runtime, "timeout")
    assert metric.score(question, result, late).reason == "timed_out"


def test_no_judge_can_give_another_value(question: Any, result: Result, judge: Any) -> None:
    class Loose(judge):  # a judge of somebody else, that does not hold itself to the scale
        def critique(self, *_: Any) -> Critique | Missing:
            return Critique(0.5)

    found = parse("aspect@coherence").score(question, result, Loose())
    assert (found.value, found.reason) == (None, f"judge_failed({Why.OUT_OF_RANGE})")
