"""JSON Lines: each line is a document or a failure of its own, whatever the others hold."""

import io
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.loaders.base import Limit, Parsed, Unreadable
from rag.loaders.corpus import Failed, Loaded, read
from rag.loaders.jsonl import parse


def lines(data: bytes, mb: float = 1.0) -> dict[int, Parsed | str]:
    """Line number to document or reason."""
    return {n: str(found) if isinstance(found, Unreadable) else found for n, found in parse(io.BytesIO(data), Limit(mb))}


def test_the_keys_of_a_line() -> None:
    """`id`, `text`, `title`, `meta` and any other key, in a worked example."""
    data = {"id": "d1", "text": "Hello", "title": "T", "meta": {"lang": "en", "geo": {"lat": 1.5}}, "year": 2024, "tags": ["a", "b"], "none": None}
    assert lines(json.dumps(data).encode()) == {1: Parsed("Hello", {"lang": "en", "geo.lat": 1.5, "year": 2024, "tags": ("a", "b")}, "T", id="d1")}


def test_beir_keys() -> None:
    """`_id` is the id, and wins over an `id` beside it, which is then metadata; empty metadata is none."""
    assert lines(b'{"_id": "7", "title": "T", "text": "x", "metadata": {}}') == {1: Parsed("x", {}, "T", id="7")}
    assert lines(b'{"_id": "7", "id": "other", "text": "x"}') == {1: Parsed("x", {"id": "other"}, id="7")}


def test_a_line_without_an_id_and_one_with_a_number() -> None:
    """A missing id is left to the caller; a whole number is its digits."""
    assert lines(b'{"text": "a"}\n{"id": 12, "text": "b"}') == {1: Parsed("a"), 2: Parsed("b", id="12")}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "not valid JSON (Expecting property name enclosed in double quotes at column 2)"),
        (b"[1]", "not a JSON object but a list"),
        (b'{"id": "a"}', "no key text"),
        (b'{"text": 3}', "text is a number, not text"),
        (b'{"text": "  "}', "no text"),
        (b'{"id": null, "text": "a"}', "id is null, not text"),
        (b'{"id": 1.5, "text": "a"}', "id is a number, not text"),
        (b'{"id": true, "text": "a"}', "id is true or false, not text"),
        (b'{"text": "a", "title": []}', "title is a list, not text"),
        (b'{"text": "a", "n": NaN}', "not valid JSON (NaN is no JSON number)"),
        (b'{"text": "a", "text": "b"}', "key 'text' is there twice; keep one"),
        (b'{"text": "a", "k": 1, "meta": {"k": 2}}', "key 'k' is there twice with different values, beside meta and in it"),
        (b'{"text": "a", "k": "\\udc00"}', "half a surrogate pair (U+DC00)"),
        (b'{"text": "caf\xe9"}', "not UTF-8 (byte 0xe9 at offset 13); convert it, for example with iconv"),
        (b'{"text": "a", "deep": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "JSON nested too deep"),
        (b"[" * 100_000, "JSON nested too deep"),
    ],
)
def test_a_bad_line_is_a_failure_and_the_others_load(line: bytes, reason: str) -> None:
    """One bad line costs one document; the reason is plain."""
    good = b'{"text": "good"}'
    assert lines(good + b"\n" + line + b"\n" + good) == {1: Parsed("good"), 2: reason, 3: Parsed("good")}


def test_a_very_long_number_is_a_failure() -> None:
    """Python refuses to read a whole number of over 4300 digits; that is a failure of the line."""
    assert "4300" in str(lines(b'{"text": "a", "n": ' + b"9" * 5000 + b"}")[1])


def test_only_line_feeds_part_lines() -> None:
    """U+2028, U+0085 and a carriage return do not end a line; a mark at the start and blank lines are no documents."""
    data = '\ufeff{"text": "a\u2028b\x85c"}\r\n\n \r\n{"text": "d"}\n'.encode()
    assert lines(data) == {1: Parsed("a\u2028b\x85c"), 4: Parsed("d")}


def test_utf16_is_one_failure() -> None:
    """A file in UTF-16 is not reported once per line."""
    assert lines('{"text": "a"}\n{"text": "b"}\n'.encode("utf-16")) == {1: "UTF-16; convert the file to UTF-8, for example with iconv"}


@pytest.mark.parametrize("over", [1, 100_000])
def test_a_line_over_the_limit_is_skipped(over: int) -> None:
    """A line of exactly the limit loads; one longer fails with its size rounded up, and the next line loads."""
    exact = b'{"text": "' + b"x" * 988 + b'"}'
    assert len(exact) == 1000
    data = exact + b"\n" + exact[:-2] + b"x" * over + b'"}\n{"text": "b"}'
    size = "0.1" if over == 1 else "0.2"
    reason = f"the line is {size} MB, more than index.max_document_mb (0.001); raise it or split the file"
    assert lines(data, 0.001) == {1: Parsed("x" * 988), 2: reason, 3: Parsed("b")}


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])).filter(str.strip)), st.booleans())
def test_any_text_survives_the_round_trip(texts: list[str], escape: bool) -> None:
    """What `json.dumps` writes, escaped or not, is read back, line by line."""
    data = "".join(json.dumps({"id": str(i), "text": t}, ensure_ascii=escape) + "\n" for i, t in enumerate(texts)).encode()
    assert lines(data) == {i + 1: Parsed(t, id=str(i)) for i, t in enumerate(texts)}


def test_documents_of_a_file_carry_line_ids(tmp_path: Path) -> None:
    """`<file>#<line>` names lines without an id and bad lines; the file's time is the documents'."""
    (tmp_path / "sub").mkdir()
    file = tmp_path / "sub" / "a.jsonl"
    file.write_text('{"text": "a"}\n{"id": "x", "text": "b"}\nbad\n')
    found = list(read([tmp_path], 1))
    assert [item.document.id if isinstance(item, Loaded) else item.doc_id for item in found] == ["sub/a.jsonl#1", "x", "sub/a.jsonl#3"]
    assert isinstance(found[0], Loaded)
    assert found[0].document.modified == file.stat().st_mtime
    assert found[0].document.source == str(file)


def test_a_file_larger_than_memory_streams(tmp_path: Path) -> None:
    """20 MB of lines are read with less than 3 MB at any time."""
    file = tmp_path / "a.jsonl"
    with file.open("w") as out:
        for i in range(200):
            out.write(json.dumps({"id": str(i), "text": "x" * 100_000}) + "\n")
    next(read([file], 1))  # what is imported once does not count
    tracemalloc.start()
    count = sum(isinstance(item, Loaded) for item in read([file], 1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 200
    assert peak < 3_000_000


def test_a_file_that_changes_while_it_streams_is_reported(tmp_path: Path) -> None:
    """Documents already handed out stand, and the file is named as changed at the end."""
    file = tmp_path / "a.jsonl"
    row = json.dumps({"text": "x" * 50_000}) + "\n"
    file.write_text(row * 100)  # more than is read ahead
    stream = read([file], 1)
    assert isinstance(next(stream), Loaded)
    with file.open("a") as out:
        out.write('{"text": "c"}\n')
    last = list(stream)[-1]
    assert last == Failed("a.jsonl", "changed while it was read; index again when it is at rest", file, str(file))
