"""Answers made elsewhere: every metric that applies has a value, every other one a reason, and systems and runs can be compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval import run
from eval.formats import Lost, find
from eval.formats.source import load_source
from eval.outside import score_answers
from eval.pairs import pair
from eval.records import read_jsonl
from rag import Runtime
from rag.config import parse
from rag.errors import ConfigError, QuestionError, StoreError

TEXTS = {
    "cache.md": "A prefix cache keeps keys and values of a prompt. It saves time for long prompts. See also: the index.",
    "rank.md": "Reciprocal rank fusion adds reciprocal ranks.\nIts constant is 60. See also: the index.",
    "chunk.md": "Chunks overlap so that sentences are not lost. Overlap costs space.",
}
QUESTIONS = [
    {
        "id": "q1",
        "text": "What does a prefix cache keep?",
        "evidence": [{"doc": "cache.md", "start": 0, "end": 49}],
        "answers": ["A prefix cache keeps keys and values of a prompt."],
    },
    {
        "id": "q2",
        "text": "Which constant has rank fusion?",
        "evidence": [{"doc": "rank.md", "quote": "Its constant is 60."}],
        "answers": ["Its constant is 60."],
    },
    {"id": "q3", "text": "Who wrote zebra poems?", "answerable": False},
]
METRICS = [
    "recall@1",
    "mrr@10",
    "span_recall",
    "span_precision",
    "context_recall",
    "faithfulness",
    "abstention_accuracy",
    "context_tokens",
    "latency_ms",
    "cost",
]


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "docs").mkdir()
    for name, text in TEXTS.items():
        (tmp_path / "docs" / name).write_text(text, encoding="utf-8")
    lines(tmp_path / "questions.jsonl", QUESTIONS)
    return tmp_path


def lines(path: Path, rows: list) -> Path:
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in rows), encoding="utf-8")
    return path


def score(task: Path, *rows: dict | str, name: str = "mine", out: str = "out", runtime: Runtime | None = None, **options):
    """Return the summary, and what each question's metrics came to: a value, or the reason."""
    runtime = runtime or Runtime(show_progress=False)
    file = lines(task / f"{name}.jsonl", list(rows))
    options = {"metrics": METRICS} | options
    summary = score_answers([file], task / "docs", task / "questions.jsonl", task / out, runtime=runtime, **options)
    found: dict[str, dict[str, object]] = {}
    for r in read_jsonl(task / out / name / "scores.jsonl"):
        found.setdefault(r["question"], {})[r["metric"]] = r["why"] if r["value"] is None else r["value"]
    return summary, found


def row(question: str, contexts: list, answer: str = "A prefix cache keeps keys and values of a prompt.", **more) -> dict:
    return {"question": question, "answer": answer, "contexts": contexts, **more}


def span(doc: str, start: int, end: int) -> dict:
    return {"doc_id": doc, "start": start, "end": end}


def test_contexts_given_as_spans_are_scored_by_their_characters(task: Path) -> None:
    """98 characters of context hold all 49 of the evidence."""
    _, found = score(task, row("q1", [span("cache.md", 0, 98)]))
    assert found["q1"]["span_recall"] == 1.0
    assert found["q1"]["span_precision"] == 49 / 98
    assert (found["q1"]["recall@1"], found["q1"]["context_recall"], found["q1"]["faithfulness"], found["q1"]["abstention_accuracy"]) == (1, 1, 1, 1)


def test_a_text_with_other_white_space_is_scored_as_the_span_it_stands_at(task: Path) -> None:
    _, spans = score(task, row("q2", [span("chunk.md", 0, 46), span("rank.md", 0, 65)], "The constant is 60."))
    _, texts = score(
        task, row("q2", [TEXTS["chunk.md"][:46], "Reciprocal  rank fusion adds\treciprocal ranks. Its\nconstant is 60."], "The constant is 60."), name="texts"
    )
    for metric in METRICS:
        assert texts["q2"][metric] == spans["q2"][metric], metric
    assert (texts["q2"]["recall@1"], texts["q2"]["mrr@10"], texts["q2"]["span_recall"]) == (0.0, 0.5, 1.0)


