"""Rules on the words of a question, all in linear time: how `route` tells questions apart."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from rag.retrieve._asking import plain
from rag.stages import bounded, settle

_QUOTES = (('"', '"'), ("\u201c", "\u201d"), ("\u201e", "\u201c"), ("\u201e", "\u201d"), ("\u00ab", "\u00bb"), ("`", "`"))
_EDGES = ".,;:!?\"'`()[]{}<>\u201c\u201d\u201e\u2018\u2019\u00ab\u00bb\u2026"
_LONG_NUMBER = 5  # digits of a whole number that is an id rather than a count or a year


@dataclass(frozen=True)
class When:
    """What a question must be like; all that is given has to hold.

    `longer_than` and `shorter_than` count words. `contains`: one of these words or phrases, whatever their case and punctuation.
    `quoted`: something stands in quotation marks (or, false, nothing does). `identifier`: a word is a code, a number of five or more
    digits, a version, or a name with digits, underscores, dots or capitals inside. `like`: of all examples of all routes, the one
    nearest to the question by the encoder is one of these, with a cosine of `at_least`.
    """

    longer_than: int | None = bounded(None, ge=0)
    shorter_than: int | None = bounded(None, ge=1)
    contains: tuple[str, ...] = ()
    quoted: bool | None = None
    identifier: bool | None = None
    like: tuple[str, ...] = ()
    at_least: float = bounded(0.5, ge=-1, le=1)

    def __post_init__(self) -> None:
        """Check the bounds, that there is a rule, and that no word or example is blank; raises `ValueError`."""
        settle(self)
        if not (self.worded or self.like):
            raise ValueError("when: needs a rule; choose: longer_than, shorter_than, contains, quoted, identifier, like")
        if not all(map(plain, self.contains)) or not all(e.strip() for e in self.like):
            raise ValueError("when: contains and like must hold no blank text")

    @property
    def worded(self) -> bool:
        """Whether there is a rule that looks at words."""
        return bool(self.contains) or any(v is not None for v in (self.longer_than, self.shorter_than, self.quoted, self.identifier))

    def reasons(self, text: str) -> list[str] | None:
        """Return in a few words why the rules on words hold, None when one does not; `like` is not looked at."""
        words = text.split()
        found: list[str] = []
        if self.longer_than is not None or self.shorter_than is not None:
            if self.longer_than is not None and len(words) <= self.longer_than:
                return None
            if self.shorter_than is not None and len(words) >= self.shorter_than:
                return None
            found.append(f"{len(words)} words")
        if self.contains:
            held = next((c for c in self.contains if f" {plain(c)} " in f" {plain(text)} "), None)
            if held is None:
                return None
            found.append(f"contains {held!r}")
        for name, wanted, holds in (("quoted", self.quoted, quoted), ("identifier", self.identifier, has_identifier)):
            if wanted is not None:
                if holds(text) != wanted:
                    return None
                found.append(name if wanted else f"not {name}")
        return found


def quoted(text: str) -> bool:
    """Whether a letter or digit stands between quotation marks (single ones, which are apostrophes too, do not count)."""
    for opening, closing in _QUOTES:
        at = text.find(opening)
        while at >= 0 and (end := text.find(closing, at + 1)) >= 0:
            if any(c.isalnum() for c in text[at + 1 : end]):
                return True
            at = text.find(opening, end + 1)
    return False


def has_identifier(text: str) -> bool:
    """Whether a word of a text is an identifier."""
    return any(map(identifier, text.split()))


def identifier(word: str) -> bool:
    """Whether a word looks like a code, an id, a version or a name out of a program, such as `E1234`, `utf8`, `max_tokens`, `os.path`.

    Plain numbers of up to four digits (years), numbers with a unit or an ending (`3rd`, `5GB`, `0.5s`) and words joined by hyphens are not.
    """
    word = word.strip(_EDGES)
    for end in ("'s", "\u2019s"):
        word = word.removesuffix(end)
    if word[:2] == "--" or word[:1] in "#$@":
        return any(c.isalnum() for c in word)
    inner = word.strip("_")
    if "_" in inner or "::" in inner or (inner != word and inner):
        return any(c.isalnum() for c in inner)
    if "-" in word and any(c.islower() for c in word):
        return False
    letters, digits = sum(c.isalpha() for c in word), sum(c.isdecimal() for c in word)
    if not letters:
        return (word.isdecimal() and digits >= _LONG_NUMBER) or (word.count(".") >= 2 and digits > 0)
    if digits:
        kinds = [c.isdecimal() for c in word if c.isalpha() or c.isdecimal()]
        return not kinds[0] or sum(a != b for a, b in pairwise(kinds)) > 1
    parts = word.split(".")
    if len(parts) > 1:
        return all(p.isalnum() for p in parts) and max(map(len, parts)) > 1
    return any(a.islower() and b.isupper() for a, b in pairwise(word))
