"""The URL of an index on a server: what it may say, and that errors name what is wrong without repeating a secret."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import StoreError
from rag.index.server_options import ServerOptions, is_server, parse_url

SECRET = "hunter2-canary"


def fault(call):
    with pytest.raises(StoreError) as error:
        call()
    assert "\n" not in str(error.value)
    assert SECRET not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("http://localhost/docs", ServerOptions("http://localhost:6333", "docs")),
        ("HTTP://LOCALHOST:80/Docs_1.2-x/", ServerOptions("http://localhost:80", "Docs_1.2-x")),
        ("https://qdrant.example.test/d?timeout=5&retries=0", ServerOptions("https://qdrant.example.test:6333", "d", timeout=5, retries=0)),
        ("http://[::1]:7000/d", ServerOptions("http://[::1]:7000", "d")),
        (
            "https://10.0.0.1/d?shard_number=3&replication_factor=2&write_consistency_factor=2&on_disk=true&quantization=binary&rescore=false"
            "&oversampling=2.5&prefer_grpc=true&grpc_port=7334",
            ServerOptions("https://10.0.0.1:6333", "d", 3, 2, 2, True, "binary", False, 2.5, True, 7334),
        ),
    ],
)
def test_a_url_says_options(text, options):
    assert parse_url(text) == options
    assert is_server(text)


@pytest.mark.parametrize("path", ["index", "./http", "/data/http:x", "ftp://x/y", "httpx://a/b", "C:\\index"])
def test_a_path_is_no_server(path):
    assert not is_server(path)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (f"http://user:{SECRET}@host/docs", "the URL of host holds credentials"),
        (f"http://{SECRET}@host/docs", "set QDRANT_API_KEY instead"),
        (f"http://host/docs?api_key={SECRET}", "a key does not go into the URL"),
        (f"http://host/docs?api-key={SECRET}", "a key does not go into the URL"),
        (f"http://host/docs?token={SECRET}", "a key does not go into the URL"),
        (f"http://host/docs?timout={SECRET}", "no option 'timout', did you mean 'timeout'?; there are shard_number, "),
        (f"http://host/docs?zzz={SECRET}", "no option 'zzz'; there are shard_number, "),
        (f"http://host/docs?{SECRET}", "are not option=value"),
        (f"http://host/docs#{SECRET}", "fragment"),
        (f"http://host:{SECRET}/docs", "no valid host and port"),
        ("http://host:99999/docs", "no valid host and port"),
        ("http:///docs", "no valid host and port"),
        ("http://ho%73t/docs", "no valid host and port"),
        ("http://[::1/docs", "no valid host and port"),
        ("ftp://host/docs", "begins with http:// or https://, not 'ftp'"),
        ("host/docs", "begins with http:// or https://, not ''"),
        ("http://host", "must name one collection"),
        ("http://host/", "must name one collection"),
        ("http://host/a/b", "must name one collection"),
        ("http://host//docs", "must name one collection"),
        ("http://host/..", "'..' is no collection name"),
        ("http://host/a%2Fb", "is no collection name"),
        ("http://host/" + "x" * 256, "is no collection name"),
        ("http://host/my docs", "blanks"),
        ("http://host/docs\n", "control"),
        ("http://höst/docs", "non-ASCII"),
        ("http://host/docs?timeout=5&timeout=6", "option 'timeout' is given twice"),
        ("http://host/docs?timeout=0", "timeout must be from 1 to 3600, got 0"),
        ("http://host/docs?timeout=1.5", "timeout must be a whole number, got '1.5'"),
        ("http://host/docs?timeout=-1", "timeout must be a whole number, got '-1'"),
        ("http://host/docs?timeout=", "timeout must be a whole number, got ''"),
        ("http://host/docs?retries=21", "retries must be from 0 to 20"),
        ("http://host/docs?oversampling=nan", "oversampling must be a number, got 'nan'"),
        ("http://host/docs?oversampling=0.5", "oversampling must be from 1 to 100"),
        ("http://host/docs?on_disk=yes", "on_disk must be true or false, got 'yes'"),
        ("http://host/docs?quantization=product", "quantization must be one of none, scalar, binary, got 'product'"),
        ("http://host/docs?shard_number=0", "shard_number must be from 1"),
        ("http://host/docs?write_consistency_factor=2", "write_consistency_factor must be from 1 to 1, got 2"),
        ("http://host/docs?url=x", "no option 'url'"),
        ("http://host/docs?collection=x", "no option 'collection'"),
    ],
)
def test_what_is_wrong_with_a_url_is_named(text, names):
    assert names in fault(lambda: parse_url(text))


def test_options_made_in_python_are_held_to_the_same():
    assert ServerOptions("http://host", "docs") == parse_url("http://host/docs")
    assert "holds credentials" in fault(lambda: ServerOptions(f"http://u:{SECRET}@host", "docs"))
    assert "with a path or a query" in fault(lambda: ServerOptions("http://host/docs", "docs"))
    assert "retries must be from 0" in fault(lambda: ServerOptions("http://host", "docs", retries=-1))


@given(st.text(max_size=60))
def test_any_text_is_options_or_one_clear_error(text):
    for whole in (text, f"http://{text}", f"http://host/{text}", f"http://host/docs?{text}"):
        try:
            found = parse_url(whole)
        except StoreError as error:
            assert len(str(error).splitlines()) == 1
        else:
            assert parse_url(found.address).collection == found.collection


def test_the_key_comes_from_the_environment_and_shows_nowhere(monkeypatch):
    monkeypatch.setenv("QDRANT_API_KEY", f" {SECRET}\n")
    options = parse_url("http://127.0.0.1/docs")
    assert options.api_key() == SECRET
    assert SECRET not in repr(options) + str(options) + options.address
    for unset in ("", "  "):
        monkeypatch.setenv("QDRANT_API_KEY", unset)
        assert options.api_key() is None
    monkeypatch.delenv("QDRANT_API_KEY")
    assert options.api_key() is None


@pytest.mark.parametrize("odd", [f"{SECRET} x", f"{SECRET}\r\nHost: evil", f"{SECRET}\u00e9", f"{SECRET}\x7f"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(monkeypatch, odd):
    monkeypatch.setenv("QDRANT_API_KEY", odd)
    assert "QDRANT_API_KEY holds characters that no key has" in fault(parse_url("https://host/docs").api_key)


@pytest.mark.parametrize(
    ("host", "safe"),
    [
        ("localhost", True), ("127.0.0.1", True), ("127.9.9.9", True), ("[::1]", True), ("0.0.0.0", False), ("10.0.0.1", False), ("localhost.evil.test", False),
        ("127.0.0.1.evil.test", False), ("127.1", False), ("[::]", False), ("[::ffff:10.0.0.1]", False), ("host", False),
    ],
)  # fmt: skip
def test_a_key_goes_unencrypted_to_this_machine_alone_unless_that_is_asked_for(monkeypatch, host, safe):
    monkeypatch.setenv("QDRANT_API_KEY", SECRET)
    monkeypatch.delenv("RAG_INSECURE", raising=False)
    assert parse_url(f"https://{host}/docs").api_key() == SECRET
    plain = parse_url(f"http://{host}/docs")
    assert plain.loopback == safe
    if safe:
        assert plain.api_key() == SECRET
    else:
        assert "use https" in fault(plain.api_key)
        monkeypatch.setenv("RAG_INSECURE", "yes")
        fault(plain.api_key)
        monkeypatch.setenv("RAG_INSECURE", "1")
        assert plain.api_key() == SECRET
