"""A certificate's figures in plain words: where the judge must not be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from eval.slices import FEW_ROWS
from eval.summary import FEW_CLUSTERS

WEAK_RATE = 0.7  # sensitivity or specificity
WEAK_ORDER = 0.65  # AUROC
LITTLE = 0.05  # a bias that matters, as a share of verdicts
UNSURE = 0.1  # a calibration error that matters
ENOUGH = 0.95  # coverage


def weak_spots(body: Mapping[str, Any]) -> list[str]:
    """Return one phrase per weakness of the figures of a certificate, the gravest kinds first; slices too small to speak are left out."""
    return [*_size(body), *_overall(body["metrics"]), *_slices(body), *_biases(body), *_rest(body)]


def _size(body: Mapping[str, Any]) -> Iterator[str]:
    """Yield that there are too few rows; certificates from before the count of supported rows was kept say nothing of it."""
    if (supported := body.get("supported")) is None:
        return
    unsupported, sources = body["judged"] - supported, body["clusters"]
    if min(supported, unsupported) < FEW_ROWS or sources < FEW_CLUSTERS:
        yield f"rests on {supported} supported and {unsupported} unsupported rows from {sources} sources, too few to rely on"


def _overall(metrics: Mapping[str, Any]) -> Iterator[str]:
    se, sp = (metrics[name]["value"] if metrics[name] else None for name in ("sensitivity", "specificity"))
    if sp is None or se is None:
        yield f"was not measured on {'unsupported' if sp is None else 'supported'} answers: no such row has a verdict"
    if sp is not None and sp < WEAK_RATE:
        yield f"passes {1 - sp:.0%} of unsupported answers as supported"
    if se is not None and se < WEAK_RATE:
        yield f"rejects {1 - se:.0%} of supported answers"


def _slices(body: Mapping[str, Any]) -> Iterator[str]:
    overall = body["metrics"]["auroc"]
    known = [s for s in body["slices"] if not s["small"] and s["metrics"]["auroc"]]
    for s in sorted(known, key=lambda s: (s["metrics"]["auroc"]["value"], s["name"])):
        own = s["metrics"]["auroc"]
        weaker = overall and overall["low"] is not None and own["high"] is not None and own["high"] < overall["low"]
        if own["value"] < WEAK_ORDER:
            yield f"hardly tells supported from unsupported on {_named(s)} (AUROC {own['value']:.2f})"
        elif weaker:
            yield f"weaker on {_named(s)} (AUROC {own['value']:.2f}, {overall['value']:.2f} on all)"


def _named(part: Mapping[str, Any]) -> str:
    return f"{part['name']} answers" if part["by"] == "length" else str(part["name"])


def _biases(body: Mapping[str, Any]) -> Iterator[str]:
    longer = body["biases"]["length"]["long_minus_short"]
    if longer and _beyond(longer) and abs(longer["value"]) > LITTLE:
        more = "more" if longer["value"] > 0 else "less"
        yield f"calls long answers supported {abs(longer['value']):.0%} of the time {more} often than short ones of the same label"
    order = body["biases"]["order"]["changed"]
    if order and order["value"] > LITTLE:
        yield f"changes {order['value']:.0%} of its verdicts when contexts come in another order"


def _beyond(figure: Mapping[str, float | None]) -> bool:
    """Whether the interval leaves out 0."""
    low, high = figure["low"], figure["high"]
    return low is not None and high is not None and (low > 0 or high < 0)


def _rest(body: Mapping[str, Any]) -> Iterator[str]:
    again = body["stability"]["same"]
    if again and again["value"] < 1 - LITTLE:
        yield f"gives another verdict the second time on {1 - again['value']:.0%} of answers"
    sure = body["metrics"].get("calibration_error")
    if sure and sure["value"] > UNSURE:
        yield f"its confidence is off by {sure['value']:.0%} on average"
    if body["coverage"]["value"] < ENOUGH:
        yield f"gave no verdict on {1 - body['coverage']['value']:.0%} of answers"
