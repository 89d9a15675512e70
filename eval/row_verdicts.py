"""Rows with labels, judged: each file of labels as a corpus of its own, each row by the least of what its claims got."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from eval.judges.base import Judge, Label, Missing, verdicts
from eval.judges.make import make_judge
from eval.judges.spec import JudgeSpec
from eval.labels import LabelledRow, LabelSet, sources
from rag.runtime import Runtime
from rag.types import Document

NO_CLAIM = "no_claim"


@dataclass(frozen=True, slots=True)
class Judged:
    """What the judge says of one row; `score` and `confidence` are the least over its claims, None when a claim has none."""

    supported: bool
    score: float | None
    confidence: float | None
    claims: int


@dataclass(frozen=True)
class Case:
    """One row to judge: where it is from, its cluster, and the judge opened on the contexts of its file."""

    row: LabelledRow
    file: str
    cluster: tuple[str, int]
    judge: Judge


def cases_of(spec: JudgeSpec, sets: Sequence[LabelSet], limit: int | None, runtime: Runtime) -> list[Case]:
    """Return the first `limit` rows of each set, all where it is None, with a judge opened per set. Raises what opening the judge raises."""
    found: list[Case] = []
    for s in sets:
        judge = make_judge(spec, documents_of(s), runtime)
        clusters = sources(s.rows)
        found += [Case(row, s.name, (s.name, cluster), judge) for row, cluster in list(zip(s.rows, clusters, strict=True))[:limit]]
    return found


def documents_of(labels: LabelSet) -> list[Document]:
    """Return the contexts of a file, all of them whatever the limit, as the corpus that its judge is opened on."""
    texts = dict.fromkeys(c for r in labels.rows for c in r.contexts)
    return [Document(f"{labels.name}/{i}", text) for i, text in enumerate(texts)]


def judge_all(cases: Sequence[Case], contexts: Sequence[Sequence[str]], label: str, runtime: Runtime) -> list[Judged | str]:
    """Return the verdict on each case with these contexts, or the reason why there is none, in order; a bar shows the progress under `label`."""
    pairs = list(zip(cases, contexts, strict=True))
    with ExitStack() as stack:
        for judge in {id(c.judge): c.judge for c in cases}.values():
            stack.enter_context(judge.together())
        return list(runtime.track(_each(pairs, min((c.judge.threads for c in cases), default=1)), label, len(pairs)))


def _each(pairs: Sequence[tuple[Case, Sequence[str]]], threads: int) -> Iterator[Judged | str]:
    if threads == 1:
        yield from (_judged(*pair) for pair in pairs)
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="certify") as pool:
        try:
            yield from pool.map(lambda pair: _judged(*pair), pairs)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)  # what is under way is paid for: it is finished and kept
            raise


def _judged(case: Case, contexts: Sequence[str]) -> Judged | str:
    made = case.judge.claims(case.row.answer, case.row.question)
    if isinstance(made, Missing):
        return str(made.why)
    if not made:
        return NO_CLAIM
    found = verdicts(case.judge, made, contexts, case.row.question)
    if isinstance(found, Missing):
        return str(found.why)
    scores, sure = [v.score for v in found if v.score is not None], [v.confidence for v in found if v.confidence is not None]
    whole = len(found)
    return Judged(
        all(v.label is Label.SUPPORTED for v in found), min(scores) if len(scores) == whole else None, min(sure) if len(sure) == whole else None, whole
    )
