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
    chat = {"use": "openai", "model": "m", "base_url": endpoint.url}
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
        OpenAI(model="m", base_url=endpoint.url, retries=0).open(runtime).complete(request_of())
    told = [str(caught.value), repr(caught.value), repr(vars(caught.value)), caplog.text, "".join(traceback.format_exception(caught.value))]
    assert [t for t in told if KEY in t] == []


def test_an_endpoint_that_repeats_the_key_does_not_get_it_into_a_reply(endpoint: Endpoint, runtime: Runtime, request_of: Any) -> None:
    endpoint.script = [said(f"your key is {KEY}"), stream(event(f"your key is {KEY}", "stop"), DONE)]
    model = OpenAI(model="m", base_url=endpoint.url).open(runtime)
    heard: list[str] = []
    assert model.complete(request_of()).text == "your key is [key]"
    assert model.complete(request_of(), heard.append).text == "your key is [key]"
    assert heard == ["your key is [key]"]


@pytest.mark.parametrize("value", [f"{KEY}\nX: y", f"{KEY}\u00e9", f"a {KEY}", f"{KEY}\x00"[:-1] + "\x7f"])
def test_what_cannot_be_a_key_is_refused_without_being_shown(endpoint: Endpoint, runtime: Runtime, request_of: Any, monkeypatch: Any, value: str) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", value)
    with pytest.raises(ChatError, match="OPENAI_API_KEY holds what is no key") as caught:
        OpenAI(model="m", base_url=endpoint.url).open(runtime).complete(request_of())
    assert KEY not in "".join(traceback.format_exception(caught.value))
    assert endpoint.asked == []


def test_the_key_goes_to_no_other_host(endpoint: Endpoint, runtime: Runtime, request_of: Any) -> None:
    with on.started() as other:
        endpoint.script = [on.body("", 308, Location=f"{other.url}/chat/completions")]
        with pytest.raises(ChatError, match="not followed"):
            OpenAI(model="m", base_url=endpoint.url, retries=3).open(runtime).complete(request_of())
        assert other.headers == []