def test_a_text_at_several_places_or_nowhere_has_no_span_metrics_and_is_still_judged(task: Path) -> None:
    summary, found = score(
        task, row("q1", [TEXTS["cache.md"][:50], "See also: the index."]), row("q2", ["Its constant is 60.", "A text from elsewhere."], "Its constant is 60.")
    )
    assert found["q1"]["span_recall"] == "not_applicable: contexts[1] is in the corpus 2 times"
    assert found["q2"]["span_recall"] == "not_applicable: contexts[1] is not in the corpus"
    assert found["q1"]["recall@1"] == found["q2"]["recall@1"] == "not_applicable: no ranking was given"
    assert found["q1"]["faithfulness"] == found["q1"]["context_recall"] == found["q2"]["faithfulness"] == 1.0
    facts = summary["configs"]["mine"]["outside"]
    assert facts["contexts"] == {"given": 0, "found": 2, "several": 1, "nowhere": 1, "blank": 0}
    assert (facts["unplaced"], facts["unranked"]) == (2, 2)


def test_the_document_of_a_text_tells_its_place(task: Path) -> None:
    """The words stand in two documents, once in the one that is named."""
    _, found = score(task, row("q1", [{"doc_id": "rank.md", "text": "See also: the index."}]))
    assert (found["q1"]["span_recall"], found["q1"]["recall@1"]) == (0.0, 0.0)


def test_a_ranking_that_is_given_counts_and_the_order_of_the_contexts_else(task: Path) -> None:
    contexts = [span("rank.md", 0, 10), span("cache.md", 0, 10)]
    summary, found = score(
        task, row("q1", contexts), row("q2", contexts, ranking=["chunk.md", span("rank.md", 0, 5), {**span("cache.md", 0, 5), "score": 0.1}])
    )
    assert (found["q1"]["mrr@10"], found["q2"]["mrr@10"]) == (0.5, 0.5)
    assert summary["configs"]["mine"]["outside"]["rankings"] == {"given": 1, "from_contexts": 1}
    _, found = score(task, row("q1", ["from nowhere"], ranking=["cache.md"]))
    assert (found["q1"]["recall@1"], found["q1"]["span_recall"]) == (1.0, "not_applicable: contexts[0] is not in the corpus")


def test_nothing_shown_is_a_recall_of_0_and_not_a_missing_value(task: Path) -> None:
    _, found = score(task, row("q1", []))
    assert (found["q1"]["recall@1"], found["q1"]["span_recall"], found["q1"]["context_recall"]) == (0.0, 0.0, 0.0)


def test_a_blank_context_adds_nothing_and_keeps_its_number(task: Path) -> None:
    """So that a mark [2] in the answer still means the second source."""
    summary, found = score(task, row("q1", ["", TEXTS["cache.md"][:49]]))
    assert (found["q1"]["span_recall"], found["q1"]["recall@1"]) == (1.0, 1.0)
    assert summary["configs"]["mine"]["outside"]["contexts"]["blank"] == 1
    (first, *_) = read_jsonl(task / "out" / "mine" / "answers.jsonl")
    assert first["sources"] == ["", TEXTS["cache.md"][:49]]


def test_a_question_without_an_answer_has_a_reason_for_every_metric(task: Path) -> None:
    summary, found = score(task, row("q1", []))
    assert set(found) == {"q1", "q2", "q3"}
    assert all(set(scores) == set(METRICS) for scores in found.values())
    assert set(found["q2"].values()) == {"answer_failed: no answer was given"}
    assert summary["configs"]["mine"]["outside"]["missing"] == 2
    assert summary["configs"]["mine"]["metrics"]["recall@1"]["missing"] == {"answer_failed": 2}


