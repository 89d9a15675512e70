"""Token counts and token boundaries of a model's tokenizer, without importing torch."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from rag.errors import ModelError
from rag.kept import LONGEST
from rag.models.files import digest, locate

MOST_WORDS = 500_000  # words whose number of tokens is kept; beyond that they are counted again each time
_WORD = re.compile(r"[^ \t\r\n]+")


class Tokenizer:
    """A `tokenizers` tokenizer with truncation and padding off; special tokens are not counted unless asked for.

    Those of the BERT family never make a token across white space, so that a text has as many tokens as its words have together: they are
    counted word by word, and how many a word has is kept. Others are asked about every text anew.
    """

    def __init__(self, name: str) -> None:
        """Load `tokenizer.json` of the named model. Raises `ModelError` when it has none that can be read."""
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
        from tokenizers import Tokenizer as Fast

        self._directory = locate(name)
        path = self._directory / "tokenizer.json"
        if not path.is_file():
            raise ModelError(f"{self._directory} has no tokenizer.json; save the model with a fast tokenizer, or choose another chunk.tokenizer")
        self.name = name
        try:
            self._fast = Fast.from_file(str(path))
        except Exception as error:  # the native code raises Exception itself
            raise ModelError(f"{path} is no tokenizer ({' '.join(str(error).split())[:200]}); download the model again") from None
        self._fast.no_truncation()
        self._fast.no_padding()
        self._words: dict[str, int] | None = {} if _by_words(self._fast) else None

    @cached_property
    def identity(self) -> str:
        """The content digest of the model. Raises `ModelError` when the bundled one is not the official one."""
        return digest(self._directory)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Return `(start, end)` in characters of every token, in order; tokens of no width are left out."""
        return [(a, b) for a, b in self._fast.encode(text, add_special_tokens=False).offsets if b > a]

    def count(self, text: str) -> int:
        """Return the number of tokens of one text."""
        return self.counts([text])[0]

    def counts(self, texts: Sequence[str], special: bool = False) -> list[int]:
        """Return the number of tokens of each text, with the special tokens a model adds if `special`."""
        if self._words is None:
            return [len(e) for e in self._fast.encode_batch_fast(list(texts), add_special_tokens=special)]
        more = self._fast.num_special_tokens_to_add(False) if special else 0
        split = [_WORD.findall(t) for t in texts]
        known = self._known({w for words in split for w in words}, self._words)
        return [more + sum(map(known.__getitem__, words)) for words in split]

    def _known(self, words: set[str], kept: dict[str, int]) -> dict[str, int]:
        """Return a mapping that has the number of tokens of each of these words."""
        new = [w for w in words if w not in kept]
        if not new:
            return kept
        found = dict(zip(new, map(len, self._fast.encode_batch_fast(new, add_special_tokens=False)), strict=True))
        if len(kept) + len(found) > MOST_WORDS:
            return {**{w: kept[w] for w in words if w in kept}, **found}
        kept.update((w, n) for w, n in found.items() if len(w) <= LONGEST)
        return kept if all(len(w) <= LONGEST for w in new) else {**{w: kept[w] for w in words if w in kept}, **found}


def _by_words(fast: Any) -> bool:
    """Whether no token of a tokenizer reaches across white space and no word is cut otherwise for what stands beside it."""
    parts = type(fast.normalizer).__name__, type(fast.pre_tokenizer).__name__, type(fast.model).__name__
    plain = parts == ("BertNormalizer", "BertPreTokenizer", "WordPiece")
    return plain and not any(re.search(r"\s", t.content) for t in fast.get_added_tokens_decoder().values())
