"""One question replayed, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONG = 400  # characters of a text that are shown


def show_text(body: Mapping[str, Any], most: int = 5) -> str:
    """Return the replay as text; of each list the first `most` hits and every later one that holds evidence, marked `*`."""
    lines = [f"{body['question']} in {body['config']}: {body['text']}", ""]
    lines += [f"evidence {_place(e)}{_cut(e)}\n    {_short(e['text'])}" for e in body["evidence"]] or [
        "no evidence" + ("" if body["answerable"] else ": unanswerable")
    ]
    lines += [f"reference: {_short(r)}" for r in body["references"]]
    for stage in body["stages"]:
        lines += ["", *_stage(stage, most)]
    lines += ["", *_context(body["context"])]
    if body["replayed_otherwise"]:
        lines.append("warning: the replay shows another context than the run did; a model or the day has changed")
    lines += ["", *_answer(body["answer"]), "", *_scores(body["scores"])]
    if "lost" in body:
        lines += ["", _lost(body["lost"])]
    return "\n".join(lines)


def _stage(stage: Mapping[str, Any], most: int) -> list[str]:
    hits = stage["hits"]
    shown = [h for h in hits if h["rank"] <= most or h["evidence"]]
    held = [str(h["rank"]) for h in hits if h["evidence"]]
    label = stage["name"] if stage["stage"] in ("pack", "refine") else f"{stage['stage']} {stage['name']}"
    head = f"{label}: {len(hits)} hits, evidence at {', '.join(held) if held else 'no rank'}"
    lines, before = [head], 0
    for hit in shown:
        if hit["rank"] > before + 1:
            lines.append("      ...")
        lines.append(f"  {'*' if hit['evidence'] else ' '} {hit['rank']:>3}  {hit['score']:>9.4f}  {_place(hit)}")
        before = hit["rank"]
    return lines


def _context(context: Mapping[str, Any]) -> list[str]:
    lines = [f"context: {len(context['sources'])} sources, {context['tokens']} tokens, {context['dropped']} dropped, {context['cut']} cut; evidence in >> <<"]
    for number, source in enumerate(context["sources"], start=1):
        text = _around(source["text"], source["start"], source["evidence"]) if source["evidence"] else _short(source["text"], 100)
        lines.append(f"  [{number}] {_place(source)}\n      {text}")
    return lines


def _around(text: str, start: int, marked: list[list[int]]) -> str:
    """Return a text with the evidence between marks, cut to what lies near it."""
    parts, at = [], 0
    for a, b in marked:
        before = text[at : a - start]
        parts.append(before if len(before) <= 120 else f"{before[:40]} ... {before[-60:]}")
        parts.append(f">>{text[a - start : b - start]}<<")
        at = b - start
    after = text[at:]
    return " ".join("".join([*parts, after if len(after) <= 60 else f"{after[:60]} ..."]).split())


def _answer(answer: Mapping[str, Any]) -> list[str]:
    if answer["failed"]:
        return [f"no answer: {answer['failed']}"]
    lines = [f"answer{' (declined: ' + answer['why'] + ')' if answer['abstained'] else ''}: {_short(answer['text'])}"]
    lines += [f"  {'*' if c['evidence'] else ' '} cites {_place(c)}" for c in answer["citations"]]
    return lines + [f"  ! {f['kind']}: {f['note']}" for f in answer["flags"]]


def _scores(scores: list[dict[str, Any]]) -> list[str]:
    lines = ["scores"]
    for score in scores:
        value = "-" if score["value"] is None else f"{score['value']:.3f}"
        lines.append(f"  {score['metric']:<24}{value:>10}  {score['why']}".rstrip())
        for verdict in score["verdicts"]:
            if isinstance(verdict, str):
                lines.append(f"      {_short(verdict, 160)}")
            elif "claim" in verdict:
                lines.append(f"      {_verdict(verdict)}: {_short(str(verdict['claim']), 140)}")
    return lines


def _verdict(verdict: Mapping[str, Any]) -> str:
    """Return what was said of a claim, and of whose; for citations whether each matters."""
    if "matters" in verdict:
        return f"citation [{verdict.get('cites')}] {'matters' if verdict['matters'] else 'does not matter'}"
    number = verdict.get("score")
    return f"{verdict.get('of', '')} claim {verdict.get('label', '')}{'' if number is None else f' {number:.2f}'}"


def _lost(lost: Mapping[str, Any]) -> str:
    if lost["stage"] == "right":
        return f"nothing was lost: {lost['detail']}"
    taken = ", ".join(f"{stage} {100 * p:.1f}" for stage, p in lost["points"].items() if p)
    why = ": ".join(filter(None, (lost["why"], lost["detail"])))
    return f"first lost at: {lost['stage']}{' (' + why + ')' if why else ''}; points of span_recall lost: {taken or 'none'}; left {100 * lost['left']:.1f}"


def _place(row: Mapping[str, Any]) -> str:
    return f"{row['doc_id']} [{row['start']}:{row['end']}]"


def _cut(row: Mapping[str, Any]) -> str:
    return "  (no chunk holds all of it)" if row["held_by_one_chunk"] is False else ""


def _short(text: str, most: int = LONG) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= most else f"{flat[:most]} ..."
