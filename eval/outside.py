"""Scores answers that any other system made, in the layout of a run, so that they can be compared with it and with each other."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from eval.entries import entry, joined, neighbours, whole
from eval.metrics import DEFAULT_METRICS
from eval.outside_results import Made, make
from eval.outside_rows import EMPTY_ANSWER, Given, read_answers
from eval.outside_scores import scores_of
from eval.records import question_row, score_rows, seal, sealed, write_jsonl
from eval.runner import RESERVED
from eval.task import Task, prepare
from rag.errors import ConfigError
from rag.fingerprint import key
from rag.index.manifest import write_json
from rag.loaders.limits import Limits
from rag.models.files import BUNDLED
from rag.runtime import Runtime
from rag.types import Document


def score_answers(
    files: Sequence[str | Path], corpus: str | Path, questions: str | Path, out: str | Path | None = None, *,
    metrics: Sequence[str] = DEFAULT_METRICS, judge: str = "embedded", certificate: str | Path | None = None, limit: int | None = None,
    runtime: Runtime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Score each file of answers as one system, named by its stem, and return what `summary.json` holds.

    Writes that file and a folder per system to `out`; systems and configurations that are there already, measured on the same corpus and
    questions by the same judge, stay in the summary. A folder that is finished is not touched. `limit` takes the first so many questions.
    Raises `QuestionError` for a row that is wrong, `ConfigError` for a name that cannot be one, and what reading the inputs raises.
    """
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            return score_answers(files, corpus, questions, folder, metrics=metrics, judge=judge, certificate=certificate, limit=limit, runtime=runtime)
    runtime, out = runtime or Runtime(), Path(out)
    systems = _systems([Path(f) for f in files], out)
    every = prepare(Path(corpus), Path(questions), metrics, judge, None, Limits(), runtime, None if certificate is None else Path(certificate))
    task = replace(every, questions=every.questions[:limit])
    known = {f.doc_id: Document(f.doc_id, "") for f in task.failed} | {d.id: d for d in task.documents}
    given = {name: read_answers(file, every.questions, known) for name, file in systems.items()}
    others = neighbours(out, whole(task, dict.fromkeys(systems), []))
    out.mkdir(parents=True, exist_ok=True)
    write_jsonl(out / "questions.jsonl", [question_row(q) for q in task.questions])
    found = {name: _system(name, file, given[name], task, out / name, runtime) for name, file in systems.items()}
    summary = joined(whole(task, found, [[] for _ in found]), others)
    write_json(out / "summary.json", summary)
    return summary


def _systems(files: Sequence[Path], out: Path) -> dict[str, Path]:
    """Return the files by the name of their system. Raises `ConfigError` for a name that is taken."""
    if not files:
        raise ConfigError("no file of answers is given; name at least one")
    found: dict[str, Path] = {}
    for file in files:
        name = file.stem
        if name in found:
            raise ConfigError(f"{file}: another file is called {name!r} too; rename one")
        if name in (".", "..") or any(c in name for c in "/\\\0"):  # `...jsonl` would be written beside the run, over what is there
            raise ConfigError(f"{file}: a system cannot be called {name!r}: that is no name of a folder in {out}; rename the file")
        if name in RESERVED or name in ("", "questions", "summary"):
            raise ConfigError(f"{file}: a system cannot be called {name!r}: a run keeps a file of that name; rename the file")
        if (out / name / "lock.json").is_file() and not (out / name / "given.json").is_file():
            raise ConfigError(f"{file}: {out} holds a run of a configuration called {name!r}; rename the file, or give another --out")
        found[name] = file
    return found


def _system(name: str, file: Path, given: Mapping[str, Given], task: Task, folder: Path, runtime: Runtime) -> dict[str, Any]:
    """Score one system, unless its folder is finished, and return its entry of the summary."""
    lock = sealed(folder, work := _key(given, task, runtime))
    if lock is None or lock["unjudged"]:
        lock = _score(name, file, given, work, task, folder, runtime)
    return {**entry(folder, lock, task), "outside": lock["outside"]}


