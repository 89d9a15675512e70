"""Reading rows of JSON Lines and collecting what is wrong with them, so that one error can name the first and count the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rag.errors import QuestionError


@dataclass(frozen=True, slots=True)
class Row:
    """One JSON object and the line it came from (counted from 1)."""

    line: int
    data: Mapping[str, Any]


class Problems:
    """The problems of one file. The first is kept in full; of the others only the number is told."""

    def __init__(self, file: str) -> None:
        """Take the name of the file as it is to appear in the message."""
        self.file = file
        self._first = ""
        self._count = 0
        self._seen: dict[str, int] = {}

    def __len__(self) -> int:
        return self._count

    def add(self, row: Row, what: str, key: str = "id") -> None:
        """Note a problem of one row; `what` says what is wrong and, after a semicolon, how to mend it."""
        name = row.data.get(key)
        who = f", question {name!r}" if isinstance(name, (str, int)) and name != "" else ""
        self.note(f"{self.file} line {row.line}{who}: {what}")

    def note(self, message: str) -> None:
        """Note a problem whose place is in the message already."""
        self._first = self._first or " ".join(message.splitlines())
        self._count += 1

    def check(self) -> None:
        """Raise the `QuestionError` of everything noted, if anything was."""
        if self._count:
            raise QuestionError(self._first + (f" (and {self._count - 1} more)" if self._count > 1 else ""))

    def identify(self, row: Row, key: str) -> str:
        """Return the id under `key`, noting a missing or ill-typed one and one that an earlier line has."""
        name = self.text(row, key)
        if name and name in self._seen:
            self.add(row, f"the id {name!r} is on line {self._seen[name]} already; give every question an id of its own", key)
        self._seen.setdefault(name, row.line)
        return name

    def text(self, row: Row, key: str) -> str:
        """Return the string under `key`, noting a missing, ill-typed, blank or unencodable one."""
        value = row.data.get(key)
        if value is None:
            self.add(row, f"{key} is missing; add a string")
        elif not isinstance(value, str):
            self.add(row, f"{key} is {_short(value)}; write a string")
        elif not value.strip():
            self.add(row, f"{key} is empty; write a string or remove the line")
        elif not encodable(value):
            self.add(row, f"{key} holds half of a surrogate pair; write the character itself in UTF-8")
        else:
            return value
        return ""

    def texts(self, row: Row, key: str) -> tuple[str, ...]:
        """Return the list of strings under `key` (absent: empty), noting anything else."""
        value = row.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(v, str) and v.strip() and encodable(v) for v in value):
            self.add(row, f"{key} is {_short(value)}; write a list of non-empty strings")
            return ()
        return tuple(value)


def read_rows(file: Path, problems: Problems) -> Iterator[Row]:
    r"""Yield the JSON objects of a file, one per non-blank line, noting lines that are none.

    Lines end at "\\n" only: texts may hold U+2028 or U+0085. Raises `QuestionError` when the file cannot be read.
    """
    for number, line in enumerate(read_lines(file), start=1):
        if not line.strip():
            continue
        try:
            data = json.loads(line)
        except (ValueError, RecursionError) as error:
            what = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep or a number too long"
            problems.note(f"{file.name} line {number}: not valid JSON ({what}); write one JSON object per line")
            continue
        if isinstance(data, dict):
            yield Row(number, data)
        else:
            problems.note(f"{file.name} line {number}: {_short(data)} is not an object; write one JSON object per line")


def read_lines(file: Path) -> list[str]:
    r"""Return the lines of a UTF-8 file, split at "\\n" only. Raises `QuestionError` when it cannot be read."""
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise QuestionError(f"{file} cannot be read ({error.strerror}); give a JSON Lines file or a BEIR folder of questions") from None
    try:
        return raw.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise QuestionError(f"{file} line {line}: byte {error.start} is not UTF-8; save the file as UTF-8") from None


def encodable(text: str) -> bool:
    """Whether the text can be written as UTF-8 (it holds no lone surrogate)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _short(value: object) -> str:
    shown = json.dumps(value, ensure_ascii=True)
    return shown if len(shown) <= 60 else shown[:57] + "..."
