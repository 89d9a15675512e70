"""Measures a judge on rows that people have labelled, and writes down what it is worth: the body of a certificate.

A row is supported when the judge finds every claim of its answer supported, so its score and confidence are the least over its
claims: the verdict and what orders the rows follow one rule. Verdicts are remembered, so a run that was interrupted goes on where
it stopped; only the repetition is judged with a memo of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from eval.agreement import Verdicts, agreement, auroc_within
from eval.biases import length_bias, words
from eval.certificate import FORMAT
from eval.error_rates import claim_rates
from eval.judges.spec import JudgeSpec, read_spec
from eval.labels import LabelSet, read_all
from eval.probes import Kept, drawn, order_bias, stability
from eval.resampling import Figure, plain, share
from eval.row_verdicts import Case, Judged, cases_of, judge_all
from eval.slices import slices
from eval.weak_spots import weak_spots
from rag.errors import ConfigError, QuestionError
from rag.fingerprint import canonical, key
from rag.runtime import Runtime

PROBES = 500


def certify(
    judge: str | JudgeSpec, labels: Sequence[str | Path], *, limit: int | None = None, repeat: int = 2, probes: int = PROBES,
    seed: int = 0, runtime: Runtime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the body of a certificate of the judge, in the form that docs/certificate.md describes.

    `limit` takes the first so many rows of each file. `repeat` is how often a row is judged in all to see whether the verdict stays, and
    `probes` how many rows, drawn by `seed`, are judged again for that and with their contexts reversed.
    Raises `QuestionError` for labels that cannot be used, `ConfigError` for a judge that gives no verdict, and what opening the judge raises.
    """
    runtime = runtime or Runtime()
    spec = read_spec(judge) if isinstance(judge, str) else judge
    sets = read_all([Path(path) for path in labels])
    cases = cases_of(spec, sets, limit, runtime)
    _check(cases)
    found = judge_all(cases, [c.row.contexts for c in cases], "judge", runtime)
    missing = Counter(f for f in found if isinstance(f, str))
    kept = [(c, f) for c, f in zip(cases, found, strict=True) if isinstance(f, Judged)]
    if not kept:
        raise ConfigError(f"the judge gave no verdict on any of {len(cases)} rows: {', '.join(f'{n} {why}' for why, n in missing.most_common())}")
    some = drawn(kept, probes, seed)
    own = cases[0].judge.certified_as
    body: dict[str, Any] = {
        "format": FORMAT, "judge": str(own["use"]), "certified_as": key(own), "identity": canonical(own), "labels": _labels(sets, limit),
        "n": len(cases), "judged": len(kept), "missing": dict(sorted(missing.items())),
        "coverage": plain(share([isinstance(f, Judged) for f in found], [c.cluster for c in cases])),
        **_figures(kept), "stability": stability(spec, some, sets, repeat, runtime),
        "biases": {"length": _length(kept), "order": order_bias(some, runtime)},
        "package": version("spanwise"), "date": datetime.now(UTC).date().isoformat(),
    }  # fmt: skip
    return {**body, "weak_spots": weak_spots(body)}


def _check(cases: Sequence[Case]) -> None:
    """Refuse labels that are all the same, and a judge whose certificate could never be matched."""
    said = {c.row.supported for c in cases}
    if len(said) < 2:
        there, lacks = ("supported", "unsupported") if True in said else ("unsupported", "supported")
        raise QuestionError(f"all {len(cases)} labelled rows are {there}; add rows that are {lacks}: a judge that always says the same would look perfect")
    if len({key(c.judge.certified_as) for c in cases}) > 1:
        raise ConfigError("the judge's certified_as depends on the corpus, so its certificate could never be matched; leave the corpus out of it")


def _labels(sets: Sequence[LabelSet], limit: int | None) -> dict[str, Any]:
    files = [{"name": s.name, "rows": len(s.rows), "supported": sum(r.supported for r in s.rows), "digest": s.digest} for s in sets]
    return {"digest": key([f["digest"] for f in files]), "files": files, "limit": limit}


def _figures(kept: Kept) -> dict[str, Any]:
    """Return agreement in all, of single claims, and by slice."""
    ordering, rows = _verdicts(kept)
    files = [c.file for c, _ in kept]
    within = {"auroc_within": auroc_within(rows, files)} if len(set(files)) > 1 else {}
    return {
        "supported": sum(rows.labels), "clusters": len(set(rows.clusters)), "ordering": ordering, "metrics": _plain_all({**agreement(rows), **within}),
        "claims": claim_rates(rows, [f.claims for _, f in kept], files),
        "slices": slices(rows, files, [c.row.groups for c, _ in kept], [words(c.row.answer) for c, _ in kept]),
    }  # fmt: skip


def _verdicts(kept: Kept) -> tuple[str, Verdicts]:
    """Return what orders the rows (`score`, `confidence`, or the `verdict` alone, the first that every row has) and the rows."""
    scores, sure = [f.score for _, f in kept], [f.confidence for _, f in kept]
    said = [f.supported for _, f in kept]
    columns = (("score", _whole(scores)), ("confidence", _whole(sure)), ("verdict", tuple(map(float, said))))
    ordering, order = next((name, column) for name, column in columns if column is not None)
    return ordering, Verdicts(tuple(c.row.supported for c, _ in kept), tuple(said), order, tuple(c.cluster for c, _ in kept), _whole(sure))


def _whole(column: Sequence[float | None]) -> tuple[float, ...] | None:
    """Return a column without gaps, None for one with a gap."""
    found = tuple(v for v in column if v is not None)
    return found if len(found) == len(column) else None


def _length(kept: Kept) -> dict[str, Any]:
    cases, said = [c for c, _ in kept], [f.supported for _, f in kept]
    labels, clusters = [c.row.supported for c in cases], [c.cluster for c in cases]
    return _plain_all(length_bias([words(c.row.answer) for c in cases], said, labels, [c.file for c in cases], clusters))


def _plain_all(figures: Mapping[str, Figure | None]) -> dict[str, dict[str, float | None] | None]:
    return {name: plain(figure) for name, figure in figures.items()}
