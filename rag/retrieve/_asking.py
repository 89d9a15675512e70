"""What retrievers that ask a chat model share: when two questions are the same, and how texts are cut."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from rag.text import encodable

# What does not tell questions apart. Marks that do (C++ and C#, TCP/IP, 50 %) are not among them.
_GONE = dict.fromkeys(map(ord, "'`\u2018\u2019"))
_SPACE = dict.fromkeys(map(ord, '.,;:!?"()[]{}-\u2010\u2013\u2014\u2026\u00a1\u00bf\u00ab\u00bb\u201c\u201d\u201e\u3002\uff0c\uff1f\uff01'), " ")


def clean(text: str) -> str:
    """Return a model's text as a query can be: without white space around it and without lone surrogates."""
    return encodable(text).strip()


def plain(text: str) -> str:
    """Return the form in which two questions are compared: case, space and punctuation make no difference."""
    return " ".join(text.casefold().translate(_GONE).translate(_SPACE).split())


def distinct(texts: Iterable[str], known: Iterable[str] = ()) -> list[str]:
    """Return the texts, cleaned, that are no blank and neither one of `known` nor one before them, by their plain form."""
    seen = {plain(k) for k in known} | {""}
    found = []
    for text in map(clean, texts):
        if plain(text) not in seen:
            seen.add(plain(text))
            found.append(text)
    return found


def shortened(text: str, tokens: int, count: Callable[[str], int]) -> str:
    """Return the longest beginning of a text, cut at a space where there is one, that has at most `tokens` tokens."""
    most = text[: 32 * tokens]  # a token that long is none; what is cut costs no counting
    if len(most) == len(text) and count(text) <= tokens:
        return text
    low, high = 0, len(most)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if count(most[:middle]) <= tokens else (low, middle - 1)
    cut = max(most.rfind(space, 0, low) for space in " \n")
    return most[: cut if cut > low // 2 else low].rstrip()
