"""What the doctor says, as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

SHOWN = 5  # findings of one check and severity that are printed


def page(body: Mapping[str, Any], most: int = SHOWN) -> str:
    """Return a readable text of an examination, at most so many findings of one check and severity."""
    lines = [_top(body), ""]
    for (severity, check), rows in groupby(body["findings"], key=lambda f: (f["severity"], f["check"])):
        lines += _group(severity, check, list(rows), most)
    lines += [*_figures(body["figures"])]
    return "\n".join(lines)


def _top(body: Mapping[str, Any]) -> str:
    sizes = body["figures"].get("slices", {})
    counts = ", ".join(f"{n} {name}{'s' * (n != 1)}" for name, n in body["counts"].items())
    if not sizes:
        return f"{body['questions']}: no sound question; {counts}"
    unread = len(body["unread_documents"])
    about = f"{sizes['questions']} questions ({sizes['answerable']} answerable) about {sizes['documents_with_evidence']} of {sizes['documents']} documents"
    return f"{body['questions']}: {about}{f' ({unread} could not be read)' if unread else ''}; {counts}"


def _group(severity: str, check: str, rows: Sequence[Mapping[str, Any]], most: int) -> list[str]:
    lines = [f"{severity.upper()} {check} ({len(rows)})"]
    fix = ""
    for row in rows[:most]:
        where = [f"line {row['line']}"] if row["line"] else []
        who = ", ".join([*([row["question"]] if row["question"] else []), *where])
        lines.append(f"  {f'{who}: ' if who else ''}{row['message']}")
        if row["fix"] and row["fix"] != fix:
            lines.append(f"    -> {row['fix']}")
            fix = row["fix"]
    if len(rows) > most:
        lines.append(f"  ... and {len(rows) - most} more; --all shows them")
    return [*lines, ""]


def _figures(figures: Mapping[str, Any]) -> Iterator[str]:
    yield "FIGURES"
    leaks, unanswerable, support = (figures.get(n, {}) for n in ("leaks", "unanswerable", "support"))
    if leaks.get("compared"):
        yield f"  a question shares {leaks['median_overlap']:.0%} of its content words with its evidence (median of {leaks['compared']})"
    if unanswerable.get("sensitivity") is not None:
        seen = unanswerable["sensitivity"]
        told = f"suspects {unanswerable['suspected']:.0%} of the unanswerable questions and would suspect {seen:.0%} of the answerable ones"
        yield f"  the look for answers by words {told}; the nearer the two, the less it tells, and what it does not suspect it has not cleared"
    if support.get("without_answer"):
        yield f"  {support['without_answer']} answerable questions have no reference answer: metrics that need one leave them out"
    if figures.get("duplicates", {}).get("left_out"):
        yield f"  near duplicates were looked for by words alone ({figures['duplicates']['left_out']})"
    yield from _saturation(figures.get("saturation", {}))
    if "power" in figures:
        yield ""
        yield from _power(figures["power"])


def _saturation(figures: Mapping[str, Any]) -> Iterator[str]:
    rows = {name: row for name, row in figures.get("metrics", {}).items() if row["n"]}
    if figures.get("configs", 0) < 2 or not rows:
        return
    yield f"  same for all {figures['configs']} configurations of the run:"
    for name, row in rows.items():
        yield f"    {name:22} right {row['right']:4.0%}  wrong {row['wrong']:4.0%}  of {row['n']}"


def _power(figures: Mapping[str, Any]) -> Iterator[str]:
    if "measured" not in figures:
        return
    level = f"{figures['power']:.0%} power at {figures['alpha']:g} two-sided, paired, clustered by document"
    heads = "".join(f"{f'{p} pt':>9}" for p in figures["points"])
    if figures["measured"]:
        yield f"SMALLEST DIFFERENCE (points of 100) and questions needed for smaller ones; measured on the run's pairs, {level}"
        yield f"  {'metric':22}{'n':>6}{'clusters':>9}{'sd':>7}{'deff':>7}{'smallest':>10}{'largest':>9}{heads}"
        for name, row in figures["metrics"].items():
            yield f"  {name:22}{row['n']:6}{row['clusters']:9}{row['sd']:7.2f}{row['deff']:7.2f}{100 * row['smallest']:10.1f}{100 * row['largest']:9.1f}{_needed(row)}"
        for name in figures["without_difference"]:
            yield f"  {name:22}no two configurations of the run differ"
        return
    yield f"SMALLEST DIFFERENCE (points of 100) and questions needed for smaller ones; {level}"
    yield f"  {figures['questions']} questions in {figures['clusters']} clusters. Assumed, not measured: the spread (sd) of paired differences, and a correlation of"
    yield f"  {figures['assumed_icc']:g} between questions about one document (design effect {figures['deff']:.2f}); --run DIR measures both"
    yield f"  {'sd':>6}{'smallest':>10}{heads}"
    for row in figures["rows"]:
        yield f"  {row['sd']:6.1f}{100 * row['smallest']:10.1f}{_needed(row)}"


def _needed(row: Mapping[str, Any]) -> str:
    return "".join(f"{n:9,}" for n in row["needed"].values())
