"""Where a piece stands in its document, in words: the name of the document and the headings above."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from rag.places import BETWEEN, Places
from rag.text import encodable
from rag.untrusted import visible

if TYPE_CHECKING:
    from rag.models.tokenizer import Tokenizer
    from rag.types import Document

_LONGEST = 32  # characters of a token; longer ones are not worth counting


class Place:
    """The headings of one document, read once; headers are cut after so many tokens."""

    def __init__(self, document: Document, tokens: int, tokenizer: Tokenizer) -> None:
        self._places, self._title = Places(document), document.title
        self._file = re.sub(r"[-_\s]+", " ", PurePosixPath(document.id).stem).strip()
        self._tokens, self._tokenizer = tokens, tokenizer
        self._cut: dict[str, str] = {}

    def header(self, start: int, end: int) -> str:
        """Return `Title > Section` of what characters `[start, end)` do not say themselves, empty where that is all.

        Headings within the range are left out, and so is the title of a document that has one, because it is indexed with every
        chunk. Without a title and a heading of the first level the name of the file stands in for them.
        """
        path = self._places.headings(start, end)
        titles = [block.title for block in path if block.start < start and block.title]
        if self._title:
            titles = titles[1:] if titles[:1] == [self._title] else titles
        elif not path or path[0].level > 1:
            titles = [self._file, *titles]
        return self._line(BETWEEN.join(filter(None, titles)))

    def _line(self, header: str) -> str:
        if header not in self._cut:
            self._cut[header] = line(header, self._tokens, self._tokenizer)
        return self._cut[header]

    def path(self, start: int, end: int) -> str:
        """Return the name of the document and all headings of the range, its own among them: what a prompt says of it."""
        titles = [block.title for block in self._places.headings(start, end) if block.title]
        name = self._title or self._file
        return encodable(BETWEEN.join(filter(None, titles if titles[:1] == [name] else [name, *titles])))


def line(text: str, tokens: int, tokenizer: Tokenizer) -> str:
    """Return a text as one line without hidden characters, cut after so many tokens. Linear in the part that is kept."""
    most = _LONGEST * tokens
    seen = encodable(" ".join(visible(text[: 4 * most])[0].split()))[:most]
    offsets = tokenizer.offsets(seen)
    return seen if len(offsets) <= tokens else seen[: offsets[tokens - 1][1]].rstrip()
