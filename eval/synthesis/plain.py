"""Sentences as a person reads them: without the marks of Markdown, and only those that can be understood alone."""

from __future__ import annotations

import re

_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()\s]{0,500}\)")
_MARKS = re.compile(r"\*{1,3}|`+|(?<!\w)_{1,2}(?=\w)|(?<=\w)_{1,2}(?!\w)")
# How a sentence begins that leans on the one before it.
_LEANING = re.compile(
    r"(?:this|these|that|those|it|its|they|their|them|he|she|his|her|such|here|there|both|neither|either|then|thus|hence|so|but|and|or|yet|nor|otherwise|instead|also"
    r"|however|therefore|conversely|similarly|likewise|moreover|furthermore|still|again|even|only|in (?:this|that|these|those|both|each|such)|for (?:this|that|example|instance)"
    r"|the (?:former|latter|same|other|others|first|second|third|rest|result|remedy|reason|example|above|following|next|last)|one|another|each|some|most|all|none|a few|many|few"
    r"|at (?:this|that)|with (?:this|that|these|those|it|them)|by (?:contrast|comparison|then)|on the other hand|as (?:a result|above|before)|note|see|compare"
    r"|second|third|first|finally|next|later|after that|to (?:this|that))\b",
    re.IGNORECASE,
)
# A word early on that stands for something said before; later on, that or two sentences taken for one.
_REFERRING = re.compile(r"(?:\S+\s+){0,5}(?:it|they|them|this|these|those|such|its|their)\b", re.IGNORECASE)
_JOINED = re.compile(r"\b[Tt]h(?:at|is) (?:is|was|means)\b|[.!?]\s+[A-Z]")
_POINTING = re.compile(
    r"\b(?:above|below|earlier|previous|following|aforementioned|as follows|this (?:section|page|chapter|table|figure|example|document|article))\b",
    re.IGNORECASE,
)
_FORMULA = re.compile(r"[=\u00d7\u00b7\u03a3\u2211\u221a\u00b2\u00b3^|\\{}<>]|https?://|(?<![^\W\d_])[\u03b1-\u03c9](?![^\W\d_])")


def plain(text: str) -> str:
    """Return a text on one line without emphasis, code marks and link targets."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", text)).split())


def stands_alone(sentence: str, fewest: int = 8, most: int = 36) -> bool:
    """Return whether a plain sentence is whole, of a good length, without formulas, and leans on no other."""
    count = len(sentence.split())
    whole = sentence.endswith((".", "!")) and (sentence[0].isupper() or sentence[0].isdigit()) and sentence.count('"') % 2 == 0
    if not whole or not fewest <= count <= most or _LEANING.match(sentence) or _REFERRING.match(sentence) or _JOINED.search(sentence):
        return False
    return not _POINTING.search(sentence) and not _FORMULA.search(sentence)
