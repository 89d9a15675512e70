"""What a rule of the detector of instructions is, and how its patterns are written.

Patterns are matched against folded text (see `rag.instructions`): lower case, accents off Latin letters, hidden characters gone.
Every gap is bounded, so a rule takes a bounded number of steps from each place where it can begin.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

STEM = 5  # a longer word is also known by its first letters
INSIDE = "[^.!?\u3002\uff01\uff1f\u0964]"  # a gap stays in its sentence


@dataclass(frozen=True, slots=True)
class Need:
    """What a text must hold for a rule to be tried: one of these words or stems, or one of these strings."""

    words: frozenset[str]
    strings: tuple[str, ...]

    def met(self, keys: AbstractSet[str], text: str) -> bool:
        """Whether the words and stems of a text, or the text itself, have any of it."""
        return not self.words.isdisjoint(keys) or any(s in text for s in self.strings)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: `pattern` is searched for where all of `needs` are met."""

    family: str
    name: str
    needs: tuple[Need, ...]
    pattern: re.Pattern[str]


def rule(family: str, name: str, needs: str, pattern: str) -> Rule:
    """Return a rule; groups of `needs` are apart by ` / `, the words of a group by spaces, and `~` in a pattern is a gap between words."""
    groups = (group.split() for group in needs.split(" / "))
    made = tuple(Need(frozenset(w[:STEM] for w in g if w.isascii() and w.isalpha()), tuple(w for w in g if not (w.isascii() and w.isalpha()))) for g in groups)
    return Rule(family, name, made, re.compile(pattern.replace("~", r"\W{1,6}")))


def override(language: str, needs: str, verbs: str, qualifiers: str, nouns: str, start: str = r"\b") -> Rule:
    """Return the rule for: a verb of setting aside, a word that says which ones, and a word for instructions, in one sentence, in any order."""
    first = rf"{start}(?:{verbs})(?={INSIDE}{{0,60}}?(?:{qualifiers})){INSIDE}{{0,60}}?{start}(?:{nouns})"
    last = rf"{start}(?:{qualifiers}){INSIDE}{{0,25}}?(?:{nouns}){INSIDE}{{0,40}}?{start}(?:{verbs})"
    return rule("override", language, needs, f"{first}|{last}")
