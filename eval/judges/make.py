"""A judge by its specification, ready to work on a corpus."""

from __future__ import annotations

from collections.abc import Sequence

from eval.judges.base import Judge
from eval.judges.memoised import MemoisedJudge
from eval.judges.spec import JudgeSpec, read_spec
from rag.runtime import Runtime
from rag.types import Document


def make_judge(spec: str | JudgeSpec, documents: Sequence[Document], runtime: Runtime) -> Judge:
    """Return the judge of a specification (or of what a user wrote, see `read_spec`), memoised.

    Raises `ConfigError` with the choices for an unknown name, and what opening the judge raises.
    """
    return MemoisedJudge((read_spec(spec) if isinstance(spec, str) else spec).open(documents, runtime), runtime)
