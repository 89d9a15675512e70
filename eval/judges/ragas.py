"""A judge that asks a chat model with the prompts of the package ragas, and keeps the statements, verdicts and reasons that ragas throws away.

The prompts are those of `ragas.metrics.collections`, so a verdict is what ragas would have been told; the arithmetic is ours. They are in
English, and put contexts into the prompt as they are: a context may try to talk the model round, and nothing marks it as data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eval.judges._ragas_llm import Port
from eval.judges._ragas_package import Package, package
from eval.judges.base import Asked, Claim, Judge, Judgement, Label, Missing, Why, unmarked
from eval.judges.spec import JudgeSpec
from rag.errors import ChatError
from rag.models.chat import Usage
from rag.models.files import BUNDLED
from rag.registry import register
from rag.runtime import Runtime
from rag.stages import Chat, bounded, model
from rag.text import encodable
from rag.types import Document
from rag.untrusted import visible

MOST_RATIONALE = 500  # characters of a reason that are kept
_TOP = 2  # ratings of relevance are 0, 1 and 2


@register("ragas")
@dataclass(frozen=True)
class Ragas(JudgeSpec):
    """Judge by the prompts of ragas: statements, verdicts with reasons, questions, entities, relevance; `encoder` compares meanings."""

    chat: Chat = field(metadata={"model": "chat"})
    encoder: str = model("encoder", BUNDLED)
    max_tokens: int = bounded(4096, ge=256)
    temperature: float | None = bounded(0.0, ge=0, le=2)

    def open(self, documents: Sequence[Document], runtime: Runtime) -> Judge:
        """Return the judge. Raises `MissingExtra` without ragas, `ModelError` when it cannot be used, and what opening the models raises."""
        return RagasJudge(self, package(), runtime)


@dataclass(frozen=True)
class _Reply:
    """The body of a reply, the port it came through, and what it cost."""

    body: Any
    port: Port
    usage: Usage

    def useless(self, why: Why, detail: str) -> Missing:
        """Return why a reply of the right form cannot be used; it is forgotten, so that the next run asks again."""
        self.port.forget()
        return Missing(why, detail)


class RagasJudge(Judge):
    """Verdicts of a chat model that was asked as ragas asks: 1 is supported and 0 is not found, for ragas knows no contradiction."""

    version = 1
    languages = ("english",)

    def __init__(self, spec: Ragas, ragas: Package, runtime: Runtime) -> None:
        """Take the specification, the package and the runtime whose models to use."""
        self._spec, self._package, self._runtime = spec, ragas, runtime
        self._chat = runtime.chat(spec.chat)
        self._encoder = dict(runtime.encoder(spec.encoder).identity)
        self.threads = self._chat.threads

    @property
    def identity(self) -> Mapping[str, Any]:
        """Name, version, version and prompts of ragas, parameters, chat model and encoder."""
        asked = {"max_tokens": self._spec.max_tokens, "temperature": self._spec.temperature}
        prompts = {"ragas": self._package.version, "prompts": self._package.digest}
        return {"use": "ragas", "version": self.version, **prompts, **asked, "chat": self._chat.identity, "encoder": self._encoder}

    def claims(self, text: str, question: str = "") -> tuple[Claim, ...] | Missing:
        """Return the statements that ragas has a text broken into, citation marks left out; a place only where one is quoted once."""
        clean = unmarked(text)
        if not clean.strip():
            return ()
        reply = self._ask("statements", {"question": question, "answer": clean}, question or clean)
        if isinstance(reply, Missing):
            return reply
        if blank := sum(not s.strip() for s in reply.body.statements):
            return reply.useless(Why.MALFORMED, f"{blank} of {len(reply.body.statements)} statements are blank")
        return tuple(_placed(s, clean) for s in reply.body.statements)

    def support(self, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Judgement | Missing, ...]:
        """Return one verdict per claim, by its place in the list; all contexts are shown together, one below the other, as ragas does."""
        if not claims:
            return ()
        if not any(context.strip() for context in contexts):
            return tuple(Judgement(Label.NOT_FOUND, 0.0, rationale="there is no context") for _ in claims)
        texts = [claim.text for claim in claims]
        reply = self._ask("verdicts", {"context": "\n".join(contexts), "statements": texts}, question)
        if isinstance(reply, Missing):
            return tuple(reply for _ in claims)
        rows = reply.body.statements
        if len(rows) != len(texts):
            missing = reply.useless(Why.COUNT_MISMATCH, f"{len(rows)} verdicts for {len(texts)} claims")
            return tuple(missing for _ in claims)
        if [r.statement for r in rows] != texts and sorted(r.statement for r in rows) == sorted(texts):
            missing = reply.useless(Why.MALFORMED, "the verdicts came in another order than the claims")
            return tuple(missing for _ in claims)
        return tuple(_verdict(row, usage, reply) for row, usage in zip(rows, _shares(reply.usage, len(rows)), strict=True))

    def similarity(self, a: str, b: str) -> float | Missing:
        """Return the cosine of the encoder's vectors, citation marks left out."""
        left, right = (np.asarray(row, dtype=np.float64) for row in self._runtime.embed(self._spec.encoder, [unmarked(a), unmarked(b)]))
        return float(left @ right)

    def asked(self, answer: str, contexts: Sequence[str], n: int) -> tuple[Asked, ...] | Missing:
        """Return `n` questions, one by one by the same prompt, as ragas does; the contexts are not shown."""
        found = []
        for sample in range(n):
            reply = self._ask("question", {"response": unmarked(answer)}, answer, sample)
            if isinstance(reply, Missing):
                return reply
            if not reply.body.question.strip():
                return reply.useless(Why.MALFORMED, f"question {sample + 1} of {n} is blank")
            if reply.body.noncommittal not in (0, 1):
                return reply.useless(Why.OUT_OF_RANGE, f"noncommittal is {reply.body.noncommittal}; 0 or 1 was asked for")
            found.append(Asked(reply.body.question, bool(reply.body.noncommittal)))
        return tuple(found)

    def entities(self, text: str) -> tuple[str, ...] | Missing:
        """Return the distinct entities, in the order of their first place; those that are worded otherwise in the text come last."""
        if not text.strip():
            return ()
        reply = self._ask("entities", {"text": text}, text)
        if isinstance(reply, Missing):
            return reply
        if any(not entity.strip() for entity in reply.body.entities):
            return reply.useless(Why.MALFORMED, "an entity is blank")
        places = {entity: text.find(entity) for entity in reply.body.entities}
        return tuple(sorted(places, key=lambda entity: (places[entity] < 0, places[entity])))

    def relevance(self, question: str, contexts: Sequence[str]) -> tuple[float | Missing, ...]:
        """Return for each context the mean of two ratings by two prompts, over 2; where ragas would take one rating alone, there is none."""
        return tuple(self._relevance(question, context) for context in contexts)

    def _relevance(self, question: str, context: str) -> float | Missing:
        if not context.strip():
            return 0.0
        total = 0
        for task in ("relevance_1", "relevance_2"):
            reply = self._ask(task, {"user_input": question, "context": context}, question)
            if isinstance(reply, Missing):
                return reply
            if not 0 <= reply.body.rating <= _TOP:
                return reply.useless(Why.OUT_OF_RANGE, f"the rating is {reply.body.rating}; 0, 1 or 2 was asked for")
            total += reply.body.rating
        return total / (2 * _TOP)

    def _ask(self, task: str, given: Mapping[str, object], subject: str, sample: int = 0) -> _Reply | Missing:
        prompt = self._package.prompts[task]
        port = Port(self._runtime, self._spec.chat, self._spec.max_tokens, self._spec.temperature)
        text = prompt.to_string(prompt.input_model(**{name: _clean(value) for name, value in given.items()}))
        try:
            body = port.ask(text, prompt.output_model, subject, sample)
        except ChatError as error:
            return Missing.of(error)
        return _Reply(body, port, port.passed[-1].usage)


