"""Documents as sections under their headings: the passages that questions are made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from eval.synthesis.plain import plain
from rag.blocks import Block, blocks
from rag.text import trim
from rag.types import Document

SHORTEST, LONGEST = 80, 1500  # characters of a section that something is asked about; longer ones are cut at the end of a block


@dataclass(frozen=True)
class Section:
    """Text `[start, end)` of a document under one path of headings (the topmost first, the title of the document left out)."""

    document: Document
    title: str
    headings: tuple[str, ...]
    start: int
    end: int
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        """The characters of the section."""
        return self.document.text[self.start : self.end]

    @property
    def place(self) -> str:
        """The section's name in requests and traces."""
        return f"{self.document.id} [{self.start}:{self.end}]"


def sections(document: Document) -> list[Section]:
    """Return the sections of a document that hold enough text, in order."""
    found: list[Section] = []
    path: list[Block] = []
    held: list[Block] = []
    parts = blocks(document.text, document.body)
    title = _title(document, parts)
    for block in [*parts, None]:
        if block is not None and block.kind != "heading":
            held.append(block)
            continue
        if section := _section(document, title, path, held):
            found.append(section)
        held = []
        if block is not None:
            while path and path[-1].level >= block.level:
                path.pop()
            path.append(block)
    return found


def _section(document: Document, title: str, path: Sequence[Block], held: Sequence[Block]) -> Section | None:
    kept: list[Block] = []
    for block in held:
        if kept and block.end - kept[0].start > LONGEST:
            break
        kept.append(block)
    if not kept:
        return None
    start, end = trim(document.text, kept[0].start, min(kept[-1].end, kept[0].start + LONGEST))
    if end - start < SHORTEST:
        return None
    names = tuple(b.title for b in path if b.title and b.title != title)
    return Section(document, title, names, start, end, tuple(b for b in kept if b.end <= end))


def _title(document: Document, parts: Sequence[Block]) -> str:
    """Return what a document is called: its own title, its only topmost heading, else its file name."""
    tops = [b.title for b in parts if b.kind == "heading" and b.level == 1 and b.title]
    if document.title or len(tops) == 1:
        return plain(document.title or tops[0]) or document.id
    stem = PurePosixPath(document.id.partition("#")[0]).stem
    return " ".join(stem.replace("_", " ").replace("-", " ").split()) or document.id