@pytest.mark.parametrize(
    ("answer", "more", "abstained"),
    [
        ("I don\u2019t know.", {}, True),
        ("I don't know.", {"abstained": False}, False),
        ("Zebra poems are by Zoe.", {}, False),
        ("Zebra poems are by Zoe.", {"abstained": True}, True),
        ("Zebra poems are by Zoe.", {"abstained": "low confidence"}, True),
        ("", {}, True),
        (None, {}, True),
    ],
)
def test_who_abstains_is_what_the_row_says_else_the_wording(task: Path, answer: str | None, more: dict, abstained: bool) -> None:
    summary, found = score(task, row("q3", [], answer, **more), row("q1", [], answer, **more))
    assert found["q3"]["abstention_accuracy"] == float(abstained)
    assert found["q1"]["abstention_accuracy"] == float(not abstained)
    assert (found["q1"]["faithfulness"] == "abstained") == abstained
    facts = summary["configs"]["mine"]["outside"]["abstained"]
    assert facts == {"said": 2 * (bool(more.get("abstained"))), "empty": 2 * (not answer), "by_wording": 2 * (answer == "I don\u2019t know.")}


def test_a_row_that_only_ranks_is_scored_by_ranking_metrics_alone(task: Path) -> None:
    runtime = Runtime(show_progress=False)
    summary, found = score(task, {"question": "q1", "ranking": ["rank.md", "cache.md"]}, runtime=runtime)
    assert (found["q1"]["recall@1"], found["q1"]["mrr@10"]) == (0.0, 0.5)
    others = {why for metric, why in found["q1"].items() if metric not in ("recall@1", "mrr@10")}
    assert others == {"not_applicable: only a ranking was given"}
    assert runtime.work.judgements == 0
    assert summary["configs"]["mine"]["outside"]["only_ranked"] == 1


def test_times_and_costs_that_are_given_are_scored_and_the_others_unknown(task: Path) -> None:
    summary, found = score(task, row("q1", [], latency_ms=250, cost=0.02, prompt_tokens=100), row("q2", [], latency_ms=750))
    assert (found["q1"]["latency_ms"], found["q1"]["cost"]) == (250.0, 0.02)
    assert found["q2"]["cost"].startswith("not_applicable")
    entry = summary["configs"]["mine"]
    assert entry["latency_ms"]["total"]["p50"] == 500.0
    assert (entry["chat"]["prompt_tokens"], entry["chat"]["cost"], entry["outside"]["with"]["cost"]) == (100, 0.02, 1)


def test_a_question_may_be_named_by_its_text(task: Path) -> None:
    _, found = score(task, row("What does a prefix cache keep?", [span("cache.md", 0, 49)]))
    assert found["q1"]["span_recall"] == 1.0


def test_the_first_questions_alone_can_be_scored(task: Path) -> None:
    """Rows for the others are no errors."""
    summary, found = score(task, row("q1", []), row("q3", []), limit=1)
    assert set(found) == {"q1"}
    assert summary["questions"]["n"] == 1


def test_a_second_time_nothing_is_done_anew_and_a_changed_answer_is_scored_again(task: Path) -> None:
    first, _ = score(task, row("q1", [TEXTS["cache.md"][:50]]))
    stamp = (task / "out" / "mine" / "scores.jsonl").stat().st_mtime_ns
    again = Runtime(show_progress=False)
    second, _ = score(task, row("q1", [TEXTS["cache.md"][:50]]), runtime=again)
    assert second == first
    assert again.work.judgements == 0
    assert (task / "out" / "mine" / "scores.jsonl").stat().st_mtime_ns == stamp
    _, found = score(task, row("q1", [TEXTS["cache.md"][:50]], "It keeps zebras."))
    assert found["q1"]["faithfulness"] == 0.0


def test_a_damaged_folder_is_made_again(task: Path) -> None:
    score(task, row("q1", []))
    path = task / "out" / "mine" / "scores.jsonl"
    right = path.read_bytes()
    path.write_bytes(right.replace(b"q1", b"q9"))
    score(task, row("q1", []))
    assert path.read_bytes() == right


