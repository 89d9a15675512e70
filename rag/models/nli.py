"""The adapter to models of natural language inference: how far a premise entails or contradicts a hypothesis."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rag.errors import ModelError
from rag.models.classifier import PairClassifier
from rag.models.files import locate
from rag.models.pairs import Pair

ENTAILMENT, CONTRADICTION, NEUTRAL, NOT_ENTAILMENT = "entailment", "contradiction", "neutral", "not_entailment"
LABELS = (ENTAILMENT, CONTRADICTION, NEUTRAL, NOT_ENTAILMENT)
_NAMES = {
    ENTAILMENT: {"entailment", "entail", "entails", "entailed", "support", "supports", "supported", "consistent", "grounded", "faithful"},
    CONTRADICTION: {"contradiction", "contradict", "contradicts", "contradicted", "contradictory", "refute", "refutes", "refuted"},
    NEUTRAL: {"neutral", "not enough info", "not enough information", "nei"},
    NOT_ENTAILMENT: {
        "not entailment", "non entailment", "not entailed", "no entailment", "not supported", "unsupported", "inconsistent",
        "not grounded", "ungrounded", "unfaithful", "hallucination", "hallucinated",
    },
}  # fmt: skip
_ROLES = {name: role for role, names in _NAMES.items() for name in names}
_SETS = ({ENTAILMENT}, {ENTAILMENT, NOT_ENTAILMENT}, {ENTAILMENT, CONTRADICTION}, {ENTAILMENT, NEUTRAL}, {ENTAILMENT, NEUTRAL, CONTRADICTION})
_FIX = "say what its outputs mean, in their order, such as labels: [contradiction, neutral, entailment]"


@dataclass(frozen=True, slots=True)
class Inference:
    """What a model says of a pair: probabilities as the model gives them, and the tokens it read.

    What is neither entailment nor contradiction is neutral. A model without a label for neutral cannot tell a contradiction from
    silence, so all that it does not find entailed is neutral.
    """

    entailment: float
    contradiction: float
    tokens: int

    @property
    def neutral(self) -> float:
        """What is left."""
        return max(0.0, 1.0 - self.entailment - self.contradiction)


class NliModel(PairClassifier):
    """Pairs of premise and hypothesis to probabilities: the softmax of several labels, the sigmoid of a single one.

    `identity` names everything that can change a probability; `labels` says what each output means.
    """

    def __init__(self, name: str, precision: str = "auto", max_tokens: int | None = None, labels: Sequence[str] | None = None) -> None:
        """Find the model's files and read its labels, unless `labels` gives them. Raises `ModelError` when that cannot be done."""
        _found(name)
        super().__init__(name, precision, max_tokens)
        self.labels = read_labels(self.config, labels, str(self.directory))
        self.identity: dict[str, Any] = {
            "name": name,
            "digest": self.digest,
            "max_tokens": self.max_tokens,
            "precision": self.precision,
            "labels": list(self.labels),
        }

    def lengths(self, pairs: Sequence[Pair]) -> list[int]:
        """Return how many tokens each pair has, special tokens included."""
        return [len(row["input_ids"]) for row in self.rows(pairs)]

    def infer(self, pairs: Sequence[Pair], batch_tokens: int) -> list[Inference]:
        """Return what the model says of each (premise, hypothesis), in order.

        Nothing is cut: raises `ModelError` for a pair of more than `max_tokens`, and when the model gives what is no number.
        """
        rows = self.rows(pairs)
        longest = max((len(row["input_ids"]) for row in rows), default=0)
        if longest > self.max_tokens:
            raise ModelError(f"a pair of {longest} tokens does not fit the {self.max_tokens} that {self.name!r} reads; give it a shorter premise")
        found = self.logits(rows, batch_tokens)
        return [self._inference(logits, len(row["input_ids"])) for logits, row in zip(found, rows, strict=True)]

    def _inference(self, logits: Sequence[float], tokens: int) -> Inference:
        if len(logits) != len(self.labels) or not all(math.isfinite(x) for x in logits):
            raise ModelError(f"model {self.name!r} returned {list(logits)[:4]} for {len(self.labels)} labels; check its files, or another precision")
        if len(logits) == 1:
            return Inference(_sigmoid(logits[0]), 0.0, tokens)
        top = max(logits)
        powers = [math.exp(x - top) for x in logits]
        shares = {label: p / sum(powers) for label, p in zip(self.labels, powers, strict=True)}
        return Inference(shares[ENTAILMENT], shares.get(CONTRADICTION, 0.0) if NEUTRAL in shares else 0.0, tokens)


def _found(name: str) -> None:
    """Raise `ModelError` with the fix that helps here when the model is nowhere to be had."""
    try:
        locate(name)
    except ModelError as error:
        told = str(error).split(";", 1)[0]
        fix = "give the directory of an NLI classifier (config.json, tokenizer.json, *.safetensors), or a hub id that can be reached or was downloaded before"
        raise ModelError(f"{told}; {fix}") from None


def role(name: str) -> str | None:
    """Return which of `LABELS` a label's name means, in any spelling (`ENTAILMENT`, `Not-Entailment`, `SUPPORTS`), None for one that says nothing."""
    return _ROLES.get(" ".join(re.split(r"[\s_\-]+", name.casefold().strip())))


def sound(roles: Sequence[str | None]) -> bool:
    """Whether the outputs of one model can mean this: each known and different, entailment among them."""
    return len(set(roles)) == len(roles) and set(roles) in _SETS


def read_labels(config: Mapping[str, object], given: Sequence[str] | None, place: str) -> tuple[str, ...]:
    """Return which of `LABELS` each output of a model means, in order: what is given, else what `config.json` says.

    A single output is entailment whatever its name, unless that says the opposite. Raises `ModelError` that names `place`.
    """
    if config.get("problem_type") == "multi_label_classification":
        raise ModelError(f"{place}: its labels do not exclude each other (multi_label_classification); choose a model of one label per pair")
    names = _named(config, place, given is not None)
    if given is not None:
        roles = tuple(role(n) for n in given)
        if len(given) != len(names) or not sound(roles):
            raise ModelError(f"{place} has {len(names)} outputs ({', '.join(names)}), which cannot be [{', '.join(given)}]; {_FIX}")
        return tuple(r for r in roles if r)
    roles = tuple(role(n) for n in names)
    if len(roles) == 1 and roles[0] is None:
        return (ENTAILMENT,)
    if not sound(roles):
        raise ModelError(f"{place}: the labels {', '.join(names)} of its config.json do not say which is entailment, contradiction and neutral; {_FIX}")
    return tuple(r for r in roles if r)


def _named(config: Mapping[str, object], place: str, given: bool) -> list[str]:
    """Return the names of the outputs in their order: `id2label`, else `label2id`, else the two that leaving both out means."""
    by_id, by_name = config.get("id2label"), config.get("label2id")
    here = {str(k): str(v) for k, v in by_id.items()} if isinstance(by_id, dict) and by_id else {}
    there = {str(v): str(k) for k, v in by_name.items()} if isinstance(by_name, dict) and by_name else {}
    if not given and any(role(name) and role(there.get(i, "")) not in (None, role(name)) for i, name in here.items()):
        raise ModelError(f"{place}: id2label and label2id of its config.json say different things; {_FIX}")
    found = here or there or {"0": "LABEL_0", "1": "LABEL_1"}
    if set(found) != {str(i) for i in range(len(found))}:
        raise ModelError(f"{place}: id2label of its config.json does not number the labels from 0; repair it or choose another model")
    return [found[str(i)] for i in range(len(found))]


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
