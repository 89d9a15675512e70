"""Answers that a chat model writes from numbered sources, every citation checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, Field

from rag.answer._abstention import ABSTENTION
from rag.answer._check import Checked, Rules, check, locate
from rag.answer._claims import Claim, claims
from rag.answer._examples import nearest
from rag.answer._shown import Room, Shown, show
from rag.errors import ChatError
from rag.index.reader import Reader
from rag.models.chat import Completion, Message, Request, facts
from rag.models.structured import structured
from rag.prompts import load as load_prompt
from rag.registry import register
from rag.rendered import Removed, kinds, safe_answer
from rag.stages import Answerer, Chat, bounded, file, model, prompt, required
from rag.text import check_language
from rag.types import Answer, Context, Flag, Hit, Query, Span, Step
from rag.untrusted import Source, fenced, visible

# In capitals, as the prompt asks for it; otherwise only where nothing but a reason can follow ("No answer key is given" is an answer).
_NO_ANSWER = re.compile(r"\s*[*\"'`]*(?:NO[ _]ANSWER\b|(?i:no[ _]answer)(?=[*\"'`.]*\s*(?:[:\u2013\u2014-]|$)))[*\"'`]*\s*[:.\u2013\u2014-]*\s*", re.MULTILINE)
_LETTER = re.compile(r"[^\W\d_]")


class _Said(BaseModel):
    """One claim as the JSON form has it."""

    text: str
    sources: list[int] = Field(default_factory=list)
    quote: str | None = None


@dataclass(frozen=True)
class _Quote:
    """Words that a claim of the JSON form quotes, and the sources it says they stand in."""

    words: str
    sources: tuple[int, ...]
    claim: str

    def spans(self, hits: Sequence[Hit]) -> list[Span]:
        """Return where they do."""
        return [s for n in self.sources if 1 <= n <= len(hits) and (s := locate(self.words, hits[n - 1])) is not None]

    def flag(self, text: str) -> Flag:
        """Return the flag of a quote that stands nowhere, on its claim in the answer's text."""
        at = max(text.find(self.claim), 0)
        note = f"{safe_answer(self.words)[0][:80]!r} is in none of the sources it names"
        return Flag("bad_quote", at, at + len(self.claim) if self.claim in text else len(text), note)


class _Reply(BaseModel):
    """The JSON form of an answer."""

    abstain: bool = False
    reason: str = ""
    claims: list[_Said] = Field(default_factory=list)


