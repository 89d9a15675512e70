"""Questions explained, summed: from all of the evidence down to what was shown, and from all questions down to those answered rightly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from eval.explain.answered import ANSWER, RIGHT, SCORE, UNKNOWN
from eval.explain.explained import Explained, Explanation
from eval.stats import interval

ENDS = (ANSWER, SCORE, UNKNOWN, RIGHT)


def waterfall(found: Explanation, clusters: Mapping[str, str]) -> dict[str, Any]:
    """Return what `rag-eval explain --json` prints.

    `stages`: per stage the mean points lost with a 95 % interval over documents, what is left after it, and the questions it took
    something from; the points and `left` sum to 1. `outcomes`: every question once, at the first stage that lost evidence, or by
    what became of the answer. `legs`: the mean share of the evidence that each leg found, and that only it found.
    """
    every = sorted(found.questions, key=lambda q: q.question)  # resampling looks at clusters in order of appearance
    measured = [q for q in every if sum(q.lost.values()) + q.left > 0]
    body: dict[str, Any] = {"config": found.config, "measure": found.measure, "n": len(found.questions), "measured": len(measured)}
    body |= {"left_out": dict(found.left_out), "replayed_otherwise": [q.question for q in every if not q.same]}
    body["stages"] = stage_rows(found.stages, measured, clusters)
    body["left"] = sum(q.left for q in measured) / len(measured) if measured else None
    body["legs"] = _leg_rows(measured, clusters)
    body["outcomes"] = _outcomes(found)
    body["questions"] = [question_row(q) for q in every]
    return body


def stage_rows(stages: Sequence[str], measured: Sequence[Explained], clusters: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return a row per stage; none where nothing was measured."""
    rows: list[dict[str, Any]] = []
    left = 1.0
    for stage in stages if measured else ():
        values = [q.lost[stage] for q in measured]
        mean = interval(values, [clusters[q.question] for q in measured])
        left -= mean.mean
        rows.append({"stage": stage, "lost": mean.mean, "low": mean.low, "high": mean.high, "left": left, "questions": sum(v > 0 for v in values)})
    return rows


def _leg_rows(measured: Sequence[Explained], clusters: Mapping[str, str]) -> list[dict[str, Any]]:
    rows = []
    for name in dict.fromkeys(n for q in measured for n in q.legs):
        own = [q for q in measured if name in q.legs]
        mean = interval([q.legs[name] for q in own], [clusters[q.question] for q in own])
        alone = sum(q.alone[name] for q in own) / len(own)
        rows.append({"leg": name, "found": mean.mean, "low": mean.low, "high": mean.high, "alone": alone, "n": len(own)})
    return rows


def _outcomes(found: Explanation) -> list[dict[str, Any]]:
    counts = Counter(q.stage for q in found.questions)
    whys: dict[str, Counter[str]] = {}
    for q in found.questions:
        if q.why:
            whys.setdefault(q.stage, Counter())[q.why] += 1
    return [{"stage": s, "n": counts[s], "why": dict(sorted(whys.get(s, {}).items()))} for s in (*found.stages, *ENDS)]


def question_row(q: Explained) -> dict[str, Any]:
    """Return one question as JSON, with the places of the evidence that each stage lost."""
    places = {stage: [[s.doc_id, s.start, s.end] for s in spans] for stage, spans in q.gone.items() if spans}
    return {
        "question": q.question, "stage": q.stage, "why": q.why, "detail": q.detail, "lost": dict(q.lost), "left": q.left,
        "gone": places, "legs": dict(q.legs), "whole": list(q.whole),
    }  # fmt: skip
