"""Requirements on the data of the question browser: what the files of the run say, nothing that could act, within its size, and what is left out is said."""

from __future__ import annotations

import base64
import json
import random
import zlib
from dataclasses import replace

import pytest

from eval.questions import Question
from eval.records import question_row, write_jsonl
from eval.report.browser import MOST, browser, pack
from eval.report.page import page
from eval.report.source import NONE, Source, read_source
from eval.report.view import View
from rag.errors import StoreError
from rag.runtime import Runtime
from rag.types import Span


def view_of(place, source=None):
    summary = json.loads((place / "run" / "summary.json").read_text("utf-8"))
    found = read_source(summary, place / "run", place / "docs", Runtime(show_progress=False)) if source is None else source
    return View(summary, place / "run", found)


def opened(made):
    """Return the data of a browser as the page's script has it."""
    return json.loads(zlib.decompress(base64.b64decode(made.data)) if made.packed else made.data)


def test_table_has_every_question_with_values_reasons_tags_and_stages(place):
    view = view_of(place)
    data = opened(browser(view))
    assert data["configs"] == list(view.names)
    assert [row[0] for row in data["questions"]] == ["top", "second", "bird", "none"]
    assert data["questions"][0][1:] == ["What do falcon engines burn? <b>x</b>", [0, 1], 1]
    assert data["tags"] == ["fact", "air", "water", "odd"]
    recall = data["metrics"].index("span_recall")
    by_config = dict(zip(data["configs"], data["values"], strict=True))
    assert by_config["fine"][recall][:3] == [1, 1, 1]
    assert by_config["search"][recall][1] == 0
    assert data["reasons"][int(by_config["fine"][recall][3])] == "not_applicable"
    stages = {name: [None if s is None else data["stages"][s] for s in own] for name, own in zip(data["configs"], data["stage"], strict=True)}
    assert (stages["search"][1], stages["pack"][1], stages["fine"][3]) == ("search", "pack", None)


def test_details_hold_the_answer_the_places_and_where_evidence_was_lost(place):
    data = opened(browser(view_of(place)))
    row = {r["question"]: r for r in map(json.loads, (place / "run" / "pack" / "answers.jsonl").read_text("utf-8").splitlines())}["second"]
    found = data["details"][1]
    run = found["runs"][data["configs"].index("pack")]

    def spot(n):
        doc, start, end = data["spans"][3 * n : 3 * n + 3]
        return {"doc_id": data["docs"][doc][0], "start": start, "end": end}

    assert [data["texts"][n] for n in found["gold"]] == ["Light wings."]
    assert [spot(n) for n in found["evidence"]] == [{"doc_id": "wing.md", "start": 7, "end": 22}]
    assert data["texts"][run["answer"]] == row["answer"]
    assert [spot(n) for n in run["shown"]] == row["contexts"]
    assert [spot(n) for n in run["hits"][::2]] == [{k: h[k] for k in ("doc_id", "start", "end")} for h in row["ranking"]]
    assert run["ranked"] == len(row["ranking"]) == 2
    stage, *places = run["gone"][0]
    assert data["stages"][stage] == "pack"
    assert [spot(n) for n in places] == [{"doc_id": "wing.md", "start": 7, "end": 22}]
    assert (run["lost"], run["left"]) == ([[stage, 100.0]], 0.0)


def test_hostile_text_is_in_the_data_and_never_in_the_markup(place, parse_page):
    view = view_of(place)
    text = page(view.summary, view.folder, view.source)
    seen = parse_page(text)
    assert "onerror" not in {key for _, attrs in seen.tags for key in attrs}
    assert not seen.named("img")
    assert len(seen.named("script")) == 2
    block = text.split('id="browser-data">')[1].split("</script>")[0]
    assert "<" not in block
    assert "\u2028" not in block
    pieces = next(p for name, _, p in json.loads(block)["docs"] if name == "engine.md")
    assert pieces[1].startswith("</script><img src=x onerror=document.title='owned'><!-- <script>")


def test_without_a_corpus_there_are_places_and_no_text_and_the_page_says_so(place):
    made = browser(view_of(place, NONE))
    data = opened(made)
    assert all(length is None and not pieces for _, length, pieces in data["docs"])
    assert data["stages"] == []
    assert data["details"][1]["evidence"]
    assert "no text of the documents and no stages: no corpus was given" in made.notes[0]


def test_configuration_without_answers_in_the_folder_is_said(make_run):
    summary, folder = make_run({"a": {"recall@5": [1.0] * 50}, "b": {"recall@5": [0.0] * 50}})
    made = browser(View(summary, folder))
    assert "a and b: there is no answers.jsonl in the folder of the run, so no answers are shown" in made.notes
    assert opened(made)["details"][0]["runs"] == [None, None]


def test_damaged_answers_are_one_line_that_names_the_file(make_run):
    summary, folder = make_run({"a": {"recall@5": [1.0] * 50}})
    (folder / "a" / "answers.jsonl").write_text('{"half', encoding="utf-8")
    with pytest.raises(StoreError, match=r"a/answers\.jsonl"):
        browser(View(summary, folder))


def test_same_run_gives_the_same_data(place):
    assert browser(view_of(place)) == browser(view_of(place))


