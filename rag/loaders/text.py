"""Plain text: the bytes of a file as characters, nothing changed, so that offsets are those of the file."""

from __future__ import annotations

import codecs

from rag.loaders.base import Limit, Parsed, Unreadable, whole
from rag.loaders.meta import front_matter

_SAMPLE = 8192
# Bytes that text does not use: all of C0 but \a \b \t \n \f \r and escape, and delete (the rule of `file`).
_CONTROL = bytes(b for b in range(32) if b not in (7, 8, 9, 10, 12, 13, 27)) + b"\x7f"
_MAX_CONTROL = 0.1
_UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@whole(".txt")
def parse(data: bytes, limit: Limit) -> Parsed:
    """Return the text with its front matter read; raises `Unreadable` when it is binary, undecodable or blank."""
    text = decode(data)
    meta, body = front_matter(text)
    if not text[body:].strip():
        raise Unreadable("no text after the front matter" if body else "no text")
    return Parsed(text, meta, body=body)


def decode(data: bytes) -> str:
    """Return UTF-8, or UTF-16 with a byte order mark, as text without its mark and otherwise unchanged.

    Raises `Unreadable` when the bytes are neither.
    """
    if data[:2] in _UTF16:
        text = decode_as(data[2:], _UTF16[data[:2]], "UTF-16", skipped=2)
        check_text(text[:_SAMPLE].encode("utf-8"))
        return text
    check_text(data)
    skipped = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    return decode_as(data[skipped:], "utf-8", "UTF-8", skipped)


def decode_as(data: bytes, codec: str, name: str, skipped: int = 0) -> str:
    """Return `data` decoded strictly; raises `Unreadable` with the first bad byte, at its offset `skipped` bytes further on."""
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        raise Unreadable(f"not {name} (byte 0x{data[error.start]:02x} at offset {error.start + skipped}); convert it, for example with iconv") from None


def check_text(data: bytes) -> None:
    """Raise `Unreadable` when bytes look like no text: a NUL anywhere, or many control characters at the start."""
    sample = data[:_SAMPLE]
    controls = len(sample) - len(sample.translate(None, _CONTROL))
    if b"\0" in data or controls > _MAX_CONTROL * len(sample):
        raise Unreadable("binary file")
