"""Sections of a Markdown document, code and tables whole, each chunk with the path of its headings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rag.blocks import Block, blocks, items
from rag.chunk._ruler import Range, Ruler, Unit, measure
from rag.chunk._split import LINE, WORD, merge, split, units
from rag.models.files import BUNDLED
from rag.registry import register
from rag.stages import Chunker, bounded, model
from rag.text import check_language
from rag.types import EMPTY, Document, Meta, Piece

if TYPE_CHECKING:
    from rag.runtime import Runtime


@dataclass
class _Section:
    """A heading with what follows it up to the next one; `path` holds the headings above it and itself.

    A heading with nothing but a subheading below it opens the subheading's section: it would mean nothing elsewhere.
    """

    path: tuple[Block, ...]
    blocks: list[Block] = field(default_factory=list)

    @property
    def start(self) -> int:
        return self.blocks[0].start

    @property
    def end(self) -> int:
        return self.blocks[-1].end


@register("markdown")
@dataclass(frozen=True)
class Markdown(Chunker):
    """One chunk per section; one that exceeds `size` is split between its blocks, and these as a last resort.

    A paragraph or list that exceeds `size` is split at items, sentences, words. A fence or table is kept whole up to
    `max_block` (4 * size when left out), beyond it cut at line ends. `merge` joins neighbouring small sections below
    one heading. `Piece.meta["heading"]` is the path `Title > Section`; for joined sections the part they share.
    """

    size: int = bounded(300, ge=1)
    max_block: int | None = bounded(None, ge=1)
    merge: bool = True
    unit: Unit = "tokens"
    tokenizer: str = model("tokenizer", BUNDLED)
    language: str = "english"

    def __post_init__(self) -> None:
        """Hold the fields to their bounds; raises `ValueError`."""
        super().__post_init__()
        check_language(self.language)
        if self.max_block is not None and self.max_block < self.size:
            raise ValueError(f"max_block must be at least size ({self.size}), not {self.max_block}")

    def chunk(self, document: Document, runtime: Runtime) -> Iterator[Piece]:
        """Yield sections, joined sections and parts of sections in order."""
        ruler = measure(document, runtime, self.unit, self.tokenizer)
        for group in self._groups(ruler, _sections(blocks(ruler.text, ruler.start))):
            start, end = group[0].start, group[-1].end
            fits = ruler.count(start, end) <= self.size
            for a, b in [(start, end)] if fits else self._split(ruler, group[0]):
                yield Piece(a, b, meta=_heading(group))

    def _groups(self, ruler: Ruler, sections: list[_Section]) -> Iterator[list[_Section]]:
        """Yield runs of sections that are to be one chunk, and alone each section that exceeds `size`."""
        group: list[_Section] = []
        for section in sections:
            if group and not (self.merge and _related(group[0], section) and ruler.count(group[0].start, section.end) <= self.size):
                yield group
                group = []
            group.append(section)
        if group:
            yield group

    def _split(self, ruler: Ruler, section: _Section) -> Iterator[Range]:
        """Yield a section in parts; the first block is cut smaller where that keeps the heading from standing alone."""
        parts: list[Range] = []
        before: Block | None = None
        for block in section.blocks:
            room = self.size
            if before and before.kind == "heading":
                room -= ruler.count(section.start, before.end)
            parts += self._parts(ruler, block, room if 2 * room >= self.size else self.size)
            before = block
        yield from merge(ruler, parts, self.size)

    def _parts(self, ruler: Ruler, block: Block, size: int) -> list[Range]:
        count = ruler.count(block.start, block.end)
        if block.kind in ("fence", "table"):
            if count <= max(self.size, self.max_block or 4 * self.size):
                return [(block.start, block.end)]
            return list(split(ruler, block.start, block.end, self.size, levels=(LINE, WORD)))
        if count <= size:
            return [(block.start, block.end)]
        found: list[Range] = []
        for a, b in items(ruler.text, block) if block.kind == "list" else [(block.start, block.end)]:
            found += [(a, b)] if ruler.count(a, b) <= size else units(ruler, a, b, size, self.language)
        return found


def _sections(found: list[Block]) -> list[_Section]:
    path: list[Block] = []
    sections: list[_Section] = []
    for block in found:
        if block.kind == "heading":
            while path and path[-1].level >= block.level:
                path.pop()
            path.append(block)
        if sections and block.kind == "heading" and sections[-1].blocks[-1] in path:
            sections[-1].path = tuple(path)
        elif block.kind == "heading" or not sections:
            sections.append(_Section(tuple(path)))
        sections[-1].blocks.append(block)
    return sections


def _related(first: _Section, section: _Section) -> bool:
    """Return whether a section lies below the heading above `first` (below `first` itself where that is a top one)."""
    above = first.path[:-1] or first.path
    return bool(above) and section.path[: len(above)] == above


def _heading(group: list[_Section]) -> Meta:
    """Return the headings that all sections of a group share, as a path."""
    shared = group[0].path
    for section in group[1:]:
        while shared != section.path[: len(shared)]:
            shared = shared[:-1]
    titles = [block.title for block in shared if block.title]
    return {"heading": " > ".join(titles)} if titles else EMPTY
