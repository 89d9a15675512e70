"""Runs several configurations on one corpus and one question set: indexes, answers, scores, and writes the run's folder."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import fields, is_dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from eval.boundaries import chunk_spans, held
from eval.counts import code
from eval.entries import entry, joined, neighbours, whole
from eval.grid import groups, held_by, open_shared
from eval.judges.spec import JudgeSpec
from eval.latency import kept, machine, measure, size
from eval.metrics import DEFAULT_METRICS
from eval.questions import Question
from eval.records import answer_row, failed_row, question_row, score_rows, seal, sealed, write_jsonl
from eval.scoring import BLOCK, score
from eval.sweep_calls import per_question
from eval.task import Task, prepare
from rag.config import dump
from rag.errors import ChatError, ConfigError
from rag.fingerprint import canonical, key
from rag.index.manifest import write_json
from rag.index.store import Index
from rag.loaders.limits import Limits
from rag.pipeline import Pipeline
from rag.prompts import load
from rag.runtime import Runtime
from rag.stages import DenseSpace
from rag.types import Answer

# Failures that are a matter of one question. After any other the run ends, and goes on where it stopped when it is started again.
ONE_QUESTION = frozenset({"refused", "truncated", "malformed", "too_long"})
RESERVED = ("questions.jsonl", "summary.json")
SPEED = ("RAG_DEVICE", "RAG_PRECISION", "OMP_NUM_THREADS")
Lock = dict[str, Any]
Attempt = Callable[[str, Callable[[], Lock]], Lock | None]


def run(
    pipelines: Mapping[str, Pipeline], corpus: str | Path, questions: str | Path, out: str | Path | None = None, *,
    metrics: Sequence[str] = DEFAULT_METRICS, judge: str | JudgeSpec = "embedded", certificate: str | Path | None = None,
    limit: int | None = None, latency_questions: int | None = None, runtime: Runtime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Evaluate pipelines by name and return what `summary.json` holds; writes that file and a folder per pipeline to `out`.

    Without `out` nothing is left behind but the memo. Work that any earlier run did under the same content key is not done again; a folder that is finished is not
    touched. `latency_questions` says how many questions are timed, 0 for none; without it 15, fewer where that takes long.

    Raises what reading the inputs, building the indexes and answering raise.
    """
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            return run(
                pipelines, corpus, questions, folder, metrics=metrics, judge=judge, certificate=certificate, limit=limit, latency_questions=latency_questions,
                runtime=runtime,
            )  # fmt: skip
    refuse(pipelines)
    runtime, out = runtime or Runtime(), Path(out)
    most = Limits.widest([Limits.from_options(p.index) for p in pipelines.values()])
    own = Path(certificate) if certificate is not None else None
    task = prepare(Path(corpus), Path(questions), metrics, judge, limit, most, runtime, own, latency_questions)
    return run_task(pipelines, task, out, runtime)


def run_task(pipelines: Mapping[str, Pipeline], task: Task, out: Path, runtime: Runtime, attempt: Attempt = lambda _, make: make()) -> dict[str, Any]:
    """Do what `run` does on a task that is prepared.

    `attempt` is handed the name of each configuration that is not finished, and what evaluates it; returning None leaves that one out.
    """
    others = neighbours(out, whole(task, dict.fromkeys(pipelines), []), scored=True)
    out.mkdir(parents=True, exist_ok=True)
    write_jsonl(out / "questions.jsonl", [question_row(q) for q in task.questions])
    found: dict[str, Lock] = {}
    for names in groups(pipelines):
        found |= _group({n: pipelines[n] for n in names}, task, out, runtime, attempt)
    own = {n: entry(out / n, found[n], task) for n in pipelines if n in found}
    summary = joined(whole(task, own, [found[n]["models"] for n in own]), others)
    write_json(out / "summary.json", summary)
    return summary


