"""Hostile files, made by script: each breaks or has broken some reader of documents."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = """<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels"
ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/word/document.xml"
ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>"""
RELATIONSHIPS = """<?xml version="1.0"?>{doctype}<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1"
Type="{r}/officeDocument" Target="word/document.xml"/>{more}</Relationships>"""
LAUGHS = '<!DOCTYPE lolz [<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10)) + "]>"
XXE = '<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y SYSTEM "http://169.254.169.254/latest">]>'


def package(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in parts.items():
            file.writestr(name, data)
    return out.getvalue()


def docx(body: str = "<w:p><w:r><w:t>hello</w:t></w:r></w:p>", doctype: str = "", rels_doctype: str = "", rels: str = "", **more: str) -> bytes:
    """A DOCX file written by hand."""
    return package(
        {
            "[Content_Types].xml": TYPES,
            "_rels/.rels": RELATIONSHIPS.format(doctype=rels_doctype, r=R, more=rels if "External" not in rels else ""),
            "word/document.xml": f'<?xml version="1.0"?>{doctype}<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>',
            "word/_rels/document.xml.rels": RELATIONSHIPS.format(doctype="", r=R, more=rels).replace(
                'Target="word/document.xml"', 'Target="http://169.254.169.254/" TargetMode="External"'
            ),
            **more,
        }
    )


def encrypted_zip() -> bytes:
    """A package whose every entry says that it is encrypted."""
    data = bytearray(docx())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = -1
        while (start := data.find(mark, start + 1)) >= 0:
            data[start + at] |= 1
    return bytes(data)


def pdf(objects: Mapping[int, bytes], trailer: bytes = b"/Root 1 0 R", after: bytes = b"") -> bytes:
    """A PDF file of these objects, with a right cross-reference table."""
    out, places = b"%PDF-1.7\n", {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    size = max(objects) + 1
    table = b"".join(b"%010d 00000 n \n" % places[i] if i in places else b"0000000000 65535 f \n" for i in range(size))
    start = len(out)
    return (
        out
        + b"xref\n0 %d\n%strailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, table, size, trailer.replace(b"SELF", b"%d" % start), start)
        + after
    )


def stream(data: bytes, more: bytes = b"") -> bytes:
    """A stream object."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), more, data)


def pages(content: bytes = b"BT /F1 12 Tf 72 700 Td (hello) Tj ET", catalogue: bytes = b"", page: bytes = b"") -> dict[int, bytes]:
    """The objects of a PDF file with one page."""
    font = b"/Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> /XObject << /I 5 0 R >> >>"
    return {
        1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalogue,
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R %s %s >>" % (font, page),
        4: stream(content),
    }


