"""Metadata files: `report.pdf.meta.yaml` beside `report.pdf` says what its text does not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import BinaryIO

from rag import strict_yaml
from rag.errors import ConfigError
from rag.loaders.base import Parsed, Unreadable
from rag.loaders.files import CHANGED, state
from rag.loaders.jsonl import read_object
from rag.loaders.meta import FRONT_MATTER_LIMIT, flat
from rag.types import EMPTY, Meta

SUFFIXES = (".meta.yaml", ".meta.yml", ".meta.json")
ORPHAN = "metadata for a file that is not there; remove it, or rename it as its file"


def described(name: str) -> str:
    """The name of the file that a metadata file is about; empty when `name` is none of a metadata file."""
    return next((name[: -len(suffix)] for suffix in SUFFIXES if name.endswith(suffix) and len(name) > len(suffix)), "")


def read_sidecar(name: str, file: BinaryIO) -> Meta:
    """Return the metadata of an open file; raises `Unreadable` that begins with its name."""
    try:
        before = state(file)
        if before.size > FRONT_MATTER_LIMIT:
            raise Unreadable(f"is over {FRONT_MATTER_LIMIT // 1024} KB")
        file.seek(0)
        data = file.read(before.size + 1)
        if len(data) != before.size or state(file) != before:
            raise Unreadable(CHANGED)
        found = read_object(data) if name.endswith(".json") else strict_yaml.parse(data)
        if found is None:
            return EMPTY
        if not isinstance(found, Mapping):
            raise Unreadable("not a mapping of names to values")
        return flat(found)
    except (Unreadable, ConfigError, ValueError, RecursionError, OSError) as error:
        raise Unreadable(f"{name}: {' '.join(str(error).split()) or type(error).__name__}") from None


def with_sidecar(parsed: Parsed, extra: Meta, rows: bool = False) -> Parsed:
    """Return a document with the metadata of its file on top of its own; a `title` that is text becomes its title.

    With `rows`, one document of many in a file, the title of the file is that of documents which have none.
    """
    if not extra:
        return parsed
    meta = {**parsed.meta, **extra}
    title = extra.get("title")
    if isinstance(title, str) and title.strip():
        del meta["title"]
        parsed = replace(parsed, title=parsed.title or title if rows else title)
    return replace(parsed, meta=MappingProxyType(meta) if meta else EMPTY)
