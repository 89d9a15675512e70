"""`rag migrate`: the old index answers until it is told otherwise, the new one is brought along, compared, and swapped in or dropped."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .command import DOCUMENTS, Rag

QUESTIONS = [
    {"id": "q1", "text": "What does a prefix cache keep?", "evidence": [{"doc": "cache.md", "quote": "keeps the keys and values"}]},
    {"id": "q2", "text": "What does reciprocal rank fusion add?", "evidence": [{"doc": "deep/rank.md", "quote": "one over sixty plus the rank"}]},
    {"id": "q3", "text": "Who wrote zebra poems?", "answerable": False},
]


@pytest.fixture
def questions(tmp_path: Path) -> str:
    (tmp_path / "questions.jsonl").write_text("".join(json.dumps(q) + "\n" for q in QUESTIONS))
    return "questions.jsonl"


def answering(rag: Rag, query: str = "prefix cache") -> tuple[str, list[str]]:
    """Return the retriever that answers and the documents it finds."""
    body = rag("search", query, "-i", "ix", "--json").json
    return body["trace"][0]["use"], [h["doc_id"] for h in body["hits"]]


def waiting(tmp_path: Path) -> bool:
    return (tmp_path / "ix" / "NEXT").exists()


def generations(tmp_path: Path) -> int:
    return len(list((tmp_path / "ix").glob("gen-*")))


def test_the_new_index_is_built_compared_and_waits_while_the_old_one_answers(rag: Rag, bm25: str, questions: str, tmp_path: Path) -> None:
    body = rag("migrate", bm25, "-c", "hybrid.yaml", "--questions", questions, "--json").json
    assert set(body) == {"live", "next", "built", "comparison", "swapped"}
    assert body["swapped"] is False
    assert (body["live"]["documents"], body["next"]["documents"], body["built"]["added"]) == (5, 5, 5)
    assert (len(body["live"]["spaces"]), len(body["next"]["spaces"])) == (1, 2)
    found = body["comparison"]
    assert (found["questions"], found["skipped"]) == (2, {"unanswerable": 1})
    assert list(found["metrics"]) == ["recall@5", "ndcg@10", "span_recall"]
    for entry in found["metrics"].values():
        assert {"live", "new", "delta", "low", "high", "p", "p_adjusted", "wins", "losses", "ties", "n", "mde"} <= set(entry)
        assert entry["n"] == 2
        assert entry["delta"] == pytest.approx(entry["new"] - entry["live"])
    assert answering(rag)[0] == "bm25"
    assert waiting(tmp_path)


def test_after_the_swap_the_new_index_answers_and_nothing_of_the_old_is_left(rag: Rag, bm25: str, tmp_path: Path) -> None:
    assert rag("migrate", bm25, "-c", "hybrid.yaml").code == 0
    assert (answering(rag)[0], generations(tmp_path)) == ("bm25", 2)
    body = rag("migrate", bm25, "-c", "hybrid.yaml", "--swap", "--json").json
    assert (body["swapped"], body["built"]["added"], body["built"]["unchanged"], body["comparison"]) == (True, 0, 5, {})
    assert (answering(rag)[0], generations(tmp_path), waiting(tmp_path)) == ("rrf", 1, False)
    assert rag("check", bm25, "--json").json["faults"] == []


def test_one_command_may_compare_and_swap(rag: Rag, bm25: str, questions: str) -> None:
    body = rag("migrate", bm25, "-c", "hybrid.yaml", "--questions", questions, "--swap", "--json").json
    assert (body["swapped"], body["comparison"]["questions"]) == (True, 2)
    assert answering(rag)[0] == "rrf"


def test_what_was_indexed_in_between_is_brought_along(rag: Rag, bm25: str, corpus: Path, tmp_path: Path) -> None:
    assert rag("migrate", bm25, "-c", "hybrid.yaml").code == 0
    (corpus / "cache.md").write_text("# Caching\n\nWombats dig burrows.\n")
    (corpus / "new.md").write_text("# New\n\nQuokkas smile.\n")
    (corpus / "chunk.md").unlink()
    assert rag("index", "docs", "-i", bm25).code == 0
    assert waiting(tmp_path)
    assert answering(rag, "wombats burrows") == ("bm25", ["cache.md"])
    built = rag("migrate", bm25, "-c", "hybrid.yaml", "--swap", "--json").json["built"]
    assert (built["added"], built["updated"], built["unchanged"], built["deleted"]) == (1, 1, 3, 1)
    assert answering(rag, "wombats burrows")[1][0] == "cache.md"
    assert answering(rag, "quokkas smile")[1][0] == "new.md"
    use, found = answering(rag, "small chunks are found more precisely")
    assert (use, "chunk.md" in found) == ("rrf", False)
    assert rag("check", bm25, "--json").json["faults"] == []


def test_what_waits_can_be_dropped_and_the_old_index_goes_on(rag: Rag, bm25: str, tmp_path: Path) -> None:
    assert rag("migrate", bm25, "-c", "hybrid.yaml").code == 0
    assert rag("migrate", bm25, "--drop", "--json").json == {"dropped": True}
    assert (waiting(tmp_path), generations(tmp_path)) == (False, 1)
    assert answering(rag) == ("bm25", ["cache.md"])
    assert rag("migrate", bm25, "--drop", "--json").json == {"dropped": True}, "dropping nothing is no error"


def test_after_a_drop_that_follows_a_swap_the_new_index_still_answers(rag: Rag, bm25: str) -> None:
    assert rag("migrate", bm25, "-c", "hybrid.yaml", "--swap").code == 0
    assert rag("migrate", bm25, "--drop").code == 0
    assert answering(rag)[0] == "rrf"


def test_another_configuration_than_the_one_that_waits_starts_anew(rag: Rag, bm25: str, tmp_path: Path) -> None:
    assert rag("migrate", bm25, "-c", "hybrid.yaml").code == 0
    (tmp_path / "small.yaml").write_text("chunk: {use: fixed, size: 8}\nretrieve: bm25\n")
    body = rag("migrate", bm25, "-c", "small.yaml", "--swap", "--json").json
    assert (body["built"]["added"], body["swapped"]) == (5, True)
    assert body["next"]["chunks"] > body["live"]["chunks"]
    assert answering(rag)[0] == "bm25"


def test_a_bad_question_file_is_one_line_and_the_old_index_goes_on(rag: Rag, bm25: str, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(json.dumps({**QUESTIONS[0], "evidence": [{"doc": "cahce.md", "quote": "x"}]}) + "\n")
    failed = rag("migrate", bm25, "-c", "hybrid.yaml", "--questions", "bad.jsonl", "--swap")
    assert failed.code == 1
    assert "there is no document 'cahce.md', did you mean 'cache.md'?" in failed.error
    assert answering(rag)[0] == "bm25"


def test_the_readable_report_says_figures_and_what_to_do_next(rag: Rag, bm25: str, questions: str) -> None:
    lines = rag("migrate", bm25, "-c", "hybrid.yaml", "--questions", questions).out.splitlines()
    assert lines[2] == "compared on 2 questions; skipped: 1 unanswerable"
    assert lines[3].startswith("recall@5: 1.000 to 1.000, +0.000 [+0.000, +0.000], p 1.000, 0 better, 0 worse of 2")
    assert lines[-1] == f"not swapped: `rag migrate {bm25} -c hybrid.yaml --swap` has the new one answer, `rag migrate {bm25} --drop` removes it"


def test_misuse_is_one_line(rag: Rag, corpus: Path, bm25: str) -> None:
    assert rag("migrate", bm25).code == 2
    nowhere = rag("migrate", "nowhere", "-c", "hybrid.yaml")
    assert nowhere.code == 1
    assert "there is no index to migrate; build one with `rag index PATH -c CONFIG -i nowhere`" in nowhere.error
    assert sorted(DOCUMENTS) == sorted(p.relative_to(corpus).as_posix() for p in corpus.rglob("*.md"))