def evaluated(task: Path) -> dict:
    plain = {"chunk": "whole", "retrieve": "bm25", "models": {"encoder": "hashing-64"}, "answer": {"use": "extractive", "blend": 0}}
    return run({"words": parse(plain)}, task / "docs", task / "questions.jsonl", task / "out", metrics=METRICS[:7], runtime=Runtime(show_progress=False))


def test_the_answers_of_a_run_get_the_same_scores_when_they_come_from_elsewhere(task: Path) -> None:
    """Also when the contexts are texts whose places have to be found."""
    evaluated(task)
    lost = Lost()
    bundle = load_source(task / "out", None)
    find("jsonl").write(bundle, None, task / "taken", lost)
    rows = read_jsonl(task / "taken" / "words.jsonl")
    texts = [{**r, "contexts": [TEXTS[c["doc_id"]][c["start"] : c["end"]] for c in r["contexts"]]} for r in rows]
    assert any(r["contexts"] for r in rows)
    expected = {(r["question"], r["metric"]): r["value"] for r in read_jsonl(task / "out" / "words" / "scores.jsonl")}
    for name, own in (("spans", rows), ("texts", texts)):
        score(task, *own, name=name, metrics=METRICS[:7])
        assert {(r["question"], r["metric"]): r["value"] for r in read_jsonl(task / "out" / name / "scores.jsonl")} == expected


def test_systems_and_a_run_in_one_folder_are_compared(task: Path) -> None:
    evaluated(task)
    summary, _ = score(task, row("q1", [span("cache.md", 0, 49)]), row("q2", [span("chunk.md", 0, 9)]))
    assert set(summary["configs"]) == {"words", "mine"}
    assert summary["metrics"] == METRICS[:7]
    found = pair(task / "out", "words", "mine", ["recall@1"])["metrics"]["recall@1"]
    assert (found["n"], found["delta"], found["wins"]) == (2, 0.5, 1)
    one, two = lines(task / "one.jsonl", [row("q1", [])]), lines(task / "two.jsonl", [row("q2", [])])
    summary = score_answers([one, two], task / "docs", task / "questions.jsonl", task / "out", metrics=METRICS, runtime=Runtime(show_progress=False))
    assert set(summary["configs"]) == {"words", "mine", "one", "two"}


def test_what_was_measured_on_other_questions_is_not_mixed(task: Path) -> None:
    score(task, row("q1", []))
    with pytest.raises(StoreError, match="holds mine measured with other questions; give the same"):
        score(task, row("q1", []), name="other", limit=2)
    score(task, row("q1", []), limit=2)  # nothing of the former is left, so nothing is lost


def test_systems_without_a_common_metric_are_not_put_beside_each_other(task: Path) -> None:
    score(task, row("q1", []), metrics=["recall@1"])
    with pytest.raises(ConfigError, match="by other metrics; name one of these in --metrics: recall@1"):
        score(task, row("q1", []), name="other", metrics=["span_recall"])


def test_names_that_cannot_be_are_refused(task: Path) -> None:
    evaluated(task)
    with pytest.raises(ConfigError, match="holds a run of a configuration called 'words'"):
        score(task, row("q1", []), name="words")
    for name in (".", ".."):  # `...jsonl` would be written beside the run, over what is there
        before = sorted(task.rglob("*"))
        with pytest.raises(ConfigError, match="that is no name of a folder"):
            score(task, row("q1", []), name=name)
        assert {p.name for p in set(task.rglob("*")) - set(before)} <= {f"{name}.jsonl"}
    with pytest.raises(ConfigError, match="cannot be called 'summary'"):
        score(task, row("q1", []), name="summary")
    (task / "other").mkdir()
    twice = [lines(task / "a.jsonl", [row("q1", [])]), lines(task / "other" / "a.jsonl", [row("q1", [])])]
    with pytest.raises(ConfigError, match="another file is called 'a' too"):
        score_answers(twice, task / "docs", task / "questions.jsonl", task / "out")


