"""A judge whose verdicts can be read off the texts, so that expected values are worked by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from eval.judges.base import Asked, Claim, Evidence, Judge, Judgement, Label, Missing, Why
from eval.questions import Question
from eval.score import Result


@dataclass(frozen=True)
class WordJudge(Judge):
    """Each word is a claim, supported when it is in a context; `?` in a text makes it fail as `failure` says.

    Capitalised words are entities; a context is as relevant as the share of the question's words it holds; `questions` are
    what it says an answer would answer, and `cosines` how alike a text is to anything (else `cosine`). `calls` counts by method.
    """

    failure: Why = Why.MALFORMED
    cosine: float = 0.5
    dropped: int = 0
    questions: tuple[Asked, ...] | None = None
    cosines: Mapping[str, float] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    @property
    def identity(self):
        """Its name."""
        return {"use": "words"}

    def _missing(self):
        return Missing(self.failure, "answered in prose")

    def claims(self, text, question=""):
        """Return the words."""
        self.calls.append("claims")
        if "?!" in text:
            return self._missing()
        return tuple(Claim(word, 0, 0) for word in text.split())

    def support(self, claims, contexts, question):
        """Return a verdict per word, fewer when some are dropped."""
        self.calls.append("support")
        found = [self._verdict(claim.text, contexts) for claim in claims]
        return tuple(found[: len(found) - self.dropped])

    def _verdict(self, text, contexts):
        """Say that a claim of several words is supported when the contexts together hold all of them."""
        if "?" in text:
            return self._missing()
        words = text.strip(".").split()
        at = [i for i, context in enumerate(contexts) if any(word in context.split() for word in words)]
        held = all(any(word in context.split() for context in contexts) for word in words)
        return Judgement(Label.SUPPORTED, 1.0, None, (Evidence(at[0], 0, 1),)) if held else Judgement(Label.NOT_FOUND, 0.0)

    def similarity(self, a, b):
        """Return the value of the first text that has one, else the same for any two."""
        self.calls.append("similarity")
        return self._missing() if "?" in a + b else self.cosines.get(a, self.cosines.get(b, self.cosine))

    def asked(self, answer, contexts, n):
        """Return the questions it was given."""
        self.calls.append("asked")
        if "?" in answer:
            return self._missing()
        return super().asked(answer, contexts, n) if self.questions is None else self.questions

    def entities(self, text):
        """Return the capitalised words."""
        self.calls.append("entities")
        return self._missing() if "?" in text else tuple(dict.fromkeys(w for w in text.split() if w[0].isupper()))

    def relevance(self, question, contexts):
        """Return the share of the question's words that each context holds."""
        self.calls.append("relevance")
        words = question.split()
        shares = [self._missing() if "?" in c else sum(w in c.split() for w in words) / len(words) for c in contexts]
        return tuple(shares[: len(shares) - self.dropped])


@pytest.fixture(scope="session")
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
