"""What an OpenAI-compatible endpoint said: its text and how it ended, or the `ChatError` that its status or its form stands for."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from rag.errors import ChatError
from rag.models.chat import Usage
from rag.text import encodable

MOST_SHOWN = 200  # characters of what an endpoint says about an error


class Failure(ChatError):
    """An error that an endpoint answered with: its status, what it said, and how many seconds it asks to wait."""

    def __init__(self, message: str, why: str, status: int, said: str, wait: float | None = None) -> None:
        super().__init__(message, why)
        self.status, self.said, self.wait = status, said, wait


@dataclass
class Said:
    """A reply as it is put together. `finish` is why it ended, empty when nobody said; `done` whether the end was reached."""

    text: str = ""
    finish: str = ""
    refusal: str = ""
    usage: Usage | None = None
    done: bool = False
    choices: int = 0


def read(body: bytes, host: str) -> Said:
    """Return a reply that came in one piece. Raises `ChatError` (`malformed`), or what an error in it stands for."""
    found = _object(body.decode("utf-8", "replace"), host)
    said = Said(done=True, usage=_usage(found.get("usage")))
    for choice in _choices(found, said):
        message = choice.get("message")
        if isinstance(message, Mapping):
            said.text, said.refusal = _text(message.get("content")), _text(message.get("refusal"))
        said.finish = _text(choice.get("finish_reason"))
    said.text = encodable(said.text)
    return said


class Gathered:
    """Puts the events of a stream together; `said` is what came so far, `listener` gets each piece of text."""

    def __init__(self, host: str, listener: Callable[[str], None]) -> None:
        self.said = Said()
        self._host, self._listener = host, listener
        self._parts: list[str] = []

    def add(self, data: str) -> None:
        """Take one event. Raises as `read` does."""
        if data == "[DONE]":
            self.said.done = True
            return
        found = _object(data, self._host)
        self.said.usage = _usage(found.get("usage")) or self.said.usage
        for choice in _choices(found, self.said):
            delta = choice.get("delta")
            if isinstance(delta, Mapping):
                self.said.refusal += _text(delta.get("refusal"))
                if text := encodable(_text(delta.get("content"))):
                    self._parts.append(text)
                    self._listener(text)
            if finish := _text(choice.get("finish_reason")):
                self.said.finish, self.said.done = finish, True

    def end(self) -> Said:
        """Return the whole reply. Raises `ChatError` (`disconnected`) when the stream ended before it."""
        if not self.said.done:
            raise ChatError(f"{self._host} ended the stream before the reply was complete; ask again or ask another model", "disconnected")
        self.said.text = "".join(self._parts)
        return self.said


def checked(said: Said, model: str, most: int) -> str:
    """Return the text of a complete reply. Raises `ChatError`: `refused`, `truncated` at `most` tokens, `malformed` where there is none."""
    if said.refusal or said.finish == "content_filter":
        raise ChatError(f"{model} refused to reply ({_short(said.refusal) or 'content filter'}); reword the question, or ask another model", "refused")
    if said.finish == "length":
        raise ChatError(f"{model} was cut off at {most} tokens; raise max_tokens of the chat model (thinking counts too), or ask for less", "truncated")
    if not said.choices or not said.text.strip():
        raise ChatError(
            f"{model} sent no text ({'no choices' if not said.choices else said.finish or 'an empty reply'}); check that it is a chat model", "malformed"
        )
    return said.text


def failure(status: int, headers: Mapping[str, str], body: bytes, host: str, model: str, key: str) -> Failure:
    """Return what a status other than 2xx stands for; `key` says where the key of the endpoint comes from."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    error = found.get("error", found) if isinstance(found, dict) else found
    said, code = _message(error if error is not None else body.decode("utf-8", "replace"))
    return _failed(status, said, code, f"{host} ({model})", key, _wait(headers), headers.get("location", ""))


def _failed(status: int, said: str, code: str, who: str, key: str, wait: float | None = None, location: str = "") -> Failure:
    shown = _short(said)
    why, what, fix = _kind(status, f"{code} {said}".lower(), key, _short(location))
    told = f": {shown}" if shown and status not in (401, 403, 407) else ""  # such replies like to repeat a part of the key
    return Failure(f"{who} {what} ({status}){told}; {fix}", why, status, said, wait if why in ChatError.RETRY else None)


