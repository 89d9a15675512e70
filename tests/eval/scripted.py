"""A judge that says what the texts tell it to, and its specification: for tests of what is built on judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from eval.judges.base import Claim, Judge, Judgement, Label, Missing, Why
from eval.judges.spec import JudgeSpec


class Log:
    """How often a judge was asked. No list: a stage makes a tuple of one."""

    def __init__(self) -> None:
        self.asked = 0


class ScriptedJudge(Judge):
    """Each word of an answer is a claim, supported when the first context holds it.

    `?` gives no verdict, `!` another verdict each time, `-` no claim. `confident` adds a probability.
    """

    def __init__(self, spec: Scripted) -> None:
        self.spec = spec

    @property
    def identity(self) -> Mapping[str, Any]:
        """Its name, a setting, and a part that comes from the corpus."""
        return {"use": "scripted", "setting": self.spec.setting, "corpus": self.spec.seen}

    @property
    def certified_as(self) -> Mapping[str, Any]:
        """Without the corpus."""
        return {"use": "scripted", "setting": self.spec.setting}

    def claims(self, text: str, question: str = "") -> tuple[Claim, ...]:
        """Return the words."""
        return tuple(Claim(word) for word in text.split() if word != "-")

    def support(self, claims: Sequence[Claim], contexts: Sequence[str], question: str) -> tuple[Judgement | Missing, ...]:
        """Return a verdict per word."""
        if self.spec.stop_after and self.spec.log.asked == self.spec.stop_after:
            raise KeyboardInterrupt
        self.spec.log.asked += 1
        return tuple(self._verdict(c.text, contexts[0].split() if contexts else []) for c in claims)

    def _verdict(self, word: str, held: Sequence[str]) -> Judgement | Missing:
        if word == "?":
            return Missing(Why.TRUNCATED)
        yes = self.spec.log.asked % 2 == 0 if word == "!" else word in held
        label = Label.SUPPORTED if yes else Label.NOT_FOUND
        return Judgement(label, float(yes), (0.9 if yes else 0.1) if self.spec.confident else None)


@dataclass(frozen=True)
class Scripted(JudgeSpec):
    """Opens the scripted judge; not registered, so that no list of judges holds it."""

    use: ClassVar[str] = "scripted"
    setting: int = 1
    confident: bool = False
    stop_after: int = 0
    seen: int = field(default=0, compare=False)
    log: Log = field(default_factory=Log, compare=False)

    def open(self, documents, runtime) -> Judge:
        """Return the judge."""
        return ScriptedJudge(self)
