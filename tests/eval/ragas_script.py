"""One script of verdicts, played by a judge of ours and by a model of ragas, so that both metrics hear the same of the same texts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from eval.judges._ragas_package import load
from eval.judges.base import Asked, Claim, Judge, Judgement, Label
from eval.questions import Question
from eval.score import Result

from .ragas_present import need_ragas

need_ragas(module=True)

QUESTION, ANSWER, REFERENCE = "the question", "the answer", "the reference"


class _Collections:
    """The metrics of ragas. Importing it takes seconds, and only a process that runs a test against it has to."""

    def __getattr__(self, name: str) -> Any:
        return getattr(load("ragas.metrics.collections"), name)


collections = _Collections()


@cache
def _made(part: type, module: str, base: str) -> type:
    """Return a part of a script as what ragas takes: a class that is also one of ragas' own."""
    return type(part.__name__, (part, getattr(load(module), base)), {})


@dataclass
class Script:
    """What is said of texts: their claims and entities, whether a claim stands in a text, the questions asked, and vectors.

    `raw` are verdicts of ragas in place of 0 and 1; `lost` is how many it leaves out at the end of each list (added when negative).
    """

    claims: Mapping[str, Sequence[str]] = field(default_factory=dict)
    holds: Mapping[tuple[str, str], bool] = field(default_factory=dict)
    entities: Mapping[str, Sequence[str]] = field(default_factory=dict)
    asked: Sequence[tuple[str, bool]] = ()
    vectors: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[tuple[str, str], int] = field(default_factory=dict)
    lost: int = 0

    def says(self, claim: str, text: str) -> int:
        """Return ragas' verdict on a claim."""
        return self.raw.get((claim, text), int(self.holds[claim, text])) if self.raw else int(self.holds[claim, text])

    def useful(self, text: str, of: str) -> bool:
        """Whether a context alone holds at least one claim of a text."""
        return any(self.holds[claim, text] for claim in self.claims[of])


class ScriptJudge(Judge):
    """Our side of a script."""

    def __init__(self, script: Script) -> None:
        self.script = script

    @property
    def identity(self) -> Mapping[str, Any]:
        return {"use": "script"}

    def claims(self, text: str, question: str = "") -> tuple[Claim, ...]:
        return tuple(Claim(claim) for claim in self.script.claims[text])

    def support(self, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Judgement, ...]:
        text = "\n".join(contexts)
        return tuple(Judgement(Label.SUPPORTED if self.script.holds[c.text, text] else Label.NOT_FOUND) for c in claims)

    def similarity(self, a: str, b: str) -> float:
        u, v = self.script.vectors[a], self.script.vectors[b]
        return float(u @ v / np.sqrt((u @ u) * (v @ v)))

    def asked(self, answer: str, contexts: Sequence[str], n: int) -> tuple[Asked, ...]:
        return tuple(Asked(question, noncommittal) for question, noncommittal in self.script.asked)

    def entities(self, text: str) -> tuple[str, ...]:
        return tuple(self.script.entities[text])


class _LLM:
    """Ragas' side of a script: it reads the input at the end of a prompt and fills the form that is asked for."""

    is_async = True

    def __init__(self, script: Script) -> None:
        self.script, self.calls, self._next = script, 0, iter(script.asked)

    def generate(self, prompt: str, response_model: Any) -> Any:
        self.calls += 1
        given = json.loads(prompt.rsplit("input: ", 1)[1].rsplit("\nOutput:", 1)[0])
        return response_model.model_validate(getattr(self, response_model.__name__)(given))

    async def agenerate(self, prompt: str, response_model: Any) -> Any:
        return self.generate(prompt, response_model)

    def StatementGeneratorOutput(self, given):
        return {"statements": list(self.script.claims[given["answer"]])}

    def ClaimDecompositionOutput(self, given):
        return {"claims": list(self.script.claims[given["response"]])}

    def NLIStatementOutput(self, given):
        rows = [{"statement": s, "reason": "r", "verdict": self.script.says(s, given["context"])} for s in given["statements"]]
        return {"statements": self._kept(rows)}

    StatementFaithfulnessOutput = NLIStatementOutput

    def ContextRecallOutput(self, given):
        rows = [{"statement": s, "reason": "r", "attributed": self.script.says(s, given["context"])} for s in self.script.claims[given["answer"]]]
        return {"classifications": self._kept(rows)}

    def ContextPrecisionOutput(self, given):
        useful = self.script.useful(given["context"], given["answer"])
        return {"reason": "r", "verdict": self.script.raw.get((given["context"], given["answer"]), int(useful))}

    def EntitiesList(self, given):
        return {"entities": list(self.script.entities[given["text"]])}

    def AnswerRelevanceOutput(self, given):
        question, noncommittal = next(self._next)
        return {"question": question, "noncommittal": int(noncommittal)}

    def ClassificationWithReason(self, given):
        said = {s: self.script.holds[s, REFERENCE] for s in given["answer"]}
        missed = [s for s in given["ground_truth"] if not self.script.holds[s, ANSWER]]
        named = {"TP": [s for s in said if said[s]], "FP": [s for s in said if not said[s]], "FN": missed}
        return {k: [{"statement": s, "reason": "r"} for s in v] for k, v in named.items()}

    def _kept(self, rows):
        return rows[: len(rows) - self.script.lost] if self.script.lost >= 0 else rows + rows[: -self.script.lost]


def ScriptLLM(script: Script) -> Any:
    """Return ragas' side of a script."""
    return _made(_LLM, "ragas.llms.base", "InstructorBaseRagasLLM")(script)


class _Embedding:
    """The vectors of a script for ragas."""

    def __init__(self, script: Script) -> None:
        super().__init__()
        self.script = script

    def embed_text(self, text: str, **more: Any) -> list[float]:
        return list(self.script.vectors[text])

    async def aembed_text(self, text: str, **more: Any) -> list[float]:
        return self.embed_text(text)


def ScriptEmbedding(script: Script) -> Any:
    """Return the vectors of a script for ragas."""
    return _made(_Embedding, "ragas.embeddings.base", "BaseRagasEmbedding")(script)


def theirs(made: Any, **given: Any) -> float:
    """Return what a metric of ragas says."""
    return float(asyncio.run(made.ascore(**given)).value)


def asked_and_answered(contexts: Sequence[str] = (), answer: str = ANSWER, reference: str = REFERENCE) -> tuple[Question, Result]:
    """Return the question and the result that a script is about."""
    return Question("q", QUESTION, answers=(reference,)), Result("q", sources=tuple(contexts), answer=answer)