def _clean(value: object) -> object:
    """Return texts that can be written as JSON: half a surrogate pair becomes U+FFFD."""
    return encodable(value) if isinstance(value, str) else [encodable(v) for v in value] if isinstance(value, list) else value


def _placed(statement: str, text: str) -> Claim:
    at = text.find(statement)
    if at < 0 or text.find(statement, at + 1) >= 0:
        return Claim(statement)
    return Claim(statement, at, at + len(statement))


def _verdict(row: Any, usage: Usage, reply: _Reply) -> Judgement | Missing:
    if row.verdict not in (0, 1):
        return reply.useless(Why.OUT_OF_RANGE, f"the verdict is {row.verdict}; 0 or 1 was asked for")
    label = Label.SUPPORTED if row.verdict else Label.NOT_FOUND
    return Judgement(label, float(row.verdict), rationale=" ".join(visible(row.reason)[0].split())[:MOST_RATIONALE], usage=usage)


def _shares(usage: Usage, n: int) -> list[Usage]:
    """Return what each of `n` verdicts of one reply cost: whole tokens that add up to it."""
    tokens = ([total // n + (i < total % n) for i in range(n)] for total in (usage.prompt, usage.completion, usage.cached))
    return [Usage(prompt, completion, cached, usage.cost / n) for prompt, completion, cached in zip(*tokens, strict=True)]
