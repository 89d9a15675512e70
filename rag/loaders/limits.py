"""How documents are read: the limits that one document is held to, and where its date comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.pipeline import IndexOptions


@dataclass(frozen=True, slots=True)
class Limits:
    """What one document may take: megabytes (10^6 bytes) of file and text, seconds and megabytes of parsing.

    `modified_key` names the metadata that holds a document's date (ISO 8601, UTC where it names no zone); None, or a
    document without that key, means the time of its file. The names are those of the options under `index:`.
    """

    max_document_mb: float = 32.0
    parse_seconds: float = 60.0
    parse_memory_mb: float = 1024.0
    modified_key: str | None = None

    @classmethod
    def from_options(cls, options: IndexOptions) -> Limits:
        """Return the limits that a configuration sets."""
        return cls(options.max_document_mb, options.parse_seconds, options.parse_memory_mb, options.modified_key)

    @classmethod
    def widest(cls, found: Sequence[Limits]) -> Limits:
        """Return limits within which each of `found` (at least one) could read a corpus that they share."""
        return cls(
            max(f.max_document_mb for f in found),
            max(f.parse_seconds for f in found),
            max(f.parse_memory_mb for f in found),
            next((f.modified_key for f in found if f.modified_key is not None), None),
        )
