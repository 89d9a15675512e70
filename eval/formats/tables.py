"""CSV: one question per row, further rows of the same id for further evidence; safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.formats.base import Asked, Bundle, Documents, Lost, cut, need, one_file, text_of
from rag.errors import QuestionError
from rag.index.manifest import write_bytes
from rag.registry import did_you_mean

COLUMNS = ("id", "question", "answers", "doc", "quote", "start", "end", "tags", "answerable")
_OTHER_NAMES = {"answer": "answers", "text": "question", "tag": "tags"}
# What a spreadsheet takes for a formula (OWASP, CSV injection), behind any number of the quotes that say it is none.
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_ENDS = re.compile("[\r\n]+")
_MOST = 1 << 27  # characters of a cell


def safe(cell: str) -> str:
    """Return a cell with an apostrophe before what a spreadsheet would take for a formula; `plain` takes it off again."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """Return a cell without the apostrophe of `safe`."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def read(files: Sequence[Path], documents: Documents | None) -> Bundle:
    """Return the questions of a UTF-8 file with a header. Only the column `question` is required; order and letter case do not matter.

    Answers and tags are one per line of their cell. Rows with the id of an earlier one (or, without ids, its question) add evidence to it. A
    `doc` without quote is evidence as a whole. Raises `QuestionError` with the row, `ConfigError` where that takes a corpus.
    """
    file = one_file(files, "a CSV file")
    csv.field_size_limit(_MOST)
    try:
        rows = list(csv.reader(io.StringIO(text_of(file), newline=""), strict=True))
    except csv.Error as error:
        raise QuestionError(f"{file}: not valid CSV ({error}); quote cells that hold commas, quotes or line ends") from None
    if not rows:
        raise QuestionError(f"{file} is empty; its first row names the columns: {', '.join(COLUMNS)}")
    header = [_OTHER_NAMES.get(h.strip().lower(), h.strip().lower()) for h in rows[0]]
    if "question" not in header:
        near = next(filter(None, (did_you_mean("question", [h]) for h in header)), "")
        raise QuestionError(f"{file}: there is no column question{near}; name the columns in the first row: {', '.join(COLUMNS)}")
    if len({h for h in header if h in COLUMNS}) < sum(h in COLUMNS for h in header):
        raise QuestionError(f"{file}: a column is there twice; the first row is {', '.join(header)}; keep one")
    lost, table = Lost(), _Table()
    for n, cells in enumerate(rows[1:], start=2):
        if not any(c.strip() for c in cells):
            continue
        if len(cells) > len(header):
            raise QuestionError(f"{file} row {n}: {len(cells)} cells for {len(header)} columns; quote cells that hold commas")
        row = dict(zip(header, map(plain, cells), strict=False))
        for name in header:
            lost.add(f"cells of the column {name!r}", int(name not in COLUMNS and bool(row.get(name, "").strip())))
        table.add(row, n, f"{file} row {n}", documents)
    return Bundle(tuple(table.found.values()), lost=lost)


class _Table:
    """The questions so far, by id, and the ids of those that came without one, by text."""

    def __init__(self) -> None:
        self.found: dict[str, Asked] = {}
        self._nameless: dict[str, str] = {}

    def add(self, row: Mapping[str, str], n: int, where: str, documents: Documents | None) -> None:
        """Add a row: a question, or evidence of one that is there."""
        text = row["question"] if row.get("question", "").strip() else ""
        id = row.get("id", "").strip() or self._nameless.get(text, "")
        evidence = _evidence(row, where, documents)
        lines = {key: tuple(v.strip() for v in row.get(key, "").split("\n") if v.strip()) for key in ("answers", "tags")}
        former = self.found.get(id)
        if former is not None:
            self.found[id] = _more(former, text, evidence, lines, where)
            return
        if not text:
            raise QuestionError(f"{where}: question is blank; write one, or the id of an earlier row to add evidence to it")
        word = row.get("answerable", "").strip().lower()
        if word not in ("", "true", "false", "yes", "no", "1", "0"):
            raise QuestionError(f"{where}: answerable is {word!r}; write true or false")
        if not id:
            id = self._nameless[text] = f"row-{n}"
        if id in self.found:
            raise QuestionError(f"{where}: the id {id!r} is taken by another row; give this question an id")
        self.found[id] = Asked(id, text, evidence, lines["answers"], lines["tags"], word not in ("false", "no", "0"))


