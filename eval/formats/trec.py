"""TREC files: qrels (`qid 0 docid grade`), runs (`qid Q0 docid rank score tag`), and topics (`qid`, tab, text)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np

from eval.formats.base import Asked, Bundle, Documents, Lost, need, text_of
from eval.formats.qrels import grades_of, told
from rag.errors import QuestionError
from rag.index.manifest import write_bytes

_WHOLE = re.compile(r"[+-]?[0-9]{1,9}")
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,3})?")
_ENCODED = "ids with white space: it is written percent-encoded"


def read(files: Sequence[Path], documents: Documents | None) -> Bundle:
    """Return the questions of qrels with topics, and the rankings of runs, each file told by its columns.

    Documents of a run come in trec_eval's order: by score as a 32-bit float, then by id, both descending; the ranks are not read.
    Raises `QuestionError` with the file and line, `ConfigError` where qrels need a corpus to be evidence.
    """
    topics: dict[str, str] = {}
    judged: dict[str, dict[str, int]] = {}
    answers: dict[str, tuple[Mapping[str, Any], ...]] = {}
    lost = Lost()
    for file in files:
        lines = [(n, line.rstrip("\r")) for n, line in enumerate(text_of(file).split("\n"), start=1) if line.strip()]
        kind = _kind(file, lines)
        if kind == "run":
            if file.stem in answers:
                raise QuestionError(f"{file}: another run is called {file.stem!r} too; rename one")
            answers[file.stem] = _run(file, lines, documents)
        elif kind == "qrels":
            _qrels(file, lines, documents, judged)
        else:
            _topics(file, lines, topics)
    if judged and not topics:
        raise QuestionError("the qrels name questions without their texts; give the topics too, one question id, tab and text per line")
    return Bundle(tuple(_questions(topics, judged, documents, lost)), answers, lost=lost)


def _kind(file: Path, lines: Sequence[tuple[int, str]]) -> str:
    """Return what a file is by its first line."""
    if not lines:
        raise QuestionError(f"{file} is empty; give qrels, a run or topics")
    first = lines[0][1]
    cells = first.split()
    if len(cells) == 6 and _WHOLE.fullmatch(cells[3]) and _NUMBER.fullmatch(cells[4]):
        return "run"
    if len(cells) == 4 and _WHOLE.fullmatch(cells[3]) and first.count("\t") != 1:
        return "qrels"
    if "\t" in first:
        return "topics"
    raise QuestionError(f"{file} line 1: {first[:60]!r} is neither `qid 0 docid grade` nor `qid Q0 docid rank score tag` nor qid, tab and text")


def _run(file: Path, lines: Sequence[tuple[int, str]], documents: Documents | None) -> tuple[Mapping[str, Any], ...]:
    found: dict[str, dict[str, float]] = {}
    for n, line in lines:
        cells = line.split()
        if len(cells) != 6 or not _NUMBER.fullmatch(cells[4]):
            raise QuestionError(f"{file} line {n}: {line[:60]!r} is not `qid Q0 docid rank score tag`; correct it")
        own, doc = found.setdefault(cells[0], {}), _known(cells[2], documents)
        if doc in own:
            raise QuestionError(f"{file} line {n}: document {doc!r} is ranked for {cells[0]!r} already; keep one of the lines")
        own[doc] = float(np.float32(min(max(float(cells[4]), -3e38), 3e38)))
    return tuple({"question": q, "ranking": sorted(sorted(own, reverse=True), key=lambda d: -own[d])} for q, own in found.items())


def _qrels(file: Path, lines: Sequence[tuple[int, str]], documents: Documents | None, judged: dict[str, dict[str, int]]) -> None:
    for n, line in lines:
        cells = line.split()
        if len(cells) != 4 or not _WHOLE.fullmatch(cells[3]):
            raise QuestionError(f"{file} line {n}: {line[:60]!r} is not `qid 0 docid grade` with a whole-number grade; correct it")
        own, doc = judged.setdefault(cells[0], {}), _known(cells[2], documents)
        if doc in own:
            raise QuestionError(f"{file} line {n}: document {doc!r} is judged for {cells[0]!r} already; keep one of the lines")
        if documents is not None and doc not in documents and int(cells[3]) > 0:
            raise QuestionError(f"{file} line {n}: the corpus has no document {doc!r}; give the corpus that the qrels are about")
        own[doc] = int(cells[3])


def _topics(file: Path, lines: Sequence[tuple[int, str]], topics: dict[str, str]) -> None:
    for n, line in lines:
        name, tab, text = line.partition("\t")
        if not tab or not name.strip() or not text.strip():
            raise QuestionError(f"{file} line {n}: {line[:60]!r} is not a question id, a tab and a text; correct it")
        if name in topics:
            raise QuestionError(f"{file} line {n}: question {name!r} is there already; keep one of the lines")
        topics[name] = text.strip()


def _known(doc: str, documents: Documents | None) -> str:
    """Return the id of a document, decoded where the corpus has only the decoded one."""
    return unquote(doc) if documents is not None and doc not in documents and unquote(doc) in documents else doc


def _questions(topics: Mapping[str, str], judged: Mapping[str, Mapping[str, int]], documents: Documents | None, lost: Lost) -> Iterator[Asked]:
    for name in judged.keys() - topics.keys():
        raise QuestionError(f"question {name!r} is judged but has no topic; add its text, or remove its lines from the qrels")
    for name, text in topics.items():
        relevant = {doc: grade for doc, grade in judged.get(name, {}).items() if grade > 0}
        lost.add("documents judged not relevant", len(judged.get(name, {})) - len(relevant))
        lost.add("grades above 1: a question file says relevant or not", sum(grade > 1 for grade in relevant.values()))
        lost.add("questions without a relevant document: they are kept without evidence", not relevant)
        texts = {doc: need(documents, "a relevant document is evidence over its whole text").get(doc) for doc in relevant}
        evidence = tuple({"doc": doc, "start": 0, "end": len(d.text)} for doc, d in texts.items() if d is not None and d.text)
        lost.add("relevant documents without text: they cannot be evidence", len(texts) - len(evidence))
        yield Asked(name, text, evidence, grades=relevant)


def write(bundle: Bundle, documents: Documents | None, out: Path, lost: Lost) -> list[Path]:
    """Write `qrels.txt`, `topics.tsv`, and a `.run` per system with a ranking into a folder; return the files."""
    out.mkdir(parents=True, exist_ok=True)
    judged = grades_of(bundle.questions, documents, lost)
    ids = {x for q in bundle.questions for x in (q.id, *judged.get(q.id, ()))}
    lines = {"qrels.txt": [f"{_id(q)} 0 {_id(doc)} {grade}" for q, grades in judged.items() for doc, grade in grades.items()]}
    lines["topics.tsv"] = [f"{_id(q.id)}\t{' '.join(q.text.split())}" for q in bundle.questions]
    for name, rows in bundle.answers.items():
        ranked = {row["question"]: _ranked(row) for row in rows}
        ids |= {x for q, docs in ranked.items() for x in (q, *docs)}
        lines[f"{name}.run"] = list(_lines(ranked, name, lost))
        lost.add("answers without a ranking", sum(not docs for docs in ranked.values()))
    lost.add(_ENCODED, sum(_id(x) != x for x in ids))
    lost.add("line ends and runs of white space in questions: topics have one line each", sum(" ".join(q.text.split()) != q.text for q in bundle.questions))
    told(bundle, lost, keeps_rankings=True)
    for name, body in lines.items():
        write_bytes(out / name, "".join(f"{line}\n" for line in body).encode("utf-8", "surrogatepass"))
    return [out / name for name in lines]


def _ranked(row: Mapping[str, Any]) -> dict[str, float | None]:
    """Return the documents of a ranking, each at its first place, with the scores that are there."""
    found: dict[str, float | None] = {}
    for item in row.get("ranking") or ():
        doc, score = (item, None) if isinstance(item, str) else (item["doc_id"], item.get("score"))
        found.setdefault(doc, score)
    return found


def _lines(ranked: Mapping[str, Mapping[str, float | None]], tag: str, lost: Lost) -> Iterator[str]:
    for q, docs in ranked.items():
        scores = [s for s in docs.values() if s is not None]
        seen = np.asarray(scores, dtype=np.float32)
        if len(scores) < len(docs) or not (np.diff(seen) < 0).all():
            lost.add("rankings whose scores trec_eval would sort otherwise: scores are counted down from the length of the list", len(scores) == len(docs))
            scores = [float(len(docs) - i) for i in range(len(docs))]
        for rank, (doc, score) in enumerate(zip(docs, scores, strict=True), start=1):
            yield f"{_id(q)} Q0 {_id(doc)} {rank} {score!r} {_id(tag)}"


def _id(name: str) -> str:
    """Return an id that a line of columns can hold: white space percent-encoded, and then every % too."""
    if not any(c.isspace() for c in name):
        return name
    return "".join("".join(f"%{b:02X}" for b in c.encode()) if c.isspace() or c == "%" else c for c in name)
