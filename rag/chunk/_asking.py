"""What chunkers that ask a chat model share: requests that go out together, and replies that cannot be used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.errors import ChatError

if TYPE_CHECKING:
    from rag.models.chat import Request
    from rag.runtime import Runtime
    from rag.stages import Chat

# The model was there and had nothing usable to say: a matter of this one request. Anything else ends the build, which goes on
# where it stopped when it is run again, because finished replies are in the memo.
UNUSABLE = frozenset({"refused", "truncated", "malformed"})


def replies(runtime: Runtime, chat: Chat, requests: Sequence[Request], label: str) -> list[str | None]:
    """Return the texts of all replies in order, None for a request that the model has no usable reply to. Raises other `ChatError`s.

    Each request is sent once, whatever becomes of the others: what is refused or cut off is paid for too.
    """
    return [None if isinstance(found, ChatError) else found.text for found in runtime.outcomes(chat, requests, label, UNUSABLE)]
