"""What questions that were not used for choosing say of the choice: against the base, against the winner, and how much the winner shrank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.comparison import adjust, compare
from eval.metrics import parse
from eval.pairs import clusters
from eval.records import read_scores

LEVEL = 0.05
_KEPT = ("delta", "low", "high", "p", "p_adjusted", "wins", "losses", "ties", "n", "mde", "clusters", "few_clusters", "covered")


def confirm(
    folder: Path, selected: Mapping[str, Any], confirmed: Mapping[str, Any], metric: str, chosen: str, winner: str, base: str, names: Sequence[str], seed: int
) -> dict[str, Any]:
    """Return `{means, against_base, against_winner, shrinkage, verdict, says}`.

    `selected` and `confirmed` are the summaries of the two runs, `folder` that of the second, `names` what it should hold. A comparison
    is `chosen` minus the other with positive better, None where they are one or one is missing; both are one family for Holm.
    """
    entries = confirmed["configs"]
    means = {n: {"selection": _mean(selected, n, metric), "confirmation": _mean(confirmed, n, metric)} for n in names}
    wanted = {"against_base": base, "against_winner": winner}
    found: dict[str, dict[str, Any] | None] = dict.fromkeys(wanted)
    for name, other in wanted.items():
        if other != chosen and {chosen, other} <= entries.keys():
            found[name] = _paired(folder, chosen, other, metric, seed)
    distinct = [found["against_base"]] if winner == base else [found["against_base"], found["against_winner"]]
    adjust([f for f in distinct if f is not None])
    if winner == base:
        found["against_winner"] = found["against_base"]
    bodies = {n: None if f is None else {k: f[k] for k in _KEPT} for n, f in found.items()}
    verdict, says = _verdict(bodies["against_base"], chosen, base, chosen in entries and base in entries)
    return {"means": means, **bodies, "shrinkage": _shrinkage(means, winner, base, metric), "verdict": verdict, "says": says}


def _mean(summary: Mapping[str, Any], name: str, metric: str) -> float | None:
    found: float | None = summary["configs"][name]["metrics"][metric]["mean"] if name in summary["configs"] else None
    return found


def _paired(folder: Path, a: str, b: str, metric: str, seed: int) -> dict[str, Any]:
    chosen = parse(metric)
    found: dict[str, Any] = compare(a, read_scores(folder / a), b, read_scores(folder / b), clusters(folder), [chosen], seed)["metrics"][metric]
    if not chosen.higher_is_better and found["n"]:
        found |= {"delta": -found["delta"], "low": -found["high"], "high": -found["low"]}
    return found


def _shrinkage(means: Mapping[str, Mapping[str, float | None]], winner: str, base: str, metric: str) -> dict[str, float | None]:
    """Return the lead of the selection's winner over the base on both splits: what is lost of it is what picking the highest had added, and chance."""
    sign = 1 if parse(metric).higher_is_better else -1
    leads: dict[str, float | None] = {}
    for part in ("selection", "confirmation"):
        a, b = means[winner][part], means[base][part] if base in means else None
        leads[part] = None if a is None or b is None else round(sign * (a - b), 6)
    first, second = leads["selection"], leads["confirmation"]
    return {**leads, "lost": None if first is None or second is None else round(first - second, 6)}


def _verdict(row: Mapping[str, Any] | None, chosen: str, base: str, there: bool) -> tuple[str, str]:
    """Return a word and a sentence."""
    if chosen == base:
        return "keep_base", "keep the base: it is the simplest of those that cannot be told from the best"
    if not there or row is None or not row["n"]:
        return "not_confirmed", "nothing is confirmed: the chosen configuration and the base have no values on the questions kept for it"
    if not row["covered"]:
        return "not_confirmed", "nothing is confirmed: too few of the questions have a value on both sides"
    few = f", but on {row['clusters']} documents, which is few" if row["few_clusters"] else ""
    interval = f"{row['delta']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"
    if row["p_adjusted"] < LEVEL:
        word, better = ("confirmed", "better") if row["delta"] > 0 else ("worse", "worse")
        return word, f"on questions not used for choosing, {chosen} is {better} than the base: {interval}{few}{'' if better == 'better' else '; keep the base'}"
    return (
        "not_shown",
        f"on questions not used for choosing, {chosen} is not shown to differ from the base: {interval}{few}; keeping the base is as well founded",
    )
