"""What a format has to provide, and the one registry of file suffix to reader."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePath
from typing import BinaryIO, TypeAlias

from rag.types import EMPTY, Meta


class Unreadable(Exception):
    """A document cannot be read; its text is the reason, one plain sentence without the path."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a reader makes of one document; the fields are those of `Document`, `id` only where the format names documents."""

    text: str
    meta: Meta = field(default_factory=lambda: EMPTY)
    title: str = ""
    body: int = 0
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that one document may hold, in bytes of the file and in characters of its text; `mb` is 10^6 of them."""

    mb: float

    @property
    def size(self) -> int:
        """The limit in bytes."""
        return int(min(self.mb * 1_000_000, sys.maxsize))

    def problem(self, size: int, what: str = "is") -> str:
        """What is wrong with a document of `size`, with the setting to raise; empty when it is within the limit."""
        if size <= self.size:
            return ""
        shown = -(-size // 100_000) / 10  # rounded up, so that it never reads as the limit itself
        return f"{what} {shown:g} MB, more than index.max_document_mb ({self.mb:g}); raise it or split the file"

    def check(self, size: int, what: str = "is") -> None:
        """Raise `Unreadable` with the problem when there is one."""
        if problem := self.problem(size, what):
            raise Unreadable(problem)


WholeParser: TypeAlias = Callable[[bytes, Limit], Parsed]
LineParser: TypeAlias = Callable[[BinaryIO, Limit], Iterator[tuple[int, Parsed | Unreadable]]]


@dataclass(frozen=True, slots=True)
class Whole:
    """A format with one document per file: bytes in, `Parsed` out, or `Unreadable` raised."""

    parse: WholeParser


@dataclass(frozen=True, slots=True)
class ByLine:
    """A format with one document per line: yields the line's number, from 1, and what it holds or why it is bad."""

    parse: LineParser


Format: TypeAlias = Whole | ByLine
_FORMATS: dict[str, Format] = {}


def _add(suffixes: tuple[str, ...], found: Format) -> None:
    for suffix in suffixes:
        if suffix in _FORMATS:
            raise TypeError(f"two readers for {suffix}")
        _FORMATS[suffix] = found


def whole(*suffixes: str) -> Callable[[WholeParser], WholeParser]:
    """Decorator that registers a reader of one document per file; raises `TypeError` when a suffix is taken."""

    def add(parse: WholeParser) -> WholeParser:
        _add(suffixes, Whole(parse))
        return parse

    return add


def by_line(*suffixes: str) -> Callable[[LineParser], LineParser]:
    """Decorator that registers a reader of one document per line; raises `TypeError` when a suffix is taken."""

    def add(parse: LineParser) -> LineParser:
        _add(suffixes, ByLine(parse))
        return parse

    return add


@lru_cache(maxsize=1)
def formats() -> dict[str, Format]:
    """Every suffix (lower case, with its dot) and its reader, sorted; imports the modules of this package once."""
    package = importlib.import_module("rag.loaders")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"rag.loaders.{module.name}")
    return dict(sorted(_FORMATS.items()))


def suffix_of(name: str) -> str:
    """The suffix that decides the reader: lower case with its dot, empty when there is none."""
    return PurePath(name).suffix.lower()
