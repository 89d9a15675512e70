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
        quoted = _quoted(claim, [hits[n - 1] for n in numbers])
        flags += [Flag("bad_quote", claim.start, claim.end, "the quoted words are in none of the sources it names") for span in quoted if span is None]
        places = [_best(rows[i], rows[len(found) :], held[n]) for n in numbers]
        support, lacking = _support(claim, [p for p in places if p], [hits[n - 1].chunk.text for n in numbers], rules)
        supports.append(support)
        if support < rules.support or lacking:
            why = (
                f"{', '.join(lacking)} is in none of the sources it names"
                if lacking
                else f"its sources support it with {support:.2f}, less than {rules.support:g}"
            )
            flags.append(Flag("unsupported", claim.start, claim.end, why))
        exact = [s for s in quoted if s is not None]
        spans += exact or [p[0].span if p else hits[n - 1].chunk.span for n, p in zip(numbers, places, strict=True)]
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
    return re.sub(r",(?=\d{3}\b)", "", number).rstrip("0").rstrip(".") if "." in number else number.replace(",", "")


def _quoted(claim: Claim, hits: Sequence[Hit]) -> list[Span | None]:
    """Return where each quote of a claim stands in the sources it names, None where in none."""
    found: list[Span | None] = []
    for quote in claim.quotes:
        spans = [s for hit in hits if (s := locate(quote, hit)) is not None]
        found.append(spans[0] if spans else None)
    return found


def locate(quote: str, hit: Hit) -> Span | None:
    """Return the span of a quote in a hit's text, white space, dashes and quotation marks taken as equal; None when it is not there."""
    words = quote.translate(_FOLD).strip(" .,;:").split()
    if not words:
        return None
    text = hit.chunk.text.translate(_FOLD)  # one character for one, so that offsets stay
    match = re.search(r"\s+".join(map(re.escape, words)), text, re.IGNORECASE)
    if match is None:
        return None
    start = hit.chunk.span.start
    return Span(hit.chunk.span.doc_id, start + match.start(), start + match.end())
