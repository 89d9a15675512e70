"""DOCX: the body in document order, and no way for a hostile file to unpack, include or crash."""

import io
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import docx
import pytest
from docx.document import Document
from lxml.etree import XMLSyntaxError

from rag.errors import MissingExtra
from rag.loaders.base import Limit, Unreadable
from rag.loaders.docx import check_zip, parse

LIMIT = Limit(1)
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def saved(document: Document) -> bytes:
    """The bytes of a document."""
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def with_body(xml: str, doctype: str = "") -> bytes:
    """A document with this XML as its body, written by hand into a package python-docx made."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved(docx.Document()))) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            whole = f'<?xml version="1.0"?>{doctype}<w:document xmlns:w="{W}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><w:body>{xml}</w:body></w:document>'
            target.writestr(name, whole if name == "word/document.xml" else source.read(name))
    return out.getvalue()


def test_paragraphs_headings_and_tables_in_order() -> None:
    """A worked example: heading styles become `#` lines, rows are joined by bars, empty paragraphs leave nothing."""
    document = docx.Document()
    document.add_heading("Report", 0)
    document.add_heading("Scope", 1)
    document.add_paragraph("One\ttwo").add_run("\nthree").bold = True
    document.add_paragraph("  ")
    table = document.add_table(2, 2)
    for row, texts in zip(table.rows, (("Name", "Size"), ("a\nb", "")), strict=True):
        for cell, text in zip(row.cells, texts, strict=True):
            cell.text = text
    document.add_heading("Detail", 3)
    document.add_paragraph("End.")
    assert parse(saved(document), LIMIT).text == "# Report\n\n# Scope\n\nOne\ttwo\nthree\n\nName | Size\na b | \n\n### Detail\n\nEnd."


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("<w:p><w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:del><w:r><w:delText>old</w:delText></w:r></w:del></w:p>", "new"),
        ("<w:sdt><w:sdtContent><w:p><w:r><w:t>control</w:t></w:r></w:p></w:sdtContent></w:sdt>", "control"),
        ("<w:p><w:hyperlink><w:r><w:t>link</w:t></w:r></w:hyperlink><w:r><w:noBreakHyphen/><w:t>x</w:t></w:r></w:p>", "link-x"),
        ("<w:p><w:r><w:instrText>PAGE</w:instrText><w:t>7</w:t></w:r></w:p>", "7"),
        (
            "<w:p><w:r><w:t>out</w:t><mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>box</w:t></w:r></w:p></w:txbxContent></mc:Choice>"
            "<mc:Fallback><w:txbxContent><w:p><w:r><w:t>box</w:t></w:r></w:p></w:txbxContent></mc:Fallback></mc:AlternateContent></w:r></w:p>",
            "out\n\nbox",
        ),
        (
            "<w:tbl><w:tr><w:sdt><w:sdtContent><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc></w:sdtContent></w:sdt><w:tc><w:tbl><w:tr><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc>"
            "<w:tc><w:p><w:r><w:t>c</w:t></w:r></w:p></w:tc></w:tr></w:tbl><w:p/></w:tc></w:tr></w:tbl>",
            "a | b | c",
        ),
    ],
    ids=["tracked changes", "content control", "hyperlink", "field code", "text box", "nested table"],
)
def test_text_in_wrappers_is_neither_lost_nor_doubled(xml: str, text: str) -> None:
    """Text that `python-docx` itself passes over is read once; deleted text and field codes are not."""
    assert parse(with_body(xml), LIMIT).text == text


def test_external_entities_are_not_expanded(tmp_path: Path) -> None:
    """An entity that names a file on this machine (XXE) does not bring its text in."""
    (tmp_path / "secret").write_text("TOP-SECRET")
    doctype = f'<!DOCTYPE d [<!ENTITY x SYSTEM "file://{tmp_path}/secret"><!ENTITY in "INTERNAL">]>'
    parsed = parse(with_body("<w:p><w:r><w:t>a&x;b</w:t></w:r><w:r><w:t>c&in;</w:t></w:r></w:p>", doctype), LIMIT)
    assert "SECRET" not in parsed.text
    assert "INTERNAL" not in parsed.text
    assert parsed.text.startswith("a")


def test_entity_bombs_do_not_unfold() -> None:
    """Ten levels of ten (billion laughs) are refused by the XML parser, or left alone by an older one."""
    doctype = "<!DOCTYPE d [<!ENTITY a0 'lol'>" + "".join(f"<!ENTITY a{i} '{f'&a{i - 1};' * 10}'>" for i in range(1, 10)) + "]>"
    try:
        parsed = parse(with_body("<w:p><w:r><w:t>x</w:t></w:r><w:r><w:t>&a9;</w:t></w:r></w:p>", doctype), LIMIT)
    except XMLSyntaxError as error:
        assert "amplification" in str(error)
    else:
        assert parsed.text == "x"


def test_deep_nesting_is_refused_by_the_xml_parser() -> None:
    """100 000 nested elements are an error, not a crash."""
    with pytest.raises(Exception, match="depth"):
        parse(with_body("<w:sdt>" * 100_000 + "</w:sdt>" * 100_000), LIMIT)
    assert parse(with_body("<w:sdt>" * 200 + "<w:p><w:r><w:t>x</w:t></w:r></w:p>" + "</w:sdt>" * 200), LIMIT).text == "x"


def zipped(sizes: list[int]) -> bytes:
    """A zip archive of entries of zeros."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for i, size in enumerate(sizes):
            file.writestr(str(i), bytes(size))
    return out.getvalue()