@register("generative")
@dataclass(frozen=True)
class Generative(Answerer):
    """Ask a chat model to answer from the numbered sources and to cite them; check what it cites; abstain where it does.

    The prompt (a file of `rag/prompts` or of yours) asks for prose with marks like `[2]`, or with `format: json` for claims with
    sources and quotes. It may take `share` of the model's window; sources that do not fit are left out, lowest score first, and
    counted. A claim whose support by what it cites (see `rag.answer._check`) is below `support`, or which has a number that no cited
    source has, is flagged on the answer, as are marks without a source, wrong quotes and claims without a mark. `examples` is a JSON
    Lines file of `{"question", "sources", "answer"}`, of which the `shots` nearest to the question are shown.
    """

    chat: Chat | None = model("chat")
    prompt: str = prompt("answer")
    format: Literal["prose", "json"] = "prose"
    max_tokens: int = bounded(600, ge=16)
    temperature: float | None = bounded(0.0, ge=0, le=2)
    share: float = bounded(0.7, gt=0, le=1)
    support: float = bounded(0.4, ge=0, le=1)
    examples: str | None = file()
    shots: int = bounded(2, ge=1)
    language: str = "english"
    model: str | None = model("encoder")

    def __post_init__(self) -> None:
        """Check bounds and language."""
        super().__post_init__()
        check_language(self.language)

    def answer(self, query: Query, context: Context, reader: Reader) -> Answer:
        """Return the model's answer with its citations as spans and what is wrong with them, or an abstention with its reason.

        The answer's context is what the model was shown. Raises `ChatError`.
        """
        if not query.text.strip():
            return Answer(query.text, ABSTENTION, (), context, "the question is empty")
        if not context.hits:
            return Answer(query.text, ABSTENTION, (), context, "nothing was retrieved")
        shown, messages = self._prompt(query.text, context, reader)
        seen = Context(
            shown.hits, shown.block, reader.runtime.chat(self._chat).count(shown.block), context.dropped + len(context.hits) - len(shown.hits), context.cut
        )
        request = Request(messages, self._task, query.text, max_tokens=self.max_tokens, temperature=self.temperature)
        try:
            text, quotes, completions, reason = self._ask(request, reader)
        except ChatError as error:
            if error.why != "refused":
                raise
            return Answer(query.text, ABSTENTION, (), seen, "the model refused", trace=(Step("chat", self.use, 0.0, {**shown.facts, "refused": True}),))
        step = Step("chat", self.use, sum(0.0 if c.remembered else c.ms for c in completions), {**shown.facts, **facts(completions)})
        if reason:
            return Answer(query.text, ABSTENTION, (), seen, reason, trace=(step,))
        return self._checked(query.text, text, quotes, seen, step, reader)

    @property
    def _task(self) -> str:
        return "answer" if self.format == "prose" else "answer_json"

    @property
    def _chat(self) -> Chat:
        return required(self.chat, self.use)

    def _prompt(self, question: str, context: Context, reader: Reader) -> tuple[Shown, tuple[Message, ...]]:
        """Return what is shown and the whole prompt: instructions, examples, sources, question, the stable part first."""
        asked = load_prompt(self.prompt)
        clean = visible(question)[0]
        shots = self._shots(question, reader)

        def messages(block: str) -> tuple[Message, ...]:
            made = asked.messages(question=clean, sources=block)
            system = tuple(m for m in made if m.role == "system")
            return (*system, *shots, *made[len(system) :])

        shown = show(context, question, reader, self._chat, Room(self.share, self.max_tokens), messages)
        return shown, messages(shown.block)

    def _shots(self, question: str, reader: Reader) -> tuple[Message, ...]:
        if self.examples is None:
            return ()
        asked = load_prompt(self.prompt)
        made: list[Message] = []
        for example in nearest(self.examples, self.shots, question, self.model or "", reader):
            block = fenced([Source(f"example {n}", t) for n, t in enumerate(example.sources, 1)], example.question).text
            made += [m for m in asked.messages(question=example.question, sources=block) if m.role == "user"]
            made.append(Message("assistant", example.answer))
        return tuple(made)

    def _ask(self, request: Request, reader: Reader) -> tuple[str, list[_Quote], list[Completion], str]:
        """Return the text with marks, quotes with the sources they name, the completions, and why the model abstained if it did."""
        if self.format == "prose":
            completion = reader.runtime.complete(self._chat, [request])[0]
            declined = _NO_ANSWER.match(completion.text)
            why = completion.text[declined.end() :] if declined else ""
            empty = not _LETTER.search(completion.text)
            return completion.text.strip(), [], [completion], _reason(why) if declined or empty else ""
        reply, completions = structured(reader.runtime, self._chat, request, _Reply)
        said = [c for c in reply.claims if c.text.strip()]
        if reply.abstain or not said:
            return "", [], completions, _reason(reply.reason)
        text = " ".join(_ended(c.text) + "".join(f" [{n}]" for n in dict.fromkeys(c.sources)) for c in said)
        return text, [_Quote(c.quote, tuple(c.sources), _ended(c.text)) for c in said if c.quote and c.quote.strip()], completions, ""

    def _checked(self, question: str, text: str, quotes: list[_Quote], seen: Context, step: Step, reader: Reader) -> Answer:
        named = [seen.hits[n - 1] for n in sorted({m.source for c in claims(text, self.language) for m in c.marks}) if 1 <= n <= len(seen.hits)]
        safe, removed = safe_answer(text, [h.chunk.text for h in named])
        found = claims(safe, self.language)
        checked = check(found, seen.hits, Rules(self.support, self.language, self.model or ""), reader)
        flags = [*checked.flags, *_removed(removed, len(safe)), *(q.flag(safe) for q in quotes if not q.spans(seen.hits))]
        if not _LETTER.search(safe):
            return Answer(question, ABSTENTION, (), seen, "nothing of the reply may be shown", trace=(step,), flags=tuple(flags))
        cited = tuple(dict.fromkeys((*(s for q in quotes for s in q.spans(seen.hits)[:1]), *checked.citations)))
        return Answer(question, safe, cited, seen, trace=(_summed(step, found, checked),), flags=tuple(flags))


def _reason(text: str) -> str:
    """Return why a model abstained, as it may be shown."""
    return " ".join(safe_answer(text)[0].split())[:300] or "the model found no answer"


def _ended(text: str) -> str:
    """Return a claim that ends like a sentence, so that it does not run into the next."""
    text = text.strip()
    return text if not text[-1].isalnum() else f"{text}."


def _removed(removed: Sequence[Removed], end: int) -> list[Flag]:
    return [Flag("removed", 0, end, ", ".join(f"{n} {kind}" for kind, n in kinds(removed).items()))] if removed else []


def _summed(step: Step, found: list[Claim], checked: Checked) -> Step:
    kinds = [f.kind for f in checked.flags]
    more = {"claims": len(found), "support": list(checked.support), **{k: kinds.count(k) for k in sorted(set(kinds))}}
    return Step(step.stage, step.use, step.ms, {**step.facts, **more})
