"""Makes a set of questions from a corpus: every kind its part, every document its turn, until there are enough or nothing is left."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate, islice
from pathlib import Path
from typing import Any, TypeVar

from eval.doctor.containment import Containment
from eval.doctor.finder import Finder
from eval.doctor.shelf import Shelf
from eval.synthesis.asking import Asking
from eval.synthesis.cloze import cloze
from eval.synthesis.collect import Collection
from eval.synthesis.drafts import Draft, row
from eval.synthesis.heading import heading
from eval.synthesis.marks import BY_CHAT, BY_RULE, CLOZE, HEADING, MULTI, SHARES, SINGLE, UNANSWERABLE
from eval.synthesis.pairs import pairs
from eval.synthesis.sections import Section, sections
from eval.synthesis.turns import parts, turns
from eval.synthesis.written import Writer
from eval.task import read_corpus
from rag.errors import ConfigError, CorpusError
from rag.loaders.limits import Limits
from rag.registry import did_you_mean
from rag.runtime import Runtime
from rag.stages import Chat
from rag.types import Document

PATIENCE = 4  # places that are asked about for each question that is wanted, at most
T = TypeVar("T")
Make = Callable[[int], Iterator[Draft | str]]  # so many places to drafts, or reasons why there is none; nothing when no place is left


@dataclass(frozen=True)
class Made:
    """The rows of a new set, the documents they were made from, and what `rag-eval questions --json` prints of how it went."""

    rows: tuple[dict[str, Any], ...]
    drafts: tuple[Draft, ...]
    documents: Mapping[str, Document]
    facts: Mapping[str, Any]


def make(
    corpus: str | Path,
    n: int = 50,
    chat: Chat | None = None,
    *,
    kinds: Sequence[str] = (),
    seed: int = 0,
    language: str = "english",
    runtime: Runtime | None = None,
) -> Made:
    """Return `n` questions about a corpus, or as many as it gives. Equal arguments, and equal replies, make equal rows.

    `kinds` are names of `SHARES`; left out, those a chat model writes when there is one, else those by rule. Raises `ConfigError` for
    a kind that does not exist or needs a chat model that is not there, `CorpusError` for a corpus of which nothing can be asked.
    """
    runtime = runtime or Runtime()
    chosen = _chosen(kinds, chat)
    documents = {d.id: d for d in read_corpus(Path(corpus), Limits())[0]}
    own = {doc: sections(d) for doc, d in documents.items()}
    if not any(own.values()):
        raise CorpusError(f"{corpus}: no document has a paragraph of 80 characters to ask about; give a folder of texts")
    shelf, finder = Shelf(documents), Finder(list(documents.values()), runtime, language)
    try:
        collection = Collection(documents, shelf, finder, language)
        asking = Asking(runtime, chat) if chat is not None else None
        wanted = parts(n, {kind: SHARES[kind] for kind in SHARES if kind in chosen})
        makers = _makers(wanted, own, shelf, finder, asking, seed, language)
        _fill(collection, makers, wanted, n, asking, runtime)
    finally:
        finder.close()
    rows = tuple(row(d, documents) for d in collection.kept)
    return Made(rows, tuple(collection.kept), documents, _facts(collection, n, asking, documents))


def _chosen(kinds: Sequence[str], chat: Chat | None) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(kinds)) or (BY_CHAT if chat is not None else BY_RULE)
    for kind in chosen:
        if kind not in SHARES:
            raise ConfigError(f"no kind of question is called {kind!r}{did_you_mean(kind, list(SHARES))}; there are: {', '.join(SHARES)}")
        if kind in BY_CHAT and chat is None:
            raise ConfigError(f"questions of the kind {kind} are written by a chat model; name one with --chat, or leave the kind out")
    return chosen


def _makers(
    wanted: Mapping[str, int],
    own: Mapping[str, list[Section]],
    shelf: Shelf,
    finder: Finder,
    asking: Asking | None,
    seed: int,
    language: str,
) -> dict[str, Make]:
    """Return what makes drafts of each kind, place after place in its own order."""
    after = dict(zip(wanted, accumulate(wanted.values(), initial=0), strict=False))
    makers: dict[str, Make] = {}
    if CLOZE in wanted:
        found = {doc: [d for s in rows for d in cloze(s, shelf.frequency, language)] for doc, rows in own.items()}
        makers[CLOZE] = partial(_next, turns(found, seed, CLOZE, after[CLOZE]))
    if HEADING in wanted:
        found = {doc: [d for s in rows for d in heading(s)] for doc, rows in own.items()}
        makers[HEADING] = partial(_next, turns(found, seed, HEADING, after[HEADING]))
    if asking is None:
        return makers
    writer = Writer(asking, shelf, finder, Containment([d.text for d in shelf.documents.values()], language), seed)
    if SINGLE in wanted:
        makers[SINGLE] = _asked(writer.single, turns(own, seed, SINGLE, after[SINGLE]))
    if MULTI in wanted:
        shared = pairs([s for rows in own.values() for s in rows], shelf)
        makers[MULTI] = _asked(writer.multi, turns(shared, seed, MULTI, after[MULTI]))
    if UNANSWERABLE in wanted:
        makers[UNANSWERABLE] = _asked(writer.unanswerable, turns(own, seed, UNANSWERABLE, after[UNANSWERABLE]))
    return makers


def _next(drafts: Iterator[Draft], most: int) -> Iterator[Draft | str]:
    return islice(drafts, most)


def _asked(write: Callable[[Sequence[T]], Iterator[Draft | str]], places: Iterator[T]) -> Make:
    def more(most: int) -> Iterator[Draft | str]:
        batch = list(islice(places, most))
        return write(batch) if batch else iter(())

    return more


def _fill(collection: Collection, makers: Mapping[str, Make], wanted: Mapping[str, int], n: int, asking: Asking | None, runtime: Runtime) -> None:
    """Collect every kind's part; what one kind cannot give the others of answerable questions give, as long as they can."""
    with runtime.progress("questions", n) as advance:
        for kind, make_more in makers.items():
            _collect(collection, kind, make_more, wanted[kind], asking, advance)
        for kind, make_more in makers.items():
            if kind != UNANSWERABLE and len(collection.kept) < n:
                _collect(collection, kind, make_more, collection.of([kind]) + n - len(collection.kept), asking, advance)


