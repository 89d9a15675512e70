"""The OpenAI adapter against a real server: what a reply is, and what each way of failing is called."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from rag.chat.openai import PUBLIC, OpenAI, OpenAIModel
from rag.errors import ChatError, ConfigError
from rag.models.chat import Completion, Request, Usage
from rag.runtime import Runtime

from .. import endpoint as on
from ..endpoint import DONE, Endpoint, event, message, said, stream

Ask = Callable[..., Completion]


@pytest.fixture
def model_of(endpoint: Endpoint, runtime: Runtime) -> Callable[..., OpenAIModel]:
    """Return what opens a model of the endpoint; whoever wants retries says so."""
    return lambda **more: OpenAI(**{"model": "m", "base_url": endpoint.url, "retries": 0, "timeout": 5.0, **more}).open(runtime)  # type: ignore[return-value]  # the port


@pytest.fixture
def ask(model_of: Callable[..., OpenAIModel], request_of: Callable[..., Request]) -> Ask:
    """Return what asks the endpoint one question."""
    return lambda **more: model_of(**more).complete(request_of())


def why(call: Callable[[], object]) -> tuple[str, str]:
    """Return the reason and the text of the error that a call raises."""
    with pytest.raises(ChatError) as caught:
        call()
    return caught.value.why, str(caught.value)


def test_a_reply_comes_with_its_usage_and_cost_and_the_request_says_what_was_configured(endpoint: Endpoint, ask: Ask) -> None:
    found = ask(price_in=2.0, price_out=10.0, price_cached=1.0, top_p=0.5, seed=7, temperature=0.3)
    assert (found.text, found.attempts, found.remembered, found.tried) == ("hello", 1, False, ())
    assert found.usage == Usage(20, 5, 8, (12 * 2 + 8 * 1 + 5 * 10) / 1e6)
    assert found.model == f"m@{endpoint.url.split('/')[2]}"
    assert endpoint.asked == [
        {"model": "m", "temperature": 0.3, "top_p": 0.5, "seed": 7, "max_tokens": 1024, "messages": [{"role": "user", "content": "why?"}]}
    ]


def test_the_request_decides_over_temperature_and_sample_and_the_configuration_over_max_tokens(endpoint: Endpoint, model_of: Any, request_of: Any) -> None:
    model_of(seed=7, max_tokens=50).complete(request_of(temperature=0.9, sample=2, max_tokens=9))
    model_of(temperature=None).complete(request_of(temperature=0.9, max_tokens=9))
    first, second = endpoint.asked
    assert (first["temperature"], first["seed"], first["max_tokens"]) == (0.9, 9, 50)
    assert "temperature" not in second
    assert second["max_tokens"] == 9


def test_without_usage_tokens_are_counted_here(endpoint: Endpoint, model_of: Any, request_of: Any) -> None:
    endpoint.script = [said("a good answer", usage=None)]
    model = model_of()
    assert model.complete(request_of("what is good?")).usage == Usage(model.count("what is good?") + 4, model.count("a good answer"))


@pytest.mark.parametrize("usage", [{"a": 1}, {"prompt_tokens": 0, "completion_tokens": 0}, {"total_tokens": 9}, {"prompt_tokens": None}])
@pytest.mark.parametrize("streamed", [False, True])
def test_usage_that_counts_nothing_is_estimated(endpoint: Endpoint, model_of: Any, request_of: Any, usage: Any, streamed: bool) -> None:
    """Nought would let any budget go on for ever."""
    endpoint.script = [stream(event("a good answer", "stop", usage=usage), DONE) if streamed else said("a good answer", usage=usage)]
    model = model_of(budget_tokens=40, stream=streamed)
    assert model.complete(request_of("what is good?", max_tokens=20)).usage == Usage(model.count("what is good?") + 4, model.count("a good answer"))
    assert why(lambda: [model.complete(request_of("what is good?", max_tokens=20)) for _ in range(3)])[0] == "over_budget"


def test_a_wrong_key_names_the_variable_it_came_from(endpoint: Endpoint, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "wrong")
    endpoint.script = [on.error(401)]
    assert "check the key in the environment variable MY_KEY" in why(lambda: ask(api_key_env="MY_KEY"))[1]


def test_a_count_never_takes_a_word_without_end_for_one_token(model_of: Any) -> None:
    assert model_of().count("a" * 8000) == 1000
    assert model_of().count("plain words count as they do") == 6


@pytest.mark.parametrize(
    ("act", "reason", "names"),
    [
        (on.error(400), "rejected", "400"),
        (on.error(401, "Incorrect API key provided: abcd"), "rejected", "api_key_env, which names no key"),
        (on.error(403), "rejected", "refuses access"),
        (on.error(404, "The model `m` does not exist"), "rejected", "The model `m` does not exist"),
        (on.error(402), "over_budget", "quota"),
        (on.error(429, "You exceeded your current quota", "insufficient_quota"), "over_budget", "quota"),
        (on.error(413), "too_long", "too long"),
        (on.error(400, "This model's maximum context length is 8192 tokens", "context_length_exceeded"), "too_long", "8192"),
        (on.error(400, "policy", "content_filter"), "refused", "refused to reply"),
        (on.error(429, "slow down"), "rate_limited", "slow down"),
        (on.error(500), "server", "500"),
        (on.error(503), "server", "503"),
        (on.error(504), "timeout", "504"),
        (on.error(501), "rejected", "501"),
        (on.body("<html>bad gateway</html>", 502), "server", "bad gateway"),
        (on.body("<html>login</html>"), "malformed", "no JSON"),
        (on.body("[" * 100_000), "malformed", "no JSON"),
        (on.body("[1]"), "malformed", "list"),
        (on.body({"choices": []}), "malformed", "no choices"),
        (on.body({"choices": "x"}), "malformed", "no choices"),
        (on.body({"choices": [{"finish_reason": "stop"}]}), "malformed", "no text"),
        (said(None, finish="tool_calls"), "malformed", "tool_calls"),
        (said(" \n"), "malformed", "no text"),
        (on.body({"error": {"message": "overloaded", "code": 529}}), "server", "overloaded"),
        (on.body({"error": {"message": "too many", "code": 429}}), "rate_limited", "too many"),
        (on.body({"error": "broken"}), "server", "broken"),
        (said(None, refusal="I cannot help with that"), "refused", "I cannot help with that"),
        (said("part", finish="content_filter"), "refused", "content filter"),
        (said("half of", finish="length"), "truncated", "max_tokens"),
        (on.cut_short, "disconnected", "broke the connection off"),
        (on.hang_up, "disconnected", "broke the connection off"),
        (stream(event("hel"), event("lo")), "disconnected", "before the reply was complete"),
        (stream(event("hel"), "data: {\n\n"), "malformed", "no JSON"),
        (stream(event("hel"), 'data: {"error": {"message": "died", "code": 500}}\n\n'), "server", "died"),
        (stream(), "disconnected", "before the reply was complete"),
        (stream(event("cut", "length"), DONE), "truncated", "max_tokens"),
        (stream(event("x" * 1000) * 9000), "malformed", "8 MB"),
        (on.body(b"".join([b'"', b"x" * 9 * 2**20, b'"']).decode()), "malformed", "8 MB"),
    ],
)
def test_each_failure_has_its_reason_and_a_text_of_one_line_that_says_what_to_do(endpoint: Endpoint, ask: Ask, act: Any, reason: str, names: str) -> None:
    endpoint.script = [act]
    found, text = why(ask)
    assert found == reason
    assert names in text
    assert "\n" not in text
    assert "127.0.0.1" in text


def test_what_an_endpoint_says_on_a_wrong_key_is_not_repeated(endpoint: Endpoint, ask: Ask) -> None:
    endpoint.script = [on.error(401, "Incorrect API key provided: sk-ab***yz")]
    assert "sk-ab" not in why(ask)[1]


def test_nobody_there_is_unreachable(ask: Ask) -> None:
    found, text = why(lambda: ask(base_url="http://127.0.0.1:9/v1"))
    assert found == "unreachable"
    assert "check base_url" in text


@pytest.mark.parametrize("act", [on.later(30, said("late")), on.drip, on.drip_headers, stream(event("a"), *([": ping\n\n"] * 9999), pause=0.02)])
def test_an_attempt_ends_in_time_however_slowly_something_comes(endpoint: Endpoint, ask: Ask, act: Any) -> None:
    endpoint.script = [act]
    assert why(lambda: ask(timeout=0.3)) == (
        "timeout",
        f"{endpoint.url.split('/')[2]} did not finish a reply in 0.3 s; raise timeout, ask for fewer max_tokens, or ask another model",
    )


@pytest.mark.parametrize("first", [on.error(500), on.error(429), on.cut_short, on.hang_up, stream(event("hel")), on.later(5, said("late"))])
def test_what_may_pass_is_asked_again(endpoint: Endpoint, ask: Ask, first: Any) -> None:
    endpoint.script = [first, said("at last")]
    found = ask(retries=1, timeout=0.5)
    assert (found.text, found.attempts, len(endpoint.asked)) == ("at last", 2, 2)
    assert endpoint.asked[0] == endpoint.asked[1]


@pytest.mark.parametrize("act", [on.error(400), on.error(401), on.error(404), on.body("{"), said(None, refusal="no"), said("x", finish="length")])
def test_what_stays_is_asked_once(endpoint: Endpoint, ask: Ask, act: Any) -> None:
    endpoint.script = [act]
    why(lambda: ask(retries=5))
    assert len(endpoint.asked) == 1


def test_retries_are_bounded(endpoint: Endpoint, ask: Ask) -> None:
    endpoint.script = [on.error(500)]
    assert why(lambda: ask(retries=2))[0] == "server"
    assert len(endpoint.asked) == 3


@pytest.mark.parametrize("headers", [{"Retry_After": "0.6"}, {"retry_after_ms": "600"}])
def test_a_wait_that_the_endpoint_asks_for_is_kept(endpoint: Endpoint, ask: Ask, headers: dict[str, str]) -> None:
    endpoint.script = [on.error(429, **headers), said("now")]
    assert ask(retries=1).text == "now"
    assert endpoint.times[1] - endpoint.times[0] >= 0.6


def test_a_wait_beyond_the_bound_or_the_deadline_is_not_waited_for(endpoint: Endpoint, ask: Ask) -> None:
    endpoint.script = [on.error(429, Retry_After="3600")]
    assert why(lambda: ask(retries=3))[0] == "rate_limited"
    endpoint.script = [on.error(503, Retry_After="30")]
    assert why(lambda: ask(retries=3, deadline=1.0))[0] == "server"
    assert len(endpoint.asked) == 2


def test_a_retry_after_that_is_a_date_is_read() -> None:
    from rag.chat._reply import _wait

    assert _wait({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert (_wait({"retry-after": "Wed, 21 Oct 2065 07:28:00 GMT"}) or 0) > 3e8
    assert [_wait({"retry-after": v}) for v in ("soon", "nan", "", "inf")] == [None] * 4


def test_a_redirect_is_not_followed(endpoint: Endpoint, ask: Ask) -> None:
    with on.started() as other:
        endpoint.script = [on.body("", 307, Location=f"{other.url}/chat/completions")]
        found, text = why(ask)
        assert other.asked == []
    assert found == "rejected"
    assert other.url in text


@pytest.mark.parametrize(
    "events",
    [
        [event("hel"), event("lo"), event(None, "stop"), DONE],
        [event("hel"), event("lo", "stop"), DONE],  # the last text in the chunk that says the end
        [event("hel"), event("lo", "stop")],  # no [DONE]
        [event("hel"), event("lo"), DONE],  # no finish_reason
        [": ping\n\n", event("hel").replace("\n\n", "\r\n\r\n"), "event: x\nid: 1\n" + event("lo", "stop"), DONE],
        [event("hel")[:9], event("hel")[9:] + event("lo")[:-1], "\n" + event(None, "stop"), DONE],
        ['data: {"choices": []}\n\n', event("hello", "stop"), DONE],
    ],
)
def test_a_stream_gives_the_whole_text_and_its_parts(endpoint: Endpoint, model_of: Any, request_of: Any, events: list[str]) -> None:
    endpoint.script = [stream(*events)]
    heard: list[str] = []
    assert model_of(stream=True).complete(request_of(), heard.append).text == "hello"
    assert "".join(heard) == "hello"
    assert endpoint.asked[0]["stream"] is True


def test_usage_of_a_stream_is_asked_for_and_read(endpoint: Endpoint, ask: Ask) -> None:
    endpoint.script = [stream(event("hello", "stop"), f"data: {json.dumps({'choices': [], 'usage': on.USAGE})}\n\n", DONE)]
    assert ask(stream=True).usage == Usage(20, 5, 8)
    assert endpoint.asked[0]["stream_options"] == {"include_usage": True}


def test_nothing_is_sent_again_once_somebody_heard_a_part(endpoint: Endpoint, model_of: Any, request_of: Any) -> None:
    endpoint.script = [stream(event("hel")), stream(event("hello", "stop"), DONE)]
    heard: list[str] = []
    assert why(lambda: model_of(retries=3).complete(request_of(), heard.append))[0] == "disconnected"
    assert heard == ["hel"]
    assert model_of(retries=3, stream=True).complete(request_of()).text == "hello"  # nobody listens: asked again


def test_who_listens_hears_an_endpoint_that_does_not_stream(endpoint: Endpoint, model_of: Any, request_of: Any) -> None:
    heard: list[str] = []
    model_of().complete(request_of(), heard.append)
    assert heard == ["hello"]


def test_text_in_parts_and_lone_surrogates_are_read(endpoint: Endpoint, ask: Ask) -> None:
    endpoint.script = [said([{"type": "text", "text": "a"}, {"type": "text", "text": "b\ud800"}])]
    assert ask().text == "ab\ufffd"


SCHEMA = {"title": "R", "type": "object", "properties": {"title": {"type": "string", "default": ""}}, "required": []}


def test_a_schema_is_asked_for_in_the_form_that_the_endpoint_takes_and_that_is_remembered(endpoint: Endpoint, model_of: Any, request_of: Any) -> None:
    endpoint.script = [
        on.error(400, "Invalid parameter: 'response_format' of type 'json_schema' is not supported"),
        on.error(422, "response_format is not permitted"),
        said("{}"),
    ]
    model = model_of()
    found = model.complete(request_of(schema=SCHEMA, task="self check"))
    model.complete(request_of(schema=SCHEMA))
    assert found.attempts == 3
    first, second, third, fourth = endpoint.asked
    strict = {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"], "additionalProperties": False}
    assert first["response_format"] == {"type": "json_schema", "json_schema": {"name": "self_check", "strict": True, "schema": strict}}
    assert first["messages"][0]["content"] == "why?"
    assert second["response_format"] == {"type": "json_object"}
    assert third["messages"] == second["messages"] == fourth["messages"]
    assert third["messages"][0]["content"].startswith("why?\n\nReply with one JSON object that fits this JSON Schema")
    assert "response_format" not in third
    assert "response_format" not in fourth


def test_other_rejections_of_a_structured_request_are_errors(endpoint: Endpoint, model_of: Any, request_of: Any) -> None:
    endpoint.script = [on.error(400, "temperature is not supported")]
    assert why(lambda: model_of().complete(request_of(schema=SCHEMA)))[0] == "rejected"
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("form", ["json_object", "prompt"])
def test_the_form_to_begin_with_can_be_chosen(endpoint: Endpoint, model_of: Any, request_of: Any, form: str) -> None:
    model_of(structured=form).complete(request_of(schema=SCHEMA))
    assert endpoint.asked[0].get("response_format") == ({"type": "json_object"} if form == "json_object" else None)


def test_the_other_name_of_max_tokens_and_streams_without_usage_are_learned(endpoint: Endpoint, model_of: Any, request_of: Any) -> None:
    endpoint.script = [
        on.error(400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."),
        on.error(400, "Unrecognized request argument supplied: stream_options"),
        stream(event("hello", "stop"), DONE),
    ]
    assert model_of(stream=True).complete(request_of()).text == "hello"
    assert (endpoint.asked[2]["max_completion_tokens"], "max_tokens" in endpoint.asked[2], "stream_options" in endpoint.asked[2]) == (1024, False, False)


def test_a_budget_of_tokens_refuses_before_it_sends(endpoint: Endpoint, model_of: Any, request_of: Any) -> None:
    model = model_of(budget_tokens=60)
    for _ in range(2):  # 25 tokens each as the endpoint counts them
        model.complete(request_of(max_tokens=20))
    found, text = why(lambda: model.complete(request_of(max_tokens=20)))
    assert found == "over_budget"
    assert "budget_tokens 60 (50 used" in text
    assert len(endpoint.asked) == 2
    assert (model.budget.spent.prompt, model.budget.spent.completion) == (40, 10)


def test_a_budget_of_money_refuses_before_it_sends(endpoint: Endpoint, model_of: Any, request_of: Any) -> None:
    model = model_of(budget_cost=0.0002, price_in=1.0, price_out=10.0)
    model.complete(request_of(max_tokens=10))  # 20 in, 5 out: 0.00007
    assert model.budget.spent.cost == pytest.approx(7e-5)
    assert why(lambda: model.complete(request_of(max_tokens=20)))[0] == "over_budget"
    assert len(endpoint.asked) == 1


def test_a_prompt_that_was_sent_in_vain_counts_and_a_rejected_one_does_not(endpoint: Endpoint, model_of: Any, request_of: Any) -> None:
    model = model_of()
    endpoint.script = [on.hang_up, on.error(500), said("cut", finish="length")]
    spent = []
    for _ in range(3):
        why(lambda: model.complete(request_of()))
        spent.append(model.budget.spent.prompt)
    sent = model.count("why?") + 4
    assert spent == [sent, sent, sent + 20]


def test_a_prompt_beyond_the_window_is_not_sent(endpoint: Endpoint, model_of: Any, request_of: Any) -> None:
    assert why(lambda: model_of(window=256).complete(request_of("word " * 240, max_tokens=20)))[0] == "too_long"
    assert endpoint.asked == []


def test_the_rate_is_shared_by_threads(endpoint: Endpoint, model_of: Any, request_of: Any) -> None:
    model = model_of(requests_per_minute=3)

    def one() -> None:
        with contextlib.suppress(ChatError):  # those that wait outlive the test and find nobody
            model.complete(request_of())

    threads = [threading.Thread(target=one, daemon=True) for _ in range(5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(1.0)
    assert len(endpoint.asked) == 3  # the others wait for the minute to pass


def test_a_key_is_asked_for_only_where_one_is_needed(endpoint: Endpoint, ask: Ask, request_of: Any, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ask().text == "hello"
    assert "authorization" not in endpoint.headers[0]
    found, text = why(lambda: OpenAI(model="m").open(runtime).complete(request_of()))
    assert found == "rejected"
    assert text == f"the environment variable OPENAI_API_KEY holds no key for {PUBLIC}; set it, or name another in api_key_env"
    monkeypatch.setenv("MY_KEY", " secret \n")
    ask(api_key_env="MY_KEY")
    ask(api_key_env=None)
    assert endpoint.headers[1]["authorization"] == "Bearer secret"
    assert "authorization" not in endpoint.headers[2]


@pytest.mark.parametrize(
    "url", ["ftp://host/v1", "host/v1", "http://", "http://a b/v1", "http://host:port/v1", "file:///etc/passwd", "http://h\u00f6st/v1", ""]
)
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="no http or https address"):
        OpenAI(model="m", base_url=url)


@pytest.mark.parametrize("url", ["http://user:canary@host/v1", "http://host/v1?key=canary", "http://host/v1#canary"])
def test_an_address_with_a_secret_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="api_key_env") as caught:
        OpenAI(model="m", base_url=url)
    assert "canary" not in str(caught.value)


def test_a_budget_of_money_needs_prices() -> None:
    with pytest.raises(ValueError, match="budget_cost needs price_in and price_out"):
        OpenAI(model="m", budget_cost=1.0)


def test_what_cannot_change_a_reply_is_not_part_of_who_replies(endpoint: Endpoint, model_of: Any) -> None:
    plain = model_of().identity
    assert plain == model_of(
        timeout=9.0, deadline=9.0, retries=9, threads=9, stream=True, budget_tokens=9, price_in=1.0, price_out=1.0, price_cached=0.1,
        budget_cost=9.0, requests_per_minute=9, tokens_per_minute=9, api_key_env=None,
    ).identity  # fmt: skip
    for change in ({"model": "n"}, {"temperature": 0.5}, {"top_p": 0.5}, {"seed": 1}, {"max_tokens": 5}, {"structured": "prompt"}, {"base_url": "http://h/v1"}):
        assert model_of(**change).identity != plain


def test_an_address_ends_alike_with_and_without_a_slash() -> None:
    assert OpenAI(model="m", base_url="http://h/v1/") == OpenAI(model="m", base_url="http://h/v1")


def test_a_blank_model_is_refused_where_it_is_configured() -> None:
    from rag.config import parse

    with pytest.raises(ConfigError, match=r"models\.chat: model is blank"):
        parse({"chunk": "whole", "retrieve": "bm25", "models": {"chat": {"use": "openai", "model": " "}}})


def test_a_reply_in_one_piece_is_message_and_nothing_else(endpoint: Endpoint, ask: Ask) -> None:
    endpoint.script = [on.body({**message("hello"), "choices": [*message("hello")["choices"], *message("other")["choices"]]})]
    assert ask().text == "hello"