def test_zip_bombs_are_refused_before_they_are_opened() -> None:
    """More than 100 times the file's size, or more than 10 000 entries: refused from the directory alone."""
    check_zip(zipped([1000]))
    with pytest.raises(Unreadable, match=r"^unpacks to 5000000 bytes, more than 100 times its size"):
        parse(zipped([5_000_000]), LIMIT)
    check_zip(zipped([0] * 10_000))
    with pytest.raises(Unreadable, match=r"^a zip archive of 10001 entries, more than 10000"):
        parse(zipped([0] * 10_001), LIMIT)


def test_more_than_200_mb_is_refused_at_any_ratio() -> None:
    """Declared sizes count, whatever the entries hold: two entries patched to say 100 MB and one byte over."""
    data = bytearray(zipped([3, 3]) + bytes(3_000_000))  # zeros behind the archive, so that the ratio is not what refuses
    end = data.rindex(b"PK\x05\x06")
    data[end + 20 : end + 22] = struct.pack("<H", 0)
    at = [i for i in range(len(data) - 4) if data[i : i + 4] == b"PK\x01\x02"]
    for i, size in zip(at, (100_000_000, 100_000_000), strict=True):
        data[i + 24 : i + 28] = struct.pack("<I", size)
    cut = bytes(data[: end + 22])
    padded = bytes(3_000_000) + cut  # a zip archive may have anything before it
    check_zip(padded)
    patched = bytearray(padded)
    patched[3_000_000 + at[0] + 24 : 3_000_000 + at[0] + 28] = struct.pack("<I", 100_000_001)
    with pytest.raises(Unreadable, match=r"^unpacks to 200000001 bytes"):
        check_zip(bytes(patched))


def test_an_entry_that_lies_about_its_size_is_an_error() -> None:
    """An entry that declares less than it holds is cut off at what it declares, and its checksum fails."""
    data = bytearray(with_body("<w:p><w:r><w:t>" + "x" * 50_000 + "</w:t></w:r></w:p>"))
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(b"word/document.xml"))
    data[at + 24 : at + 28] = struct.pack("<I", 300)
    with pytest.raises(zipfile.BadZipFile, match="CRC"):
        parse(bytes(data), LIMIT)


def test_what_is_no_docx(load: Callable[..., Any], tmp_path: Path) -> None:
    """No zip, a zip that is no package, a cut-off file and an empty document each give a reason."""
    whole = saved(docx.Document())
    for name, data in {"old": b"\xd0\xcf\x11\xe0old", "cut": whole[: len(whole) // 2], "zip": zipped([3]), "blank": whole}.items():
        (tmp_path / f"{name}.docx").write_bytes(data)
    found = load(tmp_path)
    assert found.documents == {}
    assert found.failed["blank.docx"] == "no text"
    assert found.failed["old.docx"] == found.failed["cut.docx"]
    assert found.failed["old.docx"].startswith("not a .docx file (not a zip archive)")
    assert found.failed["zip.docx"].startswith("not readable as .docx (KeyError: ")


def test_without_python_docx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing library is an error that says what to install."""
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(MissingExtra, match=r"pip install 'spanwise\[docx\]'"):
        parse(b"", LIMIT)
