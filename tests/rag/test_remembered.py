"""Exact answers: given again only for the same question, state, scope and configuration, and equal to what was made."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.config import parse
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Document

DOCS = {"a.md": "Cats sleep sixteen hours a day. They are quiet animals.", "b.md": "Dogs sleep twelve hours a day. They bark."}
QUESTION = "How many hours a day do cats sleep?"


def made(answer):
    return replace(answer, trace=())


def uses(answer):
    return [s.use for s in answer.trace]


@pytest.fixture
def pipeline(lab):
    return lab.pipeline(chunk={"use": "sentence", "size": 16})


def test_the_second_answer_is_the_first_one_without_work(lab, pipeline):
    with lab.index(DOCS, pipeline) as index:
        first = pipeline.ask(index, QUESTION, cache=True)
        before = dict(lab.runtime.work.as_dict())
        second = pipeline.ask(index, QUESTION, cache=True)
        assert made(second) == made(first)
        assert uses(second) == ["remembered"]
        assert lab.runtime.work.as_dict() == before
        assert made(pipeline.ask(index, QUESTION)) == made(first)


def test_another_question_filter_configuration_or_exactness_is_another_answer(lab, pipeline):
    with lab.index(DOCS, pipeline) as index:
        pipeline.ask(index, QUESTION, cache=True)
        other = lab.pipeline(chunk={"use": "sentence", "size": 16}, answer={"use": "extractive", "quotes": 1})
        for asked in (
            pipeline.ask(index, QUESTION + "?", cache=True),
            pipeline.ask(index, QUESTION, where="lang = en", cache=True),
            other.ask(index, QUESTION, cache=True),
            pipeline.ask(index, QUESTION, exact=False, cache=True),
        ):
            assert "remembered" not in uses(asked)


def test_an_answer_does_not_outlive_the_chunks_it_was_made_of(lab, pipeline):
    runtime, path = Runtime(memo=Memo(), show_progress=False), lab.folder()
    lab.build(path, pipeline, DOCS, runtime=runtime)
    with Index.open(path, runtime) as index:
        assert "sixteen" in pipeline.ask(index, QUESTION, cache=True).text
    lab.build(path, pipeline, {**DOCS, "a.md": "Cats sleep nine hours a day. They are quiet animals."}, runtime=runtime)
    with Index.open(path, runtime) as index:
        again = pipeline.ask(index, QUESTION, cache=True)
        assert "remembered" not in uses(again)
        assert "nine" in again.text
    lab.build(path, pipeline, DOCS, runtime=runtime)  # the same chunks again: the same answer again
    with Index.open(path, runtime) as index:
        assert uses(pipeline.ask(index, QUESTION, cache=True)) == ["remembered"]


def test_tenants_have_answers_of_their_own(lab):
    pipeline = lab.pipeline(index={"tenant_key": "team"})
    docs = [Document("x/a.md", DOCS["a.md"], {"team": "x"}), Document("y/a.md", DOCS["a.md"].replace("sixteen", "ten"), {"team": "y"})]
    with lab.index(docs, pipeline) as index:
        assert "sixteen" in pipeline.ask(index, QUESTION, tenant="x", cache=True).text
        other = pipeline.ask(index, QUESTION, tenant="y", cache=True)
        assert "remembered" not in uses(other)
        assert "sixteen" not in other.text


def test_a_damaged_entry_is_made_anew(lab, pipeline):
    runtime, path = Runtime(memo=Memo(), show_progress=False), lab.folder()
    lab.build(path, pipeline, DOCS, runtime=runtime)
    with Index.open(path, runtime) as index:
        first = pipeline.ask(index, QUESTION, cache=True)
        keys = [k for (k,) in runtime.memo._db.execute("SELECT key FROM memo WHERE CAST(value AS TEXT) LIKE '%ranking%'")]
        assert len(keys) == 1
        for damage in (
            b"{",
            b"{}",
            b'{"text": 1}',
            b"\xff",
            b'{"text": "x", "abstained": "", "citations": [], "flags": [], "context": {"hits": [{}]}, "ranking": []}',
        ):
            runtime.memo.put_many({keys[0]: damage})
            again = pipeline.ask(index, QUESTION, cache=True)
            assert made(again) == made(first)
            assert "remembered" not in uses(again)


def test_a_part_that_counts_ages_to_today_has_its_answers_kept_for_a_day(monkeypatch, lab):
    import rag.remembered as module

    class Tomorrow(module.datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return super().now(tz) + module.datetime.timedelta(days=1)

    body = {"chunk": "whole", "retrieve": {"use": "recency", "over": "bm25"}, "models": {"encoder": "hashing-64"}}
    daily, fixed = parse(body), parse({**body, "retrieve": {"use": "recency", "over": "bm25", "as_of": "2026-01-01"}})
    with lab.index(DOCS, daily) as index:
        for pipeline in (daily, fixed):
            pipeline.ask(index, QUESTION, cache=True)
            assert uses(pipeline.ask(index, QUESTION, cache=True)) == ["remembered"]
        monkeypatch.setattr(module.datetime, "datetime", Tomorrow)
        assert uses(fixed.ask(index, QUESTION, cache=True)) == ["remembered"]
        assert uses(daily.ask(index, QUESTION, cache=True)) != ["remembered"]
