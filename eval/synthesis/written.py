"""Questions that a chat model writes: about one passage, about two of different documents, and such as the corpus does not answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import BaseModel

from eval.doctor.answerability import best_passage
from eval.doctor.containment import Containment
from eval.doctor.finder import Finder
from eval.doctor.shelf import Shelf
from eval.doctor.words import terms
from eval.synthesis.asking import Asking, request
from eval.synthesis.drafts import Draft
from eval.synthesis.marks import MULTI, SINGLE, UNANSWERABLE
from eval.synthesis.pairs import Pair
from eval.synthesis.sections import Section
from rag.types import Span

LOOKED = 5  # passages that a model checks an unanswerable question against
IMPOSSIBLE, NOT_FOUND = "nothing to ask", "quote not in the passage"


class Single(BaseModel):
    """A question about one passage."""

    possible: bool = True
    question: str = ""
    answer: str = ""
    quote: str = ""


class Multi(BaseModel):
    """A question that needs two passages."""

    possible: bool = True
    question: str = ""
    answer: str = ""
    quote_1: str = ""
    quote_2: str = ""


class Unanswered(BaseModel):
    """A question that a passage does not answer."""

    possible: bool = True
    question: str = ""
    missing: str = ""


class Verdict(BaseModel):
    """Whether sources answer a question."""

    answered: bool
    quote: str = ""


class Writer:
    """Drafts of one chat model about one corpus. What comes to nothing is a reason in place of a draft."""

    def __init__(self, asking: Asking, shelf: Shelf, finder: Finder, containment: Containment, seed: int) -> None:
        self._asking, self._documents, self._shelf, self._finder, self._seed = asking, shelf.documents, shelf, finder, seed
        self._containment = containment

    def single(self, sections: Sequence[Section]) -> Iterator[Draft | str]:
        """Yield a question about each section."""
        requests = [request("single", s.place, _shown(s), Single, self._seed) for s in sections]
        for section, form in zip(sections, self._asking.forms(requests, Single, "questions"), strict=True):
            yield form if isinstance(form, str) else self._single(section, form)

    def _single(self, section: Section, form: Single) -> Draft | str:
        if not form.possible:
            return IMPOSSIBLE
        span = self._quoted(form.quote, section)
        return Draft(SINGLE, section.document.id, line(form.question), (line(form.answer),), (span,)) if span else NOT_FOUND

    def multi(self, pairs: Sequence[Pair]) -> Iterator[Draft | str]:
        """Yield a question about each pair of sections."""
        requests = [request("multi", f"{p.a.place} {p.b.place}", _both(p), Multi, self._seed, term=p.term) for p in pairs]
        for pair, form in zip(pairs, self._asking.forms(requests, Multi, "questions of two passages"), strict=True):
            yield form if isinstance(form, str) else self._multi(pair, form)

    def _multi(self, pair: Pair, form: Multi) -> Draft | str:
        if not form.possible:
            return IMPOSSIBLE
        spans = [self._quoted(form.quote_1, pair.a), self._quoted(form.quote_2, pair.b)]
        found = tuple(s for s in spans if s)
        if len(found) < 2:
            return NOT_FOUND
        said = terms(form.answer) - terms(form.question)
        if said and any(said <= terms(self._documents[s.doc_id].text[s.start : s.end]) for s in found):
            return "one passage is enough"
        return Draft(MULTI, pair.a.document.id, line(form.question), (line(form.answer),), found)

    def unanswerable(self, sections: Sequence[Section]) -> Iterator[Draft | str]:
        """Yield a question that the corpus does not answer near each section: no search finds an answer, and the model none in what it finds."""
        requests = [request("unanswerable", s.place, _shown(s), Unanswered, self._seed) for s in sections]
        forms = self._asking.forms(requests, Unanswered, "unanswerable questions")
        asked = {i: line(f.question) for i, f in enumerate(forms) if not isinstance(f, str) and f.possible and f.question.strip()}
        checks = {i: request("verify", q, self._near(q), Verdict, self._seed, question=q) for i, q in asked.items() if not self._answered(q)}
        verdicts = dict(zip(checks, self._asking.forms(list(checks.values()), Verdict, "verify unanswerable"), strict=True))
        for i, form in enumerate(forms):
            if isinstance(form, str):
                yield form
            elif i not in asked:
                yield IMPOSSIBLE
            else:
                yield self._declined(sections[i], asked[i], verdicts.get(i))

    def _declined(self, section: Section, question: str, verdict: Verdict | str | None) -> Draft | str:
        if isinstance(verdict, str):
            return verdict
        if verdict is None or verdict.answered:
            return "the corpus may answer it"
        block = max(section.blocks, key=lambda b: (len(terms(section.document.text[b.start : b.end]) & terms(question)), -b.start))
        return Draft(UNANSWERABLE, section.document.id, question, (), (), (Span(section.document.id, block.start, block.end),))

    def _answered(self, question: str) -> bool:
        best = best_passage(question, self._finder, self._containment)
        return best is not None and best.suspect

    def _near(self, question: str) -> list[tuple[str, str]]:
        return [(hit.chunk.span.doc_id, hit.chunk.text) for hit in self._finder.passages(question, LOOKED)]

    def _quoted(self, quote: str, section: Section) -> Span | None:
        """Return where a section holds a quote: as it is, else its words in order, as the model is not shown hidden characters and may drop marks."""
        document = section.document
        at = document.text.find(quote.strip(), section.start, section.end) if quote.strip() else -1
        if at >= 0:
            return Span(document.id, at, at + len(quote.strip()))
        return next((s for s in self._shelf.runs(quote, document.id) if section.start <= s.start and s.end <= section.end), None)


def line(text: str) -> str:
    """Return a text on one line."""
    return " ".join(text.split())


def _shown(section: Section) -> list[tuple[str, str]]:
    path = " > ".join([section.title, *section.headings])
    return [("title and headings", path), ("passage", section.text)]


def _both(pair: Pair) -> list[tuple[str, str]]:
    titles = [" > ".join([s.title, *s.headings]) for s in (pair.a, pair.b)]
    return [("title 1", titles[0]), ("passage 1", pair.a.text), ("title 2", titles[1]), ("passage 2", pair.b.text)]
