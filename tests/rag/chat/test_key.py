"""The key of an endpoint: sent to it, and nowhere else, whatever the endpoint does with it."""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from rag.chat.openai import OpenAI
from rag.config import dump
from rag.errors import ChatError
from rag.fingerprint import canonical
from rag.index.store import Index
from rag.memo import Memo
from rag.output import trace_json
from rag.runtime import Runtime
from rag.schema import schema, stages

from .. import endpoint as on
from ..endpoint import DONE, Endpoint, event, said, stream

KEY = "sk-canary-2c61f0"


@pytest.fixture(autouse=True)
def key(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Put the key where it belongs, after the endpoint took away that of whoever runs the tests, and log everything."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)


def test_a_whole_run_leaves_no_trace_of_the_key(endpoint: Endpoint, lab: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: Any) -> None:
    """Index, manifest, memo, recordings, trace, configuration, schema and logs are searched."""
    endpoint.script = [said("The fox is red [1].")]
    chat = {"use": "openai", "model": "m", "base_url": endpoint.url, "api_key_env": "OPENAI_API_KEY"}
    pipeline = lab.pipeline(answer="generative", models={"encoder": "hashing-64", "chat": chat})
    runtime = Runtime(Memo(tmp_path / "memo.sqlite"), show_progress=False, record=tmp_path / "recorded.jsonl")
    lab.build(tmp_path / "index", pipeline, {"a.md": "The fox is red."}, runtime=runtime)
    with Index.open(tmp_path / "index", runtime) as index:
        answer = pipeline.ask(index, "What colour is the fox?")
    runtime.memo.close()
    assert endpoint.headers[0]["authorization"] == f"Bearer {KEY}"
    told = [
        repr(pipeline), repr(answer), repr(vars(runtime)), repr(runtime.chat(pipeline.models.chat).__dict__), caplog.text, json.dumps(dump(pipeline)),
        json.dumps(canonical(pipeline)), json.dumps(trace_json(answer.trace)), json.dumps(stages()), json.dumps(schema()),
    ]  # fmt: skip
    assert "HTTP Request: POST" in caplog.text  # the log was on
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert len(files) > 5
    assert [i for i, text in enumerate(told) if KEY in text] == []
    assert [p for p in files if KEY.encode() in p.read_bytes()] == []


@pytest.mark.parametrize(
    "act",
    [
        on.error(400, f"you sent Bearer {KEY}"),
        on.error(400, "x" * 190 + KEY),  # cut in the middle of it
        on.error(401, f"wrong key {KEY}"),
        on.error(500, f"Authorization: Bearer {KEY}"),
        on.body(f"<html>{KEY}</html>"),
        on.body({"error": {"message": KEY, "code": 429}}),
        on.body("", 302, Location=f"http://elsewhere/{KEY}"),
        said(None, refusal=KEY),
        stream(f"data: {KEY}\n\n"),
        stream(f'data: {{"error": "{KEY}"}}\n\n'),
    ],
)
def test_an_endpoint_that_repeats_the_key_does_not_get_it_into_an_error(
    endpoint: Endpoint, runtime: Runtime, request_of: Any, act: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "httpcore")  # whose debugging log shows the headers of a response as they are
    endpoint.script = [act]
    with pytest.raises(ChatError) as caught:
        OpenAI(model="m", base_url=endpoint.url, api_key_env="OPENAI_API_KEY", retries=0).open(runtime).complete(request_of())
    told = [str(caught.value), repr(caught.value), repr(vars(caught.value)), caplog.text, "".join(traceback.format_exception(caught.value))]
    assert [t for t in told if KEY[:9] in t] == []


def test_an_endpoint_that_repeats_the_key_does_not_get_it_into_a_reply(endpoint: Endpoint, runtime: Runtime, request_of: Any) -> None:
    endpoint.script = [said(f"your key is {KEY}"), stream(event(f"your key is {KEY}", "stop"), DONE)]
    model = OpenAI(model="m", base_url=endpoint.url, api_key_env="OPENAI_API_KEY").open(runtime)
    heard: list[str] = []
    assert model.complete(request_of()).text == "your key is [key]"
    assert model.complete(request_of(), heard.append).text == "your key is [key]"
    assert heard == ["your key is [key]"]


@pytest.mark.parametrize("value", [f"{KEY}\nX: y", f"{KEY}\u00e9", f"a {KEY}", f"{KEY}\x00"[:-1] + "\x7f"])
def test_what_cannot_be_a_key_is_refused_without_being_shown(endpoint: Endpoint, runtime: Runtime, request_of: Any, monkeypatch: Any, value: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(ChatError, match="OPENAI_API_KEY holds what is no key") as caught:
        OpenAI(model="m", base_url=endpoint.url, api_key_env="OPENAI_API_KEY").open(runtime).complete(request_of())
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert endpoint.asked == []


def test_the_key_goes_to_no_other_host(endpoint: Endpoint, runtime: Runtime, request_of: Any) -> None:
    with on.started() as other:
        endpoint.script = [on.body("", 308, Location=f"{other.url}/chat/completions")]
        with pytest.raises(ChatError, match="not followed"):
            OpenAI(model="m", base_url=endpoint.url, api_key_env="OPENAI_API_KEY", retries=3).open(runtime).complete(request_of())
        assert other.headers == []


@pytest.mark.parametrize("key", ["ollama", "EMPTY", "x", "elevenchars"])
def test_a_key_that_may_be_a_word_is_left_in_replies(endpoint: Endpoint, runtime: Runtime, request_of: Any, monkeypatch: Any, key: str) -> None:
    """Servers without keys are given such ones; a reply that is changed would be remembered as it is."""
    monkeypatch.setenv("OPENAI_API_KEY", key)
    text = f"Use {key} to run it, {key}"
    endpoint.script = [said(text), stream(event(text[:7]), event(text[7:], "stop"), DONE)]
    spec, heard = OpenAI(model="m", base_url=endpoint.url, api_key_env="OPENAI_API_KEY"), []  # type: ignore[var-annotated]  # of text
    assert spec.open(runtime).complete(request_of()).text == text
    assert spec.open(runtime).complete(request_of(), heard.append).text == "".join(heard) == text


@pytest.mark.parametrize("size", [1, 2, 5, len(KEY) - 1, len(KEY), 40])
def test_a_key_in_pieces_does_not_reach_who_listens(endpoint: Endpoint, runtime: Runtime, request_of: Any, size: int) -> None:
    """Two whole ones, a beginning of one that comes to nothing, and one at the end of the text that is cut off."""
    text = f"a {KEY}{KEY} b sk-can {KEY[:-1]}!sk-sk-{KEY} {KEY[:9]}"
    endpoint.script = [stream(*(event(text[i : i + size]) for i in range(0, len(text), size)), event(None, "stop"), DONE)]
    heard: list[str] = []
    found = OpenAI(model="m", base_url=endpoint.url, api_key_env="OPENAI_API_KEY").open(runtime).complete(request_of(), heard.append)
    assert found.text == "".join(heard) == f"a [key][key] b sk-can {KEY[:-1]}!sk-sk-[key] {KEY[:9]}"
    assert "" not in heard


def test_what_a_broken_attempt_held_back_is_no_part_of_the_next(endpoint: Endpoint, runtime: Runtime, request_of: Any) -> None:
    """Nothing was heard of it, so it is sent again."""
    endpoint.script = [stream(event(KEY[:5])), stream(event("hello", "stop"), DONE)]
    heard: list[str] = []
    found = OpenAI(model="m", base_url=endpoint.url, api_key_env="OPENAI_API_KEY", retries=1).open(runtime).complete(request_of(), heard.append)
    assert (found.text, heard, found.attempts) == ("hello", ["hello"], 2)


def test_the_key_of_openai_goes_to_openai_alone_unless_it_is_named(endpoint: Endpoint, runtime: Runtime, request_of: Any) -> None:
    OpenAI(model="m", base_url=endpoint.url).open(runtime).complete(request_of())
    OpenAI(model="m", base_url=endpoint.url, api_key_env="OPENAI_API_KEY").open(runtime).complete(request_of())
    assert [h.get("authorization") for h in endpoint.headers] == [None, f"Bearer {KEY}"]
    assert OpenAI(model="m").key_env == OpenAI(model="m", base_url="https://API.openai.com/v1").key_env == "OPENAI_API_KEY"
    assert [OpenAI(model="m", base_url=f"https://{h}/v1").key_env for h in ("gateway.example.com", "api.openai.com.example.com")] == [None, None]


def test_an_endpoint_that_wants_a_key_and_is_sent_none_is_explained(endpoint: Endpoint, runtime: Runtime, request_of: Any) -> None:
    endpoint.script = [on.error(401)]
    with pytest.raises(ChatError, match=r"check api_key_env, which names no key \(OPENAI_API_KEY goes to api\.openai\.com alone\)"):
        OpenAI(model="m", base_url=endpoint.url).open(runtime).complete(request_of())
