"""An index of the documents of one case, and what a pipeline answers over it."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.injection import corpus
from eval.injection.corpus import Case
from eval.injection.oracles import Outcome, outcome
from rag.config import parse
from rag.index.build import build
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.memo import Memo
from rag.runtime import Runtime

ROOT = Path("/corpus")


class Bench:
    """Indexes the documents of a case, attacked or benign, and asks its question as the tenant `own`; indexes are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.runtime = Runtime(memo=Memo(), show_progress=False)
        self.pipeline = parse(
            {
                "chunk": {"use": "markdown", "size": 64},
                "retrieve": {"use": "bm25", "limit": 8},
                "answer": {"use": "extractive", "blend": 0, "threshold": 0, "quotes": 5, "near": 0.1},
                "models": {"encoder": "hashing-64"},
                "index": {"tenant_key": "tenant"},
            }
        )

    def ask(self, case: Case, *, benign: bool = False, question: str | None = None) -> Outcome:
        """Return what came of the question, as the pipeline gives it."""
        path = self._folder / f"{case.id}-{benign}"
        if not path.exists():
            build(path, self.pipeline, [Loaded(d, ROOT) for d in corpus.documents(case, benign=benign)], [ROOT], self.runtime)
        with Index.open(path, self.runtime) as index:
            answer = self.pipeline.ask(index, question or corpus.asked(case, benign=benign), tenant=corpus.OWN)
            return outcome(answer, index.reader(self.pipeline, tenant=corpus.OWN).text)


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Return the helper for the whole session."""
    return Bench(tmp_path_factory.mktemp("injection"))
