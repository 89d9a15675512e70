"""The question browser: its data as one block of JSON within a size, its script, and what had to be left out, in words."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.records import read_jsonl
from eval.report.details import detail, gold
from eval.report.excerpts import excerpts
from eval.report.pool import Pool, dumps, size
from eval.report.questions import Scores, Table, read_all, table
from eval.report.view import View, reading
from eval.report.words import count, listed
from rag.shell import clean
from rag.types import Span

MOST, LEAST = 1_950_000, 300_000  # bytes of the whole page; of the data, where the rest of the page leaves less
PLAIN = 500_000  # up to here the data is plain JSON; beyond, it is packed
RAW = 6_000_000  # bytes before packing, so that a browser opens it at once
TABLE, TEXT = 0.4, 0.2  # the most of these for the table; the part kept for texts of documents
SCRIPTS = ("browser_marks.js", "browser_state.js", "browser_table.js", "browser_detail.js")
Rows = Mapping[str, Mapping[str, Mapping[str, Any]]]  # of `answers.jsonl`, by configuration and question


@dataclass(frozen=True)
class Browser:
    """The data fit for a script element, `packed` or plain JSON; the script with its digest as the page's policy names it; and notes."""

    data: str
    packed: bool
    script: str
    digest: str
    notes: tuple[str, ...]


NOTHING = Browser("", False, "", "", ())


def browser(view: View, most: int = MOST) -> Browser:
    """Return the question browser of a run in at most `most` bytes of data. Raises `StoreError` for a missing or damaged file."""
    scores, answers = read_all(view), _answers(view)
    room = RAW
    while True:
        data, notes = _built(view, scores, answers, room)
        packed = len(data.encode()) > min(PLAIN, most)
        held = pack(data) if packed else data
        if len(held.encode()) <= most or room < most:
            break
        room = int(0.97 * min(room, len(data.encode())) * most / len(held.encode()))
    script = "".join((Path(__file__).parent / name).read_text(encoding="utf-8") for name in SCRIPTS)
    script = f'"use strict";\n(() => {{\n{script}}})();\n'
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Browser(held, packed, script, digest, tuple(clean(n) for n in notes))


def pack(data: str) -> str:
    """Return text deflated (zlib) and in base64: a third to a quarter of it, and what every current browser can open."""
    return base64.b64encode(zlib.compress(data.encode(), 9)).decode()


def _built(view: View, scores: Scores, answers: Rows, room: int) -> tuple[str, list[str]]:
    """Return the data as JSON of about `room` bytes at most, and what had to be left out of it."""
    found = table(view, scores, int(TABLE * room))
    notes = list(found.notes)
    if absent := [n for n in view.names if n not in answers]:
        notes.append(f"{listed(absent)}: there is no answers.jsonl in the folder of the run, so no answers are shown")
    pool = Pool()
    room -= size(found.data)
    details = _details(view, found, scores, answers, pool, room * (1 - TEXT) if view.source.texts else room)
    if left := sum(d is None for d in details):
        notes.append(f"{count(left, 'question has', 'questions have')} a row in the table and no details, to keep the page small")
    docs, more = _docs(view, pool, details, room - pool.used - size(details))
    data = {**found.data, "details": details, "texts": pool.texts, "docs": docs, "spans": pool.spans}
    return dumps(data), [*notes, *more, *_unexplained(view)]


def _answers(view: View) -> Rows:
    """Return the answers by configuration and question; a configuration without that file in its folder is not there."""
    found: dict[str, dict[str, Any]] = {}
    for name in view.names:
        path = view.folder / name / "answers.jsonl"
        if path.exists():
            with reading(f"{name}/answers.jsonl", view.folder):
                found[name] = {row["question"]: row for row in read_jsonl(path)}
    return found


def _details(view: View, found: Table, scores: Scores, rows: Rows, pool: Pool, room: float) -> list[dict[str, Any] | None]:
    """Return the details of as many questions as fit, those first that tell the two best configurations apart; None for the others."""
    explained = {name: {q.question: q for q in e.questions} for name, e in view.source.explained.items()}
    stages = found.data["stages"]
    details: list[dict[str, Any] | None] = [None] * len(found.asked)
    used = 5 * len(details)
    for i in _order(found):
        asked = found.asked[i]
        name = asked["question"]
        with reading("answers.jsonl", view.folder):
            own = [
                None
                if name not in rows.get(c, {})
                else detail(asked, rows[c][name], scores[c].get(name, {}), explained.get(c, {}).get(name), found.metrics, stages, pool)
                for c in view.names
            ]
        body = {**gold(asked, pool), "runs": own}
        used += size(body)
        if used + pool.used > room:
            break
        details[i] = body
    return details


def _order(found: Table) -> Iterator[int]:
    """Yield the places of questions: those on which the two best configurations differ in the first metric, then the others."""
    values = [c[found.data["first"]] for c in found.data["values"][:2]]
    same = [len({repr(own[i]) for own in values}) < 2 for i in range(len(found.asked))]
    yield from sorted(range(len(same)), key=lambda i: (same[i], i))


def _docs(view: View, pool: Pool, details: Sequence[Mapping[str, Any] | None], room: float) -> tuple[list[list[Any]], list[str]]:
    """Return a row per document (name, length or None, pieces), and what is to be said of texts that are not there."""
    names, flat = pool.docs, pool.spans
    spans = [Span(names[flat[i]], flat[i + 1], flat[i + 2]) for i in range(0, len(flat), 3)]
    by_config = zip(*(d["runs"] for d in details if d is not None), strict=True)  # the two best first: they are what a question opens with
    runs = [r for own in by_config for r in own if r is not None]
    first = [spans[i] for d in details if d is not None for i in d["evidence"]] + [spans[i] for r in runs for i in r.get("cited", ())]
    then = [spans[i] for r in runs for i in r.get("shown", ())]
    made = excerpts(view.source.texts, first, then, room)
    notes = []
    if view.source.why:
        notes.append(f"no text of the documents and no stages: {view.source.why}")
    if made.cut:
        notes.append(f"{made.cut:,} of {count(made.wanted, 'passage')} that were evidence, cited or shown are cut or without text, to keep the page small")
    return [[clean(name), made.lengths.get(name), made.pieces.get(name, [])] for name in names], notes


def _unexplained(view: View) -> list[str]:
    """Return why stages are not known: of a configuration that could not be replayed, of questions it did not go through again."""
    notes = [f"{name}: no stages ({why})" for name, why in view.source.unexplained.items()]
    for name, found in view.source.explained.items():
        notes += [f"{name}: no stage for {count(n, 'answerable question')} ({why})" for why, n in found.left_out.items()]
    return notes
