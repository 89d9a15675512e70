"""Comparative judging: which of two configurations' answers a judge prefers, question by question, in both orders, with an interval."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from eval.judges.base import Judge, Missing
from eval.judges.make import make_judge
from eval.judges.self_preference import self_preference
from eval.judges.spec import JudgeSpec
from eval.metrics.judged import failed
from eval.pairs import asked, lock_of
from eval.records import read_jsonl, write_jsonl
from eval.score import ANSWER_FAILED, NOT_APPLICABLE, because
from eval.stats import paired
from eval.summary import ENOUGH
from eval.task import read_corpus
from rag.config import parse
from rag.errors import ConfigError, StoreError
from rag.fingerprint import key
from rag.loaders.limits import Limits
from rag.runtime import Runtime
from rag.types import Document

JUDGED = "judge"
BOTH_DECLINED, ONE_DECLINED, EQUAL = "both declined", "one declined", "equal answers"
SIGN = {"a": 1.0, "b": -1.0, "tie": 0.0}
Rows = Sequence[tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of one question: `better` is None where it could not be had, and `missing` says why. `by` is `judge`, or the rule that decided."""

    question: str
    better: Literal["a", "b", "tie"] | None
    by: str
    consistent: bool = True
    first: int = 0
    second: int = 0
    rationale: str = ""
    missing: str = ""


def prefer_run(folder: Path, a: str, b: str, judge: str | JudgeSpec, corpus: Path | None, limit: int | None, runtime: Runtime) -> dict[str, Any]:
    """Compare the answers of two configurations of a finished run, write `preferences-A-B.jsonl` there, and return the result.

    `corpus` is what the run was made on; it may be left out where the rows hold the texts of their contexts. What the judge said is
    in the memo: the same call again asks for what is missing only. Raises `StoreError` or `ConfigError` for what is not there or does
    not fit, and what making the judge raises.
    """
    locks = [lock_of(folder, name) for name in (a, b)]
    digest = asked(folder)
    if any(lock["questions"] != digest for lock in locks) or locks[0]["corpus"] != locks[1]["corpus"]:
        raise StoreError(f"{folder}: {a} and {b} were not both measured on the questions and the corpus of the last run into this folder; run them together")
    if a == b:
        raise ConfigError(f"{a} cannot be compared with itself; name two configurations")
    rows = _rows(folder, a, b)[:limit]
    documents = _documents(corpus, locks)
    texts = {d.id: d.text for d in documents}
    if not texts and any("sources" not in row for _, *pair in rows for row in pair if "failed" not in row):
        raise ConfigError(f"{folder} holds where contexts stand and not their text; give --corpus with the folder that the run was made on")
    asker = make_judge(judge, documents, runtime)
    verdicts = list(runtime.track(preferences(rows, texts, asker), f"prefer {a} or {b}", len(rows)))
    file = folder / f"preferences-{a}-{b}.jsonl"
    write_jsonl(file, [asdict(v) for v in verdicts])
    found = tally(verdicts, {q["question"]: q["cluster"] for q, _, _ in rows})
    warnings = [f"{name}: {line}" for name, lock in zip((a, b), locks, strict=True) if (line := self_preference(asker.identity, lock["models"]))]
    return {"a": a, "b": b, "judge": dict(asker.identity), **found, "warnings": warnings, "file": str(file)}


def preferences(rows: Rows, texts: Mapping[str, str], judge: Judge) -> Iterator[Verdict]:
    """Yield one verdict per question, in order; as many are asked about at once as the judge takes."""
    with ThreadPoolExecutor(judge.threads, thread_name_prefix="prefer") as pool:
        try:
            yield from pool.map(lambda row: _verdict(row[0], row[1], row[2], texts, judge), rows)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)  # what is under way is paid for: it is finished and kept
            raise


def ruled(question: Mapping[str, Any], a: Mapping[str, Any], b: Mapping[str, Any]) -> Verdict | None:
    """Return what is decided without asking, None where the judge has to be asked.

    Two that declined are a tie: there is nothing to compare. Of one answer and one that declined, the answer is better where the question can be
    answered, and declining where it cannot: a judge shown an empty answer would judge its form. Answers of the same words are a tie. An answer that failed or is
    blank is missing.
    """
    name = question["question"]
    for side, row in (("a", a), ("b", b)):
        if "failed" in row:
            return Verdict(name, None, "", missing=because(ANSWER_FAILED, f"{side}: {row['failed']}"))
    if a["abstained"] and b["abstained"]:
        return Verdict(name, "tie", BOTH_DECLINED)
    if a["abstained"] or b["abstained"]:
        return Verdict(name, "b" if a["abstained"] == question["answerable"] else "a", ONE_DECLINED)
    words = [row["answer"].split() for row in (a, b)]
    if not all(words):
        return Verdict(name, None, "", missing=because(NOT_APPLICABLE, "an answer is empty"))
    return Verdict(name, "tie", EQUAL) if words[0] == words[1] else None


