"""This program's own forms: a question file, and per system the answers that `rag-eval score` reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from eval.formats.base import Asked, Bundle, Documents, Lost, one_file, write_rows
from eval.question_problems import Problems, read_rows
from eval.questions import KEYS, load_questions
from rag.registry import did_you_mean


def read(files: Sequence[Path], documents: Documents | None) -> Bundle:
    """Return the questions of a file, verified where there is a corpus. Raises `QuestionError`."""
    file = one_file(files, "a question file")
    if documents is not None:
        return Bundle(tuple(Asked.of(q) for q in load_questions(file, documents)))
    problems = Problems(file.name)
    found = []
    for row in read_rows(file, problems):
        before = len(problems)
        name, text = problems.identify(row, "id"), problems.text(row, "text")
        for unknown in sorted(set(row.data) - set(KEYS)):
            problems.add(row, f"unknown key {unknown!r}{did_you_mean(unknown, list(KEYS))}; known keys: {', '.join(KEYS)}")
        evidence, distractors = (_places(row.data.get(key, [])) for key in ("evidence", "distractors"))
        if evidence is None or distractors is None:
            problems.add(row, 'evidence or distractors is not a list of {"doc", "quote"} or {"doc", "start", "end"}; correct it')
        answers, tags = problems.texts(row, "answers"), problems.texts(row, "tags")
        if len(problems) == before:
            found.append(Asked(name, text, evidence or (), answers, tags, row.data.get("answerable", True) is not False, {}, distractors or ()))
    problems.check()
    return Bundle(tuple(found))


def _places(value: object) -> tuple[dict[str, object], ...] | None:
    """Return places as they are written, None when they are not."""
    forms = ({"doc", "quote"}, {"doc", "start", "end"})
    if not isinstance(value, list) or not all(isinstance(v, dict) and v.keys() in forms for v in value):
        return None
    return tuple(value)


def write(bundle: Bundle, documents: Documents | None, out: Path, lost: Lost) -> list[Path]:
    """Write a question file, or, where there are answers, a folder with `questions.jsonl` and a file per system."""
    rows = [q.row() for q in bundle.questions]
    lost.add("grades above 1: a question file says relevant or not", sum(g > 1 for q in bundle.questions for g in q.grades.values()))
    if not bundle.answers:
        return [write_rows(out, rows)]
    lost.add("systems called `questions`: their file would be that of the questions", "questions" in bundle.answers)
    files = [write_rows(out / "questions.jsonl", rows)]
    return files + [write_rows(out / f"{name}.jsonl", list(own)) for name, own in bundle.answers.items() if name != "questions"]
