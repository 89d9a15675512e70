"""Server-sent events, however they are cut into chunks."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.chat import _wire
from rag.chat._wire import events, post
from rag.errors import ChatError

from .. import endpoint as on
from ..endpoint import Endpoint


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (b"data: a\n\n", ["a"]),
        (b"data:a\n\ndata:  b\n\n", ["a", " b"]),
        (b"data: a\ndata: b\n\n", ["a\nb"]),
        (b": comment\nevent: x\nid: 1\nretry: 5\ndata: a\n\n", ["a"]),
        (b"\n\n\n", []),
        (b"data: a", ["a"]),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\n", ["a", "b", "c"]),
        ("data: \u2028\x85\u00e9\n\n".encode(), ["\u2028\x85\u00e9"]),
        (b"data\n\ndatax: a\n\n", []),
    ],
)
def test_events_are_read_as_the_standard_says(sent: bytes, found: list[str]) -> None:
    """Other line ends of Unicode are part of the data."""
    assert list(events([sent])) == found


@given(st.lists(st.sampled_from(["data: a\r\n", "data: \u00e9b\n", "\r\n", "\n", "\r", ": c\r", "data: x\r"]), max_size=12).map("".join), st.data())
def test_how_a_stream_is_cut_makes_no_difference(text: str, data: st.DataObject) -> None:
    whole = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    chunks = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert list(events(chunks)) == list(events([whole]))


@pytest.fixture
def encrypted(endpoint: Endpoint, tmp_path: Path) -> Iterator[tuple[Endpoint, Path]]:
    """Make the endpoint one with TLS; yields it and the certificate that it shows."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    made = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run([openssl, "req", "-x509", *made, "-days", "2", *names], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    endpoint.socket = context.wrap_socket(endpoint.socket, server_side=True, do_handshake_on_connect=False)
    _wire._tls.cache_clear()
    yield endpoint, certificate
    _wire._tls.cache_clear()


def sent(endpoint: Endpoint) -> str:
    """Return the body of a reply, or why there is none."""
    try:
        return post(endpoint.url.replace("http", "https"), {}, None, 0.5, lambda data: None).body.decode()
    except ChatError as error:
        return error.why


def test_a_certificate_that_nobody_vouches_for_ends_it(encrypted: tuple[Endpoint, Path]) -> None:
    assert sent(encrypted[0]) == "rejected"
    assert encrypted[0].asked == []


@pytest.mark.parametrize(
    ("act", "found"), [(on.body("yes"), "yes"), (on.drip, "timeout"), (on.drip_headers, "timeout"), (on.later(9, on.body("x")), "timeout")]
)
def test_time_is_kept_on_an_encrypted_connection_too(encrypted: tuple[Endpoint, Path], monkeypatch: pytest.MonkeyPatch, act: on.Act, found: str) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(encrypted[1]))
    encrypted[0].script = [act]
    assert sent(encrypted[0]) == found
