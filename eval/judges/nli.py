"""A judge by natural language inference: a claim is supported when a model says that one window of a context entails it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from eval.judges._nli_windows import windows
from eval.judges.base import Claim, Evidence, Judge, Judgement, Label, Missing, Why, unmarked
from eval.judges.sentence_claims import sentence_claims
from eval.judges.spec import JudgeSpec
from eval.judges.words import cut
from rag.errors import ModelError
from rag.models.chat import Usage
from rag.models.files import BUNDLED
from rag.models.nli import LABELS, NEUTRAL, Inference, NliModel, role, sound
from rag.registry import register
from rag.runtime import Runtime
from rag.stages import bounded, incidental
from rag.stages import model as named
from rag.text import check_language, encodable, trim
from rag.types import Document

LEAST = 16  # tokens of a context that must fit beside a claim: with fewer there is nothing to judge by
Encode = Callable[[Sequence[str]], NDArray[np.float32]]


@register("nli")
@dataclass(frozen=True)
class Nli(JudgeSpec):
    """Judge by a model of natural language inference; it needs its weights and no chat model.

    `model` is a directory or a hub id of a sequence classifier (plain transformers or a CrossEncoder of sentence-transformers,
    weights in safetensors, no code of its own): of three labels, of two (entailment or not), or of one, whose sigmoid counts. What
    its outputs mean is read from its config.json; `labels` says it, in their order, where that does not. Contexts are read in
    windows of at most `window` tokens, a new one at most every `stride`, cut at sentence ends. `language: none` is for models of
    many languages. `calibrated: true` says that the model's probabilities may be read as such; only then is there a confidence.
    """

    model: str
    labels: tuple[str, ...] | None = None
    threshold: float = bounded(0.5, gt=0, lt=1)
    window: int = bounded(256, ge=LEAST)
    stride: int = bounded(192, ge=1)
    max_tokens: int | None = bounded(None, ge=2 * LEAST)
    precision: Literal["auto", "float32", "bfloat16", "int8"] = "auto"
    language: str = "english"
    calibrated: bool = False
    encoder: str = named("encoder", BUNDLED)
    batch_tokens: int = incidental(2048, ge=1)

    def __post_init__(self) -> None:
        """Check bounds, language and labels. Raises `ValueError`."""
        super().__post_init__()
        check_language(self.language)
        if self.stride > self.window:
            raise ValueError(f"stride must be at most the window's {self.window} tokens, not {self.stride}: what lies between would not be read")
        if self.labels is not None and not sound([role(name) for name in self.labels]):
            raise ValueError(f"labels must name each output once and entailment among them, such as {list(LABELS[:3])}, not {list(self.labels)}")

    def open(self, documents: Sequence[Document], runtime: Runtime) -> Judge:
        """Return the judge; weights are read when the first claim is judged. Raises `ModelError`."""
        precision = runtime.precision if self.precision == "auto" else self.precision
        opened = NliModel(self.model, precision, self.max_tokens, self.labels)
        return NliJudge(self, opened, lambda texts: runtime.embed(self.encoder, texts), runtime.encoder(self.encoder).identity)


@dataclass(frozen=True, slots=True)
class _Place:
    """A window of a context to read a claim against."""

    claim: int
    context: int
    start: int
    end: int


class NliJudge(Judge):
    """Support by the most entailing window of all contexts.

    A claim that follows only from two windows taken together is not found: windows are judged one by one. CONTRADICTED is what the
    window says of which the model is surest that it speaks of the claim at all (the least neutral one); a model without a label
    for neutral never says it.
    """

    version = 1

    def __init__(self, spec: Nli, opened: NliModel, encode: Encode, encoder: Mapping[str, Any]) -> None:
        """Take the specification, its opened model, a function from texts to unit vectors (one row each) and that encoder's identity."""
        self.spec, self.model, self.encode = spec, opened, encode
        self._encoder = dict(encoder)
        self.languages = None if spec.language == "none" else (spec.language,)

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name, version, parameters, the model with its weights, labels and precision, and the encoder."""
        spec = self.spec
        settings = {"threshold": spec.threshold, "window": spec.window, "stride": spec.stride, "language": spec.language, "calibrated": spec.calibrated}
        return {"use": "nli", "version": self.version, **settings, "model": self.model.identity, "encoder": self._encoder}

    @property
    def certified_as(self) -> Mapping[str, Any]:
        """The identity without where the model was found: the same weights are the same judge."""
        return {**self.identity, "model": {k: v for k, v in self.model.identity.items() if k != "name"}}

    def claims(self, text: str, question: str = "") -> tuple[Claim, ...]:
        """Return the sentences, without citation marks, that hold a content word or a number: those of the embedded judge."""
        return sentence_claims(text, self.spec.language)

    def similarity(self, a: str, b: str) -> float | Missing:
        """Return the cosine of the encoder's vectors, citation marks left out."""
        left, right = (np.asarray(row, dtype=np.float64) for row in self.encode([unmarked(a), unmarked(b)]))
        return float(left @ right)

    def support(self, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Judgement | Missing, ...]:
        """Return one verdict per claim; the question plays no part in it. A model that fails leaves every verdict missing."""
        try:
            return self._support([" ".join(encodable(unmarked(c.text)).split()) for c in claims], [encodable(unmarked(c)) for c in contexts])
        except ModelError as error:
            return tuple(Missing(Why.ERROR, str(error)[:300]) for _ in claims)

    def _support(self, claims: Sequence[str], contexts: Sequence[str]) -> tuple[Judgement | Missing, ...]:
        rooms = [self.model.max_tokens - n for n in self.model.lengths([("", claim) for claim in claims])]
        refused = [self._refused(claim, room) for claim, room in zip(claims, rooms, strict=True)]
        grids = [_Grid(text, self.model.offsets(text), self.spec) for text in contexts]
        asked = [i for i, missing in enumerate(refused) if missing is None]
        places = self._fitted([_Place(i, n, a, b) for i in asked for n, grid in enumerate(grids) for a, b in grid.windows(rooms[i])], claims, contexts)
        pairs = {place: (contexts[place.context][place.start : place.end], claims[place.claim]) for place in places}
        distinct = list(dict.fromkeys(pairs.values()))
        known = dict(zip(distinct, self.model.infer(distinct, self.spec.batch_tokens), strict=True))
        read: dict[int, list[tuple[_Place, Inference]]] = {i: [] for i in asked}
        for place in places:
            read[place.claim].append((place, known[pairs[place]]))
        return tuple(missing or self._verdict(read[i]) for i, missing in enumerate(refused))

    def _refused(self, claim: str, room: int) -> Missing | None:
        if not claim:
            return Missing(Why.NOT_APPLICABLE, "the claim is blank")
        if room < LEAST:
            told = f"the claim leaves {max(0, room)} of the {self.model.max_tokens} tokens that {self.spec.model} reads for a context; {LEAST} are needed"
            return Missing(Why.TOO_LONG, told)
        return None

    def _fitted(self, places: Sequence[_Place], claims: Sequence[str], contexts: Sequence[str]) -> list[_Place]:
        """Return the places in order, with every window halved that makes more tokens by itself than within its context."""
        done: list[_Place] = []
        while places:
            lengths = self.model.lengths([(contexts[p.context][p.start : p.end], claims[p.claim]) for p in places])
            done += [p for p, n in zip(places, lengths, strict=True) if n <= self.model.max_tokens]
            places = [half for p, n in zip(places, lengths, strict=True) if n > self.model.max_tokens for half in _halves(p, contexts[p.context])]
        return sorted(done, key=lambda p: (p.claim, p.context, p.start))

    def _verdict(self, read: Sequence[tuple[_Place, Inference]]) -> Judgement:
        if not read:
            return Judgement(Label.NOT_FOUND, 0.0, 0.0 if self.spec.calibrated else None, rationale="no context to read")
        numbers = [(round(said.entailment, 6), round(said.contradiction, 6), round(said.neutral, 6)) for _, said in read]  # what batches cannot change
        best = max(range(len(read)), key=lambda i: (numbers[i][0], -i))
        near = min(range(len(read)), key=lambda i: (numbers[i][2], i))
        score, (entailed, contradicted, neutral) = numbers[best][0], numbers[near]
        label = Label.SUPPORTED if score >= self.spec.threshold else Label.CONTRADICTED if contradicted > max(entailed, neutral) else Label.NOT_FOUND
        shown = near if label is Label.CONTRADICTED else best
        place = read[shown][0]
        said = f"entailment {numbers[shown][0]:.2f}" + (f", contradiction {numbers[shown][1]:.2f}" if NEUTRAL in self.model.labels else "")
        return Judgement(
            label,
            score,
            score if self.spec.calibrated else None,
            (Evidence(place.context, place.start, place.end),),
            f"{said} in window {shown + 1} of {len(read)}",
            Usage(prompt=sum(said.tokens for _, said in read)),
        )


