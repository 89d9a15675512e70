"""A gate's verdict in the forms that people and CI systems read: one screen of text, JUnit XML, and a GitHub step summary."""

from __future__ import annotations

from xml.etree import ElementTree

from eval.gate import Check, Gate
from eval.gate_policy import Policy

_MARK = {"pass": "pass", "regressed": "REGRESSED", "inconclusive": "inconclusive", "not_comparable": "not comparable"}


def text(found: Gate, policy: Policy) -> str:
    """Return the verdict, every check in one line, and what differs from the baseline, on one screen."""
    lines = [f"{_MARK[found.verdict]}{f': {found.why}' if not found.checks else ''}"]
    width = max((len(c.metric) for c in found.checks), default=0)
    lines += [f"  {_MARK[c.verdict]:14} {c.metric:{width}}  {c.why}{_lost(c)}" for c in found.checks]
    if found.differs:
        lines.append(f"differs from the baseline in: {', '.join(found.differs)}")
    lines += [f"not looked at: {line}" for line in found.unnamed]
    if found.verdict == "inconclusive":
        said = {"fail": "fails", "warn": "passes with this warning", "pass": "passes"}[policy.on_inconclusive]
        lines.append(f"an inconclusive gate {said} (on_inconclusive: {policy.on_inconclusive})")
    return "\n".join(lines)


def _lost(check: Check) -> str:
    lost = {side: n for side, n in check.lost.items() if n}
    return f"  ({', '.join(f'{n} without a value in the {side}' for side, n in lost.items())})" if lost else ""


def junit(found: Gate, policy: Policy) -> str:
    """Return JUnit XML: one test case per check; a regression is a failure, what cannot be compared an error, inconclusive what the policy says."""
    failing = {"regressed"} | ({"inconclusive"} if policy.on_inconclusive == "fail" else set())
    cases = found.checks or (Check("gate", found.verdict, found.why),)
    suite = ElementTree.Element(
        "testsuite",
        name="rag-eval gate",
        tests=str(len(cases)),
        failures=str(sum(c.verdict in failing for c in cases)),
        errors=str(sum(c.verdict == "not_comparable" for c in cases)),
        skipped=str(sum(c.verdict == "inconclusive" and c.verdict not in failing for c in cases)),
    )
    for check in cases:
        case = ElementTree.SubElement(suite, "testcase", classname=f"gate.{check.kind}", name=check.metric)
        if check.verdict in failing:
            ElementTree.SubElement(case, "failure", type=check.verdict, message=_clean(check.why))
        elif check.verdict == "not_comparable":
            ElementTree.SubElement(case, "error", type=check.verdict, message=_clean(check.why))
        elif check.verdict == "inconclusive":
            ElementTree.SubElement(case, "skipped", message=_clean(check.why))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"


def _clean(words: str) -> str:
    """Return the words without what XML 1.0 cannot hold."""
    return "".join(c for c in words if c in "\t\n\r" or 0x20 <= ord(c) <= 0xD7FF or 0xE000 <= ord(c) <= 0xFFFD or ord(c) >= 0x10000)


def markdown(found: Gate, policy: Policy) -> str:
    """Return a table for a GitHub step summary."""
    lines = [f"### rag-eval gate: {_MARK[found.verdict]}", ""]
    if found.checks:
        lines += ["| metric | verdict | baseline | current | difference | interval | margin |", "|---|---|---|---|---|---|---|"]
    for c in found.checks:
        interval = "" if c.low is None or c.high is None else f"{c.low:+.3f} to {c.high:+.3f}"
        cells = [c.metric, _MARK[c.verdict], _number(c.baseline), _number(c.current), _number(c.delta, "+"), interval, _number(c.margin)]
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    notes = [f"{c.metric} {c.why}{_lost(c)}" for c in found.checks if c.verdict != "pass"] or ([found.why] if found.why else [])
    if found.differs:
        notes.append(f"differs from the baseline in: {', '.join(found.differs)}")
    notes += [f"not looked at: {line}" for line in found.unnamed]
    if found.verdict == "inconclusive":
        notes.append(f"on_inconclusive: {policy.on_inconclusive}")
    return "\n".join([*lines, "", *(f"- {n}" for n in notes)]).rstrip() + "\n"


def _number(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{value:{sign}.3f}"
