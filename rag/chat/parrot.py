"""A stand-in for a chat model, without weights: it repeats sentences of the sources and words of the question in fixed forms."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.chat._sources import shown
from rag.models.chat import Completion, OnText, Request, Usage
from rag.registry import register
from rag.stages import Chat
from rag.text import encodable, sentences

if TYPE_CHECKING:
    from rag.models.chat import ChatModel
    from rag.runtime import Runtime

DEEPEST = 8  # levels of a schema that refers to itself
VARIANTS = 2  # items of a list
_QUESTION = re.compile(r"^Question:[ \t]*(.*)$", re.MULTILINE)
_MARK = re.compile(r"\[\d\]")  # a prompt that shows a mark wants marks
_WORD = re.compile(r"\w+")


@register("parrot")
@dataclass(frozen=True)
class Parrot(Chat):
    """No model but a stand-in to try wiring with: it repeats sentences of the sources, or words of the question, the same each time.

    Where a form is asked for it fills it: texts as above, lists with two items, numbers with their place, booleans with false.
    """

    def open(self, runtime: Runtime) -> ChatModel:
        """Return the stand-in."""
        return ParrotModel(self)


class ParrotModel:
    """Replies that depend on the prompt and on nothing else. A token is a word."""

    name = "parrot"
    window: int | None = None
    threads = 1
    remember = False  # making a reply costs less than looking it up

    def __init__(self, spec: Parrot) -> None:
        self.identity: dict[str, Any] = {"name": "parrot", "version": spec.version}

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        """Return the reply to a request."""
        text = _Reply(request).text()
        if on_text is not None:
            on_text(text)
        return Completion(text, self.name, Usage(sum(self.count(m.content) for m in request.messages), self.count(text)))

    def count(self, text: str) -> int:
        """Return the number of words."""
        return len(text.split())


class _Reply:
    """One reply: what the prompt holds, and what is made of it."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._prompt = "\n".join(m.content for m in request.messages)
        asked = _QUESTION.findall(self._prompt)
        self._question = " ".join((asked[-1] if asked else request.subject).split()) or "something"
        self._lines = self._sentences()

    def text(self) -> str:
        """Return JSON where a form is asked for, else sentences of the sources with their marks, else a line about the question."""
        schema = self._request.schema
        if schema is not None:
            return json.dumps(_Form(schema, self).fill(schema, "", 0, 0), ensure_ascii=False)
        if not self._lines:
            return f"About {' '.join(_WORD.findall(self._question)) or 'something'}."
        marked = bool(_MARK.search(self._prompt))
        return " ".join(f"{line} [{number}]" if marked else line for number, line in self._lines[:VARIANTS])

    def phrase(self, name: str, n: int) -> str:
        """Return the text for a field: a wording of the question where it is named like one, else a sentence of a source."""
        if self._lines and "quer" not in name and "question" not in name:
            return self._lines[n % len(self._lines)][1]
        words = _WORD.findall(self._question)
        return self._question if n == 0 else f"{' '.join(words[::-1])} {n if n > 1 else ''}".rstrip()

    def number(self, n: int) -> int:
        """Return the number of the source that the text of place `n` is from."""
        return self._lines[n % len(self._lines)][0] if self._lines else n + 1

    def said(self, text: str) -> bool:
        """Whether the prompt holds a text more than once: the question is there, and it was looked up."""
        return self._prompt.count(text) > 1

    def _sentences(self) -> list[tuple[int, str]]:
        """Return `(source, sentence)`: of each source the one with most words of the question; of a source named "passage" all, and no other's."""
        wanted = set(_WORD.findall(self._question.lower()))
        found: list[tuple[int, int, str]] = []
        for number, source in enumerate(shown(self._request), start=1):
            held = [source.text[a:b] for a, b in sentences(source.text)]
            if source.name == "passage":
                return [(number, line.split("\n")[-1]) for line in held]
            scored = [(len(wanted & set(_WORD.findall(line.lower()))), -i, line) for i, line in enumerate(held)]
            if scored:
                score, _, line = max(scored)
                found.append((-score, number, line.split("\n")[-1]))
        return [(number, line) for _, number, line in sorted(found)]


class _Form:
    """Fills a JSON Schema, as far as pydantic writes one."""

    def __init__(self, schema: Mapping[str, Any], reply: _Reply) -> None:
        self._defs, self._reply = schema.get("$defs", {}), reply

    def fill(self, schema: Mapping[str, Any], name: str, n: int, depth: int) -> Any:
        """Return a value for a schema: of the field `name`, at place `n` of its list."""
        if "$ref" in schema:
            schema = self._defs.get(str(schema["$ref"]).rsplit("/", 1)[-1], {})
        for fixed in ("const", "enum"):
            if fixed in schema:
                return schema[fixed] if fixed == "const" else schema[fixed][0]
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self._chosen(schema[choice], name, n, depth)
        kind = schema.get("type")
        if kind == "object":
            held = schema.get("properties", {}) if depth < DEEPEST else {}
            return {k: self.fill(v, k.lower(), n, depth + 1) for k, v in held.items()}
        if kind == "array":
            return self._items(schema, name, n, depth)
        if kind in ("integer", "number"):
            return self._number(schema, n)
        return False if kind == "boolean" else None if kind == "null" else self._text(schema, name, n)

    def _chosen(self, options: list[Mapping[str, Any]], name: str, n: int, depth: int) -> Any:
        first = next((o for o in options if o.get("type") != "null"), {"type": "null"})
        value = None if depth >= DEEPEST else self.fill(first, name, n, depth + 1)
        may_be_null = any(o.get("type") == "null" for o in options)
        return None if may_be_null and isinstance(value, str) and self._reply.said(value) and "question" in name else value

    def _items(self, schema: Mapping[str, Any], name: str, n: int, depth: int) -> list[Any]:
        items = schema.get("items", {})
        if items.get("type") in ("integer", "number"):
            return [self.fill(items, name, n, depth + 1)]
        least = schema.get("minItems", 0)
        size = min(max(VARIANTS, least), schema.get("maxItems", max(VARIANTS, least)))
        return [self.fill(items, name, i, depth + 1) for i in range(size if depth < DEEPEST else least)]

    def _number(self, schema: Mapping[str, Any], n: int) -> float:
        low, high = schema.get("minimum", schema.get("exclusiveMinimum")), schema.get("maximum", schema.get("exclusiveMaximum"))
        value: float = self._reply.number(n)
        if high is not None and value > high:
            value = high
        return low if low is not None and value < low else value

    def _text(self, schema: Mapping[str, Any], name: str, n: int) -> str:
        text = self._reply.phrase(name, n)
        return encodable(text[: schema.get("maxLength", len(text))]).ljust(schema.get("minLength", 0), ".")
