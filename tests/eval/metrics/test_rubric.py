"""rubric: a score on a scale of the user's own, brought to 0 to 1, and never a score that the scale does not have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eval.metrics import names, parse
from eval.metrics.rubric import Rubric
from eval.score import Result
from rag.errors import ConfigError
from rag.runtime import Runtime

from ..judges.scripted import opened, shown

TEXT = 'name: depth\ncriterion: How deep is it?\nscale:\n  "5": deep\n  "1": shallow\n  "2": so so\n'


def file_of(folder: Path, text: str = TEXT) -> str:
    """Write a rubric and return its path."""
    path = folder / "depth.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize(("score", "value"), [(1, 0.0), (2, 0.25), (5, 1.0)])
def test_the_score_is_brought_to_nought_to_one_and_kept_in_the_evidence(
    runtime: Runtime, question: Any, result: Result, tmp_path: Path, score: int, value: float
) -> None:
    """(2 - 1) / (5 - 1) = 0.25."""
    judge, chat = opened(runtime, {"rationale": "so", "score": score})
    metric = parse(f"rubric@{file_of(tmp_path)}")
    found = metric.score(question, result, judge)
    assert found.value == value
    assert found.evidence == ({"of": "answer", "criterion": "depth", "score": float(score), "scale": [1, 5], "rationale": "so"},)
    assert "- 1: shallow\n- 2: so so\n- 5: deep" in chat.asked[0].messages[0].content
    assert shown(chat.asked[0], "context") == ["a x", "b"]


@pytest.mark.parametrize("score", [0, 3, 4, 6, 9])
def test_a_score_that_the_scale_does_not_list_is_no_value(runtime: Runtime, question: Any, result: Result, tmp_path: Path, score: int) -> None:
    """ragas does not hold a judge to 1 to 5: a 9 passes."""
    judge, _ = opened(runtime, {"score": score})
    assert parse(f"rubric@{file_of(tmp_path)}").score(question, result, judge).reason == "judge_failed(out_of_range)"


def test_a_rubric_is_known_by_its_file_and_its_content(tmp_path: Path) -> None:
    path = file_of(tmp_path)
    first = parse(f"rubric@{path}")
    assert first == Rubric(path, "depth", "How deep is it?", ((1, "shallow"), (2, "so so"), (5, "deep")))
    assert (first.name, first.range, first.higher_is_better, first.needs_judge) == (f"rubric@{path}", (0.0, 1.0), True, True)
    second = parse(f"rubric@{file_of(tmp_path, TEXT.replace('shallow', 'flat'))}")
    assert (second.name, second.identity != first.identity) == (first.name, True)
    assert "rubric@FILE.yaml" in names()


@pytest.mark.parametrize(
    ("scale", "why"),
    [
        ("{}", "expected 2 to 20 scores"),
        ('{"1": a}', "expected 2 to 20 scores"),
        ("[a, b]", "expected 2 to 20 scores"),
        ('{"one": a, "2": b}', "'one' is no whole number"),
        ('{"1.5": a, "2": b}', "'1.5' is no whole number"),
        ('{"1": "", "2": b}', "scale: 1: expected text"),
        ('{"1": a, "01": b}', "a score is there twice"),
        ("{1: a, 2: b}", "key 1 is not text; quote it"),
    ],
)
def test_a_scale_that_is_none_is_refused(tmp_path: Path, scale: str, why: str) -> None:
    with pytest.raises(ConfigError, match=r"depth\.yaml") as caught:
        parse("rubric@" + file_of(tmp_path, f"name: n\ncriterion: c\nscale: {scale}"))
    assert why in str(caught.value)


@pytest.mark.parametrize("name", ["rubric", "rubric@", "rubric@depth"])
def test_a_rubric_needs_a_file(name: str) -> None:
    with pytest.raises(ConfigError, match=r"write rubric@FILE\.yaml"):
        parse(name)
