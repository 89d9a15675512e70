"""A sweep and a plan as a person reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def sweep_text(body: Mapping[str, Any]) -> str:
    """Return what a sweep found, as lines of text."""
    return "\n".join(line for part in (_selection(body), _confirmation(body), _budget(body)) for line in part)


def _selection(body: Mapping[str, Any]) -> Iterator[str]:
    found, n = body["selection"], body["questions"]["selection"]["n"]
    measured = len(found["rows"]) + len(found["undecided"])
    yield f"selection: {measured} of {len(body['configs'])} configurations by {body['metric']} on {n} questions of {found['clusters']} documents"
    yield from (f"  {name} is the same as {stands}" for name, stands in body["merged"].items())
    if found["best"] is None:
        yield f"  none has values of {body['metric']} for enough questions"
        return
    width = max(map(len, found["rows"]))
    yield f"    {'':{width}}  {'mean':>7}  {'behind the best':24}  {'p adj.':>6}  {'parts':>5}  {'calls':>5}  {'ms':>7}  {'tokens':>6}"
    for name, row in found["rows"].items():
        mark = "=" if row["tied"] else " "
        behind, p = "-", "-"
        if name != found["best"] and row["n"]:
            behind, p = f"{row['behind']:.3f} [{row['low']:+.3f}, {row['high']:+.3f}]", f"{row['p_adjusted']:.4f}"
        ms = "-" if row["ms"] is None else f"{row['ms']:.1f}"
        facts = f"{row['parts']:>5}  {row['completions']:>5.3g}  {ms:>7}  {row['context_tokens']:>6.0f}"
        yield f"  {mark} {name:{width}}  {row['mean']:7.3f}  {behind:24}  {p:>6}  {facts}"
    yield from (f"  ? {name}: too few questions have a value, so it is not considered" for name in found["undecided"])
    margin = f", or is within {body['margin']:g} of it" if body["margin"] else ""
    yield f"  = cannot be told from the best{margin} (paired, over documents; p adjusted for {len(found['rows']) - 1} comparisons)"
    yield f"tied with the best: {len(found['tied'])}; the simplest of them (calls, parts, latency, tokens): {found['chosen']}"
    if found["few_clusters"]:
        yield f"few documents: {found['clusters']}; what is tied here may well differ"


def _confirmation(body: Mapping[str, Any]) -> Iterator[str]:
    found, winner = body["confirmation"], body["selection"]["best"]
    yield f"confirmation on {body['questions']['confirmation']['n']} questions of other documents: {found['says']}"
    if winner is None:
        return
    for name, word in (("against_base", "minus base"), ("against_winner", f"minus the selection's winner ({winner})")):
        row = found[name]
        if row is not None and row["n"]:
            yield f"  chosen {word}: {row['delta']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}], p {row['p_adjusted']:.4f}, {row['wins']}/{row['losses']}/{row['ties']}"
    for name, means in found["means"].items():
        yield f"  {name}: {_mean(means['selection'])} on selection, {_mean(means['confirmation'])} on confirmation"
    shrunk = found["shrinkage"]
    if shrunk["lost"] is not None and winner != "base":
        told = f"{shrunk['selection']:+.3f} where it was chosen, {shrunk['confirmation']:+.3f} where it was not"
        yield f"  the winner's lead over the base: {told} (picking the highest of many flatters it)"


def _mean(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f}"


def _budget(body: Mapping[str, Any]) -> Iterator[str]:
    spent = body["budget"]["spent"]
    limits = [f"{spent[k]:g} of {body['budget'][k]:g} {k}" for k in ("calls", "seconds", "money") if body["budget"][k] is not None]
    yield (
        f"spent: {', '.join(limits)}"
        if limits
        else f"spent: {spent['calls']} calls, {spent['seconds']:.1f} seconds, {spent['money']:g} money; no budget was set"
    )
    for part, names in body["left_out"].items():
        yield from (f"left out of {part}: {name}: {why}" for name, why in names.items())


def plan_text(body: Mapping[str, Any]) -> str:
    """Return a plan as lines of text."""
    return "\n".join(_plan(body))


def _plan(body: Mapping[str, Any]) -> Iterator[str]:
    yield f"{len(body['configs'])} configurations on {body['questions']} questions{' for selection' if 'confirmation' in body else ''}; nothing was built, asked or written"
    yield from (f"  {name} is the same as {stands}" for name, stands in body.get("merged", {}).items())
    yield f"indexes: {len(body['indexes'])} distinct"
    for index in body["indexes"]:
        state = "in the cache" if index["cached"] else "not needed: all is finished" if not index["needed"] else _build(index)
        yield f"  {index['chunker']} for {len(index['configs'])} configurations: {state}"
    embeddings, legs = body["embeddings"], body["legs"]
    yield f"questions to embed: {embeddings['todo']} of {embeddings['questions']}"
    yield f"retrieval legs: {legs['distinct']} distinct of {legs['used']} used, {legs['searches']} searches at most"
    timed = max(c["timed"] for c in body["configs"].values())
    yield f"questions timed: {timed} for each configuration at most, asked anew, and one before the clock starts" if timed else "questions timed: none"
    width = max(map(len, body["configs"]))
    yield f"  {'':{width}}  {'seconds':>8}  {'calls':>7}  {'tokens':>9}  {'money':>8}"
    for name, need in body["configs"].items():
        note = "  finished" if need["finished"] else "" if need["measured"] else "  (never timed here)"
        yield f"  {name:{width}}  {_needs(need)}{note}"
    yield f"  {'total':{width}}  {_needs(body['total'])}"
    if "confirmation" in body:
        yield f"  {'confirmation, at most':{width}}  {_needs(body['confirmation']['total'])}  (base and the tied set, on {body['confirmation']['questions']} questions)"
    runs = body["speeds"]["runs"]
    rest = "measured by earlier runs on this machine" if runs else "assumed, as no earlier run is there to tell"
    yield f"seconds per question {rest}; calls are those of chat models at most (the judge's: about), remembered ones included"


def _build(index: Mapping[str, Any]) -> str:
    about = "" if index["exact"] else "about "
    return f"to build, {about}{index['chunks']} chunks, {index['embed']} to embed and {index['embedded']} known, about {index['seconds']:.0f} seconds"


def _needs(need: Mapping[str, Any]) -> str:
    return f"{need['seconds']:8.1f}  {need['calls']:7.0f}  {need['tokens']:9.0f}  {need['money']:8.4g}"
