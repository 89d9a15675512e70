"""Names of the configurations of a grid: short, readable, unique, the same every time, and safe as the names of folders."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MOST = 100  # characters of a name
_UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")


def label(value: Any) -> str:
    """Return a word for a value of a matrix: a part is called by its `use`, a list by its items, nothing is `none`."""
    if value is None or value in ([], ""):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return _UNSAFE.sub("-", str(value))
    if isinstance(value, Mapping):
        found = str(value["use"]) if "use" in value else "-".join(f"{k}-{label(v)}" for k, v in value.items())
    elif isinstance(value, list):
        found = "+".join(map(label, value))
    else:
        found = str(value)
    return _UNSAFE.sub("-", found).strip("-.") or "value"


def labels(values: Sequence[Any]) -> list[str]:
    """Return a word for each value of one field, numbered where two are alike whatever their case."""
    found = [label(v) for v in values]
    alike = [w.lower() for w in found]
    return found if len(set(alike)) == len(alike) else [f"{w}.{i}" for i, w in enumerate(found, 1)]


def combined(parts: Iterable[tuple[str, str]]) -> str:
    """Return the name of a combination of (path, word): `chunk.size=100,retrieve=hybrid`, cut with a digest of the whole where it is long."""
    name = ",".join(f"{path}={word}" for path, word in parts)
    return name if len(name) <= MOST else f"{name[: MOST - 9]}~{digest(name)}"


def digest(value: object) -> str:
    """Return eight hexadecimal digits that stand for plain data."""
    return hashlib.blake2b(json.dumps(value, sort_keys=True).encode(), digest_size=4).hexdigest()
