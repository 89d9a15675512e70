"""What an explanation works on: a finished run's questions, answers and scores, and the corpus it was made on, refused when it is another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from eval.grid import groups, open_shared
from eval.pairs import asked, clusters, lock_of
from eval.questions import Question
from eval.records import FILES, read_jsonl, read_scores, sealed
from eval.score import Score
from eval.task import corpus_digest, read_corpus
from rag.config import parse
from rag.errors import ConfigError, StoreError
from rag.index.store import Index
from rag.loaders.limits import Limits
from rag.pipeline import Pipeline
from rag.registry import did_you_mean
from rag.runtime import Runtime
from rag.types import Document, Span


@dataclass(frozen=True)
class Ran:
    """One configuration of a run: its pipeline, the rows of `answers.jsonl` by question, and its scores by question and metric."""

    name: str
    lock: Mapping[str, Any]
    pipeline: Pipeline
    rows: Mapping[str, Mapping[str, Any]]
    scores: Mapping[str, Mapping[str, Score]]


@dataclass(frozen=True)
class Opened:
    """A finished run and its corpus; `failed` says by document why it could not be read."""

    folder: Path
    questions: tuple[Question, ...]
    clusters: Mapping[str, str]
    documents: tuple[Document, ...]
    failed: Mapping[str, str]
    pipelines: Mapping[str, Pipeline]
    digest: str

    @cached_property
    def texts(self) -> Mapping[str, str]:
        """The text of every document by id."""
        return {d.id: d.text for d in self.documents}

    def ran(self, name: str) -> Ran:
        """Return a configuration of the run. Raises `StoreError` where its files are not those that the lock names."""
        lock = lock_of(self.folder, name)
        if sealed(self.folder / name, lock["key"]) is None:
            raise StoreError(f"{self.folder / name}: {' or '.join(FILES)} is not what the lock says; run `rag-eval run` again with the same arguments")
        scores: dict[str, dict[str, Score]] = {}
        for score in read_scores(self.folder / name):
            scores.setdefault(score.question, {})[score.metric] = score
        rows = {row["question"]: row for row in read_jsonl(self.folder / name / "answers.jsonl")}
        return Ran(name, lock, self.pipelines[name], rows, scores)

    def index(self, name: str, runtime: Runtime) -> Index:
        """Return the open index that the run used for a configuration, built again where it is no longer in the cache."""
        mates = next(names for names in groups(self.pipelines) if name in names)
        return open_shared([self.pipelines[n] for n in mates], self.documents, self.digest, runtime)

    def question(self, name: str) -> Question:
        """Return a question of the run by id. Raises `ConfigError`."""
        found = {q.id: q for q in self.questions}
        if name not in found:
            raise ConfigError(f"the run has no question {name!r}{did_you_mean(name, list(found))}; {self.folder / 'questions.jsonl'} lists them")
        return found[name]


def open_run(folder: Path, names: Sequence[str], corpus: Path) -> Opened:
    """Return a run with its corpus, fit to explain the configurations `names`.

    Raises `StoreError` when a configuration was not measured on this corpus or on the questions of the last run into the folder.
    """
    locks = {name: lock_of(folder, name) for name in names}
    for name, lock in locks.items():
        if lock["questions"] != asked(folder):
            raise StoreError(f"{folder}: {name} was measured on other questions than the last run into this folder; run it again")
    digests = {lock["corpus"] for lock in locks.values()}
    if len(digests) > 1:
        raise StoreError(f"{folder}: {' and '.join(names)} were measured with different corpus; run them together")
    (digest,) = digests
    if without := [name for name, lock in locks.items() if "outside" in lock]:
        raise StoreError(
            f"{folder}: {without[0]} was answered elsewhere, so there is no pipeline to replay; only a configuration that ran here can be explained"
        )
    pipelines = _pipelines(folder, digest, names)
    documents, failed = read_corpus(corpus, Limits.widest([Limits.from_options(p.index) for p in pipelines.values()]))
    if corpus_digest(documents) != digest:
        raise StoreError(f"{corpus} is not the corpus that {folder} was made on (another digest); give that one, or run again")
    questions = tuple(_question(row) for row in read_jsonl(folder / "questions.jsonl"))
    return Opened(folder, questions, clusters(folder), documents, {f.doc_id: f.reason for f in failed}, pipelines, digest)


def _pipelines(folder: Path, digest: str, names: Sequence[str]) -> dict[str, Pipeline]:
    """Return every pipeline of the folder that was measured on the same corpus: those that cut alike share an index."""
    found = {}
    for path in sorted(folder.glob("*/lock.json")):
        lock = lock_of(folder, path.parent.name)
        if lock["corpus"] == digest and "outside" not in lock:
            try:
                found[path.parent.name] = parse(lock["config"])
            except ConfigError as error:
                if path.parent.name in names:
                    raise StoreError(f"{path}: this version cannot read the configuration ({error}); run again") from None
    return found


def _question(row: Mapping[str, Any]) -> Question:
    evidence = tuple(Span(e["doc_id"], e["start"], e["end"]) for e in row["evidence"])
    return Question(row["question"], row["text"], evidence, tuple(row["answers"]), tuple(row["tags"]), row["answerable"])
