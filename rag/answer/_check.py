"""Whether an answer's citations hold: marks to sources, quotes to their place, claims to the sentences that support them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rag.answer._claims import Claim
from rag.index.reader import Reader
from rag.models.encoder import Vectors
from rag.text import analyzer, sentences
from rag.types import Flag, Hit, Span
from rag.untrusted import visible

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_FOLD = str.maketrans(
    {
        "\u2018": "'",
        "\u2019": "'",
        "\u201c": '"',
        "\u201d": '"',
        "\u2013": "-",
        "\u2014": "-",
        "\u00a0": " ",
        "\u2039": "<",
        "\u203a": ">",
        "\u27e6": "[",
        "\u266f": "#",
        "\u2236": ":",
        "\uff1a": ":",
    }
)  # what a prompt copy has for delimiters


@dataclass(frozen=True)
class Rules:
    """What counts as supported: `support` is `0.5 cosine + 0.5 share of the claim's terms held` of the best sentence and the cited texts."""

    support: float
    language: str
    model: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found: the spans that are cited, in the order of the claims, the flags, and the support of each claim that cites."""

    citations: tuple[Span, ...]
    flags: tuple[Flag, ...]
    support: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class _Sentence:
    span: Span
    text: str
    row: int


def check(found: Sequence[Claim], hits: Sequence[Hit], rules: Rules, reader: Reader) -> Checked:
    """Return the citations of claims and what is wrong with them. Source number `i` is `hits[i - 1]`; every citation lies in one."""
    cited = sorted({m.source for c in found for m in c.marks if 1 <= m.source <= len(hits)})
    held, texts = _sentences(cited, hits, rules.language)
    rows = reader.runtime.embed(rules.model, [*(c.text for c in found), *texts], label="") if texts else np.empty((0, 0), dtype=np.float32)
    spans: list[Span] = []
    flags: list[Flag] = []
    supports: list[float] = []
    for i, claim in enumerate(found):
        flags += [Flag("no_source", m.start, m.end, f"there is no source {m.source}") for m in claim.marks if not 1 <= m.source <= len(hits)]
        numbers = [m.source for m in claim.marks if 1 <= m.source <= len(hits)]
        if not numbers:
            if not claim.marks:
                flags.append(Flag("uncited", claim.start, claim.end, "no source is named"))
            continue
        sources = [hits[n - 1] for n in numbers]
        exact = [[s for quote in claim.quotes if (s := locate(quote, hit)) is not None] for hit in sources]
        lost = [q for q in claim.quotes if not any(locate(q, hit) for hit in sources)]
        flags += [Flag("bad_quote", claim.start, claim.end, "the quoted words are in none of the sources it names") for _ in lost]
        places = [_best(rows[i], rows[len(found) :], held[n]) for n in numbers]
        support, lacking = _support(claim, [p for p in places if p], [h.chunk.text for h in sources], rules)
        supports.append(support)
        if support < rules.support or lacking:
            why = (
                f"{', '.join(lacking)} is in none of the sources it names"
                if lacking
                else f"its sources support it with {support:.2f}, less than {rules.support:g}"
            )
            flags.append(Flag("unsupported", claim.start, claim.end, why))
        for hit, place, own in zip(sources, places, exact, strict=True):
            spans += own or [place[0].span if place else hit.chunk.span]
    return Checked(tuple(dict.fromkeys(spans)), tuple(flags), tuple(round(s, 4) for s in supports))


def _sentences(cited: Sequence[int], hits: Sequence[Hit], language: str) -> tuple[dict[int, list[_Sentence]], list[str]]:
    """Return the sentences of each cited source, and their texts in the order of their rows."""
    held: dict[int, list[_Sentence]] = {}
    texts: list[str] = []
    for n in cited:
        chunk = hits[n - 1].chunk
        held[n] = []
        for a, b in sentences(chunk.text, language):
            held[n].append(_Sentence(Span(chunk.span.doc_id, chunk.span.start + a, chunk.span.start + b), chunk.text[a:b], len(texts)))
            texts.append(chunk.text[a:b])
    return held, texts


def _best(claim: Vectors, rows: Vectors, held: Sequence[_Sentence]) -> tuple[_Sentence, float] | None:
    """Return the sentence nearest to a claim and its cosine; of equal ones the first."""
    if not held:
        return None
    cosines = [float(rows[s.row] @ claim) for s in held]
    at = max(range(len(held)), key=lambda i: (cosines[i], -i))
    return held[at], min(1.0, max(0.0, cosines[at]))


def _support(claim: Claim, places: Sequence[tuple[_Sentence, float]], texts: Sequence[str], rules: Rules) -> tuple[float, list[str]]:
    """Return how well the cited texts support a claim, in [0, 1], and the numbers of the claim that none of them has."""
    terms = analyzer(rules.language).terms
    wanted, there = set(terms(claim.text)), {t for text in texts for t in terms(text)}
    share = len(wanted & there) / len(wanted) if wanted else 1.0
    numbers = {_plain(n) for text in texts for n in _NUMBER.findall(text)}
    lacking = [n for n in dict.fromkeys(_NUMBER.findall(claim.text)) if _plain(n) not in numbers]
    return 0.5 * max((c for _, c in places), default=0.0) + 0.5 * share, lacking


def _plain(number: str) -> str:
    """Return a number without thousands separators, and without zeros at its end where it is a decimal (2.50, not version 2.0.10)."""
    bare = number.replace(",", "")
    return bare.rstrip("0").rstrip(".") if bare.count(".") == 1 else bare


def locate(quote: str, hit: Hit) -> Span | None:
    """Return the span of a quote in a hit's text, None when it is not there.

    White space, dashes and quotation marks are taken as equal, and the text is read as a model was shown it: without hidden characters.
    """
    words = visible(quote)[0].translate(_FOLD).strip(" .,;:").split()
    if not words:
        return None
    stored = hit.chunk.text
    shown, gone = visible(stored)
    match = re.search(r"\s+".join(map(re.escape, words)), shown.translate(_FOLD), re.IGNORECASE)  # folding keeps every place
    if match is None:
        return None
    places = _places(shown, stored) if gone or len(shown) != len(stored) else range(len(stored))
    start = hit.chunk.span.start
    return Span(hit.chunk.span.doc_id, start + places[match.start()], start + places[match.end() - 1] + 1)


def _places(shown: str, stored: str) -> list[int]:
    """Return for each character that is shown its place in the stored text, of which it is a part with characters left out."""
    places: list[int] = []
    at = 0
    for char in shown:
        while stored[at] != char and not (char == "\n" and not stored[at].isprintable()):
            at += 1
        places.append(at)
        at += 1
    return places
