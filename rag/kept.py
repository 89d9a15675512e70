"""What is made of a token once and looked up from then on, as bytes: a text's tokens are then joined at the speed of C."""

from __future__ import annotations

from collections.abc import Callable

LONGEST = 64  # characters of a token that is kept: longer ones seldom come again


class Kept(dict[str, bytes]):
    """A dictionary that makes what it lacks. It holds `most` tokens at most, and is emptied when it is full: frequent ones come back at once."""

    def __init__(self, make: Callable[[str], bytes], most: int) -> None:
        """Take what makes the bytes of a token; equal tokens must give equal bytes."""
        super().__init__()
        self._make, self._most = make, most

    def __missing__(self, token: str) -> bytes:
        """Return the bytes of a token that is not there."""
        made = self._make(token)
        if len(token) <= LONGEST:
            if len(self) >= self._most:
                self.clear()
            self[token] = made
        return made

    def joined(self, tokens: list[str]) -> bytes:
        """Return the bytes of tokens, one after the other."""
        return b"".join(map(self.__getitem__, tokens))
