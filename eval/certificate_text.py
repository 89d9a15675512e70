"""Certificates and corrected rates as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_NAMES = {
    "auroc": "AUROC", "balanced_accuracy": "balanced accuracy", "sensitivity": "sensitivity", "specificity": "specificity", "kappa": "kappa",
    "auroc_within": "AUROC within a file (mean)", "brier": "Brier score", "calibration_error": "calibration error",
}  # fmt: skip
_LENGTH = {
    "auroc_verdict": "length against verdict (AUROC)", "auroc_label": "length against label (AUROC)", "difference": "difference",
    "long_minus_short": "long minus short, equal label",
}  # fmt: skip


def text(body: Mapping[str, Any]) -> str:
    """Return the figures of a certificate, one per line with its interval, then the slices and the weak spots."""
    files = ", ".join(f"{f['name']} {f['rows']:,}" for f in body["labels"]["files"])
    lines = [f"judge {body['judge']} on {body['n']:,} labelled rows ({files}), {body['clusters']:,} sources; 95 % intervals, supported is positive"]
    lines += [f"{_NAMES[name]:32}{_figure(figure)}" for name, figure in body["metrics"].items()]
    return "\n".join([*lines, *_bias_lines(body), *_missing(body), "", *_slice_lines(body), "", *_weak(body)])


def _figure(figure: Mapping[str, float | None] | None) -> str:
    if figure is None:
        return "not measured"
    interval = "" if figure["low"] is None else f"  [{figure['low']:.3f}, {figure['high']:.3f}]"
    return f"{figure['value']:.3f}{interval}"


def _bias_lines(body: Mapping[str, Any]) -> Iterator[str]:
    again, order = body["stability"], body["biases"]["order"]
    yield f"{'same verdict when judged again':32}{_figure(again['same'])}  ({again['rows']} rows, {again['repeat']} times)"
    beside = f", {order['with_other']} beside a context of another row" if order["with_other"] else ""
    yield f"{'changed by reversed contexts':32}{_figure(order['changed'])}  ({order['rows']} rows{beside})"
    for name, label in _LENGTH.items():
        yield f"{label:32}{_figure(body['biases']['length'][name])}"


def _missing(body: Mapping[str, Any]) -> Iterator[str]:
    if body["missing"]:
        why = ", ".join(f"{n} {reason}" for reason, n in body["missing"].items())
        yield f"no verdict on {body['n'] - body['judged']} rows ({why}); coverage {_figure(body['coverage'])}"


def _slice_lines(body: Mapping[str, Any]) -> Iterator[str]:
    width = max((len(s["name"]) for s in body["slices"]), default=0) + 2
    if body["slices"]:
        yield f"{'slice':{width}}{'rows':>6} {'supported':>9}  AUROC                 sensitivity           specificity"
    for s in body["slices"]:
        cells = "".join(f"{_figure(s['metrics'][name]):22}" for name in ("auroc", "sensitivity", "specificity"))
        yield f"{s['name']:{width}}{s['n']:>6} {s['supported']:>9}  {cells}{'small' if s['small'] else ''}".rstrip()


def _weak(body: Mapping[str, Any]) -> list[str]:
    return ["weak spots:", *(f"- {spot}" for spot in body["weak_spots"])] if body["weak_spots"] else ["no weak spot was found on these rows"]


def corrections(body: Mapping[str, Any]) -> str:
    """Return raw and corrected means per configuration and metric, and what they rest on."""
    width = max(map(len, body["configs"]), default=0) + 2
    lines = []
    for config, metrics in body["configs"].items():
        for metric, entry in metrics.items():
            raw, fixed = entry["raw"], entry["corrected"]
            shown = "-" if raw is None else f"{raw['mean']:.3f} [{raw['low']:.3f}, {raw['high']:.3f}]"
            then = fixed["why"] if "why" in fixed else f"{fixed['value']:.3f} [{fixed['low']:.3f}, {fixed['high']:.3f}] by {_method(fixed)}"
            lines.append(f"{config:{width}}{metric:20}raw {shown}  corrected {then}")
    told = body["labels"]
    if told:
        lines.append(f"labels: {told['used']} used, {told['not_in_the_run']} not in the run, {told['left_open']} left open")
    return "\n".join([*lines, body["certificate"]["line"]])


def _method(fixed: Mapping[str, Any]) -> str:
    if "labelled" not in fixed:
        return "Rogan-Gladen"
    return f"prediction-powered inference (labels in {fixed['labelled']} questions, tuning {fixed['tuning']:.2f})"
