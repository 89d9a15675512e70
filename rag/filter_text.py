"""The little language of `--where`: text to filter and back.

    filter    = all {"or" all}
    all       = one {"and" one}
    one       = "not" one | "(" filter ")" | "exists" key | key "exists" | key ["not"] "in" list | key operator value
    operator  = "=" | "!=" | "<" | "<=" | ">" | ">="
    list      = "(" value {"," value} ")" | "[" value {"," value} "]"

A key is one bare word or a quoted text, a value one or more bare words or a quoted text; in quotes a backslash takes the next
character as it is. `and`, `or`, `not`, `in`, `exists` are words of the language in any case, so quote them where they are not meant so.
`a != b` is `not a = b`: true of documents without `a`. A quoted key is always metadata, `"@doc"` too.

One plain form is read more simply: `key=value` without a blank beside the `=`, without quotes around the value and without the
words `and`, `or` in it is one condition, whatever else the value holds: `k=two words`, `url=http://x?a=b`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias, cast

from rag.errors import FilterError
from rag.filters import ALLOWED, MAX_BYTES, MAX_DEPTH, ORDERS, And, Condition, Filter, Not, Op, Or, check, conjunction

Where: TypeAlias = str | Filter | Sequence[str | Filter] | None
Kind: TypeAlias = Literal["word", "quoted", "sign", "end"]
_KEYWORDS = ("and", "or", "not", "in", "exists")
_TOKEN = re.compile(r'\s*(?:(?P<quoted>"(?:[^"\\]|\\.)*+")|(?P<word>(?:[^\s"()\[\],=<>!]|!(?!=))++)|(?P<sign>!=|<=|>=|[()\[\],=<>"]))', re.DOTALL)
_PLAIN = re.compile(r'\s*+([^"()\[\],=<>!]++)(?<!\s)=(?![\s"=])(.*+)', re.DOTALL)
_JOINED = re.compile(r"(?<![^\s)\]])(?:and|or)(?![^\s(\[])", re.IGNORECASE)
_BARE = re.compile(r"\w(?:[\w.:/+@-]*\w)?")
_CLOSE = {"(": ")", "[": "]"}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Kind
    text: str
    start: int
    end: int

    @property
    def shown(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text[:40])

    def says(self, *words: str) -> bool:
        """Whether it is one of these words of the language or signs."""
        return (self.text.lower() if self.kind == "word" else self.text if self.kind == "sign" else "") in words


def parse(text: str) -> Filter:
    """Return the filter that a text says, in time linear in its length.

    Raises `FilterError` with the position (from 1) and what was expected, and what `check` raises.
    """
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise FilterError(f"a filter of more than {MAX_BYTES} bytes; split it, or keep what it selects in one metadata field")
    if (plain := _PLAIN.fullmatch(text)) and not _JOINED.search(text):
        words = plain[1].split()
        if len(words) == 1 or not any(w.lower() in _KEYWORDS for w in words):
            return check(Condition(plain[1], "=", (plain[2].rstrip(),)))
    parser = _Parser(text)
    found = parser.any_of(0)
    parser.expect_end()
    return check(found)


def read(where: Where) -> Filter | None:
    """Return what a caller gives as a filter: texts are parsed, several are joined by and, all is checked. Raises `FilterError`."""
    given = () if where is None else (where,) if isinstance(where, (str, Condition, And, Or, Not)) else where
    found = conjunction(*(parse(one) if isinstance(one, str) else check(one) for one in given))
    return None if found is None else check(found)


def _tokens(text: str) -> list[_Token]:
    found, at, stop = [], 0, len(text.rstrip())
    while at < stop:
        match = _TOKEN.match(text, at)
        kind = cast(Kind, match.lastgroup) if match else "sign"
        if match is None or match[kind] == '"':
            raise FilterError(f"position {(match.start(kind) if match else at) + 1}: this quotation mark is never closed")
        found.append(_Token(kind, match[kind], match.start(kind), match.end()))
        at = match.end()
    return [*found, _Token("end", "", stop, stop)]


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.at = text, _tokens(text), 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    def take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def wrong(self, expected: str) -> FilterError:
        return FilterError(f"position {self.next.start + 1}: expected {expected}, found {self.next.shown}")

    def expect_end(self) -> None:
        if self.next.kind != "end":
            raise self.wrong("and, or, or the end (put a value with signs or with and, or in quotes)")

    def any_of(self, depth: int) -> Filter:
        parts = [self.all_of(depth)]
        while self.next.says("or"):
            self.take()
            parts.append(self.all_of(depth))
        return Or(tuple(parts)) if len(parts) > 1 else parts[0]

    def all_of(self, depth: int) -> Filter:
        parts = [self.one(depth)]
        while self.next.says("and"):
            self.take()
            parts.append(self.one(depth))
        return And(tuple(parts)) if len(parts) > 1 else parts[0]

    def one(self, depth: int) -> Filter:
        if depth >= MAX_DEPTH:
            raise FilterError(f"position {self.next.start + 1}: nested more than {MAX_DEPTH} deep; flatten it")
        if self.next.says("not"):
            self.take()
            return Not(self.one(depth + 1))
        if self.next.says("("):
            opened = self.take()
            found = self.any_of(depth + 1)
            if not self.next.says(")"):
                raise self.wrong(f"and, or, or the ) of position {opened.start + 1}")
            self.take()
            return found
        if self.next.says("exists"):
            self.take()
            return Condition(self.key(), "exists")
        return self.condition(self.key())

    def key(self) -> str:
        token = self.next
        if token.kind not in ("word", "quoted") or token.says(*_KEYWORDS):
            raise self.wrong("a metadata key (in quotes where it is a word of the language)")
        self.take()
        if token.kind == "word":
            return token.text
        name = _unquoted(token.text)
        return f"@{name}" if name.startswith("@") else name

    def condition(self, key: str) -> Filter:
        token = self.next
        negated = token.says("!=")
        if token.says("not") and self.tokens[self.at + 1].says("in"):
            negated = bool(self.take())
            token = self.next
        if token.says("exists"):
            self.take()
            return Condition(key, "exists")
        if token.says("in"):
            self.take()
            found = Condition(key, "in", self.values())
        elif token.says("=", "!=", *ORDERS):
            self.take()
            found = Condition(key, "=" if negated else cast(Op, token.text), (self.value(),))
        else:
            raise self.wrong(f"one of = != {' '.join(ORDERS)} in exists after the key {key[:40]!r}")
        return Not(found) if negated else found

    def value(self) -> str:
        first = self.next
        if first.kind == "quoted":
            return _unquoted(self.take().text)
        if first.kind != "word" or first.says("and", "or"):
            raise self.wrong("a value (in quotes where it is empty, or holds signs or the words and, or)")
        last = first
        while self.next.kind == "word" and not self.next.says("and", "or"):
            last = self.take()
        return self.text[first.start : last.end]

    def values(self) -> tuple[str, ...]:
        if not self.next.says("(", "["):
            raise self.wrong("a list such as (a, b)")
        close = _CLOSE[self.take().text]
        found = [self.value()]
        while self.next.says(","):
            self.take()
            found.append(self.value())
        if not self.next.says(close):
            raise self.wrong(f", or {close}")
        self.take()
        return tuple(found)


def write(found: Filter) -> str:
    """Return the text of a filter: `parse(write(f)) == f` for every checked filter whose groups have two members or more.

    A group of one is written as its member. Quotation marks add to the size, so a filter close to 16 KB may write to a longer text.
    """
    if isinstance(found, Condition):
        return _condition(found)
    if isinstance(found, Not):
        inner = found.of
        if isinstance(inner, Condition) and inner.op in ("=", "in"):
            return _condition(inner, "!=" if inner.op == "=" else "not in")
        return f"not {_member(inner)}"
    if len(found.of) == 1:
        return write(found.of[0])
    return (" and " if isinstance(found, And) else " or ").join(_member(part) for part in found.of)


def _member(found: Filter) -> str:
    return f"({write(found)})" if isinstance(found, (And, Or)) and len(found.of) > 1 else write(found)


def _condition(c: Condition, op: str = "") -> str:
    name = c.key if c.key in ALLOWED else _quoted(c.key[1:] if c.key.startswith("@") else c.key)
    if c.op == "exists":
        return f"exists {name}"
    values = [_quoted(v) for v in c.values]
    return f"{name} {op or c.op} " + (f"({', '.join(values)})" if c.op == "in" else values[0])


def _quoted(text: str) -> str:
    if _BARE.fullmatch(text) and text.lower() not in _KEYWORDS:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
