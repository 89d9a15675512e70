"""What a report takes from the corpus of its run: the texts of the documents, and at which stage each configuration lost evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.errors import RagError
from rag.runtime import Runtime

if TYPE_CHECKING:
    from eval.explain.explained import Explanation

NOT_GIVEN = "no corpus was given (`rag-eval report DIR -o FILE --corpus FOLDER`)"


@dataclass(frozen=True)
class Source:
    """Texts by document, and explanations of `span_recall` by configuration; `why` says in a line why there are no texts.

    `unexplained` says of each configuration that could not be replayed why not.
    """

    texts: Mapping[str, str] = field(default_factory=dict)
    explained: Mapping[str, Explanation] = field(default_factory=dict)
    unexplained: Mapping[str, str] = field(default_factory=dict)
    why: str = ""


NONE = Source(why=NOT_GIVEN)
MOST = 8  # configurations that are replayed, best first: 2 s each for 258 questions
BEYOND = f"only the {MOST} best are replayed in a report; `rag-eval explain` replays each"
ASKS = "it asks a chat model, which a report never does; `rag-eval explain` replays it"


def read_source(summary: Mapping[str, Any], folder: Path, corpus: Path, runtime: Runtime) -> Source:
    """Return what the corpus of a run adds to its report; what cannot be had is said in the result, not raised."""
    from eval.explain.opened import open_run
    from eval.pairs import lock_of
    from eval.report.view import View

    try:
        locks = {name: lock_of(folder, name) for name in summary["configs"]}
        here = sorted(name for name, lock in locks.items() if "outside" not in lock)
        if not here:
            return Source(_texts(summary, folder, corpus), unexplained=dict.fromkeys(sorted(locks), "answered elsewhere"))
        run = open_run(folder, here, corpus)
    except RagError as error:
        return Source(why=str(error))
    explained, unexplained = {}, {name: "answered elsewhere" for name in sorted(locks) if name not in here}
    best = [n for n in View(summary, folder).names if n in here and not _asks(summary["configs"][n])][:MOST]
    for name in here:
        entry = summary["configs"][name]
        found = _explain(run, name, runtime) if name in best else ASKS if _asks(entry) else BEYOND
        if isinstance(found, str):
            unexplained[name] = found
        else:
            explained[name] = found
    return Source(run.texts, explained, unexplained)


def _asks(entry: Mapping[str, Any]) -> bool:
    """Return whether replaying a configuration could ask a chat model that is not a recording: its replies may be remembered no more."""
    return bool(entry.get("chat", {}).get("completions")) and not entry.get("recorded")


def _explain(run: Any, name: str, runtime: Runtime) -> Explanation | str:
    """Return a configuration explained, or why it could not be replayed."""
    from eval.explain.explained import explain

    try:
        return explain(run, name, "span_recall", runtime)
    except RagError as error:
        return str(error)


def _texts(summary: Mapping[str, Any], folder: Path, corpus: Path) -> dict[str, str]:
    """Return the texts of a corpus that nothing here was run on. Raises `StoreError` when it is another corpus."""
    from eval.task import corpus_digest, read_corpus
    from rag.errors import StoreError
    from rag.loaders.limits import Limits

    documents, _ = read_corpus(corpus, Limits())
    if corpus_digest(documents) != summary["corpus"]["digest"]:
        raise StoreError(f"{corpus} is not the corpus that {folder} was made on (another digest); give that one, or run again")
    return {d.id: d.text for d in documents}
