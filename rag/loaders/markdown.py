"""Markdown: read as text, because its marks are part of what chunkers cut by and citations point into."""

from __future__ import annotations

from rag.loaders import text
from rag.loaders.base import Limit, Parsed, whole


@whole(".md", ".markdown")
def parse(data: bytes, limit: Limit) -> Parsed:
    """Return the text with its front matter read; raises `Unreadable` when it is binary, undecodable or blank."""
    return text.parse(data, limit)
