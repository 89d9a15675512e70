"""Instruction-like text in retrieved documents: flagged with its place and family, never dropped.

Rules of twelve languages run over the folded text; the English ones also over it with homoglyphs and leetspeak read as Latin
letters, letters apart put together, rot13 undone, and over what base64, hexadecimal, percent and tag encodings hold. A polite
sentence in a rule's blind spot passes, as does a language without rules: a flag is a fact for the trace, not a defence.
"""

from __future__ import annotations

import base64
import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import unquote

from rag.instruction_english import ENGLISH
from rag.instruction_languages import OTHERS
from rag.instruction_rules import STEM, Rule
from rag.untrusted import visible

MOST = 100  # flags of one text
_TRIGGERS = frozenset(["ignor", "disre", "forge", "overr", "instr", "promp", "reply", "respo"])  # stems that make another reading worth while
_LONG, _SINGLE = 14, 4  # letters of a word in an encoded stretch; different words of one letter where letters stand apart
_BLANK = re.compile(r"\n[ \t]*\n")
_WORD = re.compile(r"\w+")
_ASCII = re.compile("[\x00-\x7f]+")
_OTHER = re.compile("[^\x00-\x7f]+")
_MARKS = frozenset("\u0640\u0670\u093c") | {chr(c) for c in range(0x300, 0x370)} | {chr(c) for c in range(0x64B, 0x660)}
# Alef with hamza or madda, alef maksura, ta marbuta, Cyrillic yo, the typographic apostrophe.
_LETTERS = {
    "\u0623": "\u0627",
    "\u0625": "\u0627",
    "\u0622": "\u0627",
    "\u0671": "\u0627",
    "\u0649": "\u064a",
    "\u0629": "\u0647",
    "\u0451": "\u0435",
    "\u2019": "'",
}
# Letters that look Latin (Unicode confusables, the lower-case ones of Cyrillic, Greek and Armenian) and small capitals.
_LOOKS = str.maketrans(
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u04bb\u0501\u051b\u051d\u043a\u043c\u0442\u043d\u0432\u0433\u0475\u03b1\u03b5\u03bf\u03c1\u03c4\u03c5\u03b9\u03ba\u03bd\u03c7\u03b7\u03b3\u0585\u057d\u0578\u0570\u0261\u0131\u1d00\u0280\u026a\u0274\u1d0f\u1d1b\u1d07\u0262",
    "aeopcyxijshdqwkmthbrvaeoptuikvxnyounhgiarinoteg",
)
_LEET = (str.maketrans("013457@$!|", "oieastasil"), str.maketrans("013457@$!|", "oleastasii"))
_APART = re.compile(r"(?<!\w)(?:\w[ .*_-]{1,3}){7,400}\w(?!\w)")
_ROT13 = str.maketrans("abcdefghijklmnopqrstuvwxyz", codecs.encode("abcdefghijklmnopqrstuvwxyz", "rot13"))
_CODED = re.compile(r"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{4}){5,20000}[A-Za-z0-9+/_-]{0,3}={0,2}")
_PERCENT = re.compile(r"(?:[\w.+-]{0,20}%[0-9A-Fa-f]{2}){3,4000}[\w.+-]{0,20}")
_TAGS = re.compile("(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0020-\U000e007f]{2,}")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef]{3,}")
_INVISIBLE = re.compile(
    "[\u200b\u2060-\u2064\ufeff\u180e]{3,}|[\u200b-\u200d\u2060]{6,}|(?:\\w[\u00ad\u200b\u200d\u2060-\u2064\ufeff]){4,}|[\u3164\uffa0\u115f\u1160]{2,}"
)
_UNSEEN = re.compile("[\u00ad\u115f\u1160\u180e\u200b-\u200d\u202d\u202e\u2060-\u2064\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]")
_REVERSED = re.compile("[\u202d\u202e]")
_ESCAPE = re.compile(r"\x1b[\[\]PX^_(c]|\x9b")
_OVERWRITE = re.compile(r"[^\r\n]\r(?!\n)[^\r\n]")


@dataclass(frozen=True, slots=True, order=True)
class Flagged:
    """Characters `[start, end)` of the given text that look like an instruction, by which rule of which family."""

    start: int
    end: int
    family: str
    rule: str