def _group(members: Mapping[str, Pipeline], task: Task, out: Path, runtime: Runtime, attempt: Attempt) -> dict[str, Lock]:
    """Return the locks of pipelines that share an index, which is opened for the first that is not finished."""
    keys = {n: _key(p, task, runtime) for n, p in members.items()}
    found = {n: lock for n in members if (lock := _finished(out / n, keys[n])) is not None}
    with ExitStack() as stack:

        @cache
        def opened() -> tuple[Index, Index, Mapping[str, tuple[bool, ...]]]:
            index = stack.enter_context(open_shared(list(members.values()), task.documents, task.corpus_digest, runtime))
            fresh = stack.enter_context(Index.open(index.path, runtime.unmemoised()))
            return index, fresh, held(task.questions, chunk_spans(index))

        for name in [n for n in members if n not in found]:

            def evaluated(name: str = name) -> Lock:
                return _evaluate(name, members[name], keys[name], *opened(), task, out / name, runtime)

            if (lock := attempt(name, evaluated)) is not None:
                found[name] = lock
    return found


def finished(pipelines: Mapping[str, Pipeline], task: Task, out: Path, runtime: Runtime) -> frozenset[str]:
    """Return the names of those whose folder in `out` is finished and would not be touched."""
    return frozenset(n for n, p in pipelines.items() if _finished(out / n, _key(p, task, runtime)) is not None)


def refuse(pipelines: Mapping[str, Pipeline]) -> None:
    """Raise `ConfigError` for pipelines that cannot be evaluated under their names."""
    if not pipelines:
        raise ConfigError("no configuration is given; name at least one")
    for name, pipeline in pipelines.items():
        if name in RESERVED:
            raise ConfigError(f"a configuration cannot be called {name!r}: a run keeps a file of that name; rename it")
        if pipeline.index.tenant_key is not None:
            raise ConfigError(f"{name}: index.tenant_key: questions name no tenant, so a scoped index cannot be evaluated; leave tenant_key out to evaluate")


def _finished(folder: Path, name: str) -> dict[str, Any] | None:
    """Return the lock of a finished run; one in which the judge failed is made again, as the judge may answer this time."""
    lock = sealed(folder, name)
    return None if lock is not None and lock["unjudged"] else lock


def _key(pipeline: Pipeline, task: Task, runtime: Runtime) -> str:
    metrics = [[m.name, m.identity] for m in task.metrics]
    ages = dict(task.ages) if any(m.needs_ages for m in task.metrics) else {}
    return key("run", 3, _answering(pipeline, task, runtime), metrics, ages, task.judge.identity, _wanted(task))


def _answering(pipeline: Pipeline, task: Task, runtime: Runtime) -> list[Any]:
    """Return all that decides what is answered."""
    stages = [pipeline.chunk, pipeline.retrieve, *pipeline.refine, pipeline.pack, pipeline.answer]
    models = [runtime.identities(s) for s in stages]
    return [[canonical(s) for s in stages], list(held_by(pipeline)), models, task.corpus_digest, task.questions_digest, version("spanwise")]


def _wanted(task: Task) -> int | None:
    """Return how many questions are to be timed; more than there are is all of them."""
    return None if task.latency_questions is None else size(len(task.questions), task.latency_questions)


def _timing(name: str, pipeline: Pipeline, fresh: Index, task: Task, file: Path, runtime: Runtime) -> dict[str, Any]:
    """Return the times of the sample.

    Where a chat model is asked, which may be paid, a whole sample stays for the same code, settings and machine: of a run that was interrupted later, or had
    other metrics or another judge. Nothing else does: times are cheap where nobody is paid, and never quite the same.
    """
    wanted, paid = _wanted(task), bool(per_question(pipeline))
    settings = [dump(pipeline), machine(), {k: v for k, v in os.environ.items() if k in SPEED}]
    work = key("latency", 2, _answering(pipeline, task, runtime), wanted, settings, code()) if paid else ""
    if not paid or (timing := kept(file, work)) is None:
        timing = measure(pipeline, fresh, task.questions, wanted, lambda picks: runtime.track(picks, f"time {name}", len(picks), still=True))
        whole_sample = timing["sample"] == size(len(task.questions), wanted)
        write_json(file, {**timing, "key": work} if paid and whole_sample else timing)
    return timing


