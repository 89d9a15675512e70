"""What the tests of tenant isolation share: two tenants with canaries, every registered part, and what a caller gets to see.

The rule they hold everything to: what tenant alpha sees of an index is what it would see of an index without any other tenant,
character by character; only times may differ.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from typing import Any

import numpy as np

from rag.errors import RagError
from rag.index.pages import page_ids
from rag.index.reader import Reader
from rag.index.spaces import bm25_query
from rag.index.store import Index
from rag.output import citations_json, hits_json, trace_json, unknown_fields, unknown_note
from rag.registry import parts
from rag.stages import DenseSpace, Space
from rag.types import Document, Span

TEAM = {"index": {"tenant_key": "team"}}
CHUNK = {"use": "parent", "child": {"use": "fixed", "size": 16}, "parent": {"use": "fixed", "size": 64}}
CANARIES = [f"yak{n}" for n in "abcdefgh"]
ASKED = CANARIES[0]  # the one that alpha's questions name, so that it is no sign of a leak
LONG = "shared plain filler words in a row. " * 300  # more than a page
ALPHA = [
    *(Document(f"alpha/{n}.md", f"shared common zebra{n} apple grows in row {n}", {"team": "alpha", "colour": "red", "n": n}, f"Shared {n}", modified=1.7e9 - n) for n in range(5)),
    Document("alpha/long.md", f"{LONG}shared common apple ends here.", {"team": "alpha", "colour": "red"}),
]  # fmt: skip
BETA = [
    *(
        Document(f"{c}/{n}.md", f"shared common {c} {c} banana grows in row {n}", {"team": "beta", "colour": c, "gnufield": c, "n": n}, f"{c} title", modified=1.6e9 + n)
        for n, c in enumerate(CANARIES)
    ),
    Document("yakh/long.md", f"{LONG}{LONG}shared common yakh yakg ends here.", {"team": "beta"}),
]  # fmt: skip

# Fields that a part cannot do without and no rule here can make up. Composite retrievers get their legs from `made`.
NEEDS: dict[str, dict[str, Any]] = {
    "filtered": {"where": "colour = red or not exists gnufield or colour = yakb"},
    "cross_encoder": {"model": "overlap"},
    "hyde": {"n": 2, "keep": "bm25", "chat": "parrot"},
    "multi_query": {"chat": "parrot"},
    "decompose": {"chat": "parrot"},
    "step_back": {"chat": "parrot"},
    "route": {"routes": [{"when": {"contains": ["banana"]}, "retrieve": "dense"}, {"when": {"like": ["zebra1 apple"]}, "retrieve": "bm25"}]},
}
HELP = "give it a value in NEEDS of tests/rag/tenants.py, so that tenant isolation is tested over it too"


def _part(kind: str, use: str, cls: type, legs: list[Any]) -> list[dict[str, Any]]:
    """Return configurations of one part: with every leg below it, each where it takes one, all where it takes several."""
    rows: list[dict[str, Any]] = [{"use": use, **NEEDS.get(use, {})}]
    for f in fields(cls):
        if str(f.type) == "Retriever":
            rows = [{**row, f.name: leg} for row in rows for leg in legs]
        elif str(f.type) == "tuple[Retriever, ...]":
            rows = [{**row, f.name: legs} for row in rows]
        elif f.default is MISSING and f.default_factory is MISSING and f.name not in rows[0]:
            raise AssertionError(f"{kind} stage {use!r} needs a {f.name!r}: {HELP}")
    return rows


def composite(cls: type) -> bool:
    """Whether a retriever takes retrievers."""
    return any("Retriever" in str(f.type) for f in fields(cls))


def retrievers() -> list[dict[str, Any]]:
    """Return every registered retriever; those that take retrievers wrap every one that does not, and all the others at once."""
    known = parts("retrieve")
    leaves = [row for use, cls in known.items() if not composite(cls) for row in _part("retrieve", use, cls, [])]
    wrapped = [row for use, cls in known.items() if composite(cls) for row in _part("retrieve", use, cls, leaves)]
    first = {row["use"]: row for row in wrapped}
    others = {use: [row for u, row in first.items() if u != use] for use in first}
    nested = [row for use in first for row in _part("retrieve", use, known[use], [{"use": "rrf", "of": others[use]}] if others[use] else leaves)]
    return [*leaves, *wrapped, *nested]


def refiners() -> list[dict[str, Any]]:
    """Return every registered refiner."""
    return [row for use, cls in parts("refine").items() for row in _part("refine", use, cls, [])]


def everything() -> dict[str, Any]:
    """Return a retriever that needs the vector spaces of all of them, so that one index serves them all."""
    return {"use": "rrf", "of": [r for r in retrievers() if not composite(parts("retrieve")[r["use"]])]}


@dataclass(frozen=True)
class Foreign:
    """What somebody may have guessed of another tenant, or made up: a chunk, a page, and a document with a span of it."""

    chunk: str
    page: str
    span: Span


UNKNOWN = Foreign("00000000-0000-5000-8000-000000000001", "00000000-0000-5000-8000-000000000002", Span("none.md", 0, 30))


def guessed(index: Index) -> Foreign:
    """Return a real chunk, page and document of beta."""
    reader = index.reader(index.pipeline, tenant="beta")
    chunk = next(c for c in reader.all_chunks() if c.span.doc_id == BETA[0].id)
    return Foreign(chunk.id, page_ids("beta", chunk.span)[0], Span(BETA[0].id, 0, 30))


class Probe:
    """One tenant's view of an index. `record` keeps everything that a caller gets to see, errors too."""

    def __init__(self, index: Index, pipeline: Any, tenant: str) -> None:
        self.index, self.pipeline, self.tenant = index, pipeline, tenant
        self.seen: list[tuple[str, Any]] = []

    @property
    def reader(self) -> Reader:
        return self.index.reader(self.pipeline, tenant=self.tenant)

    def record(self, name: str, call: Callable[[], Any]) -> None:
        try:
            found = call()
        except RagError as error:
            found = f"{type(error).__name__}: {error}"
        self.seen.append((name, _plain(found)))

    def questions(self) -> None:
        """Search and ask, plainly and with filters that name what only another tenant has."""
        for text in (f"shared common {ASKED} banana", "zebra1 apple ends here?", ASKED, "", "unknown"):
            for where in (
                None,
                "colour in (red, yakb)",
                "gnufeild = 1 or not exists gnufield",
                "@doc = yaka/0.md",
                "@modified < 2021-01-01",
                "not colour = red",
            ):
                self.record(f"search {text!r} {where}", lambda t=text, w=where: self._search(t, w))
            self.record(f"ask {text!r}", lambda t=text: self._ask(t))

    def _search(self, text: str, where: str | None) -> Any:
        hits, steps = self.pipeline.search(self.index, text, where=where, tenant=self.tenant)
        unknown = unknown_fields(steps)
        return [hits_json(hits), [h.chunk for h in hits], trace_json(steps), unknown, unknown_note(unknown, self.reader) if unknown else ""]

    def _ask(self, text: str) -> Any:
        answer = self.pipeline.ask(self.index, text, tenant=self.tenant)
        cited = [{k: v for k, v in c.items() if k not in ("indexed", "age_days")} for c in citations_json(answer.citations, self.reader)]
        return [answer.text, answer.abstained, answer.context, cited, hits_json(answer.ranking), trace_json(answer.trace)]

    def guesses(self, at: Foreign) -> list[tuple[str, Any]]:
        """Return what every method of a reader answers to ids, with the ids themselves left out."""
        before, self.seen = self.seen, []
        for name in READS:
            self.record(name, lambda n=name: READS[n](self, at))
        found, self.seen = self.seen, before
        names = {at.chunk: "CHUNK", at.page: "PAGE", at.span.doc_id: "DOC"}
        return [(name, _replaced(value, names)) for name, value in found]


