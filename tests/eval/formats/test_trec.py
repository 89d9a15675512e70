"""TREC files: what trec_eval makes of an exported run is what our metrics say, and what is read is in trec_eval's order."""

from __future__ import annotations

import json
from pathlib import Path

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval import run
from eval.formats import Asked, Bundle, Lost, trec
from eval.formats.source import load_source
from eval.outside import score_answers
from eval.records import read_jsonl
from rag import Runtime
from rag.config import parse
from rag.errors import ConfigError, QuestionError
from rag.types import Document

DOCS = {"a.md": Document("a.md", "alpha beta"), "b c.md": Document("b c.md", "gamma"), "d%20.md": Document("d%20.md", "delta"), "e.md": Document("e.md", "")}
ASKED = (
    Asked("q1", "First?", ({"doc": "a.md", "start": 0, "end": 10},), ("x",), ("t",), grades={"a.md": 2, "b c.md": 1}),
    Asked("q2", "Second\nline?", ({"doc": "b c.md", "start": 0, "end": 3},)),
    Asked("q3", "Third?", answerable=False),
)


def ranking(*scored: tuple[str, float]) -> list[dict]:
    return [{"doc_id": d, "start": 0, "end": 1, "score": s} for d, s in scored]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Ids with white space too, and a % in one without."""
    rows = ({"question": "q1", "ranking": ranking(("b c.md", 2.0), ("a.md", 1.5), ("b c.md", 1.0), ("d%20.md", 0.5))}, {"question": "q2", "ranking": ["a.md"]})
    lost = Lost()
    files = trec.write(Bundle(ASKED, {"mine": rows}), DOCS, tmp_path, lost)
    assert [f.name for f in files] == ["qrels.txt", "topics.tsv", "mine.run"]
    assert (tmp_path / "qrels.txt").read_text() == "q1 0 a.md 2\nq1 0 b%20c.md 1\nq2 0 b%20c.md 1\n"
    assert (tmp_path / "mine.run").read_text().splitlines()[:2] == ["q1 Q0 b%20c.md 1 2.0 mine", "q1 Q0 a.md 2 1.5 mine"]
    assert lost == {
        "ids with white space: it is written percent-encoded": 1, "places in a document: qrels name the document only": 1, "reference answers": 1, "tags": 1,
        "unanswerable questions: qrels cannot say so, and leave them out": 1,
        "line ends and runs of white space in questions: topics have one line each": 1,
    }  # fmt: skip
    found = trec.read(files, DOCS)
    assert {name: [dict(r) for r in rows] for name, rows in found.answers.items()} == {
        "mine": [{"question": "q1", "ranking": ["b c.md", "a.md", "d%20.md"]}, {"question": "q2", "ranking": ["a.md"]}]
    }
    assert [(q.id, q.text, dict(q.grades)) for q in found.questions] == [
        ("q1", "First?", {"a.md": 2, "b c.md": 1}),
        ("q2", "Second line?", {"b c.md": 1}),
        ("q3", "Third?", {}),
    ]
    assert found.questions[0].evidence == ({"doc": "a.md", "start": 0, "end": 10}, {"doc": "b c.md", "start": 0, "end": 5})
    assert found.lost == {
        "grades above 1: a question file says relevant or not": 1, "questions without a relevant document: they are kept without evidence": 1,
    }  # fmt: skip


@settings(deadline=None)  # files and first imports take as long as they take
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.floats(-5, 5, width=16) | st.sampled_from([1.0, 1.00000001])), max_size=8, unique_by=lambda p: p[0]))
def test_trec_eval_ranks_an_exported_run_as_we_do_whatever_its_scores(tmp_path_factory, scored) -> None:
    """Ties, scores out of order, and scores that are one in 32 bits: reciprocal rank of each single document tells its place."""
    out = tmp_path_factory.mktemp("trec")
    trec.write(Bundle((), {"mine": ({"question": "q", "ranking": ranking(*scored)},)}), None, out, Lost())
    loaded = list(ir_measures.read_trec_run(str(out / "mine.run")))
    for place, (doc, _) in enumerate(scored, start=1):
        assert ir_measures.pytrec_eval.calc_aggregate([ir_measures.RR], [ir_measures.Qrel("q", doc, 1)], loaded)[ir_measures.RR] == pytest.approx(1 / place)


@settings(deadline=None)  # files and first imports take as long as they take
@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from([1.0, 1.00000001, 2.0, 0.5])), min_size=1, max_size=8, unique_by=lambda p: p[0]))
def test_a_run_is_read_in_the_order_of_trec_eval(tmp_path_factory, scored) -> None:
    """By score as a 32-bit float, ties by descending id; the ranks that are written are not read."""
    file = tmp_path_factory.mktemp("trec") / "theirs.run"
    file.write_text("".join(f"q Q0 {doc} {i} {score!r} tag\n" for i, (doc, score) in enumerate(scored)))
    (row,) = trec.read([file], None).answers["theirs"]
    loaded = list(ir_measures.read_trec_run(str(file)))
    for place, doc in enumerate(row["ranking"], start=1):
        assert ir_measures.pytrec_eval.calc_aggregate([ir_measures.RR], [ir_measures.Qrel("q", doc, 1)], loaded)[ir_measures.RR] == pytest.approx(1 / place)


METRICS = ["ndcg@10", "recall@5", "map"]
WORDS = ["fusion", "cache", "chunk", "rank", "index", "graph", "prompt", "token"]


@pytest.fixture
def evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A BM25 run over eight documents that share words, with ties, and six questions of which one is unanswerable."""
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "docs").mkdir()
    for i, word in enumerate(WORDS):
        (tmp_path / "docs" / f"{word}.md").write_text(" ".join([word, *(WORDS[(i * j) % 8] for j in range(2, 7))]) + ".", encoding="utf-8")
    near = [[i, i + 2, i * i][: 1 + i % 3] for i in range(5)]
    rows = [
        {"id": f"q{i}", "text": f"{WORDS[i]} {WORDS[(3 * i + 1) % 8]}?", "evidence": [{"doc": f"{WORDS[j % 8]}.md", "start": 0, "end": 4} for j in near[i]]}
        for i in range(5)
    ]
    rows = [{**r, "evidence": list({e["doc"]: e for e in r["evidence"]}.values())} for r in rows]
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(r) + "\n" for r in [*rows, {"id": "none", "text": "zebra?", "answerable": False}]))
    plain = {"chunk": {"use": "fixed", "size": 8}, "retrieve": "bm25", "models": {"encoder": "hashing-64"}, "answer": {"use": "extractive", "blend": 0}}
    runtime = Runtime(show_progress=False)
    run({"words": parse(plain)}, tmp_path / "docs", tmp_path / "questions.jsonl", tmp_path / "out", metrics=METRICS, runtime=runtime)
    return tmp_path


