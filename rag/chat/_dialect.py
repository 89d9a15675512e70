"""The body of a request to an OpenAI-compatible endpoint, and what is learned of the dialect of one that rejects a part of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from threading import Lock
from typing import Any

from rag.chat._schema import bare, strict, with_schema
from rag.models.chat import Request

FORMS = ("json_schema", "json_object", "prompt")  # how a schema is asked for, from the one that binds most
_REJECTED = (400, 404, 415, 422, 501)
_FORM = re.compile(r"response_format|json_schema|json_object|json mode|structured output|guided", re.IGNORECASE)


class Dialect:
    """What an endpoint takes: the form for schemas, the name of the token limit, whether usage may be asked for in a stream.

    Each part that is rejected is changed once and stays changed for as long as the model is open.
    """

    def __init__(self, form: str, limit: str) -> None:
        """Take the form to begin with (of `FORMS`) and the name of the token limit."""
        self._form, self._limit, self._usage = FORMS.index(form), limit, True
        self._lock = Lock()

    def body(self, request: Request, sampling: Mapping[str, Any], most: int, stream: bool) -> dict[str, Any]:
        """Return the body for a request of at most `most` tokens."""
        messages = request.messages
        body: dict[str, Any] = {**{k: v for k, v in sampling.items() if v is not None}, self._limit: most}
        if request.schema is not None:
            form = FORMS[self._form]
            if form == "json_schema":
                named = {"name": re.sub(r"[^A-Za-z0-9_-]", "_", request.task)[:64] or "reply", "strict": True, "schema": strict(request.schema)}
                body["response_format"] = {"type": form, "json_schema": named}
            else:
                messages = with_schema(messages, bare(request.schema))
                body |= {"response_format": {"type": form}} if form == "json_object" else {}
        if stream:
            body |= {"stream": True, **({"stream_options": {"include_usage": True}} if self._usage else {})}
        return {**body, "messages": [{"role": m.role, "content": m.content} for m in messages]}

    def learn(self, sent: Mapping[str, Any], status: int, said: str) -> bool:
        """Change what a rejection names; returns whether anything is different from what was sent."""
        if status not in _REJECTED:
            return False
        with self._lock:
            if "response_format" in sent and _FORM.search(said):
                tried = FORMS.index(sent["response_format"]["type"])
                self._form = max(self._form, tried + 1)
                return True
            if "max_tokens" in sent and "max_completion_tokens" in said:
                self._limit = "max_completion_tokens"
                return True
            if "stream_options" in sent and ("stream_options" in said or "include_usage" in said):
                self._usage = False
                return True
        return False