def _pdfs() -> dict[str, bytes]:
    plain = pages()
    image = stream(b"\xff" * 100, b"/Type /XObject /Subtype /Image /Width 1000000000 /Height 1000000000 /ColorSpace /DeviceRGB /BitsPerComponent 8")
    script = b"/OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> /AA << /O << /S /Launch /F (/bin/sh) >> >>"
    xmp = stream(LAUGHS.encode() + b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>&l9;</x:xmpmeta>", b"/Type /Metadata /Subtype /XML")
    nested = b"[" * 20_000 + b"]" * 20_000
    return {
        "prev-loop.pdf": pdf(plain, b"/Root 1 0 R /Prev SELF"),
        "pages-loop.pdf": pdf({**plain, 2: b"<< /Type /Pages /Kids [2 0 R 3 0 R] /Count 1 >>"}),
        "pages-tree-loop.pdf": pdf({**plain, 2: b"<< /Type /Pages /Kids [6 0 R] /Count 1 >>", 6: b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R] /Count 1 >>"}),
        "parent-loop.pdf": pdf({**plain, 3: b"<< /Type /Page /Parent 3 0 R /Contents 4 0 R >>"}),
        "many-pages.pdf": pdf({**plain, 2: b"<< /Type /Pages /Kids [" + b"3 0 R " * 5000 + b"] /Count 1000000000 >>"}),
        "contents-loop.pdf": pdf({**plain, 4: b"[4 0 R 4 0 R]"}),
        "length-loop.pdf": pdf({**plain, 4: b"<< /Length 4 0 R >>\nstream\nx\nendstream"}),
        "form-loop.pdf": pdf({**pages(b"/I Do"), 5: stream(b"/I Do", b"/Type /XObject /Subtype /Form /Resources << /XObject << /I 5 0 R >> >>")}),
        "xmp.pdf": pdf({**pages(catalogue=b"/Metadata 6 0 R"), 6: xmp}),
        "objects.pdf": pdf({**plain, **dict.fromkeys(range(7, 1000), b"null")}),
        "size.pdf": pdf(plain).replace(b"0 5\n", b"0 999999999\n"),
        "image.pdf": pdf({**pages(b"BT /F1 12 Tf (hello) Tj ET /I Do"), 5: image}),
        "launch.pdf": pdf(pages(catalogue=script, page=b"/AA << /O << /S /URI /URI (http://169.254.169.254/) >> >>")),
        "nested.pdf": pdf({**plain, 6: nested, 1: b"<< /Type /Catalog /Pages 2 0 R /X " + nested + b" >>"}),
        "filters.pdf": pdf({**plain, 4: stream(b"00" * 1000, b"/Filter [" + b"/ASCIIHexDecode " * 5000 + b"]")}),
        "encrypted.pdf": pdf({**plain, 6: b"<< /Filter /Standard /V 1 /R 2 /O (" + b"o" * 32 + b") /U (" + b"u" * 32 + b") /P -4 >>"}, b"/Root 1 0 R /Encrypt 6 0 R /ID [(a) (a)]"),
        "truncated.pdf": pdf(plain)[:300],
        "stack.pdf": pdf(pages(b"q " * 20_000)),
        "wrong-extension.pdf": docx(),
    }  # fmt: skip


def _docxs() -> dict[str, bytes]:
    external = f'<Relationship Id="rId9" Type="{R}/image" Target="http://169.254.169.254/x.png" TargetMode="External"/>'
    inside = package({f"{i}.zip": package({"0": bytes(10**6)}) for i in range(5)})
    return {
        "bomb.docx": package({"[Content_Types].xml": TYPES, "word/document.xml": bytes(30_000_000)}),
        "entries.docx": package({f"{i}": "" for i in range(300)} | {"[Content_Types].xml": TYPES}),
        "nested.docx": docx(**{"word/x.zip": inside.decode("latin-1")}),
        "slip.docx": docx(**{"../../../../tmp/spanwise-slip": "x", "/tmp/spanwise-slip": "x", "C:\\spanwise-slip": "x"}),
        "encrypted.docx": encrypted_zip(),
        "xxe.docx": docx("<w:p><w:r><w:t>&x;&y;</w:t></w:r></w:p>", XXE),
        "laughs.docx": docx("<w:p><w:r><w:t>&l9;</w:t></w:r></w:p>", LAUGHS),
        "laughs-rels.docx": docx(rels_doctype=LAUGHS, rels='<Relationship Id="&l9;" Type="x" Target="y"/>'),
        "external.docx": docx(rels=external),
        "deep.docx": docx("<w:p>" * 5000 + "</w:p>" * 5000),
        "truncated.docx": docx()[:400],
        "wrong-extension.docx": pdf(pages()),
        "empty-zip.docx": package({}),
    }  # fmt: skip


def _texts() -> dict[str, bytes]:
    page = '<base href="http://169.254.169.254/"><meta http-equiv="refresh" content="0;url=http://169.254.169.254/"><script src="http://169.254.169.254/x.js">steal()</script>'
    return {
        "active.html": f'<html><head>{page}</head><body><img src="http://169.254.169.254/x"><iframe src="file:///etc/passwd"></iframe>hello'.encode(),
        "deep.html": b"<div>" * 100_000 + b"hello",
        "deep-inline.html": b"<b>" * 100_000 + b"hello",
        "attributes.html": b'<p a="' * 50_000,
        "data.html": b'<img src="data:image/png;base64,' + b"A" * 40_000 + b'"><a href="data:text/html,<script>x</script>">hello</a>',
        "comment.html": b"<!--" * 20_000,
        "entities.html": b"&lt" * 20_000,
        "wrong-extension.html": b"\x89PNG\r\n\x1a\n" + bytes(1000),
        "images.md": b"![x](http://169.254.169.254/latest/meta-data)\n![y](file:///etc/passwd)\n<img src=//169.254.169.254>",
        "front.md": b"---\na: " + b"[" * 10_000 + b"\n---\nhello",
        "laughs.md": b"---\na: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n---\nhello",
        "python.md": b"---\na: !!python/object/apply:os.system ['true']\n---\nhello",
        "columns.csv": b",".join(b"%d" % i for i in range(10**6)),
        "quotes.csv": b'a,text\n1,"' + b'"' * 20_000 + b"\n",
        "formulas.csv": b'text\n"=cmd|\'/c calc\'!A1"\n=HYPERLINK(http://169.254.169.254)\n',
        "nul.csv": b"text\na\0b\n",
        "deep.jsonl": b"[" * 100_000 + b"\n" + b'{"text": "hello", "a": ' + b'{"a":' * 100_000 + b"\n",
        "line.jsonl": b'{"text": "' + b"x" * 1_200_000 + b'"}\n{"text": "hello"}\n',
        "number.jsonl": b'{"text": "hello", "n": ' + b"9" * 50_000 + b"}\n",
        "bidi.txt": "hello \u202egnp.exe\u202c \u2066x".encode(),
        "half.txt": b"hello \xed\xa0\x80",
    }  # fmt: skip


def files() -> dict[str, bytes]:
    """Every hostile file by name."""
    return {**_pdfs(), **_docxs(), **_texts()}
