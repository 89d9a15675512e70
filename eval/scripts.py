"""Which script a text is written in, so that what reads English only can say so instead of scoring what it cannot read."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

_LATIN = frozenset({"english", "german", "french", "spanish", "italian", "portuguese", "dutch", "swedish", "danish", "norwegian", "finnish", "latin"})


@lru_cache(maxsize=4096)
def _script(char: str) -> str:
    """Return the first word of a letter's Unicode name: LATIN, CYRILLIC, CJK, HANGUL and so on."""
    return unicodedata.name(char, "UNKNOWN").split(" ", 1)[0].split("-", 1)[0]


def main_script(text: str) -> str:
    """Return the script of most letters in a text, as its Unicode name begins; empty for a text without letters."""
    if text.isascii():
        return "LATIN" if any(map(str.isalpha, text)) else ""
    counts: Counter[str] = Counter()
    for char, times in Counter(text).items():  # each character once: a text has few
        if char.isalpha():
            counts[_script(char)] += times
    return counts.most_common(1)[0][0] if counts else ""


def foreign(text: str, languages: tuple[str, ...] | None) -> str:
    """Return why a text cannot be one of the languages, empty when it may be: only scripts are told apart, not languages that share one."""
    if languages is None or not any(language in _LATIN for language in languages):
        return ""
    script = main_script(text)
    if script in ("", "LATIN"):
        return ""
    return f"reads {', '.join(languages)} only; this text is mostly in {script.title()} script"
