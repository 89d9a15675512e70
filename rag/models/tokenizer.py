"""Token counts and token boundaries of a model's tokenizer, without importing torch."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rag.errors import ModelError
from rag.models.files import digest, locate


class Tokenizer:
    """A `tokenizers` tokenizer with truncation and padding off; special tokens are not counted unless asked for."""

    def __init__(self, name: str) -> None:
        """Load `tokenizer.json` of the named model. Raises `ModelError` when it has none that can be read."""
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
        from tokenizers import Tokenizer as Fast

        directory = locate(name)
        path = directory / "tokenizer.json"
        if not path.is_file():
            raise ModelError(f"{directory} has no tokenizer.json; save the model with a fast tokenizer, or choose another chunk.tokenizer")
        self.name = name
        self.identity = digest(directory)
        try:
            self._fast = Fast.from_file(str(path))
        except Exception as error:  # the native code raises Exception itself
            raise ModelError(f"{path} is no tokenizer ({' '.join(str(error).split())[:200]}); download the model again") from None
        self._fast.no_truncation()
        self._fast.no_padding()

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Return `(start, end)` in characters of every token, in order; tokens of no width are left out."""
        return [(a, b) for a, b in self._fast.encode(text, add_special_tokens=False).offsets if b > a]

    def count(self, text: str) -> int:
        """Return the number of tokens of one text."""
        return len(self._fast.encode(text, add_special_tokens=False).ids)

    def counts(self, texts: Sequence[str], special: bool = False) -> list[int]:
        """Return the number of tokens of each text, with the special tokens a model adds if `special`."""
        return [len(e.ids) for e in self._fast.encode_batch_fast(list(texts), add_special_tokens=special)]