def tally(verdicts: Sequence[Verdict], clusters: Mapping[str, str]) -> dict[str, Any]:
    """Return the share that prefers A minus the share that prefers B, with its 95 % interval (bootstrap over documents), and all counts.

    Ties count as neither, and questions without a verdict are left out and counted by reason. What a judge was to compare and cannot
    lowers `coverage` whatever its reason; a question with an empty answer was none to compare. `asked` are the same figures of what the
    judge decided alone; `position` counts its single askings by the place of the answer they preferred: half is no bias.
    """
    scored = [v for v in verdicts if v.better is not None]
    judged = [v for v in scored if v.by == JUDGED]
    missing = Counter(v.missing.split(":", 1)[0] for v in verdicts if v.better is None)
    lost = sum(v.better is None and (v.by == JUDGED or not v.missing.startswith(NOT_APPLICABLE)) for v in verdicts)
    coverage = len(scored) / (len(scored) + lost) if scored or lost else None
    first, second = sum(v.first for v in judged), sum(v.second for v in judged)
    return {
        "n": len(verdicts), **_figures(scored, clusters), "asked": _figures(judged, clusters),
        "by_rule": dict(sorted(Counter(v.by for v in scored if v.by != JUDGED).items())),
        "inconsistent": sum(not v.consistent for v in judged),
        "position": {"first": first, "second": second, "share_first": first / (first + second) if first + second else None},
        "missing": dict(sorted(missing.items())), "coverage": coverage, "covered": coverage is None or coverage >= ENOUGH,
    }  # fmt: skip


def _figures(verdicts: Sequence[Verdict], clusters: Mapping[str, str]) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(("delta", "low", "high", "p", "mde"))
    if not verdicts:
        return {**empty, "scored": 0, "wins": 0, "losses": 0, "ties": 0, "clusters": 0}
    values = [SIGN[v.better or "tie"] for v in verdicts]
    found = asdict(paired(values, [0.0] * len(values), [clusters[v.question] for v in verdicts]))
    return {**{k: found[k] for k in (*empty, "wins", "losses", "ties", "clusters")}, "scored": found["n"]}


def _verdict(question: Mapping[str, Any], a: Mapping[str, Any], b: Mapping[str, Any], texts: Mapping[str, str], judge: Judge) -> Verdict:
    decided = ruled(question, a, b)
    if decided is not None:
        return decided
    contexts = (_sources(a, texts), _sources(b, texts))
    found = judge.prefer(question["text"], a["answer"], b["answer"], contexts, next(iter(question["answers"]), ""))
    name = question["question"]
    if isinstance(found, Missing):
        why = failed(found)
        return Verdict(name, None, JUDGED, missing=because(why.reason, why.detail))
    return Verdict(name, found.better, JUDGED, found.consistent, found.first, found.second, found.rationale)


def _sources(row: Mapping[str, Any], texts: Mapping[str, str]) -> tuple[str, ...]:
    """Return the texts of a row's contexts: those it holds, else cut from the documents."""
    if "sources" in row:
        return tuple(row["sources"])
    return tuple(texts[c["doc_id"]][c["start"] : c["end"]] for c in row["contexts"])


def _rows(folder: Path, a: str, b: str) -> Rows:
    """Return each question of a run with its two rows of answers, in the order of the questions."""
    try:
        of_a, of_b = ({r["question"]: r for r in read_jsonl(folder / name / "answers.jsonl")} for name in (a, b))
        return [(q, of_a[q["question"]], of_b[q["question"]]) for q in read_jsonl(folder / "questions.jsonl")]
    except (OSError, ValueError, KeyError, TypeError):
        raise StoreError(f"{folder}: questions.jsonl or an answers.jsonl is missing or damaged; run `rag-eval run` again with the same arguments") from None


def _documents(corpus: Path | None, locks: Sequence[Mapping[str, Any]]) -> tuple[Document, ...]:
    """Return the documents of the corpus that the run was made on. Raises `StoreError` for another."""
    if corpus is None:
        return ()
    limits = [Limits.from_options(parse(lock["config"]).index) for lock in locks if lock["config"].get("use") != "outside"]
    documents, _ = read_corpus(corpus, Limits.widest(limits or [Limits()]))
    if key("corpus", sorted([d.id, d.digest] for d in documents)) != locks[0]["corpus"]:
        raise StoreError(f"{corpus}: this is not the corpus of the run, or it has changed since; give the folder as it was, or run again")
    return documents
