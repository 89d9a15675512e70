"""PDF: text by page with the places of the pages, or a plain reason."""

import io
import logging
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import MissingExtra
from rag.loaders.base import Limit, Unreadable
from rag.loaders.pdf import parse

LIMIT = Limit(1)


def make_pdf(pages: list[str]) -> bytes:
    """A minimal PDF 1.4 file: catalogue, page tree, and per page a dictionary and a content stream."""
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b""]
    kids = [f"{3 + 2 * i} 0 R" for i in range(len(pages))]
    font = "<< /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >>"
    for i, text in enumerate(pages):
        content = f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET".encode() if text else b""
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {4 + 2 * i} 0 R /Resources {font} >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    objects[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(pages)} >>".encode()
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % at for at in offsets)
    size = len(objects) + 1
    return out + b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, table, size, len(out))


def test_pages_and_their_starts() -> None:
    """Pages are joined by a blank line; `page_starts` are offsets into the text, an empty page included."""
    parsed = parse(make_pdf(["First page", "", "Third"]), LIMIT)
    assert parsed.text == "First page\n\n\n\nThird"
    assert parsed.meta == {"pages": 3, "page_starts": ("0", "12", "14")}
    assert parsed.text[14:] == "Third"


def test_a_scanned_pdf_says_to_run_ocr() -> None:
    """Pages without text are no document."""
    with pytest.raises(Unreadable, match=r"^no extractable text \(scanned\?\); run OCR first$"):
        parse(make_pdf(["", ""]), LIMIT)


@pytest.mark.parametrize("password", ["secret", ""])
def test_an_encrypted_pdf_is_refused(password: str) -> None:
    """A password, or protection without one, is named as the reason."""
    from pypdf import PdfReader, PdfWriter

    writer, out = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf(["Text"])))), io.BytesIO()
    writer.encrypt(password, "owner", algorithm="RC4-128")
    writer.write(out)
    with pytest.raises(Unreadable, match=r"^encrypted; save a copy without"):
        parse(out.getvalue(), LIMIT)


def test_text_over_the_limit_stops_the_reading() -> None:
    """What a small file unpacks to counts as well: three pages of 400 characters are over 1000."""
    pages = ["x" * 400] * 3
    assert len(parse(make_pdf(pages), Limit(0.001_204)).text) == 1204
    with pytest.raises(Unreadable, match=r"^its text is 0\.1 MB, more than index\.max_document_mb \(0\.001203\)"):
        parse(make_pdf(pages), Limit(0.001_203))


def test_text_that_cannot_be_stored_is_replaced() -> None:
    """NUL and halves of surrogate pairs, which damaged fonts give, become U+FFFD one for one."""
    assert parse(make_pdf(["a\\000b"]), LIMIT).text in ("ab", "a\ufffdb")
    from rag.loaders.pdf import _join

    assert _join(["a\0b\ud800c\udfff"], LIMIT) == ("a\ufffdb\ufffdc\ufffd", [0])


def test_complaints_of_the_parser_do_not_reach_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    """A damaged file that can still be read is read in silence."""
    damaged = make_pdf(["Text"]).replace(b"startxref\n", b"startxref\n9")
    propagated, logging.getLogger("pypdf").propagate = logging.getLogger("pypdf").propagate, False
    try:
        assert parse(damaged, LIMIT).text == "Text"
    finally:
        logging.getLogger("pypdf").propagate = propagated
    assert capfd.readouterr() == ("", "")


def test_without_pypdf_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing library is an error that says what to install."""
    monkeypatch.setitem(sys.modules, "pypdf", None)
    with pytest.raises(MissingExtra, match=r"pip install 'spanwise\[pdf\]'"):
        parse(make_pdf(["Text"]), LIMIT)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damage_gives_text_or_an_error(data: st.DataObject) -> None:
    """A few bytes changed anywhere: text of sound characters, or an exception, within bounded memory; never a crash."""
    damaged = bytearray(make_pdf(["First page", "Second"]))
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        parsed = parse(bytes(damaged), LIMIT)
    except Exception as error:  # the corpus turns any of them into a reason; see test_corpus
        assert not isinstance(error, MissingExtra)
    else:
        parsed.text.encode()
        assert "\0" not in parsed.text
