"""A judge whose verdicts can be read off the texts, so that expected values are worked by hand."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from eval.judges.base import Claim, Evidence, Judgement, Label, Missing
from eval.questions import Question
from eval.score import Result


@dataclass(frozen=True)
class WordJudge:
    """Each word is a claim, supported when it is in a context; `?` in a text makes it fail as `failure` says."""

    failure: str = "answered in prose"
    cosine: float = 0.5
    dropped: int = 0

    @property
    def identity(self):
        """Its name."""
        return {"use": "words"}

    def claims(self, text):
        """Return the words."""
        if "?!" in text:
            return Missing(self.failure)
        return tuple(Claim(word, 0, 0) for word in text.split())

    def support(self, claims, contexts, question):
        """Return a verdict per word, fewer when some are dropped."""
        found = [self._verdict(claim.text, contexts) for claim in claims]
        return tuple(found[: len(found) - self.dropped])

    def _verdict(self, word, contexts):
        if word == "?":
            return Missing(self.failure)
        at = [i for i, context in enumerate(contexts) if word in context.split()]
        return Judgement(Label.SUPPORTED, 1.0, None, (Evidence(at[0], 0, 1),)) if at else Judgement(Label.NOT_FOUND, 0.0)

    def similarity(self, a, b):
        """Return the same value for any two texts."""
        return Missing(self.failure) if "?" in a + b else self.cosine


@pytest.fixture
def judge():
    """The class of the judge, to be made with parameters."""
    return WordJudge


@pytest.fixture
def question():
    """A question with the reference answer `a b c`."""
    return Question("q", "what", answers=("a b c", "other"))


@pytest.fixture
def result():
    """An answer with four words, two of them in the sources."""
    return Result("q", sources=("a x", "b"), answer="a b y z")