def _key(given: Mapping[str, Given], task: Task, runtime: Runtime) -> str:
    ages = dict(task.ages) if any(m.needs_ages for m in task.metrics) else {}
    rows = [given.get(q.id) for q in task.questions]
    return key(
        "outside", 1, rows, task.corpus_digest, task.questions_digest, [[m.name, m.identity] for m in task.metrics], ages, task.judge.identity,
        runtime.tokenizer(BUNDLED).identity, version("spanwise"),
    )  # fmt: skip


def _score(name: str, file: Path, given: Mapping[str, Given], work: str, task: Task, folder: Path, runtime: Runtime) -> dict[str, Any]:
    """Place, score and write one system's answers, and return its lock."""
    start = time.perf_counter()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lock.json").unlink(missing_ok=True)
    counted = runtime.tokenizer(BUNDLED)
    made = make([(q, given.get(q.id)) for q in task.questions], task, counted)
    facts = _facts(file, made, [given[q.id] for q in task.questions if q.id in given])
    write_json(folder / "given.json", facts)  # first: it says whose folder this is
    files = {"answers.jsonl": write_jsonl(folder / "answers.jsonl", [m.row for m in made])}
    scores = scores_of(made, task, runtime, name)
    files["scores.jsonl"] = write_jsonl(folder / "scores.jsonl", score_rows(scores))
    timing = _timing(made)
    write_json(folder / "latency.json", timing)
    lock = {
        "key": work, "config": {"use": "outside", "file": file.name}, "corpus": task.corpus_digest, "questions": task.questions_digest, "models": [],
        "prompts": {}, "judge": dict(task.judge.identity), "metrics": {m.name: m.identity for m in task.metrics}, "package": version("spanwise"),
        "files": files, "seconds": round(time.perf_counter() - start, 3), "chunks": None, "over_limit": {}, "not_indexed": [], "latency": timing,
        "unjudged": sum(s.open for s in scores), "outside": facts, "tokens": {"tokenizer": counted.name, "identity": counted.identity},
    }  # fmt: skip
    seal(folder, lock)
    return lock


def _facts(file: Path, made: Sequence[Made], given: Sequence[Given]) -> dict[str, Any]:
    """Return what has to be known beside the figures: what was given, what was derived from it, and what was missing."""
    places = Counter(p for m in made for p in m.places)
    rows = [m for m in made if m.result is not None]
    return {
        "file": file.name, "answers": len(given), "missing": sum(m.result is None for m in made), "only_ranked": sum(g.answer is None for g in given),
        "contexts": {k: places.get(k, 0) for k in ("given", "found", "several", "nowhere", "blank")},
        "unplaced": sum(bool(m.unplaced) and not m.only_ranked for m in rows), "unranked": sum(not m.result.ranked for m in rows if m.result),
        "rankings": {"given": sum(g.ranking is not None for g in given), "from_contexts": sum(m.derived for m in made)},
        "abstained": {"said": sum(bool(g.abstained) and not g.detected and g.abstained != EMPTY_ANSWER for g in given),
                      "empty": sum(g.abstained == EMPTY_ANSWER for g in given), "by_wording": sum(g.detected for g in given)},
        "with": {k: sum(k in g.spent for g in given) for k in ("prompt_tokens", "completion_tokens", "cost")} | {"latency_ms": sum(g.latency_ms is not None for g in given)},
    }  # fmt: skip


def _timing(made: Sequence[Made]) -> dict[str, Any]:
    """Return the times that were given, in the form of `eval.latency.measure`."""
    times = {m.row["question"]: m.result.latency_ms for m in made if m.result and m.result.latency_ms is not None}
    values = list(times.values())
    stages = {"total": {"p50": round(float(np.percentile(values, 50)), 3), "p95": round(float(np.percentile(values, 95)), 3)}} if values else {}
    return {"stages": stages, "questions": times, "sample": len(times), "machine": "elsewhere"}
