"""Where each configuration lost its questions: from the replay of the run where the corpus is at hand, else from the run's own files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eval.explain.account import CHUNK, CORPUS, FUSION, PACK, SEARCH, Reached, first, lost
from eval.explain.answered import ANSWER, RIGHT, SCORE, UNKNOWN, outcome
from eval.explain.sets import solid
from eval.explain.waterfall import ENDS, waterfall
from eval.intervals import union
from eval.records import read_jsonl
from eval.report.view import View, reading
from eval.report.words import number
from rag.types import Span

FOUND = "search to refine"  # one stage for all between chunks and packing: the run's files do not tell them apart
COARSE = (CORPUS, CHUNK, FOUND, PACK)
_REFINE = "refine "
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """A stage and the questions whose evidence it was the first to lose; `points` of the evidence with interval, where a replay said so."""

    name: str
    n: int
    points: str = ""


@dataclass(frozen=True)
class Losses:
    """One configuration: all `n` answerable questions with evidence, each at one stage; the last is `right`.

    `whole` says that search, fusion and refiners are told apart; `left_out` counts questions that nothing is said of.
    """

    name: str
    n: int
    stages: tuple[Stage, ...]
    whole: bool
    left_out: int = 0

    def at(self, *names: str) -> int:
        """Return the questions at some stages."""
        return sum(s.n for s in self.stages if s.name in names)

    @property
    def cells(self) -> tuple[int | None, ...]:
        """The columns of the table: corpus, chunk, search, fusion, refiners, those three together, pack, answer, score, unknown, right."""
        refined = sum(s.n for s in self.stages if s.name.startswith(_REFINE))
        apart = (self.at(SEARCH), self.at(FUSION), refined) if self.whole else (None, None, None)
        between = self.at(SEARCH, FUSION, FOUND) + refined
        return (self.at(CORPUS), self.at(CHUNK), *apart, between, self.at(PACK), self.at(ANSWER), self.at(SCORE), self.at(UNKNOWN), self.at(RIGHT))


def losses(view: View) -> tuple[Losses, ...]:
    """Return the losses of each configuration that answers are kept of, in the order of the leaderboard. Raises `StoreError`."""
    explained = view.source.explained
    asked = () if all(n in explained for n in view.names) else _asked(view)
    found = []
    for name in view.names:
        one = _replayed(view, name) if name in explained else _kept(view, name, asked)
        if one is not None:
            found.append(one)
    return tuple(found)


def _replayed(view: View, name: str) -> Losses | None:
    """Return what `rag-eval explain` says of a configuration."""
    body = waterfall(view.source.explained[name], view.clusters)
    if not body["n"]:
        return None
    points = {r["stage"]: f"{number(100 * r['lost'], 1)} ({number(100 * r['low'], 1)} to {number(100 * r['high'], 1)})" for r in body["stages"]}
    stages = tuple(Stage(o["stage"], o["n"], points.get(o["stage"], "")) for o in body["outcomes"] if o["stage"] != UNKNOWN or o["n"])
    return Losses(name, body["n"], stages, True, sum(body["left_out"].values()))


def _asked(view: View) -> tuple[tuple[str, tuple[Span, ...]], ...]:
    """Return the answerable questions with their evidence."""
    with reading("questions.jsonl", view.folder):
        rows = read_jsonl(view.folder / "questions.jsonl")
        return tuple((r["question"], tuple(_span(e) for e in r["evidence"])) for r in rows if r["answerable"])


def _span(row: Row) -> Span:
    return Span(row["doc_id"], row["start"], row["end"])


def _kept(view: View, name: str, asked: Sequence[tuple[str, tuple[Span, ...]]]) -> Losses | None:
    """Return the losses by what `answers.jsonl` keeps of each question: the last ranking, the context and the answer; None without that file.

    What another system showed, and nobody could place in the corpus, is left out.
    """
    path = view.folder / name / "answers.jsonl"
    if not path.exists():
        return None
    failed = {f["doc_id"] for f in view.summary["corpus"].get("failed", ())} | set(view.configs[name].get("not_indexed", ()))
    counts: Counter[str] = Counter()
    with reading(f"{name}/answers.jsonl", view.folder):
        rows = {r["question"]: r for r in read_jsonl(path)}
        for question, evidence in asked:
            if evidence and question in rows and not rows[question].get("unplaced"):
                counts[_stage(view, name, rows[question], evidence, failed)] += 1
    n = sum(counts.values())
    stages = tuple(Stage(s, counts[s]) for s in (*COARSE, *ENDS) if s != UNKNOWN or counts[s])
    return Losses(name, n, stages, False, len(asked) - n) if n else None


def _stage(view: View, name: str, row: Row, evidence: tuple[Span, ...], failed: set[str]) -> str:
    """Return the first stage that lost evidence of a question, else what became of its answer; what was shown for one that failed is not kept."""
    if "failed" in row:
        return ANSWER
    documents = {e.doc_id for e in evidence}

    def spans(key: str) -> tuple[Span, ...]:
        return tuple(_span(s) for s in row[key] if s["doc_id"] in documents)

    read = tuple(e for e in evidence if e.doc_id not in failed)
    reached = [Reached(CORPUS, read), Reached(CHUNK, read), Reached(SEARCH, spans("ranking")), Reached(PACK, spans("contexts"))]
    split = [span for span, one in zip(evidence, row["held"], strict=False) if not one]
    firm = solid(evidence, view.source.texts) or union(evidence)
    stage = first(lost(evidence, reached, split), firm)
    if stage:
        return FOUND if stage == SEARCH else stage
    scores = {m: by[row["question"]] for m, by in view.scores[name].items() if row["question"] in by}
    return outcome(row, scores, evidence)[0]