class _Folds(dict[int, str]):
    """What each character is folded to, worked out when first met."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold(chr(code))
        return folded


def _fold(char: str) -> str:
    if char in _MARKS or (char not in "\n\r\t" and not visible(char)[0]):
        return ""
    text = unicodedata.normalize("NFKC", char).casefold()
    plain = unicodedata.normalize("NFKD", text)
    text = "".join(c for c in plain if not unicodedata.combining(c)) if plain[:1].isascii() else text
    return "".join(_LETTERS.get(c, c) for c in text if c not in _MARKS)


_FOLDS = _Folds()


def instructions_in(text: str) -> list[Flagged]:
    """Return what looks like an instruction to a model, at most 100 places, in order; offsets are into `text`.

    Families: override, role, persona, output, addressed, conceal, leak, exfiltrate, refuse, cite, verdict, scope, active, hidden.
    A rule that met an encoding is named `encoding:rule`. Linear in the length of the text.
    """
    folded = _folded(text)
    words = set(_WORD.findall(folded))
    found = _EVERY.search(folded)
    for name, view in _readings(folded, words):
        plain = {(f.start, f.family) for f in found}
        found += [replace(f, rule=f"{name}:{f.rule}") for f in _LATIN.search(view) if (f.start, f.family) not in plain]
    if found and not text.isascii():
        places = [i for i, c in enumerate(text) for _ in (c.lower() if c.isascii() else _FOLDS[ord(c)])]
        found = [replace(f, start=places[f.start], end=places[f.end - 1] + 1) for f in found]
    found += _decoded(text, words)
    found += _hidden(text)
    return sorted(set(found))[:MOST]


def _folded(text: str) -> str:
    return _OTHER.sub(lambda run: run[0].translate(_FOLDS), text.lower() if text.isascii() else _ASCII.sub(lambda run: run[0].lower(), text))


def _keys(words: Iterable[str]) -> set[str]:
    return {key for word in words for key in (word, word[:STEM])}


class _Rules:
    """Rules by the words of their first need, so that a paragraph meets few of them."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._all = rules
        self._strings = [i for i, rule in enumerate(rules) if rule.needs[0].strings]
        self._words: dict[str, list[int]] = {}
        for i, rule in enumerate(rules):
            for word in rule.needs[0].words:
                self._words.setdefault(word, []).append(i)

    def search(self, view: str) -> list[Flagged]:
        """Return what the rules find, paragraph by paragraph."""
        strings = [i for i in self._strings if any(s in view for s in self._all[i].needs[0].strings)]
        ends = [*(gap.end() - 1 for gap in _BLANK.finditer(view)), len(view)]
        found: list[Flagged] = []
        for start, end in zip([0, *ends], ends, strict=False):
            block = view[start:end]
            keys = _keys(_WORD.findall(block))
            tried = {i for key in keys & self._words.keys() for i in self._words[key]}
            for rule in (self._all[i] for i in sorted(tried.union(strings))):
                if all(need.met(keys, block) for need in rule.needs):
                    found += [Flagged(start + m.start(), start + m.end(), rule.family, rule.name) for m in rule.pattern.finditer(block)]
        return found


_EVERY, _LATIN = _Rules((*ENGLISH, *OTHERS)), _Rules(ENGLISH)


def _readings(folded: str, words: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the folded text read in other ways, character for character, where that gives it words of a rule."""
    tables: list[tuple[str, dict[int, int], Iterable[str]]] = [("rot13", _ROT13, words)]
    tables += [("leet", table, [w for w in words if not w.isalpha() and not w.isdigit()]) for table in _LEET]
    if not folded.isascii():
        tables.append(("homoglyph", _LOOKS, [w for w in words if not w.isascii()]))
    for name, table, changed in tables:
        if not _TRIGGERS.isdisjoint(_keys(w.translate(table) for w in changed)):
            yield name, folded.translate(table)


def _decoded(text: str, words: set[str]) -> Iterator[Flagged]:
    """Yield encoded stretches whose content is flagged, at the place of the whole stretch."""
    if any(len(w) >= _LONG and not w.isalpha() for w in words):
        for match in _CODED.finditer(text):
            for name, plain in _plain(match[0]):
                yield from _within(match, name, plain)
    if "%" in text:
        for match in _PERCENT.finditer(text):
            yield from _within(match, "percent", unquote(match[0]).replace("+", " "))
    if sum(len(w) == 1 for w in words) >= _SINGLE:
        for match in _APART.finditer(text):
            spelled = re.split(r"[ .*_-]{2,3}", match[0])
            yield from _within(match, "spaced", " ".join(re.sub(r"[ .*_-]", "", w) for w in spelled))
    if _UNSEEN.search(text):
        for match in _TAGS.finditer(text):
            yield from _within(match, "tags", "".join(chr(ord(c) - 0xE0000) for c in match[0]))
        for match in _SELECTORS.finditer(text):
            codes = [ord(c) - 0xFE00 if ord(c) < 0xFE10 else ord(c) - 0xE0100 + 16 for c in match[0]]
            yield from _within(match, "selectors", bytes(codes).decode("utf-8", "replace"))


def _plain(coded: str) -> Iterator[tuple[str, str]]:
    """Yield what a stretch says as hexadecimal or as base64 (either alphabet), where that is text."""
    body = coded.rstrip("=")
    with suppress(ValueError):
        yield "hex", bytes.fromhex(body).decode("utf-8")
    with suppress(ValueError):  # binascii.Error is one
        data = base64.b64decode(body + "=" * (-len(body) % 4), altchars=b"-_" if {"-", "_"} & set(body) else None)
        yield "base64", data.decode("utf-8")


def _within(match: re.Match[str], name: str, plain: str) -> Iterator[Flagged]:
    folded = _folded(plain)
    for flag in _EVERY.search(folded):
        yield Flagged(match.start(), match.end(), flag.family, f"{name}:{flag.rule}")


def _hidden(text: str) -> Iterator[Flagged]:
    looks = [(_ESCAPE, "active", "escape")] * ("\x1b" in text or "\x9b" in text) + [(_OVERWRITE, "active", "overwrite")] * ("\r" in text)
    if _UNSEEN.search(text):
        looks += [(_TAGS, "hidden", "tags"), (_SELECTORS, "hidden", "selectors"), (_INVISIBLE, "hidden", "invisible"), (_REVERSED, "hidden", "reversed")]
    for pattern, family, name in looks:
        yield from (Flagged(m.start(), m.end(), family, name) for m in pattern.finditer(text))
