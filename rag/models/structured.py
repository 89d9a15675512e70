"""Replies with a form: JSON out of a chat model, checked against a schema, asked for once more when it does not fit."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from rag.errors import ChatError
from rag.models.chat import Completion, Message, Request
from rag.models.completions import forget
from rag.text import encodable

if TYPE_CHECKING:
    from rag.runtime import Runtime
    from rag.stages import Chat

T = TypeVar("T", bound=BaseModel)
REPAIRS = 1
MOST_SHOWN = 2000  # characters of a wrong reply that are sent back
MOST_TRIES = 50  # blocks and braces that are looked at


def structured(runtime: Runtime, chat: Chat, request: Request, shape: type[T]) -> tuple[T, list[Completion]]:
    """Return a reply as `shape` and the completions it took.

    The reply has to hold one JSON object that `shape` accepts, bare, in a code fence or in prose. One that does not is sent back with
    what is wrong, once. Raises `ChatError` (`malformed`) when that does not help either, and what asking raises. Replies that led
    to nothing are forgotten: the next run asks again, as it may have more luck. Lone surrogates in a reply become U+FFFD.
    """
    request = replace(request, schema=shape.model_json_schema())
    made: list[Completion] = []
    asked: list[Request] = []
    for attempt in range(REPAIRS + 1):
        completion = runtime.complete(chat, [request])[0]
        made.append(completion)
        asked.append(request)
        try:
            return shape.model_validate(first_object(completion.text)), made
        except ValidationError as error:
            why = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'reply'}: {e['msg']}" for e in error.errors()[:5])
        except ValueError as error:
            why = str(error)
        if attempt < REPAIRS:
            request = _again(request, completion.text, why)
    for each, completion in zip(asked, made, strict=True):
        forget(runtime.chat(chat), each, completion, runtime.memo)
    raise ChatError(f"{made[-1].model} gave no usable JSON for {request.task} after {len(made)} attempts ({why[:200]})", "malformed")


def _again(request: Request, text: str, why: str) -> Request:
    asked = f"That reply cannot be used: {why[:500]}. Reply with one JSON object that fits the schema, and nothing else."
    return replace(request, messages=(*request.messages, Message("assistant", encodable(text[:MOST_SHOWN])), Message("user", asked)))


def first_object(text: str) -> object:
    """Return the first JSON object in a reply: the reply itself, a fenced block of it, or what stands in prose. Linear.

    Escapes of half a surrogate pair, which is no character and cannot be written anywhere, become U+FFFD. Raises `ValueError` when
    there is none.
    """
    found = _first(text)
    try:
        written = json.dumps(found, ensure_ascii=False)
    except RecursionError:
        raise ValueError("it holds no JSON object") from None
    clean = encodable(written)
    return found if clean == written else json.loads(clean)


def _first(text: str) -> object:
    for candidate in (text, *_fenced(text)):
        try:
            found = _DECODER.decode(candidate.strip())
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    at, tries = text.find("{"), 0
    while at >= 0 and tries < MOST_TRIES:  # a reply of braces must not take quadratic time
        try:
            found, _ = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            found = None
        if isinstance(found, dict):
            return found
        at, tries = text.find("{", at + 1), tries + 1
    raise ValueError("it holds no JSON object")


def _fenced(text: str) -> list[str]:
    """Return what stands between lines that begin with three backticks, block by block."""
    if "```" not in text:
        return []
    blocks: list[str] = []
    held: list[str] | None = None
    for line in text.split("\n"):
        if not line.lstrip().startswith("```"):
            if held is not None:
                held.append(line)
        elif held is None:
            held = []
        else:
            blocks.append("\n".join(held))
            held = None
    return blocks[:MOST_TRIES]


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_number)
