"""Words and sentences of a language: the pure text helpers that every part shares."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rag.errors import ConfigError
from rag.kept import Kept
from rag.registry import did_you_mean
from rag.words import FEW, Words, runs

ANALYZER_VERSION = 1  # goes up when a text gives other terms: an index then needs new sparse vectors
MOST_WORDS = 500_000  # words, and parts of texts, whose terms are kept
# `\w` leaves out the marks that belong to a word: combining accents, Hebrew and Arabic points, Devanagari vowels, joiners.
_MARKS = r"\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963\u200c\u200d"
_WORD = re.compile(rf"\w[\w{_MARKS}]*")
_CJK = r"\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_ASCII = "".join(c if c.isalnum() or c == "_" else " " for c in map(chr, range(128)))  # where a text is ASCII, `_WORD` finds what this leaves
_IDEOGRAPH = re.compile(f"[{_CJK}]")
_SCRIPTS = re.compile(f"[{_CJK}]+|[^{_CJK}]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
# The sentence splitter takes quadratic time in a text without blank lines (18 s for 200,000 characters of Chinese), and makes
# one sentence of all that follows a quotation that is never closed. So it is given this many characters at most.
_LONGEST = 2000
_SAFE_CUTS = (re.compile(r"[.!?\u2026][\"'\u201d\u2019\u00bb)\]]*\s|[\u3002\uff01\uff1f\u0964]"), re.compile(r"\s"))

# Language name -> code of the sentence splitter. The names are those of the Snowball stemmers that the engine also
# has stop words for, so that BM25 here and BM25 in the engine agree on what a word is.
LANGUAGES = {
    "arabic": "ar", "basque": "eu", "catalan": "ca", "danish": "da", "dutch": "nl", "english": "en", "finnish": "fi", "french": "fr",
    "german": "de", "greek": "el", "hungarian": "hu", "indonesian": "id", "italian": "it", "nepali": "ne", "norwegian": "no",
    "portuguese": "pt", "romanian": "ro", "russian": "ru", "spanish": "es", "swedish": "sv", "turkish": "tr", "none": "en",
}  # fmt: skip


def check_language(language: str) -> None:
    """Raise `ValueError` that lists the choices when `language` is not one of `LANGUAGES`."""
    if language not in LANGUAGES:
        raise ValueError(f"language {language!r} is not known{did_you_mean(language, list(LANGUAGES))}; choose: {', '.join(LANGUAGES)}")


class Analyzer:
    """Text to the terms that BM25 counts: lower case, split at non-word characters, stop words out, stemmed.

    Runs of Chinese, Japanese or Korean script become character pairs. `none` neither stems nor drops stop words.
    """

    def __init__(self, language: str) -> None:
        """Take a name of `LANGUAGES`. Raises `ConfigError` for another."""
        if language not in LANGUAGES:
            raise ConfigError(f"language {language!r} is not known; choose: {', '.join(LANGUAGES)}")
        self.language = language
        self._known: dict[str, str | None] = {}
        self._ids = Kept(self._ids_of, MOST_WORDS)
        self._numbers = Words(self._number_of, MOST_WORDS)
        if language != "none":
            import Stemmer
            from qdrant_edge import Bm25, Bm25Config, DisabledStemmer

            self._stem = Stemmer.Stemmer(language)
            self._stop = Bm25(Bm25Config(language=language, stemmer=DisabledStemmer()))

    def _term(self, word: str) -> str | None:
        if self.language == "none":
            return word
        if not self._stop.embed_query(word).indices:
            return None
        return str(self._stem.stemWord(word))

    def terms(self, text: str) -> list[str]:
        """Return the terms of a text in order, repeats included."""
        return self._terms(_words(text))

    def _terms(self, words: Sequence[str]) -> list[str]:
        found: list[str] = []
        for word in words:
            for run in _SCRIPTS.findall(word) if _IDEOGRAPH.search(word) else (word,):
                if _IDEOGRAPH.match(run):
                    found += [run[i : i + 2] for i in range(len(run) - 1)] or [run]
                elif (term := self._known_term(run)) is not None:
                    found.append(term)
        return found

    def _known_term(self, word: str) -> str | None:
        known = self._known
        if word in known:
            return known[word]
        term = self._term(word)
        if len(known) < MOST_WORDS:
            known[word] = term
        return term

    def _ids_of(self, part: str) -> bytes:
        """Return the ids of the terms of a part of a composed lower-case text without white space, 4 bytes each."""
        return b"".join(_term_bytes(t) for t in self._terms(_WORD.findall(part)))

    def _number_of(self, word: str) -> int:
        """Return the id of the term of a lower-case ASCII word; one beyond all ids where it has none."""
        term = self._known_term(word)
        return _NO_TERM if term is None else term_id(term)

    def _found(self, texts: Sequence[str]) -> tuple[NDArray[np.uint64], Sequence[int]]:
        """Return the ids of the terms of texts, one after the other, and how many each text has."""
        if sum(map(len, texts)) >= FEW and all(map(str.isascii, texts)):
            words = runs("\n".join(texts))
            ids = self._numbers.numbers(words)
            has = np.flatnonzero(ids != _NO_TERM)
            ends = np.searchsorted(words.starts[has], np.cumsum([len(t) + 1 for t in texts]), side="right")
            return ids[has], np.diff(ends, prepend=0).tolist()
        parts = [self._ids.joined(_parts(t)) for t in texts]
        return np.frombuffer(b"".join(parts), dtype="<u4").astype(np.uint64), [len(p) // 4 for p in parts]

    def tally(self, texts: Sequence[str]) -> tuple[list[int], NDArray[np.uint32], NDArray[np.uint32]]:
        """Return how many distinct terms each text has; then, text after text by ascending id, the ids, and how often each comes.

        The same as counting the ids of `terms(text)`. No word holds white space, so a text's parts can be looked up one by one.
        """
        keys, counts = self._found(texts)
        if not len(keys):
            return [0] * len(texts), np.empty(0, np.uint32), np.empty(0, np.uint32)
        if len(texts) > 1:
            keys |= np.repeat(np.arange(len(texts), dtype=np.uint64) << np.uint64(32), counts)
        keys.sort()
        stops = np.append(np.flatnonzero(keys[1:] != keys[:-1]), len(keys) - 1)  # where each term was last
        times = (stops + 1).astype(np.uint32)
        times[1:] -= times[:-1].copy()
        distinct = keys[stops]
        lengths = [len(distinct)] if len(texts) == 1 else np.bincount((distinct >> np.uint64(32)).astype(np.int64), minlength=len(texts)).tolist()
        return lengths, distinct.astype(np.uint32), times

    def counts(self, text: str) -> dict[int, int]:
        """Return how often each term occurs, by ascending term id: the same as counting the ids of `terms(text)`."""
        found = Counter(np.frombuffer(self._ids.joined(_parts(text)), dtype="<u4").tolist())  # of a question: arrays would take ten times as long
        return {i: found[i] for i in sorted(found)}


_NO_TERM = 2**32  # in place of the id of a word that is no term
_PART = re.compile(r"\s+|\S{1,256}")


def _words(text: str) -> list[str]:
    """Return the lower-case words; a letter and its accent are one character however the text spells them."""
    return text.lower().translate(_ASCII).split() if text.isascii() else _WORD.findall(_composed(text).lower())


def _parts(text: str) -> list[str]:
    """Return the lower-case text in parts without white space: its words where it is ASCII."""
    return text.lower().translate(_ASCII).split() if text.isascii() else _composed(text).lower().split()


def _composed(text: str) -> str:
    """Return text in NFC. Composing takes quadratic time in a run of accents, so that no more than 256 characters are composed at once."""
    if unicodedata.is_normalized("NFC", text):
        return text
    return "".join(unicodedata.normalize("NFC", part) for part in _PART.findall(text))


def term_id(term: str) -> int:
    """Return the 32-bit id of a term. Two terms share one with probability 2^-32: about one pair in 90,000 terms."""
    return int.from_bytes(_term_bytes(term), "little")


def _term_bytes(term: str) -> bytes:
    return hashlib.blake2b(term.encode("utf-8", "surrogatepass"), digest_size=4).digest()


@lru_cache(maxsize=32)
def analyzer(language: str) -> Analyzer:
    """Return the shared analyzer of a language (its table of known words grows with use)."""
    return Analyzer(language)


def sentences(text: str, language: str = "english", start: int = 0, end: int | None = None) -> list[tuple[int, int]]:
    """Return the `(start, end)` of every sentence of `text[start:end]`, in offsets of `text`.

    The ranges are ordered and disjoint, without surrounding white space; together they hold every non-blank
    character. A blank line always ends a sentence. A paragraph of more than 2000 characters is read in parts, cut at
    full stops (else spaces), so a sentence is never longer. Raises `ValueError` for an unknown language.
    """
    import sentencex

    check_language(language)
    end = len(text) if end is None else end
    code = LANGUAGES[language]
    found: list[tuple[int, int]] = []
    for a, b in _paragraphs(text, start, end):
        at = a
        for piece in sentencex.segment(code, text[a:b]):
            found.append((at, at + len(piece)))
            at += len(piece)
        if at < b:
            found.append((at, b))
    return [s for s in (trim(text, a, b) for a, b in found) if s[0] < s[1]]


def _paragraphs(text: str, start: int, end: int) -> list[tuple[int, int]]:
    cuts = [start]
    for gap in _BLANK_LINES.finditer(text, start, end):
        cuts += [gap.start(), gap.end()]
    cuts.append(end)
    return [slab for a, b in zip(cuts[::2], cuts[1::2], strict=True) if a < b for slab in _slabs(text, a, b)]


def _slabs(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the range in parts of at most `_LONGEST`, cut at the last full stop, else space, of each one's second half."""
    while end - start > _LONGEST:
        cut = start + _LONGEST
        for pattern in _SAFE_CUTS:
            if found := [match.end() for match in pattern.finditer(text, start + _LONGEST // 2, cut)]:
                cut = found[-1]
                break
        yield start, cut
        start = cut
    yield start, end


def encodable(text: str) -> str:
    """Return text with lone surrogates, which are no characters and no tokenizer takes, as U+FFFD; offsets stay."""
    return _SURROGATE.sub("\ufffd", text)


def trim(text: str, start: int, end: int) -> tuple[int, int]:
    """Return the range without white space at its ends; empty (`start == end`) when it is all blank."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
