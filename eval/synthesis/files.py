"""Files that questions are written to: none that somebody wrote or reviewed is overwritten."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.question_problems import read_lines
from eval.questions import load_questions
from eval.records import write_jsonl
from eval.synthesis.marks import REVIEWED, SYNTHETIC
from rag.errors import QuestionError, StoreError
from rag.index.manifest import write_bytes
from rag.types import Document


def check_target(path: Path) -> None:
    """Raise `StoreError` when a file of questions is there that was not made here, or was reviewed, or no folder to write it to."""
    if not path.parent.is_dir():
        raise StoreError(f"{path}: there is no folder {path.parent}; make it, or write elsewhere")
    if not path.exists():
        return
    try:
        tags = [json.loads(line).get("tags", []) for line in read_lines(path) if line.strip()]
        own = all(SYNTHETIC in t and REVIEWED not in t for t in tags)
    except (QuestionError, ValueError, AttributeError, TypeError):
        own = False
    if not own:
        raise StoreError(f"{path} is there and holds more than unreviewed synthetic questions; write to another file with -o")


def check_review(path: Path) -> None:
    """Raise `StoreError` when a review file is there already: somebody may have worked on it."""
    if path.exists():
        raise StoreError(f"{path} is there, and somebody may have edited it; write the review to another file, or remove it")


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]], documents: Mapping[str, Document]) -> None:
    """Write rows and read them back as any command would. Raises `QuestionError` when there are none."""
    if not rows:
        raise QuestionError(f"no question is left to write to {path}; see the reasons, or ask for other kinds with --kinds")
    write_jsonl(path, rows)
    load_questions(path, documents)


def write_text(path: Path, text: str) -> None:
    """Write a text whole or not at all."""
    write_bytes(path, text.encode("utf-8", "surrogatepass"))