def _spaces(probe: Probe, dense: bool) -> list[Space]:
    return [s for s in probe.pipeline.retrieve.spaces() if isinstance(s, DenseSpace) == dense]


def _legs(probe: Probe, at: Foreign) -> Any:
    reader = probe.reader
    found = [reader.leg(s, bm25_query(f"shared common {ASKED}", s), 50) for s in _spaces(probe, False)]  # type: ignore[arg-type]  # sparse ones
    for space in _spaces(probe, True):
        found.append(reader.leg(space, reader.runtime.embed(space.model, [f"shared {ASKED}"])[0], 50))  # type: ignore[union-attr]  # dense ones
    return found


def _each(*calls: Callable[[], Any]) -> list[Any]:
    """Return what every call gives, or how it fails."""
    found: list[Any] = []
    for call in calls:
        try:
            found.append(_plain(call()))
        except RagError as error:
            found.append(f"{type(error).__name__}: {error}")
    return found


# Every public method of a reader, called in one tenant's scope with ids of whatever `Foreign` is given.
READS: dict[str, Callable[[Probe, Foreign], Any]] = {
    "leg": _legs,
    "memoised": lambda p, f: p.reader.memoised(lambda: []),
    "kept": lambda p, f: p.reader.kept("tenants", lambda: p.tenant),
    "fields": lambda p, f: sorted(p.reader.fields()),
    "unknown_fields": lambda p, f: _unknown(p),
    "average_length": lambda p, f: [p.reader.average_length(s) for s in _spaces(p, False)],
    "hits": lambda p, f: _each(lambda: p.reader.hits([(f.chunk, 1.0)], "x"), lambda: p.reader.hits([(f.page, 1.0)], "x")),
    "chunks": lambda p, f: _each(lambda: p.reader.chunks([f.chunk]), lambda: p.reader.chunks([f.page]), lambda: p.reader.chunks([f.chunk.upper()])),
    "forget_chunks": lambda p, f: p.reader.forget_chunks(),
    "vectors": lambda p, f: [_each(lambda s=s: p.reader.vectors(s, [f.chunk]), lambda s=s: p.reader.vectors(s, [f.page])) for s in _spaces(p, True)],
    "all_chunks": lambda p, f: sorted(c.id for c in p.reader.all_chunks()),
    "text": lambda p, f: _each(lambda: p.reader.text(f.span), lambda: p.reader.text(Span(f.span.doc_id, 0, 0)), lambda: p.reader.text(Span(f.span.doc_id, 0, 10**6))),
    "texts": lambda p, f: _each(lambda: p.reader.texts([f.span]), lambda: p.reader.texts([Span(f.span.doc_id, 0, 0)]), lambda: p.reader.texts([f.span, f.span])),
    "document": lambda p, f: p.reader.document(f.span.doc_id),
}  # fmt: skip