def _more(former: Asked, text: str, evidence: tuple[dict[str, Any], ...], lines: Mapping[str, tuple[str, ...]], where: str) -> Asked:
    """Return a question with what a further row adds."""
    if text and text != former.text:
        raise QuestionError(f"{where}: the id {former.id!r} belongs to another question already; give every question an id of its own")
    answers, tags = (tuple(dict.fromkeys((*old, *lines[key]))) for key, old in (("answers", former.answers), ("tags", former.tags)))
    if not evidence and (answers, tags) == (former.answers, former.tags):
        raise QuestionError(f"{where}: question {former.id!r} is there already and this row adds nothing; remove it")
    return replace(former, evidence=former.evidence + evidence, answers=answers, tags=tags)


def _evidence(row: Mapping[str, str], where: str, documents: Documents | None) -> tuple[dict[str, Any], ...]:
    doc, quote = row.get("doc", "").strip(), row.get("quote", "")
    start, end = row.get("start", "").strip(), row.get("end", "").strip()
    if not doc:
        if quote.strip() or start or end:
            raise QuestionError(f"{where}: there is a quote or a place but no doc; name the document")
        return ()
    if quote.strip():
        return ({"doc": doc, "quote": quote},)
    if start or end:
        if not (re.fullmatch("[0-9]{1,15}", start) and re.fullmatch("[0-9]{1,15}", end)):
            raise QuestionError(f"{where}: start and end are {start!r} and {end!r}; give both as whole numbers of characters")
        return ({"doc": doc, "start": int(start), "end": int(end)},)
    whole = need(documents, f"{where}: all of {doc!r} is the evidence").get(doc)
    if whole is None:
        raise QuestionError(f"{where}: there is no document {doc!r}; use an id of the corpus")
    return ({"doc": doc, "start": 0, "end": len(whole.text)},)


def write(bundle: Bundle, documents: Documents | None, out: Path, lost: Lost) -> list[Path]:
    """Write a table with a byte order mark, which spreadsheets need to see UTF-8. Evidence is a quote where it is in the document once."""
    text = io.StringIO(newline="")
    table = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\r\n")
    table.writeheader()
    for q in bundle.questions:
        lines = {key: [_line(v) for v in getattr(q, key)] for key in ("answers", "tags")}
        for key, values in lines.items():
            lost.add(
                f"line ends and white space at the ends of {key}: each is one line of a cell",
                sum(a != b for a, b in zip(values, getattr(q, key), strict=True)),
            )
        first = {"id": q.id, "question": q.text, **{key: "\n".join(v) for key, v in lines.items()}, "answerable": "true" if q.answerable else "false"}
        places = [_cells(e, documents) for e in q.evidence] or [{}]
        lost.add("white space at the ends of ids", sum(v.strip() != v for v in (q.id, *(p["doc"] for p in places if p))))
        for i, place in enumerate(places):
            row = {**(first if i == 0 else {"id": q.id}), **place}
            table.writerow({k: safe(v) for k, v in row.items()})
        lost.add("distractors", len(q.distractors))
        lost.add("grades above 1", sum(g > 1 for g in q.grades.values()))
    lost.add("answers of systems: this form holds questions", sum(map(len, bundle.answers.values())))
    out.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(out, text.getvalue().encode("utf-8-sig", "surrogatepass"))
    return [out]


def _line(text: str) -> str:
    return _ENDS.sub(" ", text).strip()


def _cells(evidence: Mapping[str, Any], documents: Documents | None) -> dict[str, str]:
    quote = cut(evidence, documents)
    body = documents[evidence["doc"]].text if documents and evidence["doc"] in documents else None
    first = body.find(quote) if body is not None and quote is not None else -1
    once = "quote" in evidence or (quote is not None and body is not None and first >= 0 and body.find(quote, first + 1) < 0)
    if once and quote is not None:
        return {"doc": evidence["doc"], "quote": quote}
    return {"doc": evidence["doc"], "start": str(evidence["start"]), "end": str(evidence["end"])}