def _collect(collection: Collection, kind: str, make_more: Make, wanted: int, asking: Asking | None, advance: Callable[[int], None]) -> None:
    """Make drafts until there are as many of a kind as wanted, places run out, or patience does."""
    left = PATIENCE * wanted
    while (lacking := wanted - collection.of([kind])) > 0 and left > 0 and not (asking and asking.stopped):
        most = min(left, max(lacking, asking.threads if asking and kind in BY_CHAT else 1))
        drafts = list(make_more(most))
        left -= max(1, len(drafts))
        for draft in drafts:
            if isinstance(draft, str):
                collection.refuse(kind, draft)
            elif collection.of([kind]) < wanted and collection.add(draft):
                advance(1)
        if not drafts:
            return


def _facts(collection: Collection, wanted: int, asking: Asking | None, documents: Mapping[str, Document]) -> dict[str, Any]:
    kinds = Counter(d.kind for d in collection.kept)
    refused: dict[str, dict[str, int]] = {}
    for (kind, reason), count in sorted(collection.refused.items()):
        refused.setdefault(kind, {})[reason] = count
    return {
        "questions": len(collection.kept), "wanted": wanted, "kinds": dict(sorted(kinds.items())), "rejected": refused,
        "hard": sum(d.hard for d in collection.kept), "documents": len({d.source for d in collection.kept}), "of_documents": len(documents),
        "chat": asking.cost if asking else None, "chat_failed": dict(sorted(asking.failed.items())) if asking else {},
        "stopped": asking.stopped if asking else "",
    }  # fmt: skip
