"""Plain text comes through unchanged, or not at all."""

import codecs

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from rag.loaders.base import Limit, Unreadable
from rag.loaders.text import decode, parse

LIMIT = Limit(1)
READABLE = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\n\r\f")).filter(str.strip)


@settings(deadline=None)
@given(READABLE)
@example("a\r\nb\rc\n\x85\u2028 d ")
@example("e\u0301\u200b\ufeff\U0001f600")
def test_utf8_text_is_identical_to_the_decoded_file(text: str) -> None:
    """Offsets into `Document.text` are offsets into the decoded file: no newline, space or accent is touched."""
    text = text.removeprefix("\ufeff")
    if text.strip() and not text.startswith("---"):
        assert parse(text.encode(), LIMIT).text == text


@settings(deadline=None)
@given(READABLE, st.sampled_from([("utf-16-le", codecs.BOM_UTF16_LE), ("utf-16-be", codecs.BOM_UTF16_BE), ("utf-8", codecs.BOM_UTF8)]))
def test_a_byte_order_mark_is_skipped(text: str, encoding: tuple[str, bytes]) -> None:
    """UTF-8 and UTF-16 with a mark decode to the text without it."""
    codec, mark = encoding
    assert decode(mark + text.encode(codec)) == text


@settings(deadline=None)
@given(st.binary(max_size=200))
@example(b"caf\xe9")
def test_any_bytes_are_their_decoding_or_a_reason(data: bytes) -> None:
    """No byte sequence gives anything but its strict decoding or a refusal."""
    try:
        text = decode(data)
    except Unreadable as error:
        assert str(error) == "binary file" or str(error).startswith("not UTF-")
    else:
        codec = "utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"
        assert text == data.decode(codec)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no text"),
        (b" \r\n\t\xc2\xa0", "no text"),
        (codecs.BOM_UTF8, "no text"),
        (b"---\na: 1\n---\n \n", "no text after the front matter"),
        (b"caf\xe9 noir", "not UTF-8 (byte 0xe9 at offset 3); convert it, for example with iconv"),
        (codecs.BOM_UTF8 + b"caf\xe9", "not UTF-8 (byte 0xe9 at offset 6); convert it, for example with iconv"),
        (codecs.BOM_UTF16_LE + b"a\0b", "not UTF-16 (byte 0x62 at offset 4); convert it, for example with iconv"),
        (b"PNG\0text", "binary file"),
        ("wide".encode("utf-16-le"), "binary file"),
        (b"x" * 10_000 + b"\0", "binary file"),
        (b"\x01\x02text text", "binary file"),
    ],
)  # fmt: skip
def test_what_is_not_text_is_refused(data: bytes, reason: str) -> None:
    """Each kind of unreadable file has its own reason; offsets are those of bytes in the file."""
    with pytest.raises(Unreadable) as error:
        parse(data, LIMIT)
    assert str(error.value) == reason


def test_a_few_control_characters_are_text() -> None:
    """One control character in ten is still text: 10 of 100 pass, 11 of 100 do not."""
    assert parse(b"\x01" * 10 + b"x" * 90, LIMIT).text[:11] == "\x01" * 10 + "x"
    with pytest.raises(Unreadable, match="binary"):
        parse(b"\x01" * 11 + b"x" * 89, LIMIT)


def test_escape_sequences_of_terminals_are_text() -> None:
    """ANSI colours do not make a log a binary file."""
    assert parse(b"\x1b[1m\x1b[0m\x1b[1m", LIMIT).text == "\x1b[1m\x1b[0m\x1b[1m"
