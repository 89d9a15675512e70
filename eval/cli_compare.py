"""The command `rag-eval compare`: two configurations of a run, paired by question, in figures and in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from eval.app import Folder, Json, app
from eval.score import NOT_APPLICABLE
from rag.shell import emit

CLEAR = 0.05  # an adjusted p below this is a difference


@app.command("compare")
def compare_command(
    folder: Folder,
    a: Annotated[str, typer.Argument(help="Name of one configuration.")],
    b: Annotated[str, typer.Argument(help="Name of the other.")],
    metric: Annotated[list[str] | None, typer.Option(help="Metric to compare; repeat for more; default: all of the run.")] = None,
    by_tag: Annotated[bool, typer.Option("--by-tag", help="Compare within every tag of the questions too; all of it is one family for Holm.")] = False,
    as_json: Json = False,
) -> None:
    """Compare two configurations of a run, paired by question: delta is A minus B."""
    from eval.pairs import pair

    body = pair(folder, a, b, metric, by_tag)
    emit(body, as_json, lambda: text(body))


def text(body: Mapping[str, Any]) -> str:
    """Return the comparison as lines of text: a table, what was lost, and what the figures cannot carry."""
    lines = [f"{body['a']} minus {body['b']}, paired by question; 95 % interval over documents; p {_family(body['family'])}", _HEAD]
    lines += [line for name, m in body["metrics"].items() for line in _row(name, m, body)]
    for tag, metrics in body.get("slices", {}).items():
        lines.append(f"tag {tag}")
        lines += [line for name, m in metrics.items() for line in _row(f"  {name}", m, body)]
    marks = [f"{mark}: {says}" for mark, says in _marks().items() if any(mark in line for line in lines)]
    judged = body["judged"]
    return "\n".join([*lines, _LEGEND, *marks, *([judged["line"], *judged["warnings"]] if judged else [])])


_HEAD = f"{'metric':22} {'delta':>8} {'95 % interval':20} {'p adj.':>7} {'effect':>7}  {'win/loss/tie':14} {'n (docs)':10} {'detects':>8}  verdict"
_LEGEND = "effect: delta in standard deviations of the differences; detects: the smallest difference found four times in five; win: A is better"
_DOCS, _DIFFER, _LOST = "few documents", "few differences", "few values"
_LARGE = 10  # values on another scale than 0 to 1 need no third digit


def _marks() -> dict[str, str]:
    """Return what each mark says."""
    from eval.comparison import FEW_DIFFER
    from eval.summary import ENOUGH, FEW_CLUSTERS

    return {
        _DOCS: f"below {FEW_CLUSTERS}, so the interval may be too narrow; no gate passes on it",
        _DIFFER: f"below {FEW_DIFFER}, of which no p below .05 can come",
        _LOST: f"below {ENOUGH:.0%} of the questions that the metric applies to, so nothing should be decided on it",
    }


def _family(family: Mapping[str, Any]) -> str:
    """Return over what the p-values were adjusted."""
    metrics = f"{family['metrics']} metric{'s' * (family['metrics'] != 1)}"
    over = f"{metrics} x (all questions and {family['slices']} tags)" if family["slices"] else metrics
    return f"adjusted for {family['tests']} test{'s' * (family['tests'] != 1)} (Holm): {over}"


def _row(name: str, m: Mapping[str, Any], body: Mapping[str, Any]) -> Iterator[str]:
    if m["n"] == 0:
        yield f"{name:22} no question has a value on both sides{_lost(m, body)}"
        return
    digits = 1 if max(abs(m[k]) for k in ("delta", "low", "high")) >= _LARGE else 3
    delta, low, high = (f"{m[k]:+.{digits}f}" for k in ("delta", "low", "high"))
    effect = "-" if m["effect"] is None else f"{m['effect']:+.2f}"
    detects = "-" if m["mde"] is None else f"{m['mde']:.{digits}f}"
    tally, size = f"{m['wins']}/{m['losses']}/{m['ties']}", f"{m['n']} ({m['clusters']})"
    figures = f"{delta:>8} {f'[{low}, {high}]':20} {m['p_adjusted']:7.4f} {effect:>7}  {tally:14} {size:10} {detects:>8}"
    yield f"{name:22} {figures}  {'; '.join([_verdict(m, body), *_marked(m)])}{_lost(m, body)}"


def _verdict(m: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    """Return who is better, where the test says so; equal everywhere and not shown are different things."""
    if m["wins"] == m["losses"] == 0:
        return "equal on every question"
    if m["p_adjusted"] >= CLEAR:
        return "not shown"
    return f"{body['a'] if (m['delta'] > 0) == m['higher_is_better'] else body['b']} better"


def _marked(m: Mapping[str, Any]) -> Iterator[str]:
    """Yield the marks of figures that cannot carry much."""
    if m["few_clusters"]:
        yield _DOCS
    if m["few_differences"]:
        yield _DIFFER
    if not m["covered"]:
        yield _LOST


def _lost(m: Mapping[str, Any], body: Mapping[str, Any]) -> str:
    """Return why which side has no value, left out where the metric just does not apply to either."""
    found = []
    for side in ("a", "b"):
        why = ", ".join(f"{n} {reason}" for reason, n in m["missing"][side].items() if m["lost"][side] or reason != NOT_APPLICABLE)
        if why:
            found.append(f"{body[side]} lacks {why} (coverage {m['coverage'][side]:.1%})" if m["coverage"][side] is not None else f"{body[side]} lacks {why}")
    return f"  ({'; '.join(found)})" if found else ""
