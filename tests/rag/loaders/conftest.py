"""What the tests of the loaders share: a corpus read to its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rag.loaders.corpus import Loaded, Summary, read
from rag.loaders.limits import Limits
from rag.types import Document


@dataclass
class Outcome:
    """Everything that reading a corpus gave: documents, reasons of failure and where these failed by id, in order."""

    documents: dict[str, Document] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    roots: list[Path] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    summary: Summary = field(default_factory=Summary)


@pytest.fixture
def load() -> Callable[..., Outcome]:
    """A function that reads paths to the end."""

    def run(*paths: Path, max_mb: float = 1.0, limits: Limits | None = None, bases: Mapping[Path, Path] | None = None) -> Outcome:
        outcome = Outcome()
        for item in read(paths, limits or max_mb, outcome.summary, bases):
            outcome.roots.append(item.root)
            if isinstance(item, Loaded):
                assert item.document.id not in outcome.documents
                outcome.documents[item.document.id] = item.document
            else:
                assert item.doc_id not in outcome.failed
                outcome.failed[item.doc_id] = item.reason
                outcome.sources[item.doc_id] = item.source
        assert outcome.summary.documents == len(outcome.documents)
        assert outcome.summary.failed == len(outcome.failed)
        return outcome

    return run
