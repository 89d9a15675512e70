"""What configurations are measured on: the documents, the questions, the metrics and the judge, with digests of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from eval.certificate import Certificate, find
from eval.judges.base import Judge
from eval.judges.make import make_judge
from eval.judges.spec import JudgeSpec
from eval.metrics import Metric, parse_all
from eval.questions import Question, load_questions
from rag.errors import ConfigError, CorpusError
from rag.fingerprint import key
from rag.loaders.corpus import Failed, Loaded, Summary, read
from rag.loaders.limits import Limits
from rag.runtime import Runtime
from rag.types import Document

_DAY = 86400.0


@dataclass(frozen=True)
class Task:
    """What every configuration of a run is measured on, with digests of it."""

    documents: tuple[Document, ...]
    failed: tuple[Failed, ...]
    questions: tuple[Question, ...]
    metrics: tuple[Metric, ...]
    judge: Judge
    certificate: Certificate
    latency_questions: int | None = None  # how many are timed; None: as many as `eval.latency` takes by itself

    @cached_property
    def corpus_digest(self) -> str:
        """Digest of every document's id and content."""
        return corpus_digest(self.documents)

    @cached_property
    def questions_digest(self) -> str:
        """Digest of the questions asked, with their evidence and answers."""
        return questions_digest(self.questions)

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """The text of every document by id."""
        return {d.id: d.text for d in self.documents}

    @cached_property
    def asked(self) -> Mapping[str, Question]:
        """The questions by id."""
        return {q.id: q for q in self.questions}

    @cached_property
    def ages(self) -> Mapping[str, float]:
        """How many whole days each document is older than the newest of the corpus; those without a date are left out."""
        dated = {d.id: d.modified for d in self.documents if d.modified is not None}
        newest = max(dated.values(), default=0.0)
        return {doc: float((newest - when) // _DAY) for doc, when in dated.items()}


def corpus_digest(documents: Iterable[Document]) -> str:
    """Return the digest of every document's id and content, whatever their order."""
    return key("corpus", sorted([d.id, d.digest] for d in documents))


def questions_digest(questions: Iterable[Question]) -> str:
    """Return the digest of questions, in their order, with their evidence and answers."""
    return key("questions", [[q.id, q.text, list(q.evidence), list(q.answers), q.answerable, dict(q.grades)] for q in questions])


def prepare(
    corpus: Path,
    questions: Path,
    metrics: Sequence[str],
    judge: str | JudgeSpec,
    limit: int | None,
    limits: Limits,
    runtime: Runtime,
    certificate: Path | None = None,
    latency_questions: int | None = None,
) -> Task:
    """Read and verify everything a run needs; `certificate` is a file, None for one that ships, `latency_questions` how many questions to time.

    Raises `ConfigError` for fewer than none, `CorpusError`, `QuestionError`, or what making the metrics and the judge raises.
    """
    if latency_questions is not None and latency_questions < 0:
        raise ConfigError(f"latency_questions is {latency_questions}; give how many questions to time, 0 for none")
    chosen = parse_all(metrics)
    for metric in chosen:
        metric.check()
    documents, failed = read_corpus(corpus, limits)
    known = {f.doc_id: Document(f.doc_id, "") for f in failed} | {d.id: d for d in documents}  # what failed is judged, and never found
    asked = load_questions(questions, known)
    made = make_judge(judge, documents, runtime)
    return Task(documents, failed, asked[:limit], chosen, made, find(made, certificate), latency_questions)


def read_corpus(corpus: Path, limits: Limits) -> tuple[tuple[Document, ...], tuple[Failed, ...]]:
    """Return the documents of a corpus and those that could not be read. Raises `CorpusError` when there is none."""
    documents, failed = [], []
    for item in read([corpus], limits, Summary()):
        if isinstance(item, Loaded):
            documents.append(item.document)
        else:
            failed.append(item)
    if not documents:
        raise CorpusError(
            f"{corpus}: no document could be read ({len(failed)} failed); give a folder of text, Markdown, HTML, PDF, DOCX or JSON Lines files, or a BEIR folder"
        )
    return tuple(documents), tuple(failed)
