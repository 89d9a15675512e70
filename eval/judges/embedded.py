"""The default judge, without a language model: the bundled encoder's token vectors, words, numbers and polarity, weighed by a logistic regression.

It sees likeness, not logic: swapped roles, other tenses and what follows only by reasoning are not noticed. docs/judge.md has its measured
error, which is large on single claims; do not print its scores beside those of another judge without naming both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eval.judges import _entities, _quotes
from eval.judges._candidates import MOST, Text
from eval.judges._features import ABOUT, Anchor, Features, measure, reading
from eval.judges._frequencies import Frequencies
from eval.judges._threads import one_thread
from eval.judges._tokens import Tokens, rarity
from eval.judges._weights import INTERCEPT, THRESHOLD, WEIGHTS, probability
from eval.judges.base import Ahead, Claim, Evidence, Judge, Judgement, Label, Missing, unmarked
from eval.judges.sentence_claims import sentence_claims
from eval.judges.spec import JudgeSpec
from eval.judges.words import merged, parse
from rag.errors import ModelError
from rag.models.encoder import Vectors
from rag.models.files import BUNDLED
from rag.registry import register
from rag.runtime import Runtime
from rag.stages import bounded, model
from rag.text import encodable
from rag.types import Document

Encode = Callable[[Sequence[str]], Vectors]
TokenVectors = Callable[[Sequence[str]], Sequence[Vectors]]
Pieces = Callable[[str], Sequence[tuple[int, int]]]
QUOTED = 0.98  # the confidence in a letter-for-letter quotation
_CLAIMS = 8192  # whose weights are kept
VETOED = 0.95  # a vetoed claim comes no nearer to the threshold than this share of it


@register("embedded")
@dataclass(frozen=True)
class Embedded(JudgeSpec):
    """Judge by an encoder's token vectors, words, numbers and polarity, without a language model.

    A claim is supported from a probability of `threshold` on. The weights were fitted with the bundled encoder; another one can be
    named, but nothing is known of its verdicts.
    """

    encoder: str = model("encoder", BUNDLED)
    threshold: float = bounded(THRESHOLD, gt=0, lt=1)

    def open(self, documents: Sequence[Document], runtime: Runtime) -> Judge:
        """Return the judge with the document frequencies of the corpus."""
        return EmbeddedJudge.over(Frequencies.of(d.text for d in documents), self, runtime)


class EmbeddedJudge(Judge):
    """Support as a probability from how the claim's tokens are met, its nearest sentence and its words, with vetoes on numbers and polarity."""

    version = 3
    language = "english"
    languages = (language,)

    def __init__(
        self,
        frequencies: Frequencies,
        encode: Encode,
        tokens: TokenVectors,
        encoder: Mapping[str, Any],
        threshold: float = THRESHOLD,
        pieces: Pieces | None = None,
    ) -> None:
        """Take the document frequencies, functions from texts to unit vectors (one row a text, one row a token) and that encoder's identity.

        `pieces` gives the places of a text's tokens; without it all tokens weigh the same.
        """
        self.frequencies, self.encode, self.tokens, self.pieces = frequencies, encode, Tokens(tokens), pieces
        self.threshold = threshold
        self._digest, self._encoder = frequencies.digest, dict(encoder)
        self._rarities: dict[str, Vectors] = {}

    @classmethod
    def over(cls, frequencies: Frequencies, spec: Embedded, runtime: Runtime) -> EmbeddedJudge:
        """Return the judge of a specification, with the models of a runtime."""
        encoder = runtime.encoder(spec.encoder)

        def tokens(texts: Sequence[str]) -> Sequence[Vectors]:
            runtime.work.encodes += len(texts)
            return encoder.token_vectors(texts)

        return cls(frequencies, lambda texts: runtime.embed(spec.encoder, texts, label=""), tokens, encoder.identity, spec.threshold, _pieces(spec, runtime))

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name, version, parameters, weights, table of frequencies and encoder."""
        weights = {**WEIGHTS, "intercept": INTERCEPT, "vetoed": VETOED, "about": ABOUT, "quoted": QUOTED}
        settings = {"language": self.language, "threshold": self.threshold, "read": MOST, "weights": weights}
        return {"use": "embedded", "version": self.version, **settings, "frequencies": self._digest, "encoder": self._encoder}

    @property
    def certified_as(self) -> Mapping[str, Any]:
        """The identity without the frequencies of the corpus and without the encoder's precision, which differs by processor and moves cosines by 1e-4."""
        encoder = {k: v for k, v in self._encoder.items() if k != "precision"}
        return {k: v for k, v in self.identity.items() if k != "frequencies"} | {"encoder": encoder}

    def claims(self, text: str, question: str = "") -> tuple[Claim, ...]:
        """Return the sentences, without citation marks, that hold a content word or a number."""
        return sentence_claims(text, self.language)

    def similarity(self, a: str, b: str) -> float | Missing:
        """Return the cosine of the encoder's vectors, citation marks left out."""
        left, right = (np.asarray(row, dtype=np.float64) for row in self.encode([encodable(unmarked(t)) for t in (a, b)]))
        return float(left @ right)

    def entities(self, text: str) -> tuple[str, ...]:
        """Return the capitalised names, acronyms and numbers with units, see `_entities`."""
        return _entities.entities(unmarked(text), self.language)

    def relevance(self, question: str, contexts: Sequence[str]) -> tuple[float | Missing, ...]:
        """Return for each context the mean of its cosine to the question and the share of the question's words, weighted by rarity, that it holds.

        Both count as 0 to 1, so the grade rises with either. It is a grade of likeness: a context that repeats the question has 1.
        """
        if not contexts:
            return ()
        asked = merged(parse(unmarked(question), self.language))
        weights = {unit: self.frequencies.weight(unit) for unit in sorted(asked.units)}
        total = sum(weights.values())
        rows = np.asarray(self.encode([encodable(unmarked(t)) for t in (question, *contexts)]), dtype=np.float64)
        grades: list[float] = []
        for row, context in zip(rows[1:], contexts, strict=True):
            there = merged(parse(unmarked(context), self.language)).units
            near = min(1.0, max(0.0, float(rows[0] @ row)))
            grades.append((near + sum(w for unit, w in weights.items() if unit in there) / total) / 2 if total else near)
        return tuple(grades)

    def support(self, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Judgement | Missing, ...]:  # part of the interface
        """Return one verdict per claim; the question plays no part in it."""
        quotes = _quotes.Quotes(contexts)
        found = [_quoted(quotes.find(claim.text)) for claim in claims]
        order = sorted(range(len(contexts)), key=contexts.__getitem__)  # so that the order they come in decides no tie
        texts = [_text(contexts[i], self.language) for i in order]
        read = iter(self._measured([claim.text for claim, done in zip(claims, found, strict=True) if done is None], texts))
        return tuple(self._verdict(*next(read), texts, order) if done is None else done for done in found)

    def ahead(self, asked: Sequence[Ahead]) -> None:
        """Encode the claims and every sentence of the contexts together: many short calls of the encoder take several times as long."""
        claims = [claim.text for a in asked for text in a.texts for claim in self.claims(text)]
        shown = dict.fromkeys(context for a in asked for context in a.contexts)
        texts = [_text(context, self.language) for context in shown]
        self.tokens.keep([*claims, *(text.sentence(i) for text in texts for i in range(len(text.sentences)))])
        self.encode([encodable(unmarked(text)) for a in asked for text in (a.question, *a.texts)])

    def together(self) -> AbstractContextManager[None]:
        """Return a block in which numpy computes in one thread."""
        return one_thread()

    def features(self, claim: str, contexts: Sequence[str]) -> Features:
        """Return what the verdict on a claim would be made of, were it no quotation."""
        ((found, _),) = self._measured([claim], [_text(context, self.language) for context in contexts])
        return found

    def _measured(self, claims: Sequence[str], texts: Sequence[Text]) -> list[tuple[Features, Anchor | None]]:
        """Measure claims; whatever has to be encoded for them is encoded in one call."""
        plan = [reading(claim, merged(parse(claim, self.language)), texts, self.frequencies) for claim in claims]
        rows = self.tokens([t for r in plan for t in (r.text, *(texts[c.context].sentence(c.sentence) for c in r.candidates))])
        return [measure(r, texts, rows, self._weights(r.text, len(rows[r.text].tokens))) for r in plan]

    @staticmethod
    def lowered(likely: ArrayLike, threshold: float) -> NDArray[np.float64]:
        """Return vetoed probabilities: in the same order, none at the threshold, small ones all but unchanged (`t tanh(p / t)`)."""
        return np.asarray(VETOED * threshold * np.tanh(np.asarray(likely, dtype=np.float64) / threshold))

    def _weights(self, claim: str, tokens: int) -> Vectors:
        """Return how much each token of a claim weighs; it is held against many contexts, so its weights are kept."""
        if claim not in self._rarities:
            if len(self._rarities) >= _CLAIMS:
                self._rarities.clear()
            places = self.pieces(encodable(claim)) if self.pieces else ()
            self._rarities[claim] = rarity(claim, places, tokens, self.frequencies.weight, self.language)
        return self._rarities[claim]

    def _verdict(self, features: Features, anchor: Anchor | None, texts: Sequence[Text], order: Sequence[int]) -> Judgement:
        """Return the verdict: by the probability, unless a number or the polarity speaks against it."""
        if anchor is None:
            return Judgement(Label.NOT_FOUND, 0.0, 0.0, rationale="no word of it was found")
        likely = round(probability(features), 6)
        veto = features.veto
        score = round(float(self.lowered(likely, self.threshold)), 6) if veto else likely
        sentences = texts[anchor.context].sentences
        evidence = (Evidence(order[anchor.context], sentences[anchor.first].start, sentences[anchor.last].end),)
        if likely < self.threshold:
            return Judgement(Label.NOT_FOUND, score, score, evidence, veto or "nothing there comes near enough to what it says")
        if veto:
            return Judgement(Label.CONTRADICTED if features.opposed else Label.NOT_FOUND, score, score, evidence, veto)
        return Judgement(Label.SUPPORTED, score, score, evidence, "the passage says nearly the same, with its numbers and its polarity")


def _pieces(spec: Embedded, runtime: Runtime) -> Pieces | None:
    try:
        return runtime.tokenizer(spec.encoder).offsets
    except ModelError:  # a model without a tokenizer file, such as the hashing one
        return None


def _quoted(place: Evidence | None) -> Judgement | None:
    return Judgement(Label.SUPPORTED, 1.0, QUOTED, (place,), "quoted") if place else None


@lru_cache(maxsize=8192)
def _text(context: str, language: str) -> Text:
    """Return a context with its sentences, citation marks blanked out; recent ones are remembered, as `parse` does."""
    clean = encodable(unmarked(context))
    return Text(clean, parse(clean, language))