def _evaluate(
    name: str, pipeline: Pipeline, work: str, index: Index, fresh: Index, unsplit: Mapping[str, tuple[bool, ...]], task: Task, folder: Path, runtime: Runtime
) -> dict[str, Any]:
    """Answer, time and score every question, write the folder, and return its lock."""
    start = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lock.json").unlink(missing_ok=True)
    answers = runtime.track(_answers(task.questions, pipeline, index), f"answer {name}", len(task.questions))
    rows = [_row(q, found, unsplit[q.id]) for q, found in zip(task.questions, answers, strict=True)]
    files = {"answers.jsonl": write_jsonl(folder / "answers.jsonl", rows)}
    answered = time.perf_counter() - start
    timing = _timing(name, pipeline, fresh, task, folder / "latency.json", runtime)
    scores = score(rows, task, timing["questions"], runtime, name)
    files["scores.jsonl"] = write_jsonl(folder / "scores.jsonl", score_rows(scores))
    lock = {
        "key": work, "config": dump(pipeline), "corpus": task.corpus_digest, "questions": task.questions_digest,
        "models": [m for s in (pipeline.chunk, pipeline.retrieve, pipeline.refine, pipeline.pack, pipeline.answer) for m in runtime.identities(s)],
        "prompts": prompts_of(pipeline), "judge": dict(task.judge.identity), "metrics": {m.name: m.identity for m in task.metrics}, "package": version("spanwise"),
        "files": files, "seconds": round(answered, 3), "chunks": index.manifest.chunks, "over_limit": over_limit(pipeline, index),
        "not_indexed": sorted(d.id for d in task.documents if d.id not in index.documents), "latency": timing, "unjudged": sum(s.open for s in scores),
    }  # fmt: skip
    seal(folder, lock)
    entry(folder, lock, task, (rows, scores))
    return lock


def _answers(questions: Sequence[Question], pipeline: Pipeline, index: Index) -> Iterator[Answer | ChatError]:
    """Yield what comes of each question; so many are asked together that embedding is done in full batches. Raises a `ChatError` that is no matter of one."""
    for start in range(0, len(questions), BLOCK):
        yield from pipeline.ask_all(index, [q.text for q in questions[start : start + BLOCK]], exact=True, placed=ONE_QUESTION)


def _row(question: Question, found: Answer | ChatError, unsplit: tuple[bool, ...]) -> dict[str, Any]:
    """Return what came of a question; one that the model has no usable reply to is a row with the reason."""
    if isinstance(found, ChatError):
        return failed_row(question.id, question.text, f"{found.why}: {found}")
    return answer_row(question.id, found, unsplit)


def prompts_of(pipeline: Pipeline) -> dict[str, str]:
    """Return the digest of every prompt that the stages of a pipeline name."""
    found: dict[str, str] = {}

    def walk(value: object) -> None:
        if isinstance(value, (tuple, list)):
            for item in value:
                walk(item)
        elif is_dataclass(value) and not isinstance(value, type):
            for f in fields(value):
                held = getattr(value, f.name)
                if f.metadata.get("model") == "prompt":
                    found[held] = load(held).digest
                walk(held)

    walk(pipeline)
    return dict(sorted(found.items()))


def over_limit(pipeline: Pipeline, index: Index) -> dict[str, int]:
    """Return per encoder that this pipeline searches with how many chunks are longer than it reads."""
    models = {s.model for s in pipeline.retrieve.spaces() if isinstance(s, DenseSpace)}
    return {encoder: n for encoder, n in index.manifest.over_limit.items() if encoder.rsplit(" (", 1)[0] in models}
