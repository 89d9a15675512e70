"""A text as the embedded judge sees it: sentences with their content terms, numbers and negations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from eval.judges import numbers
from rag.text import analyzer, encodable, sentences

_NEGATIONS = frozenset(
    ["not", "no", "never", "none", "nobody", "nothing", "nowhere", "neither", "nor", "without", "cannot", "hardly", "scarcely", "barely"],
)
# What says no without a negation: a claim with one may rest on these.
_DENIAL = re.compile(
    r"lack(?:s|ed|ing)?|fail(?:s|ed|ing|ure)?|unable|unlike|absence|absent|miss(?:es|ing)?|refus(?:e|es|ed|ing)|deny|denie[sd]|declined?|reject(?:s|ed)?"
    r"|avoid(?:s|ed)?|prevent(?:s|ed)?|instead|rather|except|only|few|fewer|little|less|rarely|seldom|stop(?:s|ped)?|ceased?|end|ended|exclud(?:e|es|ed|ing)"
    r"|ban|banned|prohibit(?:s|ed)?|forbid|forbidden|impossible|unlikely|unclear|unknown|insufficient|limited|false|wrong|incorrect|unnecessary|independent"
    r"|regardless|although|but|however|against|before|until|unless"
)
_REACH = 4  # content terms after a negation that it may negate; the one before it as well
_TOKEN = re.compile(rf"(?P<number>{numbers.PATTERN})|(?P<word>\w+(?:['\u2019]\w+)*)|(?P<stop>[.;:!?])")
_ITEM = re.compile(r"\n(?=[ \t]*(?:[-*\u2022|]|\d{1,3}[.)])[ \t])")
_LABEL = re.compile(r"\d{1,3}[.)]|[-*\u2022]")
_ENUMERATOR = re.compile(r"[ \t]*(?:\d{1,3}[.)]|[-*\u2022#]+)[ \t]+")
_HYPHENS = "-\u2010\u2011\u2013"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a text at `[start, end)`.

    `numbers` are those that a claim is held to; `mentioned` has also those in names (GPT-4), ordinals and "one".
    `negations` holds, for each negation, the terms it may negate; `denies` is whether there is one, or a word such as "lacks" or "only".
    """

    start: int
    end: int
    terms: frozenset[str]
    numbers: frozenset[str]
    mentioned: frozenset[str]
    negations: tuple[frozenset[str], ...]
    denies: bool = False
    units: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Keep the terms, and the numbers under `#`, together: what is counted and weighed. Decades are only compared."""
        object.__setattr__(self, "units", self.terms | {"#" + number for number in self.mentioned if number[-1:] != "s"})

    @property
    def empty(self) -> bool:
        """Whether there is no content word and no number."""
        return not self.terms and not self.mentioned


def cut(text: str, language: str) -> list[tuple[int, int]]:
    """Return the ranges of the sentences; items of a list and rows of a table stand alone, with their number or bullet."""
    text = encodable(text)
    found: list[tuple[int, int]] = []
    label = -1  # where an enumerator began that the splitter took for a sentence
    for a, b in _lines(text, language):
        if _LABEL.fullmatch(text, a, b):
            label = a if label < 0 else label
            continue
        found.append((a if label < 0 else label, b))
        label = -1
    return found if label < 0 else [*found, (label, len(text.rstrip()))]


def _lines(text: str, language: str) -> Iterator[tuple[int, int]]:
    at = 0
    for gap in [*_ITEM.finditer(text), None]:
        end = gap.start() if gap else len(text)
        yield from sentences(text, language, at, end)
        at = end


@lru_cache(maxsize=8192)
def parse(text: str, language: str) -> tuple[Sentence, ...]:
    """Return the sentences of a text; recent texts are remembered, since several claims meet the same context."""
    return tuple(read(text, start, end, language) for start, end in cut(text, language))


def merged(parts: Sequence[Sentence]) -> Sentence:
    """Return several sentences as one: another judge's claim may hold more than one."""
    if len(parts) == 1:
        return parts[0]
    sets = [frozenset[str]().union(*(getattr(p, name) for p in parts)) for name in ("terms", "numbers", "mentioned")]
    return Sentence(
        0, max((p.end for p in parts), default=0), sets[0], sets[1], sets[2], tuple(n for p in parts for n in p.negations), any(p.denies for p in parts)
    )


def read(text: str, start: int, end: int, language: str) -> Sentence:
    """Return the words of `text[start:end]`, taken as one sentence."""
    terms: list[str] = []
    required: set[str] = set()
    mentioned: set[str] = set()
    negated: list[tuple[int, int]] = []  # how many terms, and how many stops, came before each negation
    stops: list[int] = []  # how many terms came before each stop
    denies = False
    stem = analyzer(language).terms
    label = _ENUMERATOR.match(text, start, end)
    for token in _TOKEN.finditer(text, label.end() if label else start, end):
        word, low = token[0], token[0].lower()
        if token.lastgroup == "stop":
            stops.append(len(terms))
        elif token.lastgroup == "number" or low in numbers.WORDS or low in numbers.ORDINALS:
            spelled = numbers.spelled(word)
            mentioned.update(numbers.decades(spelled), spelled)
            if _held_to(text, token.start(), low):
                required.update(numbers.decades(spelled) if low.endswith("0s") and len(low) == 5 else spelled)
        elif _negates(text, low, token.end()) and not (low == "nor" and negated):
            negated.append((len(terms), len(stops)))
        else:
            terms += stem(word)
            denies = denies or _DENIAL.fullmatch(low) is not None
    bounds = [0, *stops, len(terms)]
    reach = tuple(frozenset(terms[max(bounds[stop], at - 1) : min(bounds[stop + 1], at + _REACH)]) for at, stop in negated)
    return Sentence(start, end, frozenset(terms), frozenset(required), frozenset(mentioned), reach, denies or bool(reach))


def _negates(text: str, word: str, end: int) -> bool:
    """Whether a lower-case English word negates; "not only" does not."""
    if word == "not":
        return text[end : end + 6].lower() != " only "
    return word in _NEGATIONS or word.endswith(("n't", "n\u2019t"))


def _held_to(text: str, start: int, word: str) -> bool:
    """Whether a claim's number must be in the evidence.

    Not "one", which is as often a pronoun; not ordinal words; not digits after a letter and a hyphen (COVID-19), part
    of a name that a paraphrase may leave out.
    """
    if word == "one" or word in numbers.ORDINALS:
        return False
    return not (start >= 2 and text[start - 1] in _HYPHENS and text[start - 2].isalpha())