class _Grid:
    """One context, cut into windows as a claim leaves room for them."""

    def __init__(self, text: str, offsets: Sequence[tuple[int, int]], spec: Nli) -> None:
        self._text, self._offsets, self._spec = text, offsets, spec
        self._starts = [start for start, _ in cut(text, spec.language)]
        self._known: dict[int, list[tuple[int, int]]] = {}

    def windows(self, room: int) -> list[tuple[int, int]]:
        """Return the character ranges of the windows, none blank, for a claim that leaves room for so many tokens."""
        size = min(self._spec.window, room)
        if size not in self._known:
            stride = max(1, self._spec.stride * size // self._spec.window)
            spans = [trim(self._text, a, b) for a, b in windows(self._offsets, self._starts, size, stride)]
            self._known[size] = [(a, b) for a, b in spans if a < b]
        return self._known[size]


def _halves(place: _Place, text: str) -> list[_Place]:
    """Return both halves of a window, cut at a space where there is one. Raises `ModelError` for a single character."""
    if place.end - place.start < 2:
        raise ModelError(f"one character makes more tokens than fit beside the claim ({text[place.start : place.end]!r}); use a model that reads more")
    middle = (place.start + place.end + 1) // 2
    space = text.rfind(" ", place.start + 1, middle)
    at = space if space > 0 else middle
    spans = [trim(text, a, b) for a, b in ((place.start, at), (at, place.end))]
    return [_Place(place.claim, place.context, a, b) for a, b in spans if a < b]
