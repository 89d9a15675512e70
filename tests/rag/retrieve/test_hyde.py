"""HyDE: vectors are searched for with the mean of made-up passages, keyword legs and the kept leg never see them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from rag.errors import ChatError, ConfigError
from rag.filter_text import parse
from rag.models.hashing import HashingEncoder
from rag.retrieve.dense import Dense
from rag.retrieve.hyde import Hyde
from rag.types import Query

ENCODER = HashingEncoder(64)


def cosines(reader, rows):
    """Return the cosine of every chunk with the mean of rows, by brute force."""
    mean = np.mean(rows, axis=0)
    chunks = list(reader.all_chunks())
    scores = ENCODER.encode([c.index_text for c in chunks]) @ (mean / np.linalg.norm(mean))
    return {c.id: float(s) for c, s in zip(chunks, scores, strict=True)}


@pytest.mark.parametrize("with_query", [False, True])
def test_the_vector_is_the_mean_of_the_passages_with_or_without_the_query(reader, scripted, with_query):
    """Gao et al. 2023, equation 8: (f(d_1) + ... + f(d_n) + f(q)) / (n + 1); prefixes go to what they are for."""
    dense = Dense(model="hashing-64", query_prefix="mat ")
    spec = Hyde(dense, n=2, with_query=with_query, chat=scripted("cat log", "bird sea"))
    found = spec.rank(Query("fish"), reader)
    rows = ENCODER.encode(["cat log", "bird sea", *(["mat fish"] if with_query else [])])
    assert dict(found.scored) == pytest.approx(cosines(reader, rows), abs=1e-5)


def test_keyword_legs_read_the_question_and_dense_legs_the_passages(reader, scripted, by_text):
    over = by_text({"q": ["a", "b"]})
    found = Hyde(over, n=2, chat=scripted(" one ", "two"), limit=1).rank(Query("q", parse("x = 1")), reader)
    (asked,) = over.asked
    assert asked == Query("q", parse("x = 1"), ("one", "two"), with_text=True)
    assert found.scored == (("a", 2.0),)
    assert found.step.facts["passages"] == ["one", "two"]


def test_the_requests_number_the_samples_and_only_several_ask_for_a_temperature(lab, reader, scripted):
    for n, warmth in ((1, None), (3, 0.9)):
        chat = scripted(*"abc"[:n])
        Hyde(Dense(model="hashing-64"), n=n, temperature=0.9, chat=chat).rank(Query("why?"), reader)
        requests = lab.runtime.chat(chat).requests
        assert [(r.task, r.subject, r.sample, r.temperature) for r in requests] == [("hyde", "why?", i, warmth) for i in range(n)]
        assert "Question: why?" in requests[0].messages[-1].content


def test_the_kept_leg_sees_only_the_text_and_outweighs_a_name_made_up(reader, scripted, by_text):
    """By hand: RRF with k = 0 of (made, right) and (right, other) at weight 2: 1, 1/2 + 2, 2/2."""
    over, keep = by_text({"q": ["made", "right"]}), by_text({"q": ["right", "other"]})
    found = Hyde(over, keep=keep, weight=2, k=0, chat=scripted("invented name")).rank(Query("q", parse("x = 1"), ("outer",)), reader)
    assert list(found.scored) == [("right", 2.5), ("made", 1.0), ("other", 1.0)]
    assert list(keep.asked) == [Query("q", parse("x = 1"))]
    assert over.asked[0].passages == ("invented name",)
    assert [s.use for s in found.step.walk()] == ["hyde", "by_text", "by_text"]


@pytest.mark.parametrize("replies", [("", " \n"), ("\t", "")])
def test_a_model_that_says_nothing_leaves_the_query_as_it_is(reader, scripted, by_text, replies):
    over = by_text({"q": ["a"]})
    assert Hyde(over, n=2, chat=scripted(*replies)).rank(Query("q"), reader).step.facts["passages"] == []
    assert list(over.asked) == [Query("q")]


@pytest.mark.parametrize("text", ["", " ", "\u2003\n"])
def test_a_blank_question_asks_nothing(reader, scripted, by_text, text):
    found = Hyde(by_text({}), n=3, chat=scripted()).rank(Query(text), reader)
    assert (found.scored, found.step.facts["completions"]) == ((), 0)


def test_the_trace_says_what_it_cost(reader, scripted, by_text):
    facts = Hyde(by_text({"q": "a"}), n=2, chat=scripted("x", "y")).rank(Query("q"), reader).step.facts
    assert {k: facts[k] for k in ("completions", "prompt_tokens", "completion_tokens", "chat")} == {
        "completions": 2, "prompt_tokens": 20, "completion_tokens": 10, "chat": ["scripted"],
    }  # fmt: skip


def test_it_runs_from_a_configuration_with_recordings_and_says_what_is_missing(lab, pets, tmp_path):
    file = tmp_path / "said.jsonl"
    file.write_text(json.dumps({"task": "hyde", "subject": "purring pet", "text": "cat mat"}) + "\n")
    pipeline = lab.pipeline(
        {"use": "hyde", "over": "dense", "with_query": False}, models={"encoder": "hashing-64", "chat": {"use": "recorded", "path": str(file)}}
    )
    hits, (step,) = pipeline.search(pets, "purring pet")
    assert (hits[0].chunk.span.doc_id, hits[0].score) == ("a.md", pytest.approx(1.0, abs=1e-5))
    assert step.facts["passages"] == ["cat mat"]
    with pytest.raises(ChatError, match=r"nothing is recorded .* of hyde, sample 0, about 'barking pet'"):
        pipeline.search(pets, "barking pet")


def test_without_a_chat_model_it_says_what_to_write(lab, reader):
    with pytest.raises(ConfigError, match=r"retrieve: hyde asks a chat model and none is named; write for example models: \{chat:"):
        lab.pipeline({"use": "hyde", "over": "dense"})
    with pytest.raises(ConfigError, match="hyde asks a chat model and has none; give it chat:"):
        Hyde(Dense(model="hashing-64")).rank(Query("q"), reader)


def test_it_needs_the_spaces_of_both_legs(leg):
    dense = Dense(model="hashing-64")
    assert Hyde(leg("a"), keep=dense).spaces() == Hyde(dense).spaces() == dense.spaces()


@pytest.mark.parametrize(("field", "value"), [("n", 0), ("n", 33), ("weight", 0), ("temperature", 2.1), ("max_tokens", 15), ("limit", 0)])
def test_fields_are_held_to_their_bounds(leg, field, value):
    with pytest.raises(ValueError, match=field):
        Hyde(leg("a"), **{field: value})
