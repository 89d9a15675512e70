"""Cloze questions: a sentence of the corpus with its rarest name or number left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from eval.doctor.words import terms
from eval.judges import numbers
from eval.synthesis.drafts import Draft
from eval.synthesis.marks import CLOZE
from eval.synthesis.plain import plain, stands_alone
from eval.synthesis.sections import Section
from rag.text import sentences
from rag.types import Span

GAP = "____"
FEWEST = 5  # content words around the gap
# A name: words with a capital inside a sentence, or with capitals and digits mixed in (BM25, GPT-4, MiniLM).
_TOKEN = re.compile(r"(?<![\w.])[^\W\d_](?:[\w.+-]*[^\W_])?(?!\w)")
_NUMBER = re.compile(numbers.PATTERN)
_SCALES = frozenset(["k", "K", "M", "B", "thousand", "million", "billion", "trillion"])  # part of the number, where other units stay
_TRIVIAL = 10  # whole numbers below it are too easily guessed

Frequency = Callable[[str], int]  # a word in lower case to the number of documents that hold it


@dataclass(frozen=True, slots=True)
class _Target:
    """What is left out: where in the plain sentence, what it is called, and how rare it is (fewer documents first)."""

    start: int
    end: int
    what: str
    rarity: int


def cloze(section: Section, frequency: Frequency, language: str = "english") -> Iterator[Draft]:
    """Yield a question for every sentence of the section's paragraphs that has something rare to leave out."""
    text = section.document.text
    for block in section.blocks:
        if block.kind != "paragraph" or text[block.start : block.end].lstrip().startswith((">", "<", "|", "    ")):
            continue
        for start, end in sentences(text, language, block.start, block.end):
            shown = plain(text[start:end])
            whole = shown and "![" not in text[start:end] and stands_alone(shown)
            target = _target(shown, section.title, frequency) if whole else None
            if target and len(terms(shown[: target.start] + shown[target.end :], language)) >= FEWEST:
                yield _draft(section, shown, target, Span(section.document.id, start, end))


def _draft(section: Section, shown: str, target: _Target, evidence: Span) -> Draft:
    gapped = (shown[: target.start] + GAP + shown[target.end :]).rstrip(".!")
    quoted = gapped.replace('"', "'")
    title = section.title.replace('"', "'")
    question = f'According to "{title}", which {target.what} fills the gap: "{quoted}"?'
    return Draft(CLOZE, section.document.id, question, (shown[target.start : target.end],), (evidence,))


def _target(sentence: str, title: str, frequency: Frequency) -> _Target | None:
    """Return the rarest name or number of a sentence that stands in it once and not in the title, the first of equals."""
    low, known = sentence.casefold(), title.casefold()
    best: _Target | None = None
    for found in [*_numbers(sentence), *_names(sentence)]:
        word = sentence[found.start : found.end].casefold()
        if word in known or low.count(word) != 1:
            continue
        rarity = min(frequency(part) for part in re.findall(r"\w+", word))
        if best is None or rarity < best.rarity:
            best = _Target(found.start, found.end, found.what, rarity)
    return best


def _numbers(sentence: str) -> Iterator[_Target]:
    for match in _NUMBER.finditer(sentence):
        digits = re.match(r"[\d.,]*\d", match[0])
        if digits is None or (digits[0].isdigit() and int(digits[0]) < _TRIVIAL) or _part(sentence, match.start(), match.start() + digits.end()):
            continue
        scaled = match[0][digits.end() :].strip() in _SCALES
        yield _Target(match.start(), match.end() if scaled else match.start() + digits.end(), "number", 0)


def _part(sentence: str, start: int, end: int) -> bool:
    """Return whether a number is part of a name or an expression: `GPT-4`, `64-bit` is not, `2^32`, `1/60`, `0.5-1` are."""
    return sentence[max(0, start - 1) : start] in tuple("-/^_+*#@\u2212\u2013") or sentence[end : end + 1] in tuple("/^_+*\u2212\u2013")


def _names(sentence: str) -> Iterator[_Target]:
    """Yield the names of a sentence; neighbouring capitalised words are one. Its first word counts only with a capital or digit inside."""
    run: list[tuple[int, int]] = []
    for match in [*_TOKEN.finditer(sentence), None]:
        word = match[0] if match else ""
        marked = any(c.isupper() or c.isdigit() for c in word[1:])
        worded = sum(c.isalpha() for c in word) > 1 and "_" not in word
        named = worded and (marked or (word[0].isupper() and match is not None and _inside(sentence, match.start())))
        if named and match and run and sentence[run[-1][1] : match.start()] == " ":
            run.append(match.span())
            continue
        if run:
            yield _Target(run[0][0], run[-1][1], "name or term", 0)
        run = [match.span()] if named and match else []


def _inside(sentence: str, at: int) -> bool:
    """Return whether a word is not the first of a sentence, a quotation or what follows a colon."""
    before = sentence[:at].rstrip()
    return bool(before) and before[-1] not in '.!?:;"\u201c\u2018(\u00ab'
