"""Recorded completions: a JSON Lines file that a run writes with `--record` and the chat model `recorded` reads.

A row is `{"task", "subject", "sample", "text"}`, and `key` where it was recorded: it then answers exactly that request, whoever
would be asked. A row without `key`, written by hand, answers every request of its task about its subject. The first row may be
`{"about": "what this file is"}`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from rag.errors import ConfigError
from rag.models.chat import Completion, Request, Usage
from rag.text import encodable


@dataclass(frozen=True)
class Recordings:
    """Completions by the key of their request, and by `(task, subject, sample)` where written by hand."""

    exact: dict[str, Completion] = field(default_factory=dict)
    by_subject: dict[tuple[str, str, int], Completion] = field(default_factory=dict)
    about: str = ""

    def find(self, request: Request) -> Completion | None:
        """Return what was recorded for a request: for exactly it, else for its task and subject."""
        return self.exact.get(request.key) or self.by_subject.get((request.task, request.subject, request.sample))


def read(path: Path) -> Recordings:
    """Return the recordings of a file, lone surrogates in replies as U+FFFD. Raises `ConfigError` with file and line for what is none."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        raise ConfigError(f"{path}: recordings cannot be read ({why}); give chat.path a file made with --record, relative to where the command runs") from None
    found = Recordings()
    about = ""
    for n, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        row = _row(line, f"{path}:{n}")
        if "about" in row and "text" not in row:
            about = str(row["about"])
            continue
        completion = _completion(row, f"{path}:{n}")
        if "key" in row:
            found.exact[str(row["key"])] = completion
        else:
            at = (row["task"], row["subject"], row.get("sample", 0))
            if at in found.by_subject:
                raise ConfigError(f"{path}:{n}: a second {at[0]!r} of {at[1][:60]!r}, sample {at[2]}; number them with sample")
            found.by_subject[at] = completion
    return Recordings(found.exact, found.by_subject, about)


def _row(line: str, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        raise ConfigError(f"{where}: no JSON; each line is one object") from None
    if not isinstance(row, dict):
        raise ConfigError(f"{where}: expected an object, found a {type(row).__name__}")
    if "about" in row and "text" not in row:
        return row
    for name, kind in (("task", str), ("subject", str), ("text", str)):
        if not isinstance(row.get(name), kind):
            raise ConfigError(f'{where}: {name} is missing or no text; a row is {{"task", "subject", "text"}}')
    if not isinstance(row.get("sample", 0), int) or isinstance(row.get("sample"), bool):
        raise ConfigError(f"{where}: sample is no whole number")
    return row


def _completion(row: dict[str, Any], where: str) -> Completion:
    usage = row.get("usage") or {}
    try:
        counts = [int(usage.get(name, 0)) for name in ("prompt", "completion", "cached")]
        cost, ms = float(usage.get("cost", 0.0)), float(row.get("ms", 0.0))
    except (AttributeError, TypeError, ValueError, OverflowError):
        cost, ms = math.nan, 0.0
    if not (math.isfinite(cost) and math.isfinite(ms)):
        raise ConfigError(f"{where}: ms and usage hold numbers, or leave them out")
    return Completion(encodable(row["text"]), encodable(str(row.get("model", "recorded"))), Usage(counts[0], counts[1], counts[2], cost), ms)


class Recorder:
    """Appends completions to a file as they are made; several threads may."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises `ConfigError` when it cannot be written."""
        self.path = path
        self._lock = Lock()
        self._known = set(read(path).exact) if path.exists() else set()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            if path.stat().st_size and not path.read_bytes().endswith(b"\n"):
                self._append("\n")  # a line that somebody left without its end
        except OSError as error:
            raise ConfigError(f"{path}: recordings cannot be written ({error.strerror}); check the path after --record") from None

    def add(self, request: Request, completion: Completion) -> None:
        """Write a completion under the key of its request, once."""
        with self._lock:
            if request.key in self._known:
                return
            self._known.add(request.key)
            u = completion.usage
            row = {
                "task": request.task, "subject": request.subject, "sample": request.sample, "key": request.key, "text": completion.text, "model": completion.model,
                "usage": {"prompt": u.prompt, "completion": u.completion, "cached": u.cached, "cost": u.cost}, "ms": round(completion.ms, 1),
            }  # fmt: skip
            self._append(json.dumps(row, ensure_ascii=False) + "\n")

    def _append(self, line: str) -> None:
        try:
            data = line.encode()
        except UnicodeEncodeError:  # half a surrogate pair, which UTF-8 does not have and JSON writes as an escape
            data = (json.dumps(json.loads(line)) + "\n").encode()
        with self.path.open("ab") as file:
            file.write(data)
