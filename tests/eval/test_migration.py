"""Two indexes of the same documents on the same questions: what is asked, what is counted, and which way the figures point."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.migration import FIGURES, Stored, compare_indexes
from rag.config import parse
from rag.errors import QuestionError
from rag.index.build import build
from rag.index.store import Index
from rag.loaders.corpus import Loaded
from rag.types import Document

ROOT = Path("/corpus")
TOPICS = ["apple orchard", "banana boat", "cherry blossom", "date palm", "elder flower", "fig leaf", "grape vine", "hazel nut"]
FILLER = "common words stand between one thing and the next so that the text grows long. " * 6
TEXTS = {f"{n}.md": f"{FILLER}The {topic} grows here. {FILLER}" for n, topic in enumerate(TOPICS)}
WHOLE = {"chunk": "whole", "retrieve": "bm25", "models": {"encoder": "hashing-64"}}
FINE = {**WHOLE, "chunk": {"use": "fixed", "size": 24}, "pack": {"use": "budget", "tokens": 200}}
BLIND = {**WHOLE, "retrieve": {"use": "filtered", "over": "bm25", "where": "nobody = here"}}
TENANTS = {"index": {"tenant_key": "team"}}


@pytest.fixture(scope="module")
def indexes(tmp_path_factory, shared_runtime):
    """Return a function that builds an index of documents by a configuration, once for equal arguments, and opens it."""
    made: dict[str, Index] = {}

    def make(config, documents=None):
        documents = documents or [Document(i, text) for i, text in TEXTS.items()]
        name = repr((config, documents))
        if name not in made:
            path = tmp_path_factory.mktemp("index") / "ix"
            build(path, parse(config), [Loaded(d, ROOT) for d in documents], [ROOT], shared_runtime)
            made[name] = Index.open(path, shared_runtime)
        return made[name]

    yield make
    for index in made.values():
        index.close()


def ask(tmp_path, rows):
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return path


def about(n, **more):
    return {"id": f"q{n}", "text": f"Where does the {TOPICS[n]} grow?", "evidence": [{"doc": f"{n}.md", "quote": f"The {TOPICS[n]} grows here."}], **more}


def test_an_index_against_itself_shows_no_difference(indexes, tmp_path):
    found = compare_indexes(indexes(WHOLE), indexes(WHOLE), ask(tmp_path, [about(n) for n in range(8)]))
    assert (found["questions"], found["skipped"]) == (8, {})
    assert list(found["metrics"]) == ["recall@5", "ndcg@10", "span_recall"]
    for entry in found["metrics"].values():
        assert set(entry) == {"live", "new", *FIGURES}
        assert (entry["live"], entry["new"]) == (1.0, 1.0)
        assert (entry["delta"], entry["low"], entry["high"], entry["p"], entry["p_adjusted"]) == (0, 0, 0, 1, 1)
        assert (entry["wins"], entry["losses"], entry["ties"], entry["n"], entry["clusters"]) == (0, 0, 8, 8, 8)


def test_the_figures_point_from_the_live_index_to_the_new_one(indexes, tmp_path):
    """The blind pipeline finds nothing: all 8 questions are lost with it, p = 2 / 2^8 by the sign-flip test, times 3 for Holm."""
    questions = ask(tmp_path, [about(n) for n in range(8)])
    better = compare_indexes(indexes(BLIND), indexes(WHOLE), questions)["metrics"]
    worse = compare_indexes(indexes(WHOLE), indexes(BLIND), questions)["metrics"]
    for name, entry in better.items():
        assert (entry["live"], entry["new"], entry["delta"], entry["wins"], entry["losses"]) == (0, 1, 1, 8, 0)
        assert entry["p"] == pytest.approx(2 / 2**8)
        assert entry["p_adjusted"] == pytest.approx(3 * 2 / 2**8)
        assert (worse[name]["live"], worse[name]["new"], worse[name]["delta"], worse[name]["wins"], worse[name]["losses"]) == (1, 0, -1, 0, 8)


def test_indexes_may_be_cut_and_packed_each_in_its_own_way(indexes, tmp_path):
    """Whole documents fill the context and are cut off before the evidence; small chunks bring it in."""
    live = indexes({**WHOLE, "pack": {"use": "budget", "tokens": 60}})
    new = indexes(FINE)
    assert live.manifest.chunks == 8 < new.manifest.chunks
    found = compare_indexes(live, new, ask(tmp_path, [about(n) for n in range(8)]))["metrics"]
    assert (found["recall@5"]["live"], found["recall@5"]["new"]) == (1, 1)
    assert (found["span_recall"]["live"], found["span_recall"]["new"], found["span_recall"]["wins"]) == (0, 1, 8)


def test_questions_about_one_document_are_one_cluster(indexes, tmp_path):
    rows = [about(0), {**about(0), "id": "again"}, about(1)]
    entry = compare_indexes(indexes(BLIND), indexes(WHOLE), ask(tmp_path, rows))["metrics"]["recall@5"]
    assert (entry["n"], entry["clusters"], entry["p"]) == (3, 2, 0.5)


def test_what_cannot_be_asked_is_counted_with_its_reason(indexes, tmp_path):
    rows = [about(0), {"id": "no", "text": "Who?", "answerable": False}, {"id": "bare", "text": "What?"}, {"id": "bare2", "text": "What now?"}]
    found = compare_indexes(indexes(WHOLE), indexes(WHOLE), ask(tmp_path, rows))
    assert (found["questions"], found["skipped"]) == (1, {"no evidence": 2, "unanswerable": 1})
    assert found["metrics"]["recall@5"]["n"] == 1


def test_nothing_to_ask_gives_no_figures_and_no_error(indexes, tmp_path):
    found = compare_indexes(indexes(WHOLE), indexes(WHOLE), ask(tmp_path, [{"id": "bare", "text": "What?"}]))
    assert found == {"questions": 0, "skipped": {"no evidence": 1}, "metrics": {}}


def test_evidence_is_verified_against_the_stored_documents(indexes, tmp_path):
    row = about(0, evidence=[{"doc": "0.md", "quote": "not in it"}])
    with pytest.raises(QuestionError, match="the quote 'not in it' is not in the document"):
        compare_indexes(indexes(WHOLE), indexes(WHOLE), ask(tmp_path, [row]))
    with pytest.raises(QuestionError, match=r"there is no document '9.md'"):
        compare_indexes(indexes(WHOLE), indexes(WHOLE), ask(tmp_path, [about(0, evidence=[{"doc": "9.md", "start": 0, "end": 1}])]))


def test_stored_documents_are_those_that_were_indexed(indexes):
    documents = [
        Document("a.md", "alpha text", {"k": 1, "tags": ("x", "y")}, title="A title", body=2, source="/corpus/a.md", modified=1.5),
        Document("b.md", "beta"),
    ]
    stored = Stored(indexes(WHOLE, documents))
    assert dict(stored) == {d.id: d for d in documents}
    assert "a.md" in stored
    assert "c.md" not in stored
    assert len(stored) == 2


OWNED = [Document(i, text, {"team": "red" if int(i[0]) < 4 else "blue"}) for i, text in TEXTS.items()]


def test_a_question_is_asked_of_the_tenant_that_its_tag_names(indexes, tmp_path):
    rows = [
        about(0, tags=["tenant:red"]), about(5, tags=["hard", "tenant:blue"]), about(1), about(2, tags=["tenant:blue"]),
        about(3, tags=["tenant:red", "tenant:blue"]), about(6, tags=["tenant:"]),
    ]  # fmt: skip
    scoped = indexes({**WHOLE, **TENANTS}, OWNED)
    found = compare_indexes(scoped, scoped, ask(tmp_path, rows))
    assert found["questions"] == 2
    assert found["skipped"] == {"its evidence is of another tenant": 1, "no tag tenant:NAME": 1, "the tag tenant:NAME names no single tenant": 2}
    assert (found["metrics"]["recall@5"]["live"], found["metrics"]["recall@5"]["new"]) == (1, 1)


@pytest.mark.parametrize("scoped_first", [True, False])
def test_an_index_without_tenants_can_be_compared_with_one_that_has_them(indexes, tmp_path, scoped_first):
    scoped, open_ = indexes({**WHOLE, **TENANTS}, OWNED), indexes(WHOLE, OWNED)
    pair = (scoped, open_) if scoped_first else (open_, scoped)
    found = compare_indexes(*pair, ask(tmp_path, [about(0, tags=["tenant:red"]), about(1)]))
    assert (found["questions"], found["skipped"]) == (1, {"no tag tenant:NAME": 1})
    assert found["metrics"]["ndcg@10"]["ties"] == 1


def test_on_indexes_without_tenants_such_a_tag_means_nothing(indexes, tmp_path):
    assert compare_indexes(indexes(WHOLE), indexes(WHOLE), ask(tmp_path, [about(0, tags=["tenant:red"]), about(1)]))["questions"] == 2
