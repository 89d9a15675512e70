"""The judged rates of a finished run with the judge's error taken out: by labels of the run where there are some, else by the certificate."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.certificate import Certificate, find_for
from eval.correction import corrected, prediction_powered
from eval.labelling import Place, Verdict, read_filled, rests_on_verdicts, verdicts
from eval.metrics import parse_all
from eval.pairs import clusters
from eval.records import read_scores
from eval.score import Score
from eval.stats import interval
from rag.errors import ConfigError, QuestionError, StoreError

Said = tuple[str, str]  # question and claim


def correct(folder: Path, labels: Path | None = None, certificate: Path | None = None) -> dict[str, Any]:
    """Return `{"judge", "certificate", "labels", "configs": {NAME: {METRIC: {"raw", "corrected"}}}}`; what is corrected has a value or a `why`.

    Raises `StoreError` for a folder without a finished run, `ConfigError` when no metric of it is a share of yes-no verdicts or the
    certificate is another judge's, and `QuestionError` for labels that cannot be used or are of another run.
    """
    summary = _summary(folder)
    own = _certificate(summary["judged"]["certificate"], certificate)
    names = [m.name for m in parse_all(summary["metrics"]) if m.correctable]
    if not names:
        raise ConfigError(f"{folder}: no metric of the run is a share of yes-no verdicts; run it with --metrics faithfulness or context_recall")
    filled, open_ = read_filled(labels) if labels is not None else ({}, 0)
    groups = clusters(folder)
    used: set[Place] = set()
    found: dict[str, Any] = {}
    for config in summary["configs"]:
        scores = read_scores(folder / config)
        found[config] = {}
        for metric in names:
            said = {(place[2], place[3]): label for place, label in filled.items() if place[:2] == (config, metric)}
            entry, matched = _entry([s for s in scores if s.metric == metric and s.value is not None], metric, said, groups, own)
            found[config][metric] = entry
            used |= {(config, metric, *place) for place in matched}
    if filled and not used:
        raise QuestionError(f"{labels}: none of {len(filled)} labelled claims is in {folder}; draw claims of this run with rag-eval label")
    told = {"labelled": len(filled), "used": len(used), "not_in_the_run": len(filled) - len(used), "left_open": open_}
    return {"judge": own.judge, "certificate": {"status": own.status, "line": own.line()}, "labels": told if labels is not None else None, "configs": found}


def _summary(folder: Path) -> dict[str, Any]:
    try:
        summary: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
        dict(summary["judged"]["certificate"]["judge"]), list(summary["metrics"]), dict(summary["configs"])
    except OSError:
        raise StoreError(f"{folder}: there is no finished run; make one with `rag-eval run ... --out {folder}`") from None
    except (ValueError, KeyError, TypeError):
        raise StoreError(f"{folder}: summary.json is damaged or of an earlier version; run `rag-eval run` again with the same arguments") from None
    return summary


def _certificate(of_run: Mapping[str, Any], path: Path | None) -> Certificate:
    """Return the certificate in the file, else the one that the run was made with, else the shipped one that fits best."""
    if path is None and of_run.get("status") == "certified" and isinstance(of_run.get("body"), dict):
        return Certificate(of_run["judge"], "certified", (), of_run["body"])
    return find_for(of_run["judge"], path)


def _entry(
    scores: list[Score], metric: str, said: Mapping[Said, bool], groups: Mapping[str, str], certificate: Certificate
) -> tuple[dict[str, Any], set[Said]]:
    """Return a metric's raw and corrected mean, and which of the labels were of its claims."""
    if not scores:
        return {"raw": None, "corrected": {"why": "no question has a value"}}, set()
    values, names = [s.value for s in scores if s.value is not None], [groups[s.question] for s in scores]
    judged = [rests_on_verdicts(s) for s in scores]
    got = interval(values, names)
    raw = {"mean": got.mean, "low": got.low, "high": got.high, "scored": len(values)}
    if not said:
        return {"raw": raw, "corrected": corrected(values, names, certificate.usable, judged)}, set()
    rates, matched = _rates(scores, verdicts(scores, metric), said)
    return {"raw": raw, "corrected": prediction_powered(values, names, rates, judged)}, matched


def _rates(scores: list[Score], claims: Mapping[str, list[Verdict]], said: Mapping[Said, bool]) -> tuple[dict[int, tuple[float, float]], set[Said]]:
    """Return by place of the question the judge's and the people's rate over its labelled claims, and which labels were used."""
    found: dict[int, tuple[float, float]] = {}
    matched: set[Said] = set()
    for i, score in enumerate(scores):
        own = [v for v in claims[score.question] if (v.question, v.claim) in said]
        if own:
            matched |= {(v.question, v.claim) for v in own}
            found[i] = sum(v.supported for v in own) / len(own), sum(said[v.question, v.claim] for v in own) / len(own)
    return found, matched
