"""Requirements on where questions are lost: the replay's figures where there is one, the same totals from the run's files where not."""

from __future__ import annotations

import json
import shutil

import pytest

from eval.explain.explained import explain
from eval.explain.opened import open_run
from eval.records import failed_row
from eval.report.losses import FOUND, losses
from eval.report.source import Source, read_source
from eval.report.view import View
from rag.errors import StoreError
from rag.runtime import Runtime


@pytest.fixture
def summary(place):
    return json.loads((place / "run" / "summary.json").read_text("utf-8"))


def counts(found):
    return {one.name: {s.name: s.n for s in one.stages if s.n} for one in found}


def test_replayed_run_has_the_outcomes_of_explain(place, summary):
    runtime = Runtime(show_progress=False)
    view = View(summary, place / "run", read_source(summary, place / "run", place / "docs", runtime))
    found = losses(view)
    assert {one.name for one in found} == {"fine", "search", "pack"}
    assert all(one.whole and one.n == 3 for one in found)
    opened = open_run(place / "run", ["search"], place / "docs")
    told = explain(opened, "search", "span_recall", runtime)
    (search,) = (one for one in found if one.name == "search")
    assert [s.name for s in search.stages][:5] == list(told.stages)
    assert sum(s.n for s in search.stages) == 3
    assert search.at("search") == sum(q.stage == "search" for q in told.questions) == 1
    assert next(s for s in search.stages if s.name == "search").points.startswith("33.3 (")
    assert counts(found)["pack"]["pack"] == 1
    assert "pack" not in counts(found)["fine"]


def test_files_of_the_run_alone_give_the_same_with_search_to_refiners_as_one(place, summary):
    whole = counts(losses(View(summary, place / "run", read_source(summary, place / "run", place / "docs", Runtime(show_progress=False)))))
    plain = losses(View(summary, place / "run"))
    assert not any(one.whole for one in plain)
    assert counts(plain) == {n: {FOUND if s == "search" else s: k for s, k in row.items()} for n, row in whole.items()}


def test_every_question_is_in_one_column_and_the_columns_sum_to_all(place, summary):
    for source in (Source(), read_source(summary, place / "run", place / "docs", Runtime(show_progress=False))):
        for one in losses(View(summary, place / "run", source)):
            corpus, chunk, search, fusion, refiners, together, *rest = one.cells
            assert corpus + chunk + together + sum(rest) == one.n
            assert (search is None) if not one.whole else (search + fusion + refiners == together)


def test_document_that_could_not_be_read_is_a_loss_of_the_corpus(place, summary, tmp_path):
    """What is in no list because it was never read is lost at `corpus`; in no list although it was read, at the search."""
    shutil.copytree(place / "run", tmp_path / "copy")
    path = tmp_path / "copy" / "fine" / "answers.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    for row in rows:
        row |= {key: [s for s in row[key] if s["doc_id"] != "heron.md"] for key in ("ranking", "contexts")}
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    failed = {**summary, "corpus": {**summary["corpus"], "failed": [{"doc_id": "heron.md", "reason": "damaged"}]}}
    assert counts(losses(View(failed, tmp_path / "copy")))["fine"]["corpus"] == 1
    assert counts(losses(View(summary, tmp_path / "copy")))["fine"][FOUND] == 1


def test_run_that_keeps_no_answers_or_no_evidence_has_no_losses(make_run, place, summary, tmp_path):
    assert losses(View(*make_run({"a": {"recall@5": [1.0] * 50}}))) == ()
    shutil.copytree(place / "run", tmp_path / "copy")
    path = tmp_path / "copy" / "questions.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    path.write_text("".join(json.dumps({**r, "evidence": []}) + "\n" for r in rows), "utf-8")
    assert losses(View(summary, tmp_path / "copy")) == ()


def test_damaged_answers_are_one_error_that_names_the_file(place, summary, tmp_path):
    shutil.copytree(place / "run", tmp_path / "copy")
    (tmp_path / "copy" / "pack" / "answers.jsonl").write_text('{"half', "utf-8")
    with pytest.raises(StoreError, match=r"pack/answers\.jsonl"):
        losses(View(summary, tmp_path / "copy"))


def test_answer_that_failed_is_lost_at_the_answer_and_what_has_no_place_in_the_corpus_is_left_out(place, summary, tmp_path):
    shutil.copytree(place / "run", tmp_path / "copy")
    path = tmp_path / "copy" / "fine" / "answers.jsonl"
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    rows[0] |= failed_row(rows[0]["question"], rows[0]["text"], "timed out")
    rows[1]["unplaced"] = "contexts[0] is not in the corpus"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), "utf-8")
    (fine,) = (one for one in losses(View(summary, tmp_path / "copy")) if one.name == "fine")
    assert (fine.n, fine.left_out) == (2, 1)
    assert fine.at("answer") >= 1
    assert fine.at(FOUND, "pack") == 0
