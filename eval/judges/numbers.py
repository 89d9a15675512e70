"""Numbers in English text under one spelling each, so that `1,000`, `1000.0` and `1k` are the same number."""

from __future__ import annotations

import re
from decimal import Decimal

_SMALL = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_ORDINALS = "third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"  # first and second are also plain words
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
WORDS = {word: str(value) for value, word in enumerate(_SMALL.split())} | {word: str(10 * i) for i, word in enumerate(_TENS.split(), start=2)}
ORDINALS = {word: str(value) for value, word in enumerate(_ORDINALS.split(), start=3)}
_SCALES = {"k": 3, "K": 3, "M": 6, "B": 9, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}

# Digits that do not continue a word (BM25, H100), with thousands commas or decimals, then letters stuck to them (7B, 10ms).
PATTERN = r"(?<![^\W_])(?:\d+(?:[.,]\d+)*|\.\d+)(?:[^\W\d_]+|[ ](?:thousand|million|billion|trillion)\b)?"
_PARTS = re.compile(r"([\d.,]+) ?(.*)", re.DOTALL)
_GROUPED = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")


def spelled(token: str) -> tuple[str, ...]:
    """Return the numbers that a number word or a match of `PATTERN` spells: usually one, several for a list such as `1,2`.

    Unit letters and `%` play no part; `k M B` and scale words multiply. `3.11.2` stays as it is.
    """
    low = token.lower()
    if low in WORDS or low in ORDINALS:
        return (WORDS.get(low) or ORDINALS[low],)
    parts = _PARTS.match(token)
    if parts is None:
        return ()
    digits, scale = parts[1], _SCALES.get(parts[2], 0)
    if _GROUPED.fullmatch(digits):
        digits = digits.replace(",", "")
    return tuple(_plain(part, scale) for part in digits.split(",") if part)


def decades(spelled: tuple[str, ...]) -> tuple[str, ...]:
    """Return the decade of each number that can be a year: `1940s` for 1943, which a claim about the 1940s is borne out by."""
    return tuple(n[:3] + "0s" for n in spelled if len(n) == 4 and n.isdigit() and n[0] in "12")


def _plain(digits: str, scale: int) -> str:
    if digits.count(".") > 1 or len(digits) > 40 or not digits.isascii():
        return digits
    value = format(Decimal(digits).scaleb(scale), "f")
    return (value.rstrip("0").rstrip(".") if "." in value else value) or "0"