def test_trec_eval_and_our_metrics_agree_on_an_exported_run(evaluated: Path) -> None:
    """nDCG@10, recall@5 and MAP of every question, and the mean, which leaves the unanswerable one out on both sides."""
    trec.write(load_source(evaluated / "out", None), None, evaluated / "trec", Lost())
    qrels, loaded = (
        list(ir_measures.read_trec_qrels(str(evaluated / "trec" / "qrels.txt"))),
        list(ir_measures.read_trec_run(str(evaluated / "trec" / "words.run"))),
    )
    names = {ir_measures.nDCG @ 10: "ndcg@10", ir_measures.R @ 5: "recall@5", ir_measures.AP: "map"}
    theirs = {(m.query_id, names[m.measure]): m.value for m in ir_measures.pytrec_eval.iter_calc(list(names), qrels, loaded)}
    ours = {(r["question"], r["metric"]): r["value"] for r in read_jsonl(evaluated / "out" / "words" / "scores.jsonl") if r["value"] is not None}
    assert len(ours) == 15
    assert theirs == pytest.approx(ours)
    assert 0 < sum(ours.values()) < 15
    means = ir_measures.pytrec_eval.calc_aggregate(list(names), qrels, loaded)
    summary = json.loads((evaluated / "out" / "summary.json").read_text())["configs"]["words"]["metrics"]
    assert {names[m]: v for m, v in means.items()} == pytest.approx({name: summary[name]["mean"] for name in names.values()})


def test_a_run_that_comes_back_as_another_system_has_the_same_ranking_metrics(evaluated: Path) -> None:
    trec.write(load_source(evaluated / "out", None), None, evaluated / "trec", Lost())
    (rows,) = trec.read([evaluated / "trec" / "words.run"], None).answers.values()
    (evaluated / "back.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    runtime = Runtime(show_progress=False)
    found = score_answers([evaluated / "back.jsonl"], evaluated / "docs", evaluated / "questions.jsonl", evaluated / "out", metrics=METRICS, runtime=runtime)
    first, second = (found["configs"][n]["metrics"] for n in ("words", "back"))
    assert all(first[m]["mean"] == pytest.approx(second[m]["mean"]) for m in first)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("x.txt", "", "is empty"),
        ("x.txt", "one two three\n", "line 1: 'one two three' is neither"),
        ("x.txt", "q 0 a.md 1\nq 0 a.md\n", "line 2: 'q 0 a.md' is not `qid 0 docid grade`"),
        ("x.txt", "q 0 a.md 1\nq 0 a.md 2\n", "line 2: document 'a.md' is judged for 'q' already"),
        ("x.txt", "q 0 z.md 1\n", "the corpus has no document 'z.md'"),
        ("x.txt", "q 0 a.md 1\n", "name questions without their texts; give the topics too"),
        ("x.run", "q Q0 a.md 1 1.0 t\nq Q0 a.md 2 0.5 t\n", "line 2: document 'a.md' is ranked for 'q' already"),
        ("x.run", "q Q0 a.md 1 1.0 t\nq Q0 a.md 2 high t\n", "line 2"),
        ("x.tsv", "q\tText?\nq\tText?\n", "line 2: question 'q' is there already"),
        ("x.tsv", "q\tText?\nq2 Text\n", "line 2: 'q2 Text' is not a question id, a tab and a text"),
    ],
)
def test_each_problem_is_told_with_file_and_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(QuestionError) as caught:
        trec.read([tmp_path / name], DOCS)
    assert message in str(caught.value)


def test_a_judged_question_without_a_topic_and_qrels_without_a_corpus_are_refused(tmp_path: Path) -> None:
    (tmp_path / "qrels").write_text("q1 0 a.md 1\nq2 0 a.md 0\n")
    (tmp_path / "topics").write_text("q1\tFirst?\n")
    with pytest.raises(QuestionError, match="'q2' is judged but has no topic"):
        trec.read([tmp_path / "qrels", tmp_path / "topics"], DOCS)
    (tmp_path / "topics").write_text("q1\tFirst?\nq2\tSecond?\n")
    with pytest.raises(ConfigError, match="give --corpus"):
        trec.read([tmp_path / "qrels", tmp_path / "topics"], None)
    assert trec.read([tmp_path / "qrels", tmp_path / "topics"], DOCS).lost == {
        "documents judged not relevant": 1, "questions without a relevant document: they are kept without evidence": 1,
    }  # fmt: skip
