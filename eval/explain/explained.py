"""One question explained: what each stage lost of its evidence, and the first that lost any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from eval.boundaries import chunk_spans
from eval.explain.account import CHUNK, CORPUS, FUSION, PACK, SEARCH, Measure, Reached, first, lost, points
from eval.explain.answered import outcome
from eval.explain.opened import Opened, Ran
from eval.explain.replay import Replay, refiner_names, replay
from eval.explain.sets import Spans, both, minus, solid
from eval.intervals import length, union
from eval.questions import Question
from rag.errors import ChatError
from rag.index.store import Index
from rag.pipeline import Pipeline
from rag.runtime import Runtime
from rag.types import Span


@dataclass(frozen=True, slots=True)
class Explained:
    """One question: `lost` are points of the measure by stage, which with `left` sum to 1 (empty where the evidence has no characters).

    `stage` is the first stage that lost evidence, else `answer`, `score`, `unknown` or `right`, with `why`. `legs` is the share of the
    evidence that each leg found, `alone` the share that no other leg found. `whole` says which spans of evidence one chunk holds.
    """

    question: str
    stage: str
    why: str
    detail: str
    lost: Mapping[str, float]
    left: float
    gone: Mapping[str, Spans]
    legs: Mapping[str, float]
    alone: Mapping[str, float]
    whole: tuple[bool, ...]
    same: bool  # whether the replay shows the context that the run shows


@dataclass(frozen=True)
class Explanation:
    """A configuration explained, in the order of question ids; `left_out` counts the questions that nothing is said of, by reason."""

    config: str
    measure: Measure
    stages: tuple[str, ...]
    questions: tuple[Explained, ...]
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """What an index holds: the characters of its chunks, by document; a document that was left out as a duplicate has none."""

    chunks: Mapping[str, Spans]


def stages_of(pipeline: Pipeline) -> tuple[str, ...]:
    """Return the names of the stages at which a pipeline can lose evidence, in order."""
    return (CORPUS, CHUNK, SEARCH, FUSION, *refiner_names(pipeline), PACK)


def explain(run: Opened, name: str, measure: Measure, runtime: Runtime) -> Explanation:
    """Return where a configuration of a run loses the evidence of each answerable question. Raises what replaying raises."""
    ran = run.ran(name)
    wanted = sorted((q for q in run.questions if q.answerable and q.evidence), key=lambda q: q.id)
    left_out = {"no evidence is named": sum(q.answerable and not q.evidence for q in run.questions)}
    found: list[Explained] = []
    with run.index(name, runtime) as index:
        state = _state(index)
        for question in runtime.track(wanted, f"explain {name}", len(wanted)):
            try:
                replayed = replay(ran.pipeline, index, question.text)
            except ChatError as error:
                left_out[f"failed ({error.why})"] = left_out.get(f"failed ({error.why})", 0) + 1
                continue
            found.append(_explained(question, run, ran, replayed, state, measure))
    return Explanation(name, measure, stages_of(ran.pipeline), tuple(found), {why: n for why, n in left_out.items() if n})


def explain_one(question: Question, run: Opened, ran: Ran, replayed: Replay, index: Index) -> Explained:
    """Return one question explained by characters of evidence, from its replay on an open index."""
    return _explained(question, run, ran, replayed, _state(index), "span_recall")


def _state(index: Index) -> State:
    return State(_by_document(chunk_spans(index)))


def _explained(question: Question, run: Opened, ran: Ran, replayed: Replay, state: State, measure: Measure) -> Explained:
    row = ran.rows[question.id]
    shown = replayed.context.spans if "failed" in row else tuple(Span(c["doc_id"], c["start"], c["end"]) for c in row["contexts"])
    evidence, whole = question.evidence, tuple(row["held"])
    firm = solid(evidence, run.texts) or union(evidence)
    split = [span for span, one in zip(evidence, whole, strict=False) if not one]
    gone = lost(evidence, _reached(evidence, replayed, shown, state), split)
    taken, left = points(evidence, gone, firm, measure) if length(evidence) else (dict.fromkeys(gone, 0.0), 0.0)
    unread = [span.doc_id for span in evidence if span.doc_id not in state.chunks]
    stage, why, detail = (CORPUS if unread and not length(evidence) else first(gone, firm)), "", ""
    if not stage:
        stage, why, detail = outcome(row, ran.scores.get(question.id, {}), evidence)
    elif stage == CORPUS:
        why, detail = _unread(unread, run)
    legs, alone = _legs(evidence, replayed)
    return Explained(question.id, stage, why, detail, taken, left, gone, legs, alone, whole, shown == replayed.context.spans)


def _reached(evidence: Sequence[Span], replayed: Replay, shown: Sequence[Span], state: State) -> list[Reached]:
    """Return what of the evidence is there after each stage, in order."""
    legs = [span for leg in replayed.legs for span in leg.spans]
    whole = replayed.fused.spans if replayed.fused is not None else tuple(legs)
    return [
        Reached(CORPUS, tuple(s for s in evidence if s.doc_id in state.chunks)),
        Reached(CHUNK, tuple(s for doc in {e.doc_id for e in evidence} for s in state.chunks.get(doc, ()))),
        Reached(SEARCH, tuple(legs)),
        Reached(FUSION, whole),
        *(Reached(refined.name, refined.spans) for refined in replayed.refined),
        Reached(PACK, tuple(shown)),
    ]


def _by_document(spans: Sequence[Span]) -> dict[str, Spans]:
    found: dict[str, list[Span]] = {}
    for span in spans:
        found.setdefault(span.doc_id, []).append(span)
    return {doc: union(own) for doc, own in found.items()}


def _unread(unread: Sequence[str], run: Opened) -> tuple[str, str]:
    reasons = [f"{doc}: {run.failed.get(doc, 'read, and has no chunk in the index')}" for doc in dict.fromkeys(unread)]
    return "not read or not indexed", "; ".join(reasons)


def _legs(evidence: Sequence[Span], replayed: Replay) -> tuple[dict[str, float], dict[str, float]]:
    """Return by leg the share of the evidence that it found, and that it alone found."""
    wanted = length(evidence)
    if not wanted:
        return {}, {}
    found = {leg.name: both(evidence, leg.spans) for leg in replayed.legs}
    alone = {n: minus(spans, [s for other, of in found.items() if other != n for s in of]) for n, spans in found.items()}
    return {n: length(s) / wanted for n, s in found.items()}, {n: length(s) / wanted for n, s in alone.items()}
