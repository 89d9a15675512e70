"""A judge of several: each reads the same claims, and their verdicts are made into one by majority, mean or logistic stack."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from eval.judges.base import Ahead, Asked, Claim, Critique, Judge, Judgement, Label, Missing, Preference, Why
from eval.judges.memoised import MemoisedJudge
from eval.judges.spec import JudgeSpec
from eval.judges.stack import stacked
from rag.errors import ConfigError
from rag.models.chat import Usage
from rag.registry import register
from rag.runtime import Runtime
from rag.stages import bounded
from rag.types import Document

Verdict = Judgement | Missing
T = TypeVar("T")


@register("ensemble")
@dataclass(frozen=True)
class Ensemble(JudgeSpec):
    """Judge by several judges: `{use: ensemble, of: [embedded, {use: nli, model: PATH}], by: majority}`.

    `majority`: supported when more than half say so. `mean`: when the mean of the members' scores, weighted by `weights` where
    given, reaches `threshold`. `logistic`: when `1 / (1 + exp(-(bias + sum of weight * score)))` does; that probability is the
    confidence, and with a single member it calibrates it. Weights are learned from labelled rows: `eval.judges.stack.fit`, or
    `fit_stack` on scores that are there already. Claims come from the first member, and what not every member can do from the first that can.
    """

    of: tuple[JudgeSpec, ...]
    by: Literal["majority", "mean", "logistic"] = "majority"
    weights: tuple[float, ...] = ()
    bias: float = 0.0
    threshold: float = bounded(0.5, gt=0, lt=1)

    def __post_init__(self) -> None:
        """Check that there are members, and parameters only where they mean something. Raises `ValueError`."""
        super().__post_init__()
        if not self.of or (self.by == "majority" and len(self.of) < 2):
            raise ValueError("of must name at least two judges for a majority, one for a mean or a stack")
        if self.by == "majority" and (self.weights, self.bias, self.threshold) != ((), 0.0, 0.5):
            raise ValueError("weights, bias and threshold belong to by: mean or by: logistic")
        if self.by == "mean" and (self.bias or min(self.weights, default=0.0) < 0 or (self.weights and not sum(self.weights))):
            raise ValueError("a mean has no bias, and its weights are 0 or more and not all 0")
        if len(self.weights) != len(self.of) and (self.weights or self.by == "logistic"):
            raise ValueError(f"weights must be {len(self.of)} numbers, one per judge, not {len(self.weights)}; eval.judges.stack.fit learns them")

    def open(self, documents: Sequence[Document], runtime: Runtime) -> Judge:
        """Return the judge with its members, each memoised by itself. Raises what they raise, and `ConfigError` when they read no language in common."""
        opened = [spec.open(documents, runtime) for spec in self.of]
        return EnsembleJudge(self, [MemoisedJudge(judge, runtime) for judge in opened], _common([judge.languages for judge in opened]))


class EnsembleJudge(Judge):
    """One verdict per claim out of those of the members.

    A member's missing verdict leaves that of a mean or a stack missing, for its reason. A majority goes on without it where it could
    not have changed the label, and says so.
    """

    version = 1

    def __init__(self, spec: Ensemble, members: Sequence[Judge], languages: tuple[str, ...] | None = None) -> None:
        """Take the specification, its opened members in order, and the languages that all of them read (None: any)."""
        self.spec, self.members = spec, tuple(members)
        self.threads = min(m.threads for m in members)
        self.languages = languages
        uses = [str(m.identity["use"]) for m in members]
        self.names = [use if uses.count(use) == 1 else f"{use} {uses[: i + 1].count(use)}" for i, use in enumerate(uses)]

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name, version, rule and parameters, and the identity of every member."""
        return self._with([dict(m.identity) for m in self.members])

    @property
    def certified_as(self) -> Mapping[str, Any]:
        """The same of what certificates of the members speak of."""
        return self._with([dict(m.certified_as) for m in self.members])

    def _with(self, members: list[dict[str, Any]]) -> Mapping[str, Any]:
        spec = self.spec
        settings = {"by": spec.by, "weights": list(spec.weights), "bias": spec.bias, "threshold": spec.threshold}
        return {"use": "ensemble", "version": self.version, **settings, "of": members}

    @contextmanager
    def together(self) -> Iterator[None]:
        """Enter the block of every member."""
        with ExitStack() as stack:
            for member in self.members:
                stack.enter_context(member.together())
            yield

    def claims(self, text: str, question: str = "") -> tuple[Claim, ...] | Missing:
        """Return the claims of the first member; all members judge these."""
        return self.members[0].claims(text, question)

    def support(self, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Verdict, ...]:
        """Return one verdict per claim, of all members' verdicts on it by its number."""
        rows = [_complete(m.support(claims, contexts, question), len(claims)) for m in self.members]
        combine = self._majority if self.spec.by == "majority" else self._stacked
        return tuple(combine([row[i] for row in rows]) for i in range(len(claims)))

    def _majority(self, verdicts: Sequence[Verdict]) -> Verdict:
        given = [v for v in verdicts if isinstance(v, Judgement)]
        votes = Counter(v.label for v in given)
        absent = len(verdicts) - len(given)
        label, why = _elected(votes)
        if any(_elected(votes + Counter({other: absent}))[0] is not label for other in Label):
            return self._lost(verdicts)
        said = [f"{votes[label]} of {len(given)} say {label}", *([why] if why else [])]
        said += [f"without {name} ({v.why}: {v.detail})" for name, v in zip(self.names, verdicts, strict=True) if isinstance(v, Missing)]
        return _merged(label, votes[Label.SUPPORTED] / len(given), None, given, "; ".join(said))

    def _stacked(self, verdicts: Sequence[Verdict]) -> Verdict:
        """Return the verdict of a weighted mean or a logistic stack of scores."""
        given = [v for v in verdicts if isinstance(v, Judgement)]
        if len(given) < len(verdicts):
            return self._lost(verdicts)
        scores = [v.score for v in given if v.score is not None]
        if len(scores) < len(given):
            silent = ", ".join(name for name, v in zip(self.names, given, strict=True) if v.score is None)
            return Missing(Why.NOT_APPLICABLE, f"{silent} gives no score, which by: {self.spec.by} needs; use by: majority")
        weights = self.spec.weights or (1.0,) * len(scores)
        if self.spec.by == "logistic":
            score = stacked(scores, weights, self.spec.bias)
        else:
            score = sum(w * s for w, s in zip(weights, scores, strict=True)) / sum(weights)
        label = Label.SUPPORTED if score >= self.spec.threshold else _refused(Counter(v.label for v in given))
        told = ", ".join(f"{name} {s:.2f}" for name, s in zip(self.names, scores, strict=True))
        return _merged(label, score, score if self.spec.by == "logistic" else None, given, f"{self.spec.by} {score:.2f} of {told}")

    def _lost(self, verdicts: Sequence[Verdict]) -> Missing:
        """Return the first missing verdict, with the name of who failed to give it."""
        name, missing = next((n, v) for n, v in zip(self.names, verdicts, strict=True) if isinstance(v, Missing))
        return Missing(missing.why, f"{name}: {missing.detail}")

    def ahead(self, asked: Sequence[Ahead]) -> None:
        """Have every member read ahead."""
        for member in self.members:
            member.ahead(asked)

    def similarity(self, a: str, b: str) -> float | Missing:
        """Return the similarity of the first member that can."""
        return self._first(lambda m: m.similarity(a, b))

    def asked(self, answer: str, contexts: Sequence[str], n: int) -> tuple[Asked, ...] | Missing:
        """Return the questions of the first member that can write some."""
        return self._first(lambda m: m.asked(answer, contexts, n))

    def entities(self, text: str) -> tuple[str, ...] | Missing:
        """Return the entities of the first member that can name some."""
        return self._first(lambda m: m.entities(text))

    def relevance(self, question: str, contexts: Sequence[str]) -> tuple[float | Missing, ...]:
        """Return the grades of the first member that can grade."""
        rows = (m.relevance(question, contexts) for m in self.members)
        return next((row for row in rows if not all(_unable(grade) for grade in row)), tuple(self._cannot("does not grade contexts") for _ in contexts))

    def critique(self, criterion: str, scale: Mapping[int, str], question: str, answer: str, contexts: Sequence[str]) -> Critique | Missing:
        """Return the critique of the first member that can."""
        return self._first(lambda m: m.critique(criterion, scale, question, answer, contexts))

    def prefer(self, question: str, a: str, b: str, contexts: tuple[Sequence[str], Sequence[str]], reference: str = "") -> Preference | Missing:
        """Return the preference of the first member that can."""
        return self._first(lambda m: m.prefer(question, a, b, contexts, reference))

    def _first(self, ask: Callable[[Judge], T | Missing]) -> T | Missing:
        """Return what the first member says that can do this at all; where it fails, that is not made up by another."""
        answers = (ask(m) for m in self.members)
        return next((a for a in answers if not _unable(a)), self._cannot("has no member that does this"))


