"""`python -m eval.bench.contrast FOLDER`: whether the embedded judge sees a swapped number and a negation put in or taken out.

The pairs are made from the claims that people have labelled as supported, by rule and from a seed: nobody labelled the altered ones,
but a claim with another number, or said the other way round, is no longer what the labelled claim said.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from eval.bench import labels
from eval.judges import numbers
from eval.judges.base import Claim, Judge, Judgement, Label, unmarked
from eval.judges.words import parse
from rag.errors import QuestionError
from rag.runtime import Runtime
from rag.shell import run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

_NUMBER = re.compile(rf"{numbers.PATTERN}|\b(?:{'|'.join(w for w in numbers.WORDS if w not in ('zero', 'one'))})\b")
_HYPHENS = "-\u2010\u2011\u2013"
_DIGITS = re.compile(r"\d+(?:,\d{3})*")
_AUXILIARY = re.compile(r"\b(?:is|are|was|were|has|have|had|can|could|will|would|may|might|should|must|does|do|did)\b(?! not\b|n['\u2019]t)", re.IGNORECASE)
_NEGATION = re.compile(r"(?<=\w) (?:not|never)\b(?! only)|(?<=[a-z])n['\u2019]t\b|(?<=can)not\b")


def swapped(claim: str, contexts: Sequence[str], rng: random.Random) -> str | None:
    """Return the claim with one of its numbers that the contexts state replaced by another of its size; None where there is none.

    What they do not state they cannot bear out, and another number is borne out no worse.
    """
    stated = frozenset[str]().union(*(s.mentioned for c in contexts for s in parse(unmarked(c), "english")))
    found = [m for m in _NUMBER.finditer(claim) if _standing(claim, *m.span()) and stated.issuperset(numbers.spelled(m[0]))]
    if not found:
        return None
    old = rng.choice(found)
    if old[0].lower() in numbers.WORDS:
        new = rng.choice([w for w in list(numbers.WORDS)[2:13] if w != old[0].lower()])
    else:
        new = _DIGITS.sub(lambda m: _other(m[0], rng), old[0], count=1)
    return claim[: old.start()] + new + claim[old.end() :]


def _standing(claim: str, at: int, end: int) -> bool:
    """Whether a number is said of something, and no part of a name or of another word (COVID-19, 3D, 6th, two-point)."""
    before = at >= 2 and claim[at - 1] in _HYPHENS and claim[at - 2].isalpha()
    after = end + 1 < len(claim) and claim[end] in _HYPHENS and claim[end + 1].isalpha()
    glued = claim[at].isdigit() and claim[end - 1].isalpha() and " " not in claim[at:end]
    return not (before or after or glued)


def _other(digits: str, rng: random.Random) -> str:
    """Return another whole number, with thousands commas where the first has some: a year moves by at most 20, others within half and double."""
    value = int(digits.replace(",", ""))
    low, high = (value - 20, value + 20) if 1000 <= value <= 2100 else (value // 2, 2 * value + 3)
    new = rng.choice([n for n in (rng.randint(low, high) for _ in range(20)) if n != value] or [value + 1])
    return f"{new:,}" if "," in digits else str(new)


def negated(claim: str, _: Sequence[str], __: random.Random) -> str | None:
    """Return the claim with "not" after its first auxiliary verb; None where it has none, or has a negation already."""
    found = _AUXILIARY.search(claim)
    if found is None or _NEGATION.search(claim):
        return None
    return f"{claim[: found.end()]} not{claim[found.end() :]}"


def affirmed(claim: str, _: Sequence[str], __: random.Random) -> str | None:
    """Return the claim without its one "not", "never" or "n't"; None where it has none or several."""
    found = list(_NEGATION.finditer(claim))
    return claim[: found[0].start()] + claim[found[0].end() :] if len(found) == 1 else None


ALTERATIONS: dict[str, Callable[[str, Sequence[str], random.Random], str | None]] = {
    "number swapped": swapped,
    "negation put in": negated,
    "negation taken out": affirmed,
}


@dataclass(frozen=True)
class Pair:
    """A supported claim, what was made of it, and the contexts both are judged by."""

    original: str
    altered: str
    contexts: tuple[str, ...]
    question: str


def pairs(rows: Sequence[labels.Row], kind: str, seed: int = 1) -> Iterator[Pair]:
    """Yield a pair for each supported row whose answer can be altered in this way: the same ones for the same seed."""
    for row in rows:
        original = labels.plain(row.answer)
        rng = random.Random(f"{seed} {row.id}")  # noqa: S311  # a draw that can be repeated, nothing secret
        altered = ALTERATIONS[kind](original, row.contexts, rng) if row.supported else None
        if altered and altered != original:
            yield Pair(original, altered, row.contexts, row.question)


@dataclass(frozen=True)
class Caught:
    """Of `pairs` pairs, how many altered claims scored lower; of `supported` originals called supported, how many altered ones were not."""

    pairs: int
    lower: int
    supported: int
    lost: int

    def __add__(self, other: Caught) -> Caught:
        """Return the counts of both."""
        return Caught(self.pairs + other.pairs, self.lower + other.lower, self.supported + other.supported, self.lost + other.lost)


def caught(judge: Judge, made: Sequence[Pair]) -> Caught:
    """Judge both sides of each pair."""
    lower = supported = lost = 0
    for pair in made:
        a, b = judge.support([Claim(pair.original), Claim(pair.altered)], pair.contexts, pair.question)
        if not isinstance(a, Judgement) or not isinstance(b, Judgement) or a.score is None or b.score is None:
            raise QuestionError(f"the judge {judge.identity['use']} gave no score for {pair.original[:60]!r}")
        lower += b.score < a.score
        supported += a.label is Label.SUPPORTED
        lost += a.label is Label.SUPPORTED and b.label is not Label.SUPPORTED
    return Caught(len(made), lower, supported, lost)


def _line(name: str, kind: str, found: Caught) -> str:
    shares = [f"{100 * n / max(1, of):5.1f} %" for n, of in ((found.lower, found.pairs), (found.lost, found.supported))]
    return f"{name:20} {kind:20} {found.pairs:5} {shares[0]:>7} {found.supported:21} {shares[1]:>15}"


@app.command()
def main(folder: Annotated[Path, typer.Argument(help="JSON Lines files of {contexts, question, answer, supported}.")]) -> None:
    """Print, for each set and alteration, the share of altered claims that score lower and the share that is no longer called supported."""
    runtime = Runtime()
    lines = ["labels               alteration           pairs   lower   originals supported   of those lost"]
    totals = dict.fromkeys(ALTERATIONS, Caught(0, 0, 0, 0))
    for name, rows in labels.sets(folder):
        judge = labels.judge(rows, runtime)
        for kind in ALTERATIONS:
            found = caught(judge, list(pairs(rows, kind)))
            totals[kind] += found
            lines.append(_line(name, kind, found))
    lines += [_line("all", kind, found) for kind, found in totals.items()]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(run(app))
