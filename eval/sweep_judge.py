"""What a judge that asks chat models may ask for, estimated: how many claims an answer has is not known before."""

from __future__ import annotations

from eval.judges.spec import JudgeSpec, read_spec
from eval.sweep_calls import PROMPT, Asks
from rag.stages import Chat

CALLS = 2  # completions for one question and judged metric: statements, and verdicts on them
SHOWN, REPLY = 2000, 500  # tokens of contexts and answer, and of a reply


def chats(judge: str | JudgeSpec) -> tuple[Chat, ...]:
    """Return the chat models that a judge names."""
    found: list[Chat] = []

    def walk(value: object) -> None:
        if isinstance(value, Chat):
            found.append(value)
        elif isinstance(value, (tuple, list)):
            for item in value:
                walk(item)
        elif isinstance(value, JudgeSpec):
            for held in vars(value).values():
                walk(held)

    walk(read_spec(judge) if isinstance(judge, str) else judge)
    return tuple(found)


def judge_asks(judge: str | JudgeSpec, judged: int) -> list[Asks]:
    """Return what judging one question by so many metrics asks for, about; nothing for a judge that asks no chat model."""
    spec = read_spec(judge) if isinstance(judge, str) else judge
    times = int(getattr(spec, "repeat", 1)) * (1 + bool(getattr(spec, "swap", False)))
    return [Asks(f"judge {spec.use}", chat, CALLS * judged * times, PROMPT + SHOWN, REPLY) for chat in chats(spec) if judged]
