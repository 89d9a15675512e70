"""Long contexts in parts: each part is answered from alone, and an answer is made of what the parts gave."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.answer._abstention import ABSTENTION
from rag.index.reader import Reader
from rag.models.files import BUNDLED
from rag.registry import register
from rag.stages import Answerer, bounded, model
from rag.types import Answer, Context, Hit, Query, Span, Step


@register("map_reduce")
@dataclass(frozen=True)
class MapReduce(Answerer):
    """Ask `map` of every group of sources, then `reduce` of the passages that the groups' answers cite.

    A group holds sources, in the order shown, of at most `tokens` as `tokenizer` counts them, and at least one. Groups that abstain
    give nothing; where all do, so does this. What is handed on are spans of the documents, not what was written about them, so that
    the citations of the last answer are citations of documents. At most `notes` passages are handed on, fairly from all groups.
    """

    map: Answerer
    reduce: Answerer
    tokens: int = bounded(1500, ge=64)
    notes: int = bounded(24, ge=1)
    tokenizer: str = model("tokenizer", BUNDLED)

    def answer(self, query: Query, context: Context, reader: Reader) -> Answer:
        """Return the answer over the cited passages, its trace with one step for every group."""
        if not context.hits:
            return Answer(query.text, ABSTENTION, (), context, "nothing was retrieved")
        steps: list[Step] = []
        found: list[list[Hit]] = []
        reasons: list[str] = []
        for group in self._groups(context.hits, reader):
            start = time.perf_counter()
            text = _text(group)
            made = self.map.answer(query, Context(tuple(group), text, reader.runtime.tokenizer(self.tokenizer).count(text)), reader)
            steps.append(_step("map", self.map.use, start, made, sources=len(group)))
            found.append([] if made.abstained else [_cut(span, group) for span in made.citations])
            reasons += [made.abstained] if made.abstained else []
        notes = _distinct(found)[: self.notes]
        given = sum(map(len, found))
        if not notes:
            return Answer(query.text, ABSTENTION, (), context, reasons[0] if reasons else "no part of the context was cited", trace=tuple(steps))
        start = time.perf_counter()
        text = _text(notes)
        inner = Context(tuple(notes), text, reader.runtime.tokenizer(self.tokenizer).count(text), context.dropped, context.cut)
        made = self.reduce.answer(query, inner, reader)
        steps.append(_step("reduce", self.reduce.use, start, made, sources=len(notes), given=given))
        return replace(made, trace=tuple(steps))

    def _groups(self, hits: Sequence[Hit], reader: Reader) -> list[list[Hit]]:
        count = reader.runtime.tokenizer(self.tokenizer).count
        groups: list[list[Hit]] = []
        used = 0
        for hit in hits:
            cost = count(hit.chunk.text)
            if not groups or used + cost > self.tokens:
                groups.append([])
                used = 0
            groups[-1].append(hit)
            used += cost
        return groups


def _step(stage: str, use: str, start: float, made: Answer, **more: object) -> Step:
    return Step(stage, use, 1000 * (time.perf_counter() - start), {"abstained": made.abstained, "citations": len(made.citations), **more}, made.trace)


def _text(hits: Sequence[Hit]) -> str:
    return "\n\n".join(f"[{n}] {h.chunk.span.doc_id}\n{h.chunk.text}" for n, h in enumerate(hits, start=1))


def _cut(span: Span, group: Sequence[Hit]) -> Hit:
    """Return a cited span as a hit: a part of the source it lies in."""
    hit = next(h for h in group if h.chunk.span.overlap(span) == len(span))
    shift = span.start - hit.chunk.span.start
    text = hit.chunk.text[shift : shift + len(span)]
    return replace(hit, chunk=replace(hit.chunk, id=f"{hit.chunk.id}@{span.start}-{span.end}", span=span, text=text, index_text=text, parent=None))


def _distinct(found: Sequence[Sequence[Hit]]) -> list[Hit]:
    """Return the passages of all groups, the first of each, then the second of each, and so on; no span twice."""
    order = [group[i] for i in range(max(map(len, found), default=0)) for group in found if i < len(group)]
    return list({h.chunk.span: h for h in reversed(order)}.values())[::-1]
