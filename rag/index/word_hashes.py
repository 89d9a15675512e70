"""A hash for every word of a text, whatever its script: case and punctuation do not count."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rag.kept import Kept
from rag.words import FEW, Words, runs

LONGEST = 64  # characters of a word: the rest of a longer one is another
_MOST = 1 << 17  # words, and parts of texts, whose hashes are kept
# Scripts without spaces give one word per character. A longer word is cut, because normalising takes quadratic time in its marks.
_SPACELESS = r"\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_SPACELESS}]|(?:[^\W{_SPACELESS}]|[\u0300-\u036f]){{1,{LONGEST}}}")


def _word(word: str) -> bytes:
    folded = unicodedata.normalize("NFKC", word.casefold())
    return hashlib.blake2b(folded.encode("utf-8", "surrogatepass"), digest_size=8).digest()


_WORDS = Words(lambda word: int.from_bytes(_word(word), "little"), _MOST)
_KEPT = Kept(lambda part: b"".join(map(_word, _WORD.findall(part))), _MOST)


def word_hashes(text: str) -> NDArray[np.uint64]:
    """Return a hash of 64 bits per word, per character where there are no words; equal on every machine."""
    if len(text) >= FEW and text.isascii() and len((found := runs(text)).starts) and found.longest <= LONGEST:
        return _WORDS.numbers(found)
    data = _KEPT.joined(text.split()) or b"".join(map(_word, "".join(text.split())))  # no word holds white space
    return np.frombuffer(data, dtype="<u8")


def many_hashes(texts: Sequence[str]) -> list[NDArray[np.uint64]]:
    """Return `word_hashes` of every text. Those that are ASCII are looked up together, however short each is."""
    plain = [n for n, t in enumerate(texts) if t.isascii()]
    together: dict[int, NDArray[np.uint64]] = {}
    if sum(len(texts[n]) for n in plain) >= FEW:
        found = runs("\n".join([texts[n] for n in plain]))
        ends = np.searchsorted(found.starts, np.cumsum([len(texts[n]) + 1 for n in plain]), side="right")
        if found.longest <= LONGEST:
            together = dict(zip(plain, np.split(_WORDS.numbers(found), ends[:-1]), strict=True))
    return [h if (h := together.get(n)) is not None and len(h) else word_hashes(t) for n, t in enumerate(texts)]
