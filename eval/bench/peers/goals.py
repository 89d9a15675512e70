"""The ratios that issue 7 wants, and what a run found: the least favourable peer decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eval.bench.peers.competitors import DEFAULTS
from eval.bench.peers.figures import ratios

Row = Mapping[str, Any]
_BARE = {"encoder alone": "its encoder", "sentence-transformers": "sentence-transformers"}


def goals(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for each goal of a work what is wanted, what was found and whether that is enough; goals without figures are left out."""
    return [g for g in _MAKERS[body["work"]](body) if g is not None]


def _goal(what: str, wanted: float, found: float | None, most: bool = False) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"what": what, "wanted": wanted, "found": found, "at": "most" if most else "least", "met": found <= wanted if most else found >= wanted}


def _ratio(rows: Sequence[Row], keep: Callable[[Row], bool]) -> float | None:
    """Return the lowest ratio among the rows that are kept."""
    return min((float(r["ratio"]["median"]) for r in rows if keep(r)), default=None)


def _peer(mode: str, keeps: str) -> Callable[[Row], bool]:
    return lambda r: r["role"] == "peer" and r["mode"] == mode and r["keeps"] == keeps


def _search(body: Mapping[str, Any]) -> list[dict[str, Any] | None]:
    return [*_searched(body["rows"], "hybrid search"), *_searched(_against(body["rows"], DEFAULTS), "hybrid search at the defaults")]


def _searched(rows: Sequence[Row], what: str) -> list[dict[str, Any] | None]:
    ratio = {r["name"]: float(r["ratio"]["median"]) for r in rows if r["name"] in _BARE}
    return [
        _goal(f"{what}, embedding excluded: times as fast as each peer in memory", 50, _ratio(rows, _peer("embedding excluded", "memory"))),
        _goal(f"{what}, embedding included: times as fast as each peer in memory", 5, _ratio(rows, _peer("embedding included", "memory"))),
        *(_goal(f"{what}, embedding included: times the bare call of {_BARE[n]}", 1.3, round(1 / r, 3), most=True) for n, r in ratio.items()),
    ]


def _against(rows: Sequence[Row], name: str) -> list[Row]:
    """Return the rows with their ratios to the one of that name, round by round; none in modes that it took no part in."""
    own = {r["mode"]: r["rounds"] for r in rows if r["name"] == name}
    return [{**r, "ratio": ratios(r["rounds"], own[r["mode"]])} for r in rows if r["mode"] in own]


def _index(body: Mapping[str, Any]) -> list[dict[str, Any] | None]:
    return [
        _goal("indexing to disk: times as fast as the fastest peer in memory", 1.5, _ratio(body["rows"], _peer("", "memory"))),
        _goal("indexing to disk: times as fast as each peer that writes to disk", 10, _ratio(body["rows"], _peer("", "disk"))),
    ]


def _embed(body: Mapping[str, Any]) -> list[dict[str, Any] | None]:
    ours = next((r for r in body["rows"] if r["role"] == "ours"), None)
    return [
        _goal("indexing with embedding: times as fast as each peer", 1.8, _ratio(body["rows"], lambda r: r["role"] == "peer")),
        _goal("indexing with embedding: share of the encoder's limit", 0.7, None if ours is None else ours["share_of_limit"]),
    ]


def _grid(body: Mapping[str, Any]) -> list[dict[str, Any] | None]:
    times = {r["name"]: r["ratio"]["median"] for r in body["rows"]}
    return [
        _goal("grid: times as fast as the naive loop", 8, times.get("first run")),
        _goal("grid, second run: times as fast as the naive loop", 100, times.get("second run")),
        _goal("grid, indexes aside: times as long as its dearest configuration alone", 1.5, body.get("share"), most=True),
    ]


_MAKERS: Mapping[str, Callable[[Mapping[str, Any]], list[dict[str, Any] | None]]] = {"search": _search, "index": _index, "embed": _embed, "grid": _grid}
