"""Files that say by what a judge criticizes answers: read strictly, and known by their content."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from rag.config import read_yaml
from rag.errors import ConfigError
from rag.registry import did_you_mean

MOST = 20  # scores of a scale


def is_file(cut: str) -> bool:
    """Return whether what stands after @ names a file."""
    return cut.endswith((".yaml", ".yml"))


def read(path: str, required: Collection[str], optional: Collection[str]) -> Mapping[str, Any]:
    """Return the mapping of a file with these keys. Raises `ConfigError` that names the file and the key."""
    data = read_yaml(Path(path))
    allowed = [*required, *optional]
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected a mapping with {', '.join(required)}")
    for name in data:
        if name not in allowed:
            raise ConfigError(f"{path}: {name}: unknown key{did_you_mean(name, allowed)}; allowed: {', '.join(allowed)}")
    for name in required:
        if name not in data:
            raise ConfigError(f"{path}: {name}: required and missing")
    return data


def text(data: Mapping[str, Any], name: str, path: str) -> str:
    """Return a text of a file. Raises `ConfigError` for a blank one or none."""
    if not isinstance(data[name], str) or not data[name].strip():
        raise ConfigError(f"{path}: {name}: expected text that is not blank")
    return str(data[name]).strip()


def flag(data: Mapping[str, Any], name: str, path: str) -> bool:
    """Return a yes or no of a file, yes where it is left out. Raises `ConfigError` for anything else."""
    found = data.get(name, True)
    if not isinstance(found, bool):
        raise ConfigError(f"{path}: {name}: expected true or false")
    return found


def scale(data: Mapping[str, Any], path: str) -> tuple[tuple[int, str], ...]:
    """Return the scores of a scale, lowest first, each with what it means. Raises `ConfigError` unless there are 2 to 20 of them."""
    found = data["scale"]
    if not isinstance(found, dict) or not 2 <= len(found) <= MOST:
        raise ConfigError(f'{path}: scale: expected 2 to {MOST} scores, each with what it means; write {{"1": "...", "5": "..."}}')
    rows = {}
    for score, means in found.items():
        if not re.fullmatch(r"-?[0-9]{1,4}", score):
            raise ConfigError(f'{path}: scale: {score!r} is no whole number; write it like "3"')
        rows[int(score)] = text({score: means}, score, f"{path}: scale")
    if len(rows) < len(found):
        raise ConfigError(f"{path}: scale: a score is there twice; keep one")
    return tuple(sorted(rows.items()))
