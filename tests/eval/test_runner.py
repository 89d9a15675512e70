"""A run from end to end: every score, the same files after an interruption, and nothing done twice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

import eval.runner as runner
from eval import run
from eval.judges.base import Claim, Judge, Judgement, Label, Missing, Why
from eval.judges.spec import JudgeSpec
from eval.leaderboard import leaderboard
from eval.pairs import pair
from rag import Runtime
from rag.config import parse
from rag.errors import ConfigError, QuestionError, StoreError
from rag.memo import Memo

TEXTS = {
    "cache.md": "A prefix cache keeps keys and values of a prompt. It saves time for long prompts.",
    "rank.md": "Reciprocal rank fusion adds reciprocal ranks. Its constant is 60.",
    "chunk.md": "Chunks overlap so that sentences are not lost. Overlap costs space.",
}
METRICS = ["recall@1", "span_recall", "context_recall", "faithfulness", "abstention_accuracy"]
SAME = ["answers.jsonl", "scores.jsonl"]


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "docs").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "docs" / name).write_text(text, encoding="utf-8")
    rows = [
        {
            "id": "q1",
            "text": "What does a prefix cache keep?",
            "evidence": [{"doc": "cache.md", "quote": "keeps keys and values"}],
            "answers": ["Keys and values."],
        },
        {"id": "q2", "text": "Which constant has rank fusion?", "evidence": [{"doc": "rank.md", "quote": "constant is 60"}], "answers": ["60"]},
        {"id": "q3", "text": "Who wrote zebra poems?", "evidence": [], "answers": [], "answerable": False},
    ]
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return tmp_path


def pipelines():
    plain = {"chunk": "whole", "models": {"encoder": "hashing-64"}, "answer": {"use": "extractive", "blend": 0}}
    return {"words": parse({**plain, "retrieve": "bm25"}), "vectors": parse({**plain, "retrieve": "dense"})}


def evaluate(task: Path, out: str, runtime: Runtime | None = None):
    runtime = runtime or Runtime(show_progress=False)
    return run(pipelines(), task / "docs", task / "questions.jsonl", task / out, metrics=METRICS, runtime=runtime)


def test_every_question_has_one_score_per_metric(task: Path) -> None:
    summary = evaluate(task, "a")
    for name in pipelines():
        rows = [json.loads(line) for line in (task / "a" / name / "scores.jsonl").read_text().splitlines()]
        assert sorted((r["question"], r["metric"]) for r in rows) == sorted((q, m) for q in ("q1", "q2", "q3") for m in METRICS)
        assert all((r["value"] is None) == bool(r["why"]) for r in rows)
    found = summary["configs"]["words"]["metrics"]
    assert (found["recall@1"]["mean"], found["recall@1"]["scored"], found["recall@1"]["n"]) == (1.0, 2, 3)
    assert found["recall@1"]["missing"] == {"not_applicable": 1}
    assert found["abstention_accuracy"]["mean"] == 1.0
    assert json.loads((task / "a" / "summary.json").read_text()) == json.loads(json.dumps(summary))


def test_a_second_run_does_nothing_anew_in_the_same_folder_or_another(task: Path) -> None:
    first = evaluate(task, "a")
    for out in ("a", "b"):
        again = Runtime(show_progress=False)
        second = evaluate(task, out, again)
        assert again.work.as_dict() == {"encodes": 0, "searches": 0, "judgements": 0, "writes": 0, "completions": 0, "pairs": 0}
        for name in pipelines():
            assert second["configs"][name]["metrics"] == first["configs"][name]["metrics"]
    assert evaluate(task, "a") == first


@pytest.mark.parametrize("broken", ["measure", "score"])
def test_an_interrupted_run_ends_with_the_same_files(task: Path, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    evaluate(task, "whole")
    real, calls = getattr(runner, broken), []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(runner, broken, interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate(task, "torn", Runtime(Memo(), show_progress=False))
    assert not (task / "torn" / "summary.json").exists()
    monkeypatch.undo()
    monkeypatch.setenv("RAG_CACHE_DIR", str(task / "cache"))
    evaluate(task, "torn")
    for name in pipelines():
        for file in SAME:
            assert (task / "torn" / name / file).read_bytes() == (task / "whole" / name / file).read_bytes()


def test_a_changed_answer_file_is_noticed_and_made_again(task: Path) -> None:
    evaluate(task, "a")
    path = task / "a" / "words" / "answers.jsonl"
    right = path.read_bytes()
    path.write_bytes(right.replace(b"cache", b"catch"))
    evaluate(task, "a")
    assert path.read_bytes() == right


def test_compare_pairs_by_question_and_refuses_another_question_set(task: Path) -> None:
    evaluate(task, "a")
    found = pair(task / "a", "words", "vectors", ["recall@1"])
    entry = found["metrics"]["recall@1"]
    assert set(entry) >= {"delta", "low", "high", "p", "p_adjusted", "wins", "losses", "ties", "n", "mde"}
    assert (entry["n"], entry["clusters"]) == (2, 2)
    with pytest.raises(ConfigError, match="no configuration 'word', did you mean 'words'"):
        pair(task / "a", "word", "vectors")
    lines = (task / "questions.jsonl").read_text().splitlines()[:2]
    (task / "questions.jsonl").write_text("\n".join(lines))
    run({"words": pipelines()["words"], "other": pipelines()["words"]}, task / "docs", task / "questions.jsonl", task / "b", metrics=METRICS)
    (task / "a" / "summary.json").write_bytes((task / "b" / "summary.json").read_bytes())
    with pytest.raises(StoreError, match="other questions than the last run"):
        pair(task / "a", "words", "vectors")


def test_three_arguments_are_enough_from_python(task: Path) -> None:
    assert set(run({"words": pipelines()["words"]}, task / "docs", task / "questions.jsonl", metrics=METRICS)["configs"]) == {"words"}


def test_what_cannot_be_evaluated_is_refused_in_one_line(task: Path) -> None:
    words = pipelines()["words"]
    with pytest.raises(ConfigError, match=r"cannot be called 'summary.json'"):
        run({"summary.json": words}, task / "docs", task / "questions.jsonl", task / "a")
    scoped = parse({"chunk": "whole", "retrieve": "bm25", "index": {"tenant_key": "team"}})
    with pytest.raises(ConfigError, match=r"index.tenant_key"):
        run({"scoped": scoped}, task / "docs", task / "questions.jsonl", task / "a")
    (task / "questions.jsonl").write_text('{"id": "q", "text": "t", "evidence": [{"doc": "none.md", "quote": "x"}]}')
    with pytest.raises(QuestionError, match=r"none.md"):
        run({"words": words}, task / "docs", task / "questions.jsonl", task / "a")


@dataclass(frozen=True)
class Flaky(JudgeSpec):
    """A judge that takes too long until `ready` is there."""

    ready: str = ""
    use = "flaky"

    def open(self, documents, runtime):
        """Return the judge."""
        return FlakyJudge(Path(self.ready))


class FlakyJudge(Judge):
    """Supports every claim once its file is there."""

    def __init__(self, ready):
        self.ready = ready

    @property
    def identity(self):
        """Its name."""
        return {"use": "flaky"}

    def claims(self, text, question=""):
        """Return the text as one claim."""
        return (Claim(text),)

    def support(self, claims, contexts, question):
        """Return the same for each claim."""
        return tuple(Judgement(Label.SUPPORTED) if self.ready.exists() else Missing(Why.TIMED_OUT, "30 s") for _ in claims)


def test_a_run_whose_judge_failed_is_judged_again_and_only_what_is_missing(task: Path) -> None:
    def judged(runtime):
        return run(pipelines(), task / "docs", task / "questions.jsonl", task / "a", metrics=METRICS, judge=Flaky(str(task / "ready")), runtime=runtime)

    first = judged(Runtime(show_progress=False))["configs"]["words"]["metrics"]["faithfulness"]
    assert (first["mean"], first["coverage"], first["covered"]) == (None, 0.0, False)
    assert first["missing"]["timed_out"] == first["n"] - first["missing"].get("not_applicable", 0)
    (task / "ready").touch()
    runtime = Runtime(show_progress=False)
    second = judged(runtime)["configs"]["words"]["metrics"]["faithfulness"]
    assert (second["mean"], second["covered"]) == (1.0, True)
    assert (runtime.work.searches, runtime.work.encodes) == (0, 0)  # the answers were there
    third = Runtime(show_progress=False)
    judged(third)
    assert third.work.judgements == 0


def test_a_run_says_what_is_known_of_its_judge(task: Path) -> None:
    summary = run(
        pipelines(), task / "docs", task / "questions.jsonl", task / "a", metrics=METRICS, judge=Flaky(str(task)), runtime=Runtime(show_progress=False)
    )
    assert summary["judged"]["status"] == "none"
    assert summary["judged"]["line"] == "judge flaky: not certified: its error rate is unknown; run rag-eval certify"
    assert summary["judged"]["line"] in leaderboard(summary)
    assert pair(task / "a", "words", "vectors")["judged"] == summary["judged"]
    assert summary["configs"]["words"]["metrics"]["faithfulness"]["corrected"] == {
        "why": "the judge is not certified: its error rate is unknown; run rag-eval certify"
    }


def timed(task: Path, out: str, wanted: int | None, metrics: list[str] = METRICS, made=None):
    runtime = Runtime(show_progress=False)
    return run(made or pipelines(), task / "docs", task / "questions.jsonl", task / out, metrics=metrics, latency_questions=wanted, runtime=runtime), runtime


def locked(task: Path, out: str) -> dict[str, dict]:
    return {name: json.loads((task / out / name / "lock.json").read_text()) for name in pipelines()}


def test_how_many_questions_are_timed_is_said_kept_and_part_of_what_makes_a_run_anew(task: Path) -> None:
    """Another number times anew and changes no answer and no score; one beyond the questions there are is all of them."""
    evaluate(task, "a")
    whole = {n: [(task / "a" / n / f).read_bytes() for f in SAME] for n in pipelines()}
    for wanted, sample, said in ((0, 0, 0), (2, 2, 2), (99, 3, 3), (None, 3, None)):
        summary, _ = timed(task, "a", wanted)
        for name, lock in locked(task, "a").items():
            assert (lock["latency"]["sample"], lock["latency"]["wanted"], len(lock["latency"]["questions"])) == (sample, said, sample)
            assert (summary["configs"][name]["latency_sample"], summary["configs"][name]["latency_questions"]) == (sample, said)
            assert bool(summary["configs"][name]["latency_ms"]) == (sample > 0)
        assert {n: [(task / "a" / n / f).read_bytes() for f in SAME] for n in pipelines()} == whole
        before = (task / "a" / "words" / "lock.json").stat().st_mtime_ns
        assert timed(task, "a", wanted)[0] == summary
        assert (task / "a" / "words" / "lock.json").stat().st_mtime_ns == before, "finished, so not touched"
    assert "words" in leaderboard(timed(task, "b", 0)[0])
    with pytest.raises(ConfigError, match="latency_questions is -1; give how many questions to time, 0 for none"):
        timed(task, "a", -1)


def chatty():
    plain = {"chunk": "whole", "models": {"encoder": "hashing-64", "chat": "parrot"}, "answer": "generative"}
    return {"words": parse({**plain, "retrieve": "bm25"}), "vectors": parse({**plain, "retrieve": "dense"})}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int | None]:
    """How many were wanted, each time a sample is timed."""
    found: list[int | None] = []
    real = runner.measure

    def counted(pipeline, fresh, questions, wanted, track):
        found.append(wanted)
        return real(pipeline, fresh, questions, wanted, track)

    monkeypatch.setattr(runner, "measure", counted)
    return found


def test_a_sample_that_was_paid_for_is_not_timed_again_after_an_interrupt_or_with_other_metrics(
    task: Path, monkeypatch: pytest.MonkeyPatch, asked: list[int | None]
) -> None:
    """A chat model is asked again only for another number, other questions, another configuration or other code."""

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runner, "score", interrupted)
        with pytest.raises(KeyboardInterrupt):
            timed(task, "a", 2, made=chatty())
    first = json.loads((task / "a" / "words" / "latency.json").read_text())
    timed(task, "a", 2, made=chatty())
    assert asked == [2, 2], "one before the interrupt, the other configuration after it"
    timed(task, "a", 2, ["recall@1", "latency_ms"], chatty())
    assert asked == [2, 2]
    assert locked(task, "a")["words"]["latency"] == {k: v for k, v in first.items() if k != "key"}
    timed(task, "a", 1, ["recall@1"], chatty())
    assert asked == [2, 2, 1, 1]
    monkeypatch.setattr(runner, "code", lambda: "changed")
    timed(task, "a", 1, ["recall@3"], chatty())
    assert asked == [2, 2, 1, 1, 1, 1]


def test_a_sample_that_came_out_short_is_timed_again(task: Path, monkeypatch: pytest.MonkeyPatch, asked: list[int | None]) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("eval.latency.timed", lambda *_: None)  # as where the endpoint cannot be reached
        timed(task, "a", 2, made=chatty())
    assert locked(task, "a")["words"]["latency"]["sample"] == 0
    timed(task, "a", 2, ["recall@1", "latency_ms"], chatty())
    assert asked == [2] * 4
    assert locked(task, "a")["words"]["latency"]["sample"] == 2


def test_where_nobody_is_paid_every_run_times_anew(task: Path, asked: list[int | None]) -> None:
    """Nothing that makes the same configuration quicker or slower can be hidden by times from before."""
    timed(task, "a", 2)
    timed(task, "a", 2, ["recall@1", "latency_ms"])
    assert asked == [2] * 4


def test_what_becomes_of_duplicates_is_part_of_what_makes_a_run_anew(task: Path) -> None:
    (task / "docs" / "again.md").write_text(TEXTS["rank.md"], encoding="utf-8")
    plain = {"chunk": "whole", "retrieve": "bm25", "models": {"encoder": "hashing-64"}, "answer": {"use": "extractive", "blend": 0}}
    chunks = []
    for duplicates in ("report", "drop"):
        made = {"words": parse({**plain, "index": {"duplicates": duplicates}})}
        run(made, task / "docs", task / "questions.jsonl", task / "a", metrics=["recall@1"], runtime=Runtime(show_progress=False))
        chunks.append(json.loads((task / "a" / "words" / "lock.json").read_text())["chunks"])
    assert chunks == [4, 3]
