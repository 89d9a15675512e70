"""A question taken through a pipeline again, stage by stage; with the memo on this costs little, and nothing is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.index.audit import asking
from rag.index.reader import Reader
from rag.index.store import Index
from rag.pipeline import Pipeline
from rag.text import encodable
from rag.types import Context, Hit, Query, Span, Step


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of hits and what made it: a leg, the whole retriever, or a refiner."""

    name: str
    hits: tuple[Hit, ...]

    @property
    def spans(self) -> tuple[Span, ...]:
        """The spans of the hits, best first."""
        return tuple(h.chunk.span for h in self.hits)


@dataclass(frozen=True, slots=True)
class Replay:
    """What every stage handed on; `fused` is None where the retriever is a single leg."""

    legs: tuple[Listed, ...]
    fused: Listed | None
    refined: tuple[Listed, ...]
    context: Context


def replay(pipeline: Pipeline, index: Index, text: str) -> Replay:
    """Return what each stage of `pipeline.ask(index, text, exact=True)` hands on, up to the context. Raises what that raises."""
    reader = index.reader(pipeline, exact=True)
    query = Query(encodable(text))
    with asking(text):
        found = pipeline.retrieve.search(query, reader)
        hits, refined = found.hits, []
        for refiner, name in zip(pipeline.refine, refiner_names(pipeline), strict=True):
            hits = refiner.refine(hits, query, reader).hits
            refined.append(Listed(name, hits))
        context = pipeline.pack.pack(hits, query, reader)
        legs = tuple(_legs(found.step, reader))
    whole = Listed(found.step.use, found.hits)
    return Replay(legs or (whole,), whole if found.step.steps else None, tuple(refined), context)


def refiner_names(pipeline: Pipeline) -> list[str]:
    """Return the stage name of every refiner: `refine merge`, and `refine merge 2` for a second one."""
    seen: Counter[str] = Counter()
    names = []
    for refiner in pipeline.refine:
        seen[refiner.use] += 1
        names.append(f"refine {refiner.use}" + (f" {seen[refiner.use]}" if seen[refiner.use] > 1 else ""))
    return names


def _legs(step: Step, reader: Reader) -> Iterator[Listed]:
    """Yield what each innermost retriever found; those of one name are numbered."""
    leaves = [s for s in step.walk() if not s.steps]
    total, seen = Counter(s.use for s in leaves), Counter[str]()
    for leaf in leaves:
        seen[leaf.use] += 1
        scored = _scored(leaf)
        if scored is not None:
            yield Listed(leaf.use if total[leaf.use] == 1 else f"{leaf.use} {seen[leaf.use]}", reader.hits(scored, leaf.use))


def _scored(step: Step) -> Sequence[tuple[str, float]] | None:
    """Return the ids and scores that a retriever wrote on its step, None where it wrote none."""
    ids, scores = step.facts.get("ids"), step.facts.get("scores")
    if not isinstance(ids, list) or not isinstance(scores, list):
        return None
    return list(zip(ids, scores, strict=True))
