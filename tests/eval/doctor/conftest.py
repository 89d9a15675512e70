"""What the tests of the doctor share: small corpora with questions, examined without weights."""

import json

import pytest

from eval.doctor.examine import examine
from eval.doctor.rows import read_rows
from eval.doctor.shelf import Shelf
from eval.doctor.subject import Subject, closing_finder
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Document


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Every test has a cache of its own."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def write(tmp_path):
    """Write rows (objects, or lines as they are) to a file of questions."""

    def make(rows):
        path = tmp_path / "questions.jsonl"
        path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows), encoding="utf-8")
        return path

    return make


@pytest.fixture
def subject_of(write):
    """Return a subject of `{id: text}` and rows; its index is closed at the end."""
    opened = []

    def make(texts, rows, **more):
        documents = {i: Document(i, t) for i, t in texts.items()}
        shelf = Shelf(documents)
        found = read_rows(write(rows), documents, shelf)
        assert not found.findings, [f.message for f in found.findings]
        subject = Subject(documents, found.questions, found.lines, shelf, Runtime(Memo(), show_progress=False), **more)
        guard = closing_finder(subject)
        opened.append(guard)
        return guard.__enter__()

    yield make
    for guard in opened:
        guard.__exit__(None, None, None)


@pytest.fixture
def examined(tmp_path, write):
    """Examine a folder of `{name: text}` and rows, by words alone."""

    def make(texts, rows, **more):
        folder = tmp_path / "docs"
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
        more = {"encoder": "", "runtime": Runtime(Memo(), show_progress=False), **more}
        return examine(folder, write(rows), **more)

    return make


@pytest.fixture
def row():
    """Return what makes a row of a question file."""

    def make(id, text, *evidence, **more):
        spans = [{"doc": d, "quote": q} if isinstance(q, str) else {"doc": d, "start": q[0], "end": q[1]} for d, q in evidence]
        return {"id": id, "text": text, "evidence": spans, **({"answerable": False} if not spans else {}), **more}

    return make
