"""Wraps a judge so that the same verdict is never asked for twice; failures are never kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from eval.judges.base import Claim, Evidence, Judge, Judgement, Label, Missing
from rag.fingerprint import key
from rag.runtime import Runtime


class MemoisedJudge:
    """The same judge, with verdicts under content keys of its identity, the claims, the contexts and the question."""

    def __init__(self, judge: Judge, runtime: Runtime) -> None:
        """Take the judge and the runtime whose memo and counters to use."""
        self._judge, self._runtime = judge, runtime
        self._key = key("judge", 1, judge.identity)

    @property
    def identity(self) -> Mapping[str, Any]:
        """The identity of the judge inside."""
        return self._judge.identity

    def claims(self, text: str) -> tuple[Claim, ...] | Missing:
        """Return the checkable statements of a text."""
        return self._judge.claims(text)

    def support(self, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Judgement | Missing, ...]:
        """Return one verdict per claim, from the memo where it is known."""
        name = key(self._key, "support", [c.text for c in claims], list(contexts), question)
        found = self._runtime.memo.get_many([name]).get(name)
        if found is not None and (known := _read(found)) is not None:
            return known
        self._runtime.work.judgements += len(claims)
        judged = self._judge.support(claims, contexts, question)
        if not any(isinstance(j, Missing) for j in judged):
            self._runtime.memo.json(name, lambda: [asdict(j) for j in judged if isinstance(j, Judgement)])
        return judged

    def similarity(self, a: str, b: str) -> float | Missing:
        """Return how alike two texts are; the encoder underneath keeps its vectors itself."""
        return self._judge.similarity(a, b)


def _read(data: bytes) -> tuple[Judgement, ...] | None:
    """Return kept judgements, None when the entry cannot be read (it is then judged again)."""
    try:
        rows = json.loads(data)
        return tuple(Judgement(Label(r["label"]), r["score"], r["p"], tuple(Evidence(**e) for e in r["evidence"]), r["why"]) for r in rows)
    except (ValueError, KeyError, TypeError):
        return None
