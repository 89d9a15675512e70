"""An explanation as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table

WIDTH = 120
BAR = 30  # characters of a bar of the whole
WORDS = {
    "corpus": "in the corpus, read and indexed", "chunk": "held by one chunk", "search": "found by some leg", "fusion": "kept by the whole retriever",
    "pack": "fitted the context", "answer": "used in the answer", "score": "scores agree", "unknown": "cannot be known", "right": "answered rightly",
}  # fmt: skip


def waterfall_text(body: Mapping[str, Any]) -> str:
    """Return the waterfall, the legs, and the questions by outcome."""
    lines = [f"{body['config']}: where {body['measure']} is lost, {body['measured']} questions, points of 100 with 95 % intervals over documents"]
    if body["stages"]:
        lines += [
            _stages(body["stages"]),
            f"left after the last stage: {100 * body['left']:.1f} points; the bars above and this make 100",
            "",
            _legs(body["legs"]),
        ]
    lines += [
        "",
        f"{body['n']} answerable questions, each at the first stage that lost evidence of it, or by its answer",
        _outcomes(body["outcomes"], body["n"]),
    ]
    lines += [f"left out: {n} questions, {why}" for why, n in body["left_out"].items()]
    if others := body["replayed_otherwise"]:
        lines.append(f"warning: {len(others)} questions replay to another context than the run shows ({', '.join(others[:5])}); a model or the day has changed")
    return "\n".join(lines)


def _stages(rows: Sequence[Mapping[str, Any]]) -> str:
    table = _table("stage", "what is asked", ">lost", ">interval", ">left", ">questions", "")
    for r in rows:
        begin, end = round(BAR * r["left"]), round(BAR * (r["left"] + r["lost"]))
        bar = "." * begin + "#" * (end - begin)
        low_high = f"[{100 * r['low']:.1f}, {100 * r['high']:.1f}]"
        table.add_row(r["stage"], words(r["stage"]), f"{100 * r['lost']:.1f}", low_high, f"{100 * r['left']:.1f}", str(r["questions"]), bar)
    return rendered(table)


def words(stage: str) -> str:
    """Return what is asked of a stage, in words."""
    return WORDS.get(stage, f"kept by {stage.removeprefix('refine ')}")


def _legs(rows: Sequence[Mapping[str, Any]]) -> str:
    table = _table("leg", ">found", ">interval", ">only this leg", ">questions")
    for r in rows:
        table.add_row(r["leg"], f"{100 * r['found']:.1f}", f"[{100 * r['low']:.1f}, {100 * r['high']:.1f}]", f"{100 * r['alone']:.1f}", str(r["n"]))
    return rendered(table)


def _outcomes(rows: Sequence[Mapping[str, Any]], n: int) -> str:
    table = _table("outcome", ">questions", ">share", "why")
    for r in rows:
        if r["n"]:
            why = ", ".join(f"{k} {count}" for k, count in r["why"].items())
            table.add_row(r["stage"], str(r["n"]), f"{100 * r['n'] / n:.1f} %", why or ("lost before the answer" if r["stage"] != "right" else words("right")))
    return rendered(table)


def difference_text(body: Mapping[str, Any]) -> str:
    """Return the difference between two configurations by stage."""
    head = f"{body['a']} minus {body['b']}: where the difference in {body['measure']} comes from, points of 100, paired, 95 % intervals over documents"
    if body["total"] is None:
        return f"{head}\nno question is explained on both sides"
    table = _table("stage", ">gained by A", ">interval", ">p (Holm)", ">wins", ">losses")
    for r in [*body["stages"], {"stage": "together", **body["total"]}]:
        p = r["p"] if r["stage"] == "together" else r["p_adjusted"]
        interval = f"[{100 * r['low']:+.1f}, {100 * r['high']:+.1f}]"
        table.add_row(r["stage"], f"{100 * r['delta']:+.1f}", interval, "-" if p is None else f"{p:.4f}", str(r["wins"]), str(r["losses"]))
    lines = [head, f"{body['n']} questions; the stages sum to the whole", rendered(table)]
    if body["moved"]:
        lines += ["", f"questions by outcome, {body['a']} minus {body['b']}, 95 % intervals over documents", _counts(body["outcomes"])]
        lines += ["", "questions whose outcome differs:", *(f"  {m['n']}: {m['from']} in {body['b']}, {m['to']} in {body['a']}" for m in body["moved"][:12])]
    return "\n".join(lines)


def _counts(rows: Sequence[Mapping[str, Any]]) -> str:
    table = _table("outcome", ">A", ">B", ">A minus B", ">interval", ">p (Holm)")
    for r in rows:
        if r["a"] or r["b"]:
            p = "-" if r["p_adjusted"] is None else f"{r['p_adjusted']:.4f}"
            table.add_row(r["stage"], str(r["a"]), str(r["b"]), f"{r['delta']:+.0f}", f"[{r['low']:+.1f}, {r['high']:+.1f}]", p)
    return rendered(table)


def worth_text(body: Mapping[str, Any]) -> str:
    """Return what each part is worth, a row per part and metric; metrics in points of 100."""
    table = _table("changed", "measure", ">with", ">without", ">difference", ">interval", ">p (Holm)", ">n")
    for part in body["parts"]:
        for i, (name, m) in enumerate(part["worth"].items()):
            table.add_row(part["change"] if not i else "", name, *_worth(m, name in body["points"]))
    head = f"{body['config']} minus itself with one part changed, paired by question, 95 % intervals over documents; metrics in points of 100"
    return "\n".join([head, rendered(table), *body["notes"]])


def _worth(m: Mapping[str, Any], points: bool) -> list[str]:
    if not m["n"]:
        return ["-", "-", "-", "", "", "0"]
    scale, places = (100, 1) if points else (1, 1 if abs(m["with"]) < 100 else 0)
    low_high = f"[{scale * m['low']:+.{places}f}, {scale * m['high']:+.{places}f}]"
    ends = [f"{scale * m[end]:.{places}f}" for end in ("with", "without")]
    return [*ends, f"{scale * m['delta']:+.{places}f}", low_high, "-" if m["p_adjusted"] is None else f"{m['p_adjusted']:.4f}", str(m["n"])]


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name.removeprefix(">"), justify="right" if name.startswith(">") else "left", no_wrap=name.startswith(">"))
    return table


def rendered(table: Table) -> str:
    """Return a table as plain text."""
    out = StringIO()
    Console(file=out, width=WIDTH, no_color=True, highlight=False, markup=False).print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().split("\n"))
