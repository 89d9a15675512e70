"""PDF: the text of each page, pages apart by a blank line, with the place where each begins."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable

from rag.errors import MissingExtra
from rag.loaders.base import Limit, Parsed, Unreadable, whole

BETWEEN = "\n\n"
_QUIET = logging.NullHandler()  # one for all readings; without a handler pypdf's complaints go to standard error
# pypdf extracts NUL and halves of surrogate pairs from damaged fonts; neither can be stored.
_UNFIT = {0: "\ufffd", **dict.fromkeys(range(0xD800, 0xE000), "\ufffd")}


@whole(".pdf")
def parse(data: bytes, limit: Limit) -> Parsed:
    """Return the text with `pages` (their number) and `page_starts` (offsets into the text, one per page) as metadata.

    Raises `Unreadable` for an encrypted, a scanned or an oversized one, `MissingExtra`, and whatever pypdf raises.
    """
    try:
        from pypdf import PdfReader
    except ImportError:
        raise MissingExtra("pypdf", "pdf", "reading .pdf files") from None
    logging.getLogger("pypdf").addHandler(_QUIET)
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted:
        raise Unreadable("encrypted; save a copy without a password, for example with qpdf --decrypt")
    text, starts = _join((page.extract_text() for page in reader.pages), limit)
    if not text.strip():
        raise Unreadable("no extractable text (scanned?); run OCR first")
    return Parsed(text, {"pages": len(starts), "page_starts": tuple(map(str, starts))})


def _join(pages: Iterable[str], limit: Limit) -> tuple[str, list[int]]:
    """Join pages; stops with `Unreadable` as soon as the text is over the limit, since a small file can name a page many times."""
    texts: list[str] = []
    starts: list[int] = []
    size = 0
    for page in pages:
        texts.append(page.translate(_UNFIT))
        starts.append(size)
        size += len(texts[-1]) + len(BETWEEN)
        limit.check(size - len(BETWEEN), "its text is")
    return BETWEEN.join(texts), starts
