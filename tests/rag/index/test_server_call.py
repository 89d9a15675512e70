"""One request: how often it is repeated, how long is waited, and what its failure is called."""

from __future__ import annotations

import warnings

import grpc
import httpx
import pytest
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from rag.errors import StoreError
from rag.index.server_call import Caller, diagnose, pause


def status(code, content=b"{}"):
    return UnexpectedResponse(code, "", content, httpx.Headers())


def transport(error):
    return ResponseHandlingException(error)


def run(errors, retries=3, **more):
    """Return what a call ends in and the pauses it made; it fails with each of the errors in turn, then gives 42."""
    left, slept = list(errors), []

    def action():
        if left:
            raise left.pop(0)
        return 42

    call = Caller("http://host:6333/docs", retries, sleep=slept.append, jitter=lambda: 1.0, **more)
    try:
        return call("testing", action), slept
    except StoreError as error:
        return str(error), slept


def test_pauses_double_and_no_pause_follows_the_last_attempt():
    assert run([]) == (42, [])
    assert run([status(503)] * 3) == (42, [0.2, 0.4, 0.8])
    text, slept = run([status(503)] * 4)
    assert text.startswith("http://host:6333/docs: testing failed 4 times: the server fails (503)")
    assert slept == [0.2, 0.4, 0.8]
    assert run([status(503)], retries=0)[1] == []


def test_a_pause_lies_between_half_and_all_of_its_step_and_never_over_ten_seconds():
    assert [pause(n, None, 0.0) for n in (1, 2, 3, 6, 7, 20)] == pytest.approx([0.1, 0.2, 0.4, 3.2, 5.0, 5.0])
    assert [pause(n, None, 1.0) for n in (1, 2, 3, 6, 7, 20)] == pytest.approx([0.2, 0.4, 0.8, 6.4, 10.0, 10.0])


def test_the_pause_a_server_asks_for_is_kept_up_to_ten_seconds():
    assert run([ResourceExhaustedResponse("busy", 3), ResourceExhaustedResponse("busy", 0), ResourceExhaustedResponse("busy", 86_400)]) == (
        42,
        [3.0, 0.4, 10.0],
    )


@pytest.mark.parametrize(
    "error",
    [
        transport(httpx.ConnectError("refused")), transport(httpx.ConnectTimeout("")), transport(httpx.ReadTimeout("")), transport(httpx.ReadError("")),
        transport(httpx.RemoteProtocolError("cut")), status(429), status(500), status(502), status(503), status(504), status(599),
    ],
)  # fmt: skip
def test_lost_lines_timeouts_429_and_5xx_are_repeated(error):
    assert run([error])[0] == 42


@pytest.mark.parametrize(
    "error",
    [
        *(status(n) for n in (400, 401, 403, 404, 405, 408, 409, 410, 413, 418, 422, 499, 301, 204)), transport(ValueError("json")), transport(httpx.UnsupportedProtocol("x")),
        transport(httpx.LocalProtocolError("header")), ValueError("local"), KeyError("x"), AttributeError("'NoneType'"), RuntimeError("closed"), StoreError("ours"),
    ],
)  # fmt: skip
def test_nothing_else_is(error):
    text, slept = run([error])
    assert isinstance(text, str)
    assert slept == []


class Rpc(grpc.RpcError):
    def __init__(self, code):
        self._code = code

    def code(self):
        return self._code

    def details(self):
        return "why\nwhere"


@pytest.mark.parametrize("code", grpc.StatusCode)
def test_over_grpc_the_same_kinds_of_failure_are_repeated(code):
    text, slept = run([Rpc(code)] * 4)
    again = {"UNAVAILABLE", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED", "ABORTED", "INTERNAL"}
    assert len(slept) == (3 if code.name in again else 0)
    assert ": why); " in text
    assert ("set QDRANT_API_KEY" in text) == (code.name in ("UNAUTHENTICATED", "PERMISSION_DENIED"))


def test_what_ends_a_program_passes_through():
    for error in (KeyboardInterrupt, SystemExit):
        with pytest.raises(error):
            run([error()])


def test_only_a_message_in_qdrants_own_form_is_shown_and_only_its_first_line():
    said = b'{"status": {"error": "  first\\u0007 line\\nsecond"}}'
    assert diagnose(status(400, said)).text == "the server refuses (400: first line)"
    for content in (b"", b"<html>secret", b'{"status": "secret"}', b'["secret"]', b'{"error": "secret"}', b"\xff", b"1"):
        assert diagnose(status(400, content)).text == "the server refuses (400)"
    assert len(diagnose(status(500, b'{"status": {"error": "%s"}}' % (b"x" * 5000))).text) < 300


def test_what_is_to_be_hidden_is_hidden_wherever_it_turns_up():
    text, _ = run([status(401, b'{"status": {"error": "bad key sk-1"}}')], hide=lambda t: t.replace("sk-1", "***"))
    assert "bad key ***" in text


def test_in_memory_only_the_warnings_about_what_it_lacks_are_silent():
    def action(text):
        warnings.warn(text, UserWarning, stacklevel=1)

    call = Caller("in memory", 0, local=True)
    call("testing", lambda: action("Payload indexes have no effect in the local Qdrant, except"))
    with pytest.raises(StoreError, match="Api key is used"):  # a warning is an error in the tests
        call("testing", lambda: action("Api key is used with an insecure connection."))
    with pytest.raises(UserWarning):
        action("Payload indexes have no effect in the local Qdrant, except")
