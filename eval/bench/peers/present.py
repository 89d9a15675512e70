"""A run as a `Result`: a table for each mode, the goals, and a note for each competitor with what was chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from eval.bench.measured import Cell, Result, Table

TITLES = {
    "search": "Hybrid search against peers",
    "index": "Indexing against peers, embedding excluded",
    "embed": "Indexing against peers, embedding included",
    "grid": "A grid of configurations against a naive loop",
}
SIGNS = {"seconds": "s", "milliseconds": "ms a search"}
Row = Mapping[str, Any]


def result(body: Mapping[str, Any]) -> Result:
    """Return what is shown of the figures of a run."""
    given = ", ".join(f"{k} {v:,}" for k, v in body["inputs"].items())
    tables = [_table(body, mode, given) for mode in dict.fromkeys(r["mode"] for r in body["rows"])]
    if body["goals"]:
        cells = [(g["what"], f"at {g['at']} {g['wanted']:g}", g["found"], "yes" if g["met"] else "no") for g in body["goals"]]
        tables.append(Table("Goals; the least favourable competitor decides", ("goal", "wanted", "found", "met"), tuple(cells)))
    return Result(TITLES[body["work"]], body["command"], tuple(tables), (), tuple(_notes(body)), body["machine"])


def _table(body: Mapping[str, Any], mode: str, given: str) -> Table:
    """Return the rows of one mode; columns that nobody has a figure for are left out."""
    mine = [r for r in body["rows"] if r["mode"] == mode]
    times = "times as fast as the loop" if body["work"] == "grid" else "times as long as ours"
    columns = ["", SIGNS[body["unit"]], "lowest to highest", "rounds", times, "of rounds, lowest to highest", *(name for name, _ in _EXTRA)]
    rows: list[list[Cell]] = [[*_plain(r), *(get(r) for _, get in _EXTRA)] for r in mine]
    kept = [i for i in range(len(columns)) if i < 6 or any(row[i] is not None for row in rows)]
    return Table(mode or "Work", tuple(columns[i] for i in kept), tuple(tuple(row[i] for i in kept) for row in rows), given)


def _plain(row: Row) -> list[Cell]:
    value, ratio = row["value"], row["ratio"]
    return [row["name"], value["median"], _range(value), len(row["rounds"]), ratio["median"], _range(ratio)]


def _range(figure: Mapping[str, float]) -> str:
    return f"{figure['low']:.3g} to {figure['high']:.3g}"


_EXTRA: tuple[tuple[str, Callable[[Row], Cell]], ...] = (
    ("processor s or ms, least", lambda r: min(r["cpu"]) if r.get("cpu") else None),
    ("p95 ms", lambda r: sorted(r["p95"])[len(r["p95"]) // 2] if r.get("p95") else None),
    ("tokens/s", lambda r: r.get("tokens_per_second")),
    ("share of the limit", lambda r: r.get("share_of_limit")),
    ("top tens shared with ours", lambda r: r.get("overlap")),
    ("anonymous memory MB", lambda r: r["memory_mb"]["median"] if "memory_mb" in r else None),
    ("disk MB", lambda r: r.get("disk_mb")),
)


def _notes(body: Mapping[str, Any]) -> Sequence[str]:
    """Return what was chosen for each competitor, with versions; who failed; and what the limit is."""
    found: dict[str, str] = {}
    packages: dict[str, str] = {}
    for row in body["rows"]:
        found.setdefault(row["name"], f"{row['name']}: {row['chosen']}")
        packages |= row.get("packages", {})
    notes = [*found.values(), *(f"{name} failed: {why}" for name, why in body["failed"].items())]
    if packages:
        notes.append("versions: " + ", ".join(f"{p} {v}" for p, v in sorted(packages.items())))
    if "limit" in body:
        limit = body["limit"]
        notes.append(
            f"limit: {limit['seconds']} s for the same tokens at {limit['gigaflops']:,} Gflop/s, the measured rate of matrix products in {limit['precision']}"
        )
    return [*notes, f"load average {body['machine']['load']} at the start; {body['seconds']:.0f} s in all"]
