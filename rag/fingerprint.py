"""Content keys: equal work has an equal name, so shared work is shared without a planner."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum

from rag.stages import Stage

_PLAIN = frozenset((str, int, float, bool))


def canonical(value: object) -> object:
    """Return the JSON form of a value that its key is taken of.

    A stage becomes `{use, version, every field that is not incidental}`, defaults included, so that a changed
    default is a changed key. Raises `TypeError` for anything without an obvious JSON form.
    """
    if value is None or type(value) in _PLAIN:  # by far the most, so looked for first
        return value
    if isinstance(value, (tuple, list)):
        return [v if type(v) is str else canonical(v) for v in value]
    if is_dataclass(value) and not isinstance(value, type):
        body = {f.name: canonical(getattr(value, f.name)) for f in fields(value) if not f.metadata.get("incidental")}
        name = {"use": value.use, "version": value.version} if isinstance(value, Stage) else {"type": type(value).__name__}
        return {**name, **body}
    if isinstance(value, Mapping):
        return {str(k): canonical(v) for k, v in value.items()}
    if isinstance(value, Enum):
        return canonical(value.value)
    if isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"no canonical form for {type(value).__name__}")


def key(*parts: object) -> str:
    """Return the content key (blake2b, 128 bits, hex) of the canonical form of `parts`, in order."""
    text = json.dumps([canonical(p) for p in parts], sort_keys=True, ensure_ascii=False, allow_nan=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
