"""Datasets of ragas (`EvaluationDataset`, single-turn): questions with reference answers, and what one system answered from which contexts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.formats._ragas_files import KEYS, read_ragas, write_ragas
from eval.formats.base import Asked, Bundle, Documents, Lost, cut, one_file, place
from eval.outside_places import Place, locate

__all__ = ["read", "read_ragas", "write", "write_ragas"]


def read(files: Sequence[Path], documents: Documents | None) -> Bundle:
    """Return the samples of a file as questions `row-1`, `row-2` and so on, and the responses as answers of a system called after the file.

    A reference context is evidence where it stands in the corpus exactly once, white space aside; the others are counted. Raises
    `QuestionError`.
    """
    file = one_file(files, "a dataset as ragas writes it")
    lost = Lost()
    rows = read_ragas(file)
    wanted = list(dict.fromkeys(text for row in rows for text in row.get("reference_contexts", ())))
    found = locate([(text, None) for text in wanted], list(documents.values())) if documents is not None else None
    places = dict(zip(wanted, found, strict=True)) if found is not None else None
    asked, answers = [], []
    for n, row in enumerate(rows, start=1):
        evidence = _evidence(row.get("reference_contexts", ()), places, lost)
        asked.append(Asked(f"row-{n}", row["user_input"], evidence, (row["reference"],) if row.get("reference", "").strip() else ()))
        if "response" in row:
            answers.append(_answer(f"row-{n}", row, lost))
        else:
            lost.add("retrieved contexts without a response", len(row.get("retrieved_contexts", ())))
        for key in row.keys() - set(KEYS):
            lost.add(f"values of {key}", row[key] not in ([], {}, ""))
    return Bundle(tuple(asked), {file.stem: tuple(answers)} if answers else {}, lost=lost)


def _evidence(texts: Sequence[str], places: Mapping[str, Place] | None, lost: Lost) -> tuple[Mapping[str, Any], ...]:
    """Return the evidence that reference contexts are, and count those that are none."""
    if places is None:
        lost.add("reference contexts (give --corpus to find them in it)", len(texts))
        return ()
    spans = []
    for text in texts:
        span = places[text].span
        if span is None:
            lost.add("reference contexts that the corpus holds " + ("more than once" if places[text].times else "nowhere"))
        elif span in spans:
            lost.add("reference contexts that repeat another of the same sample")
        else:
            spans.append(span)
    return tuple(map(place, spans))


def _answer(name: str, row: Mapping[str, Any], lost: Lost) -> dict[str, Any]:
    contexts = row.get("retrieved_contexts", [])
    lost.add("responses without retrieved_contexts: they count as answers from nothing", "retrieved_contexts" not in row)
    lost.add("blank retrieved contexts", sum(not text.strip() for text in contexts))
    return {"question": name, "answer": row["response"], "contexts": [text for text in contexts if text.strip()]}


def write(bundle: Bundle, documents: Documents | None, out: Path, lost: Lost) -> list[Path]:
    """Write one dataset; with the answers of several systems a folder with one of each. Raises `QuestionError` for a suffix but .jsonl and .csv."""
    for q in bundle.questions:
        lost.add("further reference answers: a sample has one", max(0, len(q.answers) - 1))
        lost.add("unanswerable questions: a sample cannot say so", not q.answerable)
        lost.add("tags", len(q.tags))
        lost.add("distractors", len(q.distractors))
        lost.add("grades above 1", sum(grade > 1 for grade in q.grades.values()))
    lost.add("ids of questions: samples have none", len(bundle.questions))
    known = {q.id: [text for e in q.evidence if (text := _text(e, documents, "evidence", lost))] for q in bundle.questions}
    files = []
    for name, answers in (bundle.answers or {"": ()}).items():
        path = out / f"{name}.jsonl" if len(bundle.answers) > 1 else out
        given = {row["question"]: row for row in answers}
        write_ragas([_row(q, known[q.id], given.get(q.id), documents, lost) for q in bundle.questions], path)
        files.append(path)
    return files


def _row(q: Asked, evidence: list[str], answer: Mapping[str, Any] | None, documents: Documents | None, lost: Lost) -> dict[str, Any]:
    """Return one sample; what there is nothing to say of is None."""
    row: dict[str, Any] = {"user_input": q.text, "reference": q.answers[0] if q.answers else None, "reference_contexts": evidence or None}
    if answer is None:
        return row
    lost.add("rankings and citations of answers", sum(bool(answer.get(key)) for key in ("ranking", "citations")))
    lost.add("marks that a system declined", bool(answer.get("abstained")))
    if "answer" not in answer:
        return row
    contexts = [text for item in answer.get("contexts") or () if (text := _shown(item, documents, lost))]
    return {**row, "response": answer["answer"] or "", "retrieved_contexts": contexts}


def _shown(item: Any, documents: Documents | None, lost: Lost) -> str:
    """Return the text of a context: as given, or cut from the corpus."""
    if isinstance(item, str):
        return item
    if "text" in item:
        return str(item["text"])
    return _text({"doc": item["doc_id"], "start": item["start"], "end": item["end"]}, documents, "contexts", lost)


def _text(evidence: Mapping[str, Any], documents: Documents | None, what: str, lost: Lost) -> str:
    """Return the text of a place, empty and counted where it takes a corpus that is not there."""
    text = cut(evidence, documents) or ""
    lost.add(f"{what} named by place (give --corpus to write the text)", not text)
    return text
