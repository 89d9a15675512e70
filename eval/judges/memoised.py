"""Wraps a judge so that the same verdict is never asked for twice, and text in a language it does not read is refused; failures are never kept.

What was asked lately is kept as it was given, beside the memo: several metrics ask for the same, and several configurations show the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

from eval.judges._buffered import Buffer
from eval.judges.base import Ahead, Asked, Claim, Critique, Evidence, Judge, Judgement, Label, Missing, Preference, Why
from eval.scripts import foreign
from rag.fingerprint import key
from rag.models.chat import Usage
from rag.runtime import Runtime

T = TypeVar("T")
_LATELY = 16_384  # claims of texts and sets of verdicts that are kept as they were given; texts are shared with the rows they come from


class MemoisedJudge(Judge):
    """The same judge, with what it says under content keys of its identity and of everything it was shown."""

    def __init__(self, judge: Judge, runtime: Runtime) -> None:
        """Take the judge and the runtime whose memo and counters to use."""
        self._judge, self._runtime = judge, runtime
        self._key = key("judge", 2, judge.identity)
        self._lately: dict[Hashable, Any] = {}
        self._buffer = Buffer(runtime)
        self.threads = judge.threads

    @property
    def identity(self) -> Mapping[str, Any]:
        """The identity of the judge inside."""
        return self._judge.identity

    @property
    def certified_as(self) -> Mapping[str, Any]:
        """What a certificate of the judge inside speaks of."""
        return self._judge.certified_as

    def claims(self, text: str, question: str = "") -> tuple[Claim, ...] | Missing:
        """Return the checkable statements of a text, extracted once for every metric."""
        at = ("claims", text, question)
        if (found := self._lately.get(at)) is not None:
            return found  # type: ignore[no-any-return]  # what was kept here under this name
        if missing := self._foreign(text):
            return missing
        made = self._kept("claims", [text, question], 0, lambda: self._judge.claims(text, question), lambda rows: tuple(Claim(**r) for r in rows))
        return made if isinstance(made, Missing) else self._late(at, made)

    def support(self, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Judgement | Missing, ...]:
        """Return one verdict per claim, from the memo where it is known."""
        at = ("support", tuple(c.text for c in claims), tuple(contexts), question)
        if (late := self._lately.get(at)) is not None:
            return late  # type: ignore[no-any-return]  # what was kept here under this name
        if missing := self._foreign(" ".join(c.text for c in claims)):
            return tuple(missing for _ in claims)
        name = self._support_key(claims, contexts, question)
        found = self._read(name, lambda rows: tuple(_judgement(r) for r in rows))
        if found is not None:
            return self._late(at, found)
        self._runtime.work.judgements += len(claims)
        judged = self._judge.support(claims, contexts, question)
        if any(isinstance(j, Missing) for j in judged):
            return judged
        self._keep(name, [_plain_judgement(j) for j in judged if isinstance(j, Judgement)])
        return self._late(at, judged)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Write verdicts to the memo many at a time while the block runs, and at its end; those of a judge that takes several questions, waiting for others, at once."""
        with ExitStack() as stack:
            stack.enter_context(self._judge.together())
            if self.threads == 1:
                stack.enter_context(self._buffer.held())
            yield

    def ahead(self, asked: Sequence[Ahead]) -> None:
        """Have the judge read what is not remembered already."""
        self._judge.ahead([a for a in asked if not self._known(a)])

    def _late(self, at: Hashable, given: T) -> T:
        """Keep what was given as it is, and return it; when there is much of it, all is dropped."""
        if len(self._lately) >= _LATELY:
            self._lately.clear()
        self._lately[at] = given
        return given

    def _known(self, asked: Ahead) -> bool:
        found = [self.claims(text, asked.question) for text in asked.texts]
        ready = [claims for claims in found if not isinstance(claims, Missing) and claims]
        open_ = [c for c in ready if ("support", tuple(one.text for one in c), tuple(asked.contexts), asked.question) not in self._lately]
        names = [self._support_key(claims, asked.contexts, asked.question) for claims in open_]
        return len(self._buffer.get_many(names)) == len(set(names))

    def _support_key(self, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> str:
        return key(self._key, "support", [c.text for c in claims], list(contexts), question)

    def similarity(self, a: str, b: str) -> float | Missing:
        """Return how alike two texts are; the encoder underneath keeps its vectors itself."""
        at = ("similarity", a, b)
        if (found := self._lately.get(at)) is not None:
            return found  # type: ignore[no-any-return]  # what was kept here under this name
        if missing := self._foreign(f"{a} {b}"):
            return missing
        made = self._judge.similarity(a, b)
        return made if isinstance(made, Missing) else self._late(at, made)

    def asked(self, answer: str, contexts: Sequence[str], n: int) -> tuple[Asked, ...] | Missing:
        """Return questions that the answer would answer."""
        if missing := self._foreign(answer):
            return missing
        return self._kept("asked", [answer, list(contexts), n], 1, lambda: self._judge.asked(answer, contexts, n), lambda rows: tuple(Asked(**r) for r in rows))

    def entities(self, text: str) -> tuple[str, ...] | Missing:
        """Return the entities that a text names."""
        if missing := self._foreign(text):
            return missing
        return self._kept("entities", [text], 1, lambda: self._judge.entities(text), tuple)

    def relevance(self, question: str, contexts: Sequence[str]) -> tuple[float | Missing, ...]:
        """Return for each context how far it helps to answer the question."""
        if missing := self._foreign(question):
            return tuple(missing for _ in contexts)
        name = key(self._key, "relevance", question, list(contexts))
        found = self._read(name, lambda rows: tuple(float(r) for r in rows))
        if found is not None:
            return found
        self._runtime.work.judgements += len(contexts)
        graded = self._judge.relevance(question, contexts)
        if not any(isinstance(g, Missing) for g in graded):
            self._keep(name, list(graded))
        return graded

    def critique(self, criterion: str, scale: Mapping[int, str], question: str, answer: str, contexts: Sequence[str]) -> Critique | Missing:
        """Return a score of the answer by a criterion."""
        shown = [criterion, sorted(scale.items()), question, answer, list(contexts)]
        return self._kept("critique", shown, 1, lambda: self._judge.critique(criterion, scale, question, answer, contexts), lambda row: Critique(**row))

    def prefer(self, question: str, a: str, b: str, contexts: tuple[Sequence[str], Sequence[str]], reference: str = "") -> Preference | Missing:
        """Return which of two answers is better."""
        shown = [question, a, b, [list(c) for c in contexts], reference]
        return self._kept("prefer", shown, 1, lambda: self._judge.prefer(question, a, b, contexts, reference), lambda row: Preference(**row))

    def _foreign(self, text: str) -> Missing | None:
        why = foreign(text, self._judge.languages)
        return Missing(Why.UNREADABLE, f"the judge {self.identity['use']} {why}") if why else None

    def _kept(self, task: str, shown: Sequence[object], judgements: int, make: Callable[[], T | Missing], read: Callable[[Any], T]) -> T | Missing:
        """Return what is in the memo under this task and what was shown, else make it and keep it unless it is missing."""
        name = key(self._key, task, list(shown))
        found = self._read(name, read)
        if found is not None:
            return found
        made = make()
        if not isinstance(made, Missing):
            self._runtime.work.judgements += judgements
            self._keep(name, _plain(made))
        return made

    def _read(self, name: str, read: Callable[[Any], T]) -> T | None:
        """Return a kept entry, None when it is absent or cannot be read (it is then judged again)."""
        data = self._buffer.get_many([name]).get(name)
        try:
            return read(json.loads(data)) if data else None
        except (ValueError, KeyError, TypeError):
            return None

    def _keep(self, name: str, value: object) -> None:
        self._buffer.put(name, json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _plain(made: object) -> object:
    if isinstance(made, tuple):
        return [_plain(m) for m in made]
    return made if isinstance(made, str) else asdict(made)  # type: ignore[call-overload]  # everything else a judge returns is a dataclass


def _plain_judgement(judged: Judgement) -> dict[str, Any]:
    """Return the same as `dataclasses.asdict`, which takes ten times as long."""
    evidence = [{"context": e.context, "start": e.start, "end": e.end} for e in judged.evidence]
    plain = {"label": judged.label, "score": judged.score, "confidence": judged.confidence, "evidence": evidence, "rationale": judged.rationale}
    return {**plain, "usage": _NO_USAGE if judged.usage == Usage() else asdict(judged.usage)}


_NO_USAGE = asdict(Usage())


def _judgement(row: Mapping[str, Any]) -> Judgement:
    evidence = tuple(Evidence(**e) for e in row["evidence"])
    return Judgement(Label(row["label"]), row["score"], row["confidence"], evidence, row["rationale"], Usage(**row["usage"]))
