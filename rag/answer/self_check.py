"""An answer that is checked before it is given: what does not hold is asked for again, else declined."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

from pydantic import BaseModel, Field

from rag.answer._abstention import ABSTENTION
from rag.answer._claims import Claim, claims
from rag.answer._shown import Room, show
from rag.index.reader import Reader
from rag.models.chat import Completion, Message, Request, facts
from rag.models.structured import structured
from rag.prompts import load as load_prompt
from rag.registry import register
from rag.rendered import safe_answer
from rag.stages import Answerer, Chat, bounded, model, prompt, required
from rag.types import Answer, Context, Flag, Query, Step
from rag.untrusted import prompt_copy, visible

WRONG = frozenset({"no_source", "bad_quote", "unsupported"})


class _Verdict(BaseModel):
    """Whether the sources say what one claim says."""

    claim: int
    supported: bool
    reason: str = ""


class _Verdicts(BaseModel):
    """One verdict for each claim."""

    verdicts: list[_Verdict] = Field(default_factory=list)


@register("self_check")
@dataclass(frozen=True)
class SelfCheck(Answerer):
    """Check what `over` answers; when more than `allowed` of its claims fail, ask `retry` once if there is one, else abstain.

    `by: flags` counts claims with a mark without a source, a wrong quote or too little support as failed, and with `uncited: fail`
    also claims that name no source. `by: chat` shows a chat model the claims and the sources and takes its verdict for each; one that
    it leaves out has failed; sources may take `share` of its window. The answer of `retry` is held to the same; it may be any answerer, for example `extractive`.
    """

    over: Answerer
    by: Literal["flags", "chat"] = "flags"
    retry: Answerer | None = None
    allowed: float = bounded(0.0, ge=0, le=1)
    uncited: Literal["ignore", "fail"] = "ignore"
    chat: Chat | None = model("chat")
    prompt: str = prompt("self_check")
    max_tokens: int = bounded(800, ge=16)
    share: float = bounded(0.7, gt=0, le=1)

    def asks(self) -> bool:
        """Only `by: chat` needs a chat model here; `over` may need one of its own."""
        return self.by == "chat"

    def answer(self, query: Query, context: Context, reader: Reader) -> Answer:
        """Return the first answer that holds, or an abstention that says how many claims failed and keeps their flags."""
        steps: list[Step] = []
        failed: list[str] = []
        declined: Answer | None = None
        flags: tuple[Flag, ...] = ()
        shown = context
        for answerer in (self.over, *((self.retry,) if self.retry is not None else ())):
            start = time.perf_counter()
            made: Answer = answerer.answer(query, context, reader)
            steps.append(Step("answer", answerer.use, 1000 * (time.perf_counter() - start), {"abstained": made.abstained}, made.trace))
            if made.abstained:
                declined = declined or made
                continue
            wrong, count, completions = self._wrong(made, reader)
            steps.append(Step("check", self.use, 0.0, {"claims": count, "failed": len(wrong), **(facts(completions) if completions else {})}))
            flags = tuple(dict.fromkeys((*made.flags, *wrong)))
            if len(wrong) <= self.allowed * count:
                return replace(made, flags=flags, trace=tuple(steps))
            failed.append(f"{len(wrong)} of {count} claims of {answerer.use} failed the check")
            shown = made.context
        if declined is not None and not failed:
            return replace(declined, trace=tuple(steps))
        return Answer(query.text, ABSTENTION, (), shown, "; ".join(failed), trace=tuple(steps), flags=flags)

    def _wrong(self, made: Answer, reader: Reader) -> tuple[list[Flag], int, list[Completion]]:
        """Return a flag for each claim that failed, how many claims there are, and what asking took."""
        found = claims(made.text)
        bad = WRONG | ({"uncited"} if self.uncited == "fail" else set())
        if self.by == "flags":
            hit = [next((f for f in made.flags if f.kind in bad and f.start < c.end and f.end > c.start), None) for c in found]
            return [f for f in hit if f is not None], len(found), []
        return self._judged(found, made, reader)

    def _judged(self, found: list[Claim], made: Answer, reader: Reader) -> tuple[list[Flag], int, list[Completion]]:
        chat = required(self.chat, self.use)
        listed = "\n".join(f"{n}. {prompt_copy(c.text)}" for n, c in enumerate(found, start=1))

        def messages(block: str) -> tuple[Message, ...]:
            return load_prompt(self.prompt).messages(question=visible(made.query)[0], sources=block, claims=listed)

        shown = show(made.context, made.query, reader, chat, Room(self.share, self.max_tokens), messages)
        request = Request(messages(shown.block), "self_check", made.query, max_tokens=self.max_tokens, temperature=0.0)
        reply, completions = structured(reader.runtime, chat, request, _Verdicts)
        held = {v.claim for v in reply.verdicts if v.supported} - {v.claim for v in reply.verdicts if not v.supported}
        why = {v.claim: v.reason for v in reply.verdicts if not v.supported}
        wrong = [
            Flag("unsupported", c.start, c.end, f"the check says: {safe_answer(why.get(n, 'no verdict'))[0][:200]}")
            for n, c in enumerate(found, start=1)
            if n not in held
        ]
        return wrong, len(found), completions
