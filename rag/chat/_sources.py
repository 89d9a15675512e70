"""The sources that a prompt shows, for chat models that have no weights to read it with."""

from __future__ import annotations

import re

from rag.models.chat import Request
from rag.untrusted import Source, unfenced

_NONCE = re.compile(r"<source-([0-9a-f]+) ")  # the mark that `rag.untrusted.fenced` puts before a source


def shown(request: Request) -> list[Source]:
    """Return the sources of a request in their order: those of its last message that has any, as messages before it hold examples."""
    for message in reversed(request.messages):
        if nonce := _NONCE.search(message.content):
            return unfenced(message.content, nonce[1])
    return []
