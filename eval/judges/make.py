"""A judge by name, ready to work on a corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from eval.judges.base import Judge
from eval.judges.embedded import EmbeddedJudge, Frequencies
from eval.judges.memoised import MemoisedJudge
from rag.errors import ConfigError
from rag.models.files import BUNDLED
from rag.registry import did_you_mean
from rag.runtime import Runtime
from rag.types import Document


def _embedded(documents: Sequence[Document], runtime: Runtime) -> Judge:
    frequencies = Frequencies.of(d.text for d in documents)
    return EmbeddedJudge(frequencies, lambda texts: runtime.embed(BUNDLED, texts), runtime.encoder(BUNDLED).identity)


JUDGES: dict[str, Callable[[Sequence[Document], Runtime], Judge]] = {"embedded": _embedded}


def make_judge(name: str, documents: Sequence[Document], runtime: Runtime) -> Judge:
    """Return the judge called `name`, memoised. Raises `ConfigError` with the choices for another name."""
    if name not in JUDGES:
        raise ConfigError(f"no judge is called {name!r}{did_you_mean(name, list(JUDGES))}; there are: {', '.join(JUDGES)}")
    return MemoisedJudge(JUDGES[name](documents, runtime), runtime)
