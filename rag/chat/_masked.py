"""The key of an endpoint taken out of what the endpoint says, in one piece or in many."""

from __future__ import annotations

from collections.abc import Callable

MASK = "[key]"
LEAST = 12  # characters of a key that is looked for in replies: `ollama` or `EMPTY`, which servers without keys are given, are words
LEAST_ERROR = 4  # and in errors, where a word too many costs nothing


def masked(text: str, secret: str | None, least: int = LEAST) -> str:
    """Return a text with `[key]` for each occurrence of a key of at least so many characters."""
    return text.replace(secret, MASK) if secret and len(secret) >= least else text


class Masked:
    """Passes pieces of a text on as `masked` would give the whole: what may be the beginning of a key waits for the next piece."""

    def __init__(self, secret: str | None, listener: Callable[[str], None]) -> None:
        """Take the key and who listens; nothing empty is passed on."""
        self._secret = secret if secret and len(secret) >= LEAST else ""
        self._listener, self._held = listener, ""

    def add(self, text: str) -> None:
        """Take a piece. At most the length of the key less one is held back."""
        if not self._secret:
            self._tell(text)
            return
        *before, rest = (self._held + text).split(self._secret)
        most = min(len(self._secret) - 1, len(rest))
        held = next((n for n in range(most, 0, -1) if self._secret.startswith(rest[-n:])), 0)
        self._held = rest[len(rest) - held :]
        self._tell(MASK.join((*before, rest[: len(rest) - held])))

    def end(self) -> None:
        """Pass on what was held back: the text is whole."""
        held, self._held = self._held, ""
        self._tell(held)

    def _tell(self, text: str) -> None:
        if text:
            self._listener(text)
