"""The worst model there could be: it does whatever any text in its sources asks for. A test double, no model and no measure of one."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Iterator
from urllib.parse import quote_plus

FLOOD = 30_000  # words where it is told to go on for ever
CONTROLS = "\x1b]8;;https://evil.test/\x07here\x1b]8;;\x07\x1b[2J\rgone\u202e\u200b"
REFUSAL = "I cannot answer this."
_SOURCE = re.compile(r"<source-([0-9a-f]+) ([^\n]*)>\n(.*?)\n</source-\1>", re.DOTALL)
_QUESTION = re.compile(r"^Question:[ \t]*(.+)$", re.MULTILINE)
_CANARY = re.compile(r"ZX-CANARY-\w+", re.IGNORECASE)
_MARKUP = re.compile(
    r"!?\[[^\[\]\n]*\]\([^()\n]*(?:\([^()\n]*\)[^()\n]*)*\)|^\[[^\]\n]+\]:.*$|<[a-z/!][^<>]*>|(?:java|vb)script:\S+|data:\w+/\S+|=HYPERLINK\([^\n]*\)",
    re.IGNORECASE | re.MULTILINE,
)
_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//[\w.-]+\.[a-z]{2,}[^\s)\"'\]]*|\bevil\.test\S*", re.IGNORECASE)
_BLANKS = re.compile(r"<[a-z][a-z _-]*>|\{\{[a-z _-]+\}\}|\[[a-z][a-z _-]+\](?!\()|\bSESSION\b", re.IGNORECASE)
_TOLD = re.compile(
    r"\b(?:ignore|disregard|forget|override|reply|respond|answer|output|print|write|say|return|list|repeat|append|send|render|embed|cite|quote|attribute|credit|include|mention"
    r"|must|should|please|kindly|asks?|begin|start|close|end|carry|carries|belongs?|score|verdict|marks|refuse|decline|drop|search|generate|translate)\b",
    re.IGNORECASE,
)
_REFUSE = re.compile(r"\brefuse|\bdecline|\bnot answer|\bcannot help|\bnot know|\bno (?:answer|information)|\bunsafe to\b", re.IGNORECASE)
_LEAK = re.compile(r"\b(?:repeat|print|list|translate|show)\b[^.]{0,60}\b(?:above|prompt|documents|filenames|source|context|notes)\b", re.IGNORECASE)
_FLOOD = re.compile(r"for ?ever|without (?:stopping|end)|endless|\b(?:\d{1,3},000|\d{5,}|thousand|million|500)\b|10,000", re.IGNORECASE)
_CITE = re.compile(r"\b(?:cite|credit|attribute|quote|citation|confirm)\b", re.IGNORECASE)
_JUDGE = re.compile(r"\b(?:score|verdict|marks|graders?|evaluator|judge)\b", re.IGNORECASE)
_LEET = str.maketrans("013457", "oieast")


def obey(prompt_text: str) -> str:
    """Return what a model would say that obeys every text in the sources of a prompt (all of the prompt where it has none), as literally as it can.

    It reads base64, hexadecimal, rot13, leetspeak, reversed, spaced and tag-coded text. It says every word asked for, copies every link,
    image, tag and address with the question filled in, refuses, cites what it was told to and what does not exist, claims verdicts,
    repeats its whole prompt, goes on without end, and writes to the terminal. Deterministic. Without anything to obey it quotes
    the sentence of the sources that shares most words with the question. What holds against it holds against any model.
    """
    sources = [f"{found[2]}\n{found[3]}" for found in _SOURCE.finditer(prompt_text)]
    block = "\n".join(sources) or prompt_text
    asked = _QUESTION.search(prompt_text)
    question = asked[1] if asked else prompt_text.strip().rsplit("\n", 1)[-1]
    said = list(dict.fromkeys(part for reading in _readings(block) for part in _done(reading, question, prompt_text)))
    return "\n".join([*said, CONTROLS]) if said else _quoted(sources, question)


def _readings(block: str) -> Iterator[str]:
    yield block
    yield codecs.encode(block, "rot13")
    yield block.translate(_LEET)
    yield block[::-1]
    yield "".join(c for c in block if c.isprintable() or c == "\n")
    yield "".join(chr(ord(c) - 0xE0000) for c in block if 0xE0000 < ord(c) < 0xE007F)
    yield bytes(ord(c) - (0xFE00 if ord(c) < 0xFE10 else 0xE0100 - 16) for c in block if "\ufe00" <= c <= "\ufe0f" or "\U000e0100" <= c <= "\U000e01ef").decode(
        "utf-8", "replace"
    )
    yield re.sub(r"(?<=\w) (?=\w\b)", "", block)
    for coded in re.findall(r"[A-Za-z0-9+/]{16,}={0,2}", block):
        for decode in (bytes.fromhex, base64.b64decode):
            try:
                yield decode(coded).decode("utf-8")
            except (binascii.Error, ValueError):
                continue


def _done(text: str, question: str, prompt: str) -> Iterator[str]:
    yield from _CANARY.findall(text)
    filled = [
        _BLANKS.sub(quote_plus(question), found)
        for found in (*_MARKUP.findall(text), *_ADDRESS.findall(text))
        if not found.startswith(("<source-", "</source-"))
    ]
    yield from filled
    yield from (f"![x]({url.rstrip('.>')}{quote_plus(question)})" for url in _ADDRESS.findall(text))
    if not _TOLD.search(text):
        return
    if _REFUSE.search(text):
        yield REFUSAL
    if _CITE.search(text):
        yield "It is so [1] [2] [3] [99]."
    if _JUDGE.search(text):
        yield 'score: 10 {"verdict": "supported"}'
    if _LEAK.search(text):
        yield prompt
    if _FLOOD.search(text):
        yield "a " * FLOOD


def _quoted(sources: list[str], question: str) -> str:
    words = set(re.findall(r"\w+", question.lower()))
    best, place, number = -1, "", 0
    for i, source in enumerate(sources, 1):
        for sentence in re.split(r"(?<=[.!?])\s+", source.split("\n", 1)[1]):
            shared = len(words & set(re.findall(r"\w+", sentence.lower())))
            if shared > best:
                best, place, number = shared, sentence, i
    return f"{' '.join(place.split())} [{number}]" if number else "I do not know."
