"""What `rag-eval export` starts from: a finished run's folder, a question file, or a BEIR folder."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eval.formats import beir, jsonl
from eval.formats.base import Asked, Bundle, Documents, Lost
from eval.outside_results import ONLY_RANKED
from eval.records import read_jsonl
from rag.errors import StoreError

_ROW = ("answer", "contexts", "citations", "ranking")


def load_source(path: Path, documents: Documents | None) -> Bundle:
    """Return the questions of a source and, of a run, every system's answers. Raises `StoreError` for a damaged run."""
    if (path / "summary.json").is_file():
        return _run(path)
    if path.is_dir() and not (path / "questions.jsonl").is_file():
        return _whole(beir.read([path], documents))
    return jsonl.read([path / "questions.jsonl" if path.is_dir() else path], documents)


def _whole(found: Bundle) -> Bundle:
    """Return what was read without the loss of grades, which other forms may keep."""
    return Bundle(found.questions, found.answers, found.documents, Lost({k: n for k, n in found.lost.items() if not k.startswith("grades")}))


def _run(folder: Path) -> Bundle:
    lost = Lost()
    try:
        names = list(json.loads((folder / "summary.json").read_text(encoding="utf-8"))["configs"])
        asked = tuple(_question(row) for row in read_jsonl(folder / "questions.jsonl"))
        answers = {name: tuple(_answer(row) for row in read_jsonl(folder / name / "answers.jsonl") if "failed" not in row) for name in names}
        for name in names:
            lost.add(f"questions that {name} gave no answer to", sum("failed" in row for row in read_jsonl(folder / name / "answers.jsonl")))
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{folder}: the run is not finished or damaged; run `rag-eval run` or `rag-eval score` again with the same arguments") from None
    return Bundle(asked, answers, lost=lost)


def _question(row: Mapping[str, Any]) -> Asked:
    evidence, distractors = (tuple({"doc": e["doc_id"], "start": e["start"], "end": e["end"]} for e in row.get(key, ())) for key in ("evidence", "distractors"))
    answers, tags = tuple(row["answers"]), tuple(row["tags"])
    return Asked(row["question"], row["text"], evidence, answers, tags, row["answerable"], dict(row.get("grades", {})), distractors)


def _answer(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row of `answers.jsonl` in the form that `rag-eval score` reads; contexts from elsewhere are the texts that were given."""
    body = {key: row[key] for key in _ROW}
    if "sources" in row and not row["placed"]:
        body["contexts"] = row["sources"]
    if not row.get("ranked", True):
        del body["ranking"]
    if row.get("unplaced") == ONLY_RANKED:
        return {"question": row["question"], "ranking": row["ranking"]}
    step: Mapping[str, Any] = next((s for s in row["trace"] if s.get("use") == "outside"), {})
    spent = {k: step[k] for k in ("prompt_tokens", "completion_tokens", "cost") if k in step}
    return {"question": row["question"], **body, "abstained": row["why"] or False, **spent}
