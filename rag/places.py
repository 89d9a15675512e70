"""Where in its document a span lies: its page, and the headings above it."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right

from rag.blocks import Block, blocks
from rag.types import EMPTY, Document, Meta

BETWEEN = " > "
_MARK = re.compile(r" {0,3}[#=-]")  # how the last line of every heading begins
_LATER = {end: re.compile(end + r" {0,3}[#=-]") for end in "\n\r"}  # apart: what begins with one character is looked for with that alone


class Places:
    """The pages (`page_starts` of a PDF) and the headings (Markdown, as HTML and DOCX have them too) of one document.

    Built in time linear in the text; a span is then found by bisection. Headings are those of `rag.blocks`: none in code
    fences or front matter.
    """

    def __init__(self, document: Document) -> None:
        self._pages = _pages(document)
        self._starts: list[int] = []
        self._paths: list[tuple[Block, ...]] = []
        self._find(document)

    def of(self, start: int, end: int) -> Meta:
        """Return `{"page", "last_page", "heading"}` of characters `[start, end)`, each where there is one.

        Pages count from 1; `last_page` is there when it differs. `heading` is a path `Title > Section`; of a span over
        several sections it is the part they share, as the `markdown` chunker has it.
        """
        found: dict[str, int | str] = {}
        last = max(start, end - 1)
        if self._pages:
            found["page"] = max(1, bisect_right(self._pages, start))
            final = max(1, bisect_right(self._pages, last))
            if final != found["page"]:
                found["last_page"] = final
        titles = [block.title for block in self._shared(start, last) if block.title]
        if titles:
            found["heading"] = BETWEEN.join(titles)
        return found or EMPTY

    def headings(self, start: int, end: int) -> tuple[Block, ...]:
        """Return the headings that the text of characters `[start, end)` lies under, the topmost first; of several sections the ones they share."""
        return self._shared(start, max(start, end - 1))

    def _find(self, document: Document) -> None:
        """Note where sections start. A heading with nothing but a subheading below it opens the subheading's section."""
        text, body = document.text, document.body
        if not _MARK.match(text, body) and not any(end in text and later.search(text, body) for end, later in _LATER.items()):
            return
        path: list[Block] = []
        before: Block | None = None
        for block in blocks(document.text, document.body):
            if block.kind == "heading":
                while path and path[-1].level >= block.level:
                    path.pop()
                path.append(block)
                if before in path:
                    self._paths[-1] = tuple(path)
                else:
                    self._starts.append(block.start)
                    self._paths.append(tuple(path))
            before = block

    def _shared(self, start: int, last: int) -> tuple[Block, ...]:
        first = bisect_right(self._starts, start) - 1
        if first < 0:
            return ()
        shared = self._paths[first]
        for path in self._paths[first + 1 : bisect_left(self._starts, last + 1)]:
            while shared != path[: len(shared)]:
                shared = shared[:-1]
            if not shared:
                break
        return shared


def _pages(document: Document) -> list[int]:
    """Return where pages start, nothing when the metadata does not say so in order; front matter can say anything."""
    starts = document.meta.get("page_starts")
    if not isinstance(starts, tuple) or not all(s.isascii() and s.isdigit() and len(s) < 16 for s in starts):
        return []
    pages = [int(s) for s in starts]
    return pages if pages == sorted(pages) else []
