"""What a run would build, reuse and call, and about how long and how dear that is; nothing is built, asked or written."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from eval.grid import groups, place
from eval.judges.spec import JudgeSpec
from eval.latency import WARM, size
from eval.runner import finished, refuse
from eval.sweep_calls import Asks, per_chunk, per_question
from eval.sweep_judge import judge_asks
from eval.sweep_peek import Peek
from eval.sweep_speed import COMPLETION, ENCODED, INDEXED, JUDGEMENT, Speeds
from eval.task import Task
from rag.errors import ConfigError
from rag.fingerprint import canonical, key
from rag.index.cut import cut
from rag.models.embedded import kept_under
from rag.models.recordings import read as read_recordings
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.stages import DenseSpace, Retriever, Stage

CHARS = 600  # of a chunk, where only cutting with a model would tell how many there are
NEEDS = ("calls", "seconds", "money")


def check_record(path: Path) -> None:
    """Raise `ConfigError` where a run could not add recordings to this file, as the run would; the file is left as it is, or absent."""
    if path.exists():
        read_recordings(path)
    above = path if path.exists() else next(p for p in path.absolute().parents if p.exists())
    if not os.access(above, os.W_OK) or (above != path and not above.is_dir()):
        raise ConfigError(f"{path}: recordings cannot be written; check the path after --record")


def plan(
    pipelines: Mapping[str, Pipeline], task: Task, judge: str | JudgeSpec, folders: Sequence[Path], runtime: Runtime, speeds: Speeds, indexed: bool = False
) -> dict[str, Any]:
    """Return `{questions, configs, indexes, embeddings, legs, total, speeds}`; `runtime` should have a `Peek` for its memo.

    A configuration that is finished in one of the run folders needs nothing. `calls` are completions of chat models, at most; of the
    judge's, about. What an index takes is counted for the first configuration that needs it, under `indexes` once more; with
    `indexed` they are taken to be built.
    """
    refuse(pipelines)
    done = frozenset(n for folder in folders for n in finished(pipelines, task, folder, runtime))
    judging = judge_asks(judge, sum(m.needs_judge for m in task.metrics))
    configs = {n: _config(p, n in done, task, judging, speeds) for n, p in pipelines.items()}
    indexes = []
    for names in groups(pipelines):
        members = {n: pipelines[n] for n in names}
        index = _index(members, task, runtime, indexed or all(n in done for n in names))
        indexes.append(index)
        first = next((n for n in names if n not in done), names[0])
        for need in (*NEEDS, "tokens"):
            configs[first][need] = round(configs[first][need] + index[need], 6)
    total = {need: round(sum(c[need] for c in configs.values()), 6) for need in (*NEEDS, "tokens", "judge_calls", "judgements")}
    legs = [(group, leg) for group, names in enumerate(groups(pipelines)) for n in names for leg in _legs(pipelines[n].retrieve)]
    distinct = {key("leg", group, canonical(leg)) for group, leg in legs}
    return {
        "questions": len(task.questions), "configs": configs, "indexes": indexes, "embeddings": _queries(pipelines, task, runtime),
        "legs": {"used": len(legs), "distinct": len(distinct), "searches": len(distinct) * len(task.questions)},
        "total": total, "speeds": speeds.as_dict(),
    }  # fmt: skip


def _config(pipeline: Pipeline, done: bool, task: Task, judging: Sequence[Asks], speeds: Speeds) -> dict[str, Any]:
    """Return what answering, timing and judging take."""
    n = len(task.questions)
    timed = 0 if done else size(n, task.latency_questions)
    asked = 0 if done else n + timed + WARM * (timed > 0)  # the sample for latency is asked anew, chat models too
    seconds, known = speeds.of(pipeline)
    asks = per_question(pipeline)
    judged = sum(m.needs_judge for m in task.metrics)
    scored = 0 if done else n
    calls, judge_calls = asked * sum(a.calls for a in asks), scored * sum(a.calls for a in judging)
    judgements = 0 if judging else 2 * judged * scored
    waited = 0.0 if known else asked * COMPLETION * sum(a.calls for a in asks)  # what was measured holds its calls
    return {
        "finished": done, "measured": known, "timed": timed,
        "calls": calls + judge_calls, "judge_calls": judge_calls, "judgements": judgements,
        "tokens": asked * _tokens(asks) + scored * _tokens(judging),
        "money": round(asked * sum(a.money for a in asks) + scored * sum(a.money for a in judging), 6),
        "seconds": round(asked * seconds + waited + judge_calls * COMPLETION + judgements * JUDGEMENT, 3),
    }  # fmt: skip


def _tokens(asks: Sequence[Asks]) -> int:
    return sum(a.calls * (a.prompt + a.reply) for a in asks)


def _index(members: Mapping[str, Pipeline], task: Task, runtime: Runtime, done: bool) -> dict[str, Any]:
    """Return what the index that these pipelines share takes; nothing where it is in the cache, or nobody needs it."""
    first = next(iter(members.values()))
    spaces, path = place(list(members.values()), task.corpus_digest, runtime)
    cached = (path / "CURRENT").is_file()
    body: dict[str, Any] = {"configs": list(members), "chunker": first.chunk.use, "cached": cached, "needed": not done, "spaces": len(spaces)}
    body |= {"chunks": None, "exact": True, "embed": 0, "embedded": 0, "calls": 0, "tokens": 0, "money": 0.0, "seconds": 0.0}
    if cached or done:
        return body
    texts = _texts(first, task, runtime)
    chunks = len(texts) if texts is not None else sum(len(d.text) for d in task.documents) // CHARS + 1
    body |= {"chunks": chunks, "exact": texts is not None}
    for space in spaces:
        if isinstance(space, DenseSpace):
            known = _known(runtime, space.model, space.prefix, texts) if texts is not None else 0
            distinct = len(set(texts)) if texts is not None else chunks
            body["embedded"] += known
            body["embed"] += distinct - known
    asks = per_chunk(first)
    calls = chunks * sum(a.calls for a in asks)
    body |= {"calls": calls, "tokens": chunks * _tokens(asks), "money": round(chunks * sum(a.money for a in asks), 6)}
    body["seconds"] = round(body["embed"] / ENCODED + chunks / INDEXED + calls * COMPLETION, 3)
    return body


def _texts(pipeline: Pipeline, task: Task, runtime: Runtime) -> list[str] | None:
    """Return what would be indexed, None where only a model could tell."""
    if _models(pipeline.chunk):
        return None
    return [c.index_text for d in task.documents for c in cut(d, pipeline.chunk, pipeline.chunk_key, runtime).chunks]


def _models(value: object) -> bool:
    """Return whether a part names a model that does more than count tokens."""
    if not is_dataclass(value) or isinstance(value, type):
        return False
    found = ((f.metadata.get("model"), getattr(value, f.name)) for f in fields(value))
    return any((role in ("encoder", "pairs", "chat") and held) or _models(held) for role, held in found)


def _known(runtime: Runtime, model: str, prefix: str, texts: Sequence[str], question: bool = False) -> int:
    """Return how many distinct texts the memo has an embedding of."""
    encoder = runtime.encoder(model)
    identity = kept_under(encoder.for_questions() if question else encoder)
    memo = runtime.memo
    keys = [key(identity, prefix, t) for t in dict.fromkeys(texts)]
    return memo.known(keys) if isinstance(memo, Peek) else len(memo.get_many(keys))


def _queries(pipelines: Mapping[str, Pipeline], task: Task, runtime: Runtime) -> dict[str, int]:
    """Return how many embeddings of questions the legs need, and how many of them are known."""
    needed = {
        (str(getattr(leg, "model", "")), str(getattr(leg, "query_prefix", ""))) for p in pipelines.values() for leg in _legs(p.retrieve) if leg.use == "dense"
    }
    texts = [q.text for q in task.questions]
    known = sum(_known(runtime, model, prefix, texts, question=True) for model, prefix in sorted(needed))
    total = len(needed) * len(set(texts))
    return {"questions": total, "known": known, "todo": total - known}


def _legs(retriever: Stage) -> Iterator[Stage]:
    """Yield the retrievers that search an index themselves."""
    within = [r for f in fields(retriever) for r in _retrievers(getattr(retriever, f.name))]  # type: ignore[arg-type]  # every part is a dataclass
    if not within:
        yield retriever
    for each in within:
        yield from _legs(each)


def _retrievers(value: object) -> list[Stage]:
    """Return the retrievers that a field holds, also inside lists and plain dataclasses."""
    if isinstance(value, Retriever):
        return [value]
    if isinstance(value, (tuple, list)):
        return [r for item in value for r in _retrievers(item)]
    if is_dataclass(value) and not isinstance(value, (type, Stage)):
        return [r for f in fields(value) for r in _retrievers(getattr(value, f.name))]
    return []
