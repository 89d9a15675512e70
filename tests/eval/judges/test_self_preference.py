"""Self-preference: a judge that asks the model whose answers it judges is noticed, whatever the address and wherever the model stands."""

from __future__ import annotations

from typing import Any

import pytest

from eval.judges.chat import ChatJudge
from eval.judges.self_preference import self_preference
from rag.chat.fallback import Fallback
from rag.chat.openai import OpenAI
from rag.runtime import Runtime

ENCODER = {"name": "all-MiniLM-L6-v2", "digest": "x", "max_tokens": 256}


def asks(model: str, **more: Any) -> dict[str, Any]:
    """Return the identity of a chat model behind an endpoint."""
    return {"name": "openai", "version": 1, "base_url": "https://a.example/v1", "model": model, **more}


def judge(chat: Any) -> dict[str, Any]:
    """Return the identity of a chat judge."""
    return {"use": "chat", "chat": chat, "encoder": ENCODER, "prompts": {"claims": "d"}}


@pytest.mark.parametrize(
    ("own", "answerer"),
    [
        (asks("gpt-x"), asks("gpt-x")),
        (asks("gpt-x"), asks("gpt-x", base_url="http://localhost/v1", temperature=1.0, seed=3)),
        (asks("gpt-x"), asks("openai/GPT-X")),
        (asks("gpt-x-2024-08-06"), asks("gpt-x")),
        (asks("gpt-x"), {"name": "fallback", "of": [asks("other"), asks("gpt-x")]}),
        ({"name": "fallback", "of": [asks("other"), asks("gpt-x")]}, asks("gpt-x")),
        ({"name": "transformers", "digest": "d1"}, {"name": "transformers", "digest": "d1", "temperature": 0.5}),
        ({"name": "recorded", "digest": "d1"}, {"name": "recorded", "digest": "d1"}),
        ({"name": "parrot", "version": 1}, {"name": "parrot", "version": 1}),
    ],
)
def test_the_same_model_is_noticed(own: dict[str, Any], answerer: dict[str, Any]) -> None:
    assert self_preference(judge(own), [ENCODER, {"prompt": "d"}, answerer]).startswith("self-preference: ")
    ensemble = {"use": "ensemble", "of": [{"use": "embedded", "encoder": ENCODER}, judge(own)]}
    assert self_preference(ensemble, [answerer])


@pytest.mark.parametrize(
    ("own", "answerer"),
    [
        (asks("gpt-x"), asks("gpt-x-mini")),
        (asks("llama3:8b"), asks("llama3:70b")),
        (asks("gpt-x"), ENCODER),
        ({"name": "transformers", "digest": "d1"}, {"name": "transformers", "digest": "d2"}),
        ({"name": "recorded", "digest": "d1"}, {"name": "transformers", "digest": "d1"}),
        (asks("all-MiniLM-L6-v2"), ENCODER),
    ],
)
def test_other_models_are_not(own: dict[str, Any], answerer: dict[str, Any]) -> None:
    assert self_preference(judge(own), [ENCODER, answerer]) == ""
    assert self_preference({"use": "embedded", "encoder": ENCODER}, [ENCODER, answerer]) == ""


def test_the_line_names_the_model_and_real_identities_are_understood(runtime: Runtime) -> None:
    chat = OpenAI(model="gpt-x", base_url="http://localhost:1/v1")
    own = ChatJudge(chat=chat, encoder="hashing-64").open((), runtime).identity
    other = OpenAI(model="gpt-x", base_url="http://localhost:2/v1", temperature=1.0)
    answerer = runtime.chat(Fallback((OpenAI(model="y", base_url="http://localhost:3/v1"), other))).identity
    assert "gpt-x answers and judges" in self_preference(own, [answerer])