def _kind(status: int, lower: str, key: str, location: str) -> tuple[str, str, str]:
    """Return the reason, what happened, and what to do: the first row that fits."""
    long = any(w in lower for w in ("context_length", "context length", "maximum context", "context window", "too long"))
    rows: list[tuple[bool, str, str, str]] = [
        (300 <= status < 400, "rejected", f"redirects to {location or 'elsewhere'}, which is not followed", "write that address as base_url"),
        (status in (401, 403, 407), "rejected", "refuses access", f"check {key} and what it may use"),
        (status == 402 or "insufficient_quota" in lower, "over_budget", "says that the account has no quota left", "add to it or ask another model"),
        (
            status == 413 or (status < 500 and long),
            "too_long",
            "finds the prompt too long",
            "use a smaller pack.tokens, set window, or ask a model with a larger one",
        ),
        ("content_filter" in lower or "content_policy" in lower, "refused", "refused to reply", "reword the question, or ask another model"),
        (status == 429, "rate_limited", "is asked too often", "set requests_per_minute or tokens_per_minute"),
        (status in (408, 504), "timeout", "took too long", "ask again later"),
        (status in (409, 425) or (status >= 500 and status != 501), "server", "failed", "ask again later"),
        (status == 404, "rejected", "knows no such model or address", "check model and base_url (it ends before /chat/completions)"),
    ]
    return next((row[1:] for row in rows if row[0]), ("rejected", "rejects the request", "check the fields of the chat model"))


def _object(text: str, host: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise ChatError(f"{host} sent what is no JSON ({_short(text)!r}); check base_url", "malformed") from None
    if not isinstance(found, dict):
        raise ChatError(f"{host} sent {type(found).__name__} instead of an object; check base_url", "malformed")
    if error := found.get("error"):  # some answer 200 and tell the error inside, in a stream all have to
        said, code = _message(error)
        status = int(code) if code.isdecimal() and len(code) == 3 else 500
        raise _failed(status, said, code, host, "the key")
    return found


def _choices(found: Mapping[str, Any], said: Said) -> list[Mapping[str, Any]]:
    """Return the first choice: one is asked for."""
    choices = found.get("choices")
    chosen = [c for c in choices[:1] if isinstance(c, Mapping)] if isinstance(choices, list) else []
    said.choices += len(chosen)
    return chosen


def _text(value: object) -> str:
    """Return text content; some endpoints send it as a list of parts."""
    if isinstance(value, list):
        return "".join(_text(p.get("text")) for p in value if isinstance(p, Mapping))
    return value if isinstance(value, str) else ""


def _message(error: object) -> tuple[str, str]:
    """Return what an error says and its code, of whatever form it is."""
    if not isinstance(error, Mapping):
        return str(error)[:2000], ""
    said = error.get("message") or error.get("detail") or error.get("error") or ""
    param = error.get("param")
    return f"{said}{f' ({param})' if param and str(param) not in str(said) else ''}"[:2000], str(error.get("code") or error.get("type") or "")


def _usage(found: object) -> Usage | None:
    """Return what an endpoint counted, None where it counted nothing: no request takes no tokens, and a budget must not be told so."""
    if not isinstance(found, Mapping):
        return None
    details = found.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, Mapping) else 0
    prompt, completion = _count(found.get("prompt_tokens")), _count(found.get("completion_tokens"))
    return Usage(prompt, completion, min(cached, prompt)) if prompt or completion else None


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def _wait(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that an endpoint asks to wait: `retry-after-ms`, or `Retry-After` as seconds or a date (RFC 9110, 10.2.3)."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            wait = float(headers[name]) / unit
        except (KeyError, ValueError):
            continue
        if math.isfinite(wait):
            return max(0.0, wait)
    try:
        until = parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, TypeError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.now(UTC)).total_seconds())


def _short(text: str) -> str:
    line = encodable(" ".join(text[: 10 * MOST_SHOWN].split()))
    return line[:MOST_SHOWN]