def _elected(votes: Counter[Label]) -> tuple[Label, str]:
    """Return the label of the votes and why it is that one where it is no plain majority.

    Supported needs more than half. Else contradicted and not found are held against each other; a tie is the one of lower support.
    """
    yes, all_ = votes[Label.SUPPORTED], votes.total()
    if 2 * yes > all_:
        return Label.SUPPORTED, ""
    label = _refused(votes)
    if 2 * yes == all_:
        return label, "a tie, which is not support"
    tied = votes[Label.CONTRADICTED] == votes[Label.NOT_FOUND]
    return label, f"a tie of {Label.CONTRADICTED} and {Label.NOT_FOUND}, held to be the lower" if tied else ""


def _refused(votes: Counter[Label]) -> Label:
    """Return which of the two labels against support has more votes: contradicted where they are equal and there are any."""
    against, absent = votes[Label.CONTRADICTED], votes[Label.NOT_FOUND]
    return Label.CONTRADICTED if against >= absent and against else Label.NOT_FOUND


def _merged(label: Label, score: float, confidence: float | None, given: Sequence[Judgement], rationale: str) -> Judgement:
    """Return the verdict with the evidence of the members that say the same, and what all of them were sent."""
    evidence = dict.fromkeys(e for v in given if v.label is label for e in v.evidence)
    return Judgement(label, score, confidence, tuple(evidence), rationale, sum((v.usage for v in given), Usage()))


def _complete(found: Sequence[Verdict], claims: int) -> Sequence[Verdict]:
    """Return a member's verdicts, or none of them when there are too few or too many."""
    return found if len(found) == claims else [Missing(Why.COUNT_MISMATCH, f"{len(found)} verdicts for {claims} claims")] * claims


def _unable(found: object) -> bool:
    return isinstance(found, Missing) and found.why is Why.NOT_APPLICABLE


def _common(languages: Sequence[tuple[str, ...] | None]) -> tuple[str, ...] | None:
    """Return the languages in all of the lists, None when every list is open. Raises `ConfigError` when there is none."""
    named = [one for one in languages if one is not None]
    if not named:
        return None
    common = tuple(name for name in named[0] if all(name in other for other in named))
    if not common:
        raise ConfigError(f"of: the judges read no language in common ({'; '.join(', '.join(one) for one in named)}); choose others")
    return common
