"""How a benchmark keeps what it measured: tables and curves as JSON, with the machine and the command beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import exp, log
from pathlib import Path
from typing import Any

import numpy as np

from eval.bench.machine import machine
from rag.index.manifest import write_bytes

Cell = str | float | int | None


@dataclass(frozen=True)
class Table:
    """A table. `columns` say the units; a row has a cell for each column, None where nothing was measured."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.title}: a row of {len(row)} cells under {len(self.columns)} columns")


@dataclass(frozen=True)
class Curve:
    """Points by series, drawn on two logarithmic axes; `x` and `y` are the names of the axes with their units."""

    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[tuple[float, float]]]

    @property
    def exponents(self) -> dict[str, float]:
        """The exponent of growth of each series that has two points."""
        return {name: exponent(points) for name, points in self.series.items() if len({x for x, _ in points}) > 1}


@dataclass(frozen=True)
class Result:
    """What one command measured."""

    title: str
    command: str
    tables: tuple[Table, ...] = ()
    curves: tuple[Curve, ...] = ()
    notes: tuple[str, ...] = ()
    machine: Mapping[str, Any] = field(default_factory=machine)


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return b of the curve a x^b that fits best: the slope of the least-squares line through the logarithms."""
    x, y = (np.array([log(p[i]) for p in points]) for i in (0, 1))
    return float(np.polyfit(x, y, 1)[0])


def fitted(points: Sequence[tuple[float, float]]) -> float:
    """Return a of the curve a x^b."""
    x, y = (np.array([log(p[i]) for p in points]) for i in (0, 1))
    return exp(float(np.polyfit(x, y, 1)[1]))


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Return `median (min to max)`."""
    return f"{np.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def write(path: Path, result: Result) -> None:
    """Write a result as JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, (json.dumps(asdict(result), ensure_ascii=False, indent=1) + "\n").encode("utf-8"))


def read(path: Path) -> Result:
    """Return a result that was written. Raises `ValueError`, `KeyError` or `TypeError` for another file."""
    found = json.loads(path.read_text(encoding="utf-8"))
    tables = tuple(Table(t["title"], tuple(t["columns"]), tuple(tuple(r) for r in t["rows"]), t["note"]) for t in found["tables"])
    curves = tuple(Curve(c["title"], c["x"], c["y"], {n: [(x, y) for x, y in p] for n, p in c["series"].items()}) for c in found["curves"])
    return Result(found["title"], found["command"], tables, curves, tuple(found["notes"]), found["machine"])


def text(result: Result) -> str:
    """Return a result as Markdown below a heading of the second level."""
    lines = [f"## {result.title}", "", f"`{result.command}`", ""]
    for table in result.tables:
        lines += [f"**{table.title}**", "", *_rows(table), ""]
        if table.note:
            lines += [table.note, ""]
    for curve in result.curves:
        for name, value in curve.exponents.items():
            lines.append(f"- {curve.title}, {name}: grows with the power {value:.2f} of the {curve.x.split(',')[0]}")
        lines.append("")
    lines += [*(f"- {n}" for n in result.notes), ""] if result.notes else []
    return "\n".join(lines).rstrip() + "\n"


def _rows(table: Table) -> list[str]:
    marks = ["---", *("---:" for _ in table.columns[1:])]
    return ["| " + " | ".join(r) + " |" for r in (table.columns, marks, *(tuple(map(cell, row)) for row in table.rows))]


def cell(value: Cell) -> str:
    """Return a cell as it is printed: numbers with three digits that count, thousands with commas, `-` for what was not measured."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value.replace("|", "\\|")
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