def _unknown(probe: Probe) -> Any:
    from rag.filter_text import parse

    found = probe.reader.unknown_fields(parse("exists gnufield or exists colour or exists gnufeild"))
    return [found, unknown_note(found, probe.reader)]


def _plain(value: Any) -> Any:
    """Return a value as text that can be compared: times gone, numbers rounded to what two indexes must agree on."""

    def simple(found: Any) -> Any:
        if found is None or isinstance(found, (str, int)):
            return found
        if isinstance(found, np.ndarray):
            return [round(float(v), 5) for v in found.ravel()]
        if isinstance(found, float):
            return round(found, 5) + 0.0
        if isinstance(found, dict):
            return {str(k): simple(v) for k, v in found.items() if k not in ("ms", "embed_ms", "indexed")}
        if isinstance(found, (list, tuple, set, frozenset)):
            return [simple(v) for v in found]
        if hasattr(found, "__dataclass_fields__"):
            return {f: simple(getattr(found, f)) for f in found.__dataclass_fields__ if f not in ("ms", "indexed")}
        return simple(dict(found)) if hasattr(found, "keys") else found

    return json.loads(json.dumps(simple(value), default=repr))


def _replaced(value: Any, names: dict[str, str]) -> Any:
    text = json.dumps(value)
    for old, new in names.items():
        text = text.replace(old.upper(), new).replace(old, new)
    return json.loads(text)


def betrayed(seen: object, secrets: set[str]) -> set[str]:
    """Return the canaries and ids of beta that occur in something, in whatever case."""
    text = json.dumps(seen, default=repr).lower()
    return {s for s in secrets if s.lower() in text}


def secrets(index: Index) -> set[str]:
    """Return what must never be seen by alpha: canaries (but for the one it asks for) and the ids of beta's documents and chunks."""
    reader = index.reader(index.pipeline, tenant="beta")
    ids = {c.id for c in reader.all_chunks()}
    return ids | set(CANARIES[2:]) | {d.id for d in BETA[1:]}


def view(index: Index, pipeline: Any, tenant: str = "alpha") -> list[tuple[str, Any]]:
    """Return all that a tenant gets to see by one pipeline."""
    probe = Probe(index, pipeline, tenant)
    probe.questions()
    return probe.seen