METRICS = ("recall@5", "ndcg@10", "span_recall", "span_iou", "context_recall", "faithfulness", "abstention_accuracy", "precision@5", "hit@5", "mrr@10", "map",
           "span_precision", "context_precision", "citation_recall", "citation_precision", "answer_relevancy", "factual_correctness", "semantic_similarity", "token_f1",
           "context_tokens")  # fmt: skip


@pytest.fixture
def large(make_run):
    """Return a function that writes a run of so many questions and configurations: other words, hits, contexts and verdicts in every answer."""

    def make(questions, configs):
        chance = random.Random(7)
        words = ["".join(chance.choices("etaoinshrdlucmfwypvbgkqjxz", k=chance.randint(2, 11))) for _ in range(6000)]
        texts = {f"section/document-{i:03}.md": " ".join(chance.choices(words, k=900)) for i in range(300)}
        docs = list(texts)

        def place(n):
            doc = chance.choice(docs)
            at = chance.randrange(len(texts[doc]) - n)
            return {"doc_id": doc, "start": at, "end": at + n}

        values = {f"configuration_{c}": {m: [round(chance.random(), 6) for _ in range(questions)] for m in METRICS} for c in range(configs)}
        summary, folder = make_run(values, {n: 100.0 + i for i, n in enumerate(values)}, kinds=tuple(f"kind {i}" for i in range(9)))
        asked = []
        for i in range(questions):
            at = place(180)
            asked.append(
                Question(
                    f"question-{i:04}",
                    " ".join(chance.choices(words, k=14)),
                    (Span(at["doc_id"], at["start"], at["end"]),),
                    (" ".join(chance.choices(words, k=12)),),
                    (f"kind {i % 9}",),
                )
            )
        write_jsonl(folder / "questions.jsonl", [question_row(q) for q in asked])
        for name in values:
            rows, scores = [], []
            for i, q in enumerate(asked):
                claims = [" ".join(chance.choices(words, k=15)) for _ in range(3)]
                shown = [place(650) for _ in range(7)]
                rows.append({
                    "question": q.id, "text": q.text, "answer": " ".join(claims), "abstained": False, "why": "", "citations": [{**s, "end": s["start"] + 120} for s in shown[:2]],
                    "contexts": shown, "context_tokens": 780, "dropped": 53, "cut": 0,
                    "ranking": [{**s, "score": chance.random()} for s in [*shown, *(place(650) for _ in range(43))]],
                    "flags": [], "held": [True], "trace": [],
                })  # fmt: skip
                for m in METRICS:
                    judged = m in ("context_recall", "faithfulness", "citation_recall", "factual_correctness")
                    facts = [
                        {"of": "answer", "claim": c, "label": "supported", "score": chance.random(), "rationale": "the passage says nearly the same"}
                        for c in claims
                    ]
                    scores.append({"question": q.id, "metric": m, "value": values[name][m][i], "why": "", "evidence": facts if judged else []})
            write_jsonl(folder / name / "answers.jsonl", rows)
            write_jsonl(folder / name / "scores.jsonl", scores)
        return View(summary, folder, Source(texts))

    return make


def test_two_hundred_questions_by_ten_configurations_stay_below_two_megabytes(large):
    """Nothing is shared in this run, which is the worst case; every question keeps its row and its details, and what is cut is counted."""
    view = large(200, 10)
    text = page(view.summary, view.folder, view.source)
    assert len(text.encode()) < 2_000_000
    block = text.split('id="browser-data" data-packed="deflate">')[1].split("</script>")[0]
    data = json.loads(zlib.decompress(base64.b64decode(block)))
    assert len(data["questions"]) == 200
    assert data["metrics"][:3] == ["recall@5", "ndcg@10", "span_recall"]
    left = sum(d is None for d in data["details"])
    assert (f"{left:,} questions have a row in the table and no details" in text) == (left > 0)
    assert "passages that were evidence, cited or shown are cut" in text


def test_what_does_not_fit_is_left_out_in_order_and_counted(large):
    view = large(60, 2)
    made = browser(view, most=60_000)
    data = opened(made)
    assert len(made.data.encode()) <= 60_000
    left = sum(d is None for d in data["details"])
    assert 0 < left < 60
    assert any(n.startswith(f"{left} questions have a row in the table and no details") for n in made.notes)


def test_table_that_does_not_fit_keeps_the_leaderboard_metrics_and_then_the_first_questions(large):
    view = large(60, 2)
    data = opened(made := browser(view, most=9_000))
    assert len(made.data.encode()) <= 9_000
    kept = len(data["questions"])
    assert 0 < kept < 60
    assert f"the table has {len(data['metrics'])} of 20 metrics" in made.notes
    assert f"the table has the first {kept} of 60 questions" in made.notes


def test_texts_make_way_for_answers(large):
    """Of a run that fits without texts and not with all of them, every question has its details."""
    view = large(60, 2)
    bare = replace(view, source=Source({}))
    size = len(browser(bare, most=MOST).data.encode())
    data = opened(browser(view, most=int(1.6 * size)))
    assert all(d is not None for d in data["details"])
    assert any(pieces for _, _, pieces in data["docs"])


def test_packed_data_is_what_was_packed():
    assert zlib.decompress(base64.b64decode(pack("\N{GRINNING FACE}</script>"))).decode() == "\N{GRINNING FACE}</script>"