@pytest.mark.parametrize(
    ("bad", "parts"),
    [
        ("{nope", ["line 2", "not valid JSON"]),
        ({"answer": "x", "contexts": []}, ["line 2", "question is missing"]),
        (row("q9", []), ["line 2, question 'q9'", "no such id or text, did you mean 'q"]),
        (row("q1", []), ["line 2, question 'q1'", "line 1 answers this question already"]),
        (row("q2", [], contxts=[]), ["unknown key 'contxts', did you mean 'contexts'?", "known keys: question, answer"]),
        ({"question": "q2", "answer": "x"}, ["contexts is missing"]),
        ({"question": "q2", "contexts": []}, ["answer is missing", "or only a ranking"]),
        (row("q2", None), ["contexts is null"]),
        ({"question": "q2", "answer": "", "contexts": [], "abstained": 5}, ["abstained is 5", "write true, false, or the reason"]),
        ({"question": "q2", "answer": None, "contexts": [], "abstained": "\ud800"}, ["abstained is", "write true, false, or the reason"]),
        (row("q2", "x"), ["contexts is not a list"]),
        (row("q2", ["\ud800"]), ["contexts[0] is no text"]),
        (row("q2", [7]), ["contexts[0] is '7'", "or the text shown"]),
        (row("q2", [span("rnk.md", 0, 4)]), ["contexts[0]: there is no document 'rnk.md', did you mean 'rank.md'?"]),
        (row("q2", [span("rank.md", 4, 4)]), ["start and end are 4 and 4", "0 <= start < end <= 86"]),
        (row("q2", [span("rank.md", 0, 87)]), ["0 <= start < end <= 86"]),
        (row("q2", [], citations=["rank.md"]), ["citations[0] is 'rank.md'"]),
        (row("q2", [], ranking=["rnk.md"]), ["ranking[0]: there is no document 'rnk.md'"]),
        (row("q2", [], ranking=[{**span("rank.md", 0, 4), "score": "high"}]), ["the score is high"]),
        (row("q2", [], answer=7), ["answer is not a text"]),
        (row("q2", [], answer="\ud800"), ["answer is not a text"]),
        (row("q2", [], abstained=1), ["abstained is 1; write true, false"]),
        (row("q2", [], latency_ms=-1), ["latency_ms is -1"]),
        (row("q2", [], cost=True), ["cost is True"]),
        (row("q2", [], cost=float("nan")), ["cost is nan"]),
    ],
)
def test_each_problem_is_told_with_its_line_and_fix(task: Path, bad: dict | str, parts: list[str]) -> None:
    with pytest.raises(QuestionError) as caught:
        score(task, row("q1", []), bad)
    message = str(caught.value)
    assert message.startswith("mine.jsonl line 2")
    for part in parts:
        assert part in message
    assert not (task / "out").exists()


def test_a_text_of_two_questions_names_neither(task: Path) -> None:
    lines(task / "questions.jsonl", [*QUESTIONS, {"id": "q4", "text": "Who wrote zebra poems?"}])
    with pytest.raises(QuestionError, match="2 questions have this text; write one of their ids: q3, q4"):
        score(task, row("Who wrote zebra poems?", []))


def test_files_without_answers_are_refused(task: Path) -> None:
    with pytest.raises(QuestionError, match="holds no answers; write one JSON object per line"):
        score(task)
    with pytest.raises(QuestionError, match="there is no such file"):
        score_answers([task / "absent.jsonl"], task / "docs", task / "questions.jsonl", task / "out")
    with pytest.raises(ConfigError, match="no file of answers"):
        score_answers([], task / "docs", task / "questions.jsonl", task / "out")


def test_without_a_folder_nothing_is_left_behind(task: Path) -> None:
    file = lines(task / "mine.jsonl", [row("q1", [])])
    summary = score_answers([file], task / "docs", task / "questions.jsonl", metrics=["recall@1"], runtime=Runtime(show_progress=False))
    assert summary["configs"]["mine"]["metrics"]["recall@1"]["mean"] == 0.0
    assert not (task / "out").exists()
