"""How many completions of chat models a pipeline may ask for at most, read off its stages: nothing is asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from math import ceil
from typing import Any

from eval.judges._chat_budget import prices
from rag.models.structured import REPAIRS
from rag.pipeline import Pipeline
from rag.stages import Chat, Stage

PROMPT = 400  # tokens of a prompt's own words, about
CONTEXT = 2000  # tokens of a context whose packer names no budget, about


@dataclass(frozen=True)
class Asks:
    """Completions of one part for one question (of a chunker: for one chunk): at most `calls`, with tokens of prompt and reply each."""

    use: str
    chat: Chat
    calls: int
    prompt: int
    reply: int

    @property
    def money(self) -> float:
        """What the calls cost at most by the prices of the model, 0 where it names none."""
        price_in, price_out = prices(self.chat)
        return self.calls * (self.prompt * price_in + self.reply * price_out) / 1e6


def per_question(pipeline: Pipeline) -> tuple[Asks, ...]:
    """Return what answering one question may ask for at most. Of a part that is not known here one completion each time it is used is assumed."""
    context = getattr(pipeline.pack, "budget", None) or getattr(pipeline.pack, "tokens", None) or CONTEXT
    return tuple(a for stage in (pipeline.retrieve, pipeline.refine, pipeline.answer) for a in _walk(stage, 1, int(context)))


def per_chunk(pipeline: Pipeline) -> tuple[Asks, ...]:
    """Return what cutting may ask for, for each piece of the chunker within."""
    return tuple(_walk(pipeline.chunk, 1, CONTEXT))


def _walk(value: Any, times: int, context: int) -> Iterator[Asks]:
    """Yield what a part and those within it ask for when it is used `times` times."""
    if isinstance(value, (tuple, list)):
        for item in value:
            yield from _walk(item, times, context)
    if not is_dataclass(value) or isinstance(value, (type, Chat)):
        return
    for f in fields(value):
        held = getattr(value, f.name)
        if isinstance(held, Chat) and isinstance(value, Stage) and value.asks():
            shown = context if value.kind == "answer" or value.use == "decompose" else 0
            yield Asks(value.use, held, times * _own(value), PROMPT + shown, int(getattr(value, "max_tokens", None) or 1024))
        else:
            yield from _walk(held, times * _inner(value, f.name, context), context)


def _own(stage: Stage) -> int:
    """Return how many completions one use of a part asks for; JSON that cannot be used is asked for again."""
    again = 1 + REPAIRS
    n = {"hyde": getattr(stage, "n", 1), "decompose": again * getattr(stage, "steps", 1), "self_check": 2 * again, "multi_query": again, "propositions": again}
    if stage.use == "generative" and getattr(stage, "format", "") == "json":
        return again
    return int(n.get(stage.use, 1))


def _inner(value: Any, name: str, context: int) -> int:
    """Return how often one use of a part uses the part in its field `name`."""
    use = getattr(value, "use", "")
    if name == "over":
        n = {"multi_query": getattr(value, "n", 0) + 1, "step_back": 2, "decompose": getattr(value, "steps", 0) + 1, "prf": 2}
        return int(n.get(use, 1))
    if use == "map_reduce" and name == "map":
        return int(2 * ceil(context / value.tokens))  # two groups that follow each other hold more than `tokens` together
    return 1
