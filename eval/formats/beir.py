"""BEIR folders: `queries.jsonl`, `qrels/test.tsv`, and `corpus.jsonl` where a corpus is at hand (Thakur et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.beir_questions import load_beir
from eval.formats.base import Asked, Bundle, Documents, Lost, document_rows, one_file, write_rows
from eval.formats.qrels import grades_of, told
from eval.question_problems import read_lines
from rag.errors import QuestionError
from rag.index.manifest import write_bytes
from rag.types import Document


def read(files: Sequence[Path], documents: Documents | None) -> Bundle:
    """Return the questions that a folder's test split judges; a relevant document is evidence over its whole text.

    The corpus is the one given, else the folder's own. Raises `QuestionError` or `CorpusError`.
    """
    folder = one_file(files, "a BEIR folder")
    known = _corpus(folder) if documents is None else documents
    found = load_beir(folder, known)
    lost = Lost()
    lost.add("grades above 1: a question file says relevant or not (give the BEIR folder itself as --questions to keep them)", _graded(found))
    lost.add("relevant documents without text: they cannot be evidence", sum(len(q.grades) - len(q.evidence) for q in found))
    lost.add("queries that qrels/test.tsv does not judge", sum(1 for line in read_lines(folder / "queries.jsonl") if line.strip()) - len(found))
    return Bundle(tuple(Asked.of(q) for q in found), lost=lost)


def _graded(found: Sequence[object]) -> int:
    return sum(grade > 1 for q in found for grade in getattr(q, "grades", {}).values())


def _corpus(folder: Path) -> Documents:
    from eval.task import read_corpus
    from rag.loaders.limits import Limits

    read_ones, failed = read_corpus(folder, Limits())
    return {f.doc_id: Document(f.doc_id, "") for f in failed} | {d.id: d for d in read_ones}


def write(bundle: Bundle, documents: Documents | None, out: Path, lost: Lost) -> list[Path]:
    """Write a BEIR folder and return its files. Raises `QuestionError` for an id that a table cannot hold."""
    rows = []
    for q in bundle.questions:
        row = {"_id": q.id, "text": q.text, "answers": list(q.answers), "tags": list(q.tags)}
        rows.append(row if q.answerable else {**row, "answerable": False})
    files = [write_rows(out / "queries.jsonl", rows)]
    judged = grades_of(bundle.questions, documents, lost)
    for name in (x for q, grades in judged.items() for x in (q, *grades)):
        if any(c in name for c in "\t\r\n"):
            raise QuestionError(f"the id {name!r} holds a tab or a line end, which qrels/test.tsv cannot hold; rename it")
    lines = ["query-id\tcorpus-id\tscore", *(f"{q}\t{doc}\t{grade}" for q, grades in judged.items() for doc, grade in grades.items())]
    (out / "qrels").mkdir(parents=True, exist_ok=True)
    write_bytes(out / "qrels" / "test.tsv", ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass"))
    files.append(out / "qrels" / "test.tsv")
    if documents is not None:
        files.append(write_rows(out / "corpus.jsonl", document_rows(list(documents.values()))))
    told(bundle, lost, keeps_answers=True)
    return files
