"""The stand-in: for every task of this project a reply that its part can use, the same each time."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from rag import prompts
from rag.chat.parrot import Parrot
from rag.models.chat import ChatModel, Message, Request
from rag.models.structured import structured
from rag.runtime import Runtime
from rag.untrusted import Source, fenced

QUESTION = "How long may parental leave last?"
SOURCES = [
    Source("Leave", "Leave is paid. Parental leave may last 26 weeks. Ask early."),
    Source("Food", "Lunch is free."),
    Source("More", "It may be split."),
]


@pytest.fixture
def parrot(runtime: Runtime) -> ChatModel:
    """Return the stand-in."""
    return Parrot().open(runtime)


def ask(name: str, sources: list[Source] | None = None, **values: str) -> Request:
    block = fenced(SOURCES if sources is None else sources, QUESTION).text
    values = {"question": QUESTION, "sources": block, "n": "3", "asked": "nothing", "found": "", "claims": "1. Leave is paid.", **values}
    return Request(prompts.load(name).messages(**values), name, QUESTION)


def test_an_answer_is_the_nearest_sentences_of_the_sources_with_their_numbers(parrot: ChatModel) -> None:
    assert parrot.complete(ask("answer")).text == "Parental leave may last 26 weeks. [1] It may be split. [3]"


@pytest.mark.parametrize("name", ["hyde", "step_back"])
def test_without_sources_it_is_the_words_of_the_question(parrot: ChatModel, name: str) -> None:
    assert parrot.complete(ask(name)).text == "About How long may parental leave last."


def test_a_header_has_no_marks(parrot: ChatModel) -> None:
    passage = [Source("title", "Handbook"), Source("passage", "It may last 26 weeks. Ask early.")]
    assert parrot.complete(ask("contextual", passage)).text == "It may last 26 weeks. Ask early."


class _Questions(BaseModel):
    questions: list[str]


class _Next(BaseModel):
    question: str | None


class _Statement(BaseModel):
    statement: str
    quote: str = ""


class _Statements(BaseModel):
    statements: list[_Statement] = Field(default_factory=list)


class _Claim(BaseModel):
    text: str
    sources: list[int]
    quote: str | None = None


class _Answer(BaseModel):
    abstain: bool = False
    reason: str = ""
    claims: list[_Claim] = Field(default_factory=list)


class _Verdict(BaseModel):
    claim: int
    supported: bool


class _Verdicts(BaseModel):
    verdicts: list[_Verdict]


def filled(runtime: Runtime, request: Request, shape: type[BaseModel]) -> Any:
    """Return the reply as data, as a part of the pipeline reads it: at the first attempt."""
    found, completions = structured(runtime, Parrot(), request, shape)
    assert len(completions) == 1
    return found.model_dump()


def test_rewordings_are_two_and_different(runtime: Runtime) -> None:
    assert filled(runtime, ask("multi_query"), _Questions) == {"questions": [QUESTION, "last leave parental may long How"]}


def test_a_sub_question_is_the_question_and_then_there_is_none(runtime: Runtime) -> None:
    assert filled(runtime, ask("decompose"), _Next) == {"question": QUESTION}
    found = fenced(SOURCES, QUESTION).text
    assert filled(runtime, ask("decompose", asked=f"1. {QUESTION}", found=found), _Next) == {"question": None}


def test_statements_are_sentences_of_the_passage_and_their_own_quotes(runtime: Runtime) -> None:
    passage = [Source("before", "Leave is paid."), Source("passage", "It may last 26 weeks. Ask early. Or late.")]
    rows = [{"statement": t, "quote": t} for t in ("It may last 26 weeks.", "Ask early.")]
    assert filled(runtime, ask("propositions", passage), _Statements) == {"statements": rows}


def test_claims_cite_the_sources_that_they_quote(runtime: Runtime) -> None:
    found = filled(runtime, ask("answer_json"), _Answer)
    assert [(c["quote"], c["sources"]) for c in found["claims"]] == [("Parental leave may last 26 weeks.", [1]), ("It may be split.", [3])]
    assert found["abstain"] is False


def test_verdicts_are_false(runtime: Runtime) -> None:
    assert [v["supported"] for v in filled(runtime, ask("self_check"), _Verdicts)["verdicts"]] == [False, False]


class _Colour(Enum):
    RED = "red"
    BLUE = "blue"


class _Tree(BaseModel):
    children: list[_Tree] = Field(default_factory=list)
    parent: _Tree | None = None


class _Anything(BaseModel):
    choice: Literal["a", "b"]
    colour: _Colour
    share: float = Field(ge=0, le=0.5)
    count: int = Field(ge=7)
    short: str = Field(max_length=5)
    long: str = Field(min_length=50)
    many: list[str] = Field(min_length=3)
    few: list[int] = Field(max_length=1)
    nothing: None
    either: int | str
    tree: _Tree


def test_any_form_is_filled(runtime: Runtime) -> None:
    found = filled(runtime, ask("hyde"), _Anything)
    assert (found["choice"], found["colour"], found["share"], found["count"]) == ("a", _Colour.RED, 0.5, 7)
    assert len(set(found["many"])) == 3


@pytest.mark.parametrize("text", ["", "\ud800", "?", "Question:", "Question: \n", "<source-abc ", "<source-12 number", "[1]" * 1000])
def test_it_replies_to_everything(parrot: ChatModel, text: str) -> None:
    found = parrot.complete(Request((Message("user", text),), "answer"))
    assert found.text.strip()
    assert json.loads(json.dumps(found.text)) == found.text
    assert found == parrot.complete(Request((Message("user", text),), "answer"))


def test_it_says_what_it_is(parrot: ChatModel) -> None:
    heard: list[str] = []
    found = parrot.complete(ask("answer"), heard.append)
    assert (found.model, heard, parrot.identity) == ("parrot", [found.text], {"name": "parrot", "version": 1})
    assert "stand-in" in (Parrot.__doc__ or "")
