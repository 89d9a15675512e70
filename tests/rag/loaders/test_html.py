"""HTML: what a reader sees, in order, with the structure that chunkers cut by."""

import codecs
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.errors import MissingExtra
from rag.loaders.base import Limit, Unreadable
from rag.loaders.html import parse

LIMIT = Limit(1)


def text(html: str) -> str:
    """The text of a page."""
    return parse(html.encode(), LIMIT).text


def test_a_whole_page() -> None:
    """A worked example of every rule at once."""
    page = """<!doctype html><html><head><title>My
      page</title><script>var x = "<div>no</div>"</script><style>p {}</style></head><body><nav><a href=x>Home</a> <a>About</a></nav>
      <h1>Main <em>title</em></h1><p>One
      two<br>three &amp; four.</p><!-- no --><ul><li>a<li>b <b>bold</b>, c</ul>
      <table><thead><tr><th>A<th><p>B</p></thead><tr><td>1</td><td>2<p>x</p></td></tr></table><pre>
 code
   more</pre>after<noscript>no</noscript><template>no</template><h2></h2><h3> z<br>w </h3>end</body></html>"""
    parsed = parse(page.encode(), LIMIT)
    assert parsed.text == (
        "Home About\n\n# Main title\n\nOne two\nthree & four.\n\na\nb bold, c\n\nA | B\n1 | 2\n\nx\n\n code\n   more\n\nafter\n\n### z w\n\nend"
    )
    assert parsed.title == "My page"


@pytest.mark.parametrize(
    ("html", "seen"),
    [
        ("<p hidden>no</p>yes", "yes"),
        ("<p style='color: red; DISPLAY : None !important'>no<b>no</b></p>yes", "yes"),
        ("<p style='display:none-such'>yes</p>", "yes"),
        ("<div style>yes</div>", "yes"),
        ("a<b>b</b>c <i> d</i>", "abc d"),
        ("<p>a</p> <p>b</p>\n\n<p>c</p>", "a\n\nb\n\nc"),
        ("a<br><br>b", "a\nb"),
        ("a\u00a0b", "a\u00a0b"),
        ("<div><div><p>a</div></div>b", "a\n\nb"),
        ("<h2>a</h2><h6>b</h6>", "## a\n\n###### b"),
        ("<pre>a\n  <b>b</b>\n</pre>", "a\n  b\n"),
        ("<svg><title>no</title></svg><iframe>no</iframe>yes", "yes"),
    ],
)
def test_what_is_seen(html: str, seen: str) -> None:
    """Hidden elements are dropped, white space collapses, blocks are apart by one blank line."""
    assert text(html) == seen


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ("<tr><td>a<td>b<tr><td>c<td>d", "a | b\nc | d"),
        ("<tr><td>a<td><td>c", "a |  | c"),
        ("<tr><td><td>b<tr><td>c", "| b\nc"),
        ("<tr><td> <p> a </p> </td><td><div>b</div></td></tr><tr><td>c</td></tr>", "a | b\nc"),
        ("<tr><td>a</td><td><table><tr><td>b</td><td>c</td></tr></table></td></tr><tr><td>d", "a | b | c\nd"),
        ("<tr><td><h2>Head</h2><p>One</p><p>Two</p></td></tr>", "## Head\n\nOne\n\nTwo"),
        ("<tr><td></td></tr><tr><td>a", "a"),
        ("<caption>cap</caption><tr><th>a", "cap\n\na"),
    ],
)
def test_tables_are_lines(rows: str, lines: str) -> None:
    """A row is a line, cells are apart by bars, an empty cell keeps its place, a layout cell keeps its blocks."""
    assert text(f"<table>{rows}</table>") == lines


def test_the_title_is_kept_only_where_the_text_lacks_it() -> None:
    """`Document.title` is a title that is not part of the text."""
    assert parse(b"<title>Guide</title><h1>Guide</h1>x", LIMIT).title == ""
    assert parse(b"<title>Guide</title><h1>Intro</h1>x", LIMIT).title == "Guide"
    assert parse(b"<svg><title>icon</title></svg>x", LIMIT).title == ""


@pytest.mark.parametrize(
    "data",
    [
        "<p>caf\u00e9 \u20ac".encode(),
        codecs.BOM_UTF8 + "<meta charset=koi8-r><p>caf\u00e9 \u20ac".encode(),
        codecs.BOM_UTF16_LE + "<p>caf\u00e9 \u20ac".encode("utf-16-le"),
        "<META CHARSET='windows-1252'><p>caf\u00e9 \u20ac".encode("cp1252"),
        "<meta charset=iso-8859-1><p>caf\u00e9 \u20ac".encode("cp1252"),
        '<meta http-equiv="Content-Type" content="text/html; charset=ISO-8859-15"><p>caf\u00e9 \u20ac'.encode("iso8859-15"),
        "<meta charset=utf-16><p>caf\u00e9 \u20ac".encode(),
    ],
)
def test_charsets(data: bytes) -> None:
    """Byte order mark, then `<meta>`, then UTF-8; labels mean what the HTML standard says they mean."""
    assert parse(data, LIMIT).text == "caf\u00e9 \u20ac"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"<meta charset=rot13><p>x", "declares the charset 'rot13', which is unknown; convert the file to UTF-8"),
        (b"<meta charset=unicode_escape><p>x", "declares the charset 'unicode_escape', which is unknown; convert the file to UTF-8"),
        (b"<meta charset=no-such><p>x", "declares the charset 'no-such', which is unknown; convert the file to UTF-8"),
        (b"<p>caf\xe9", "not UTF-8 (byte 0xe9 at offset 6); convert it, for example with iconv"),
        (b"<meta charset=big5>\xff", "not big5 (byte 0xff at offset 19); convert it, for example with iconv"),
        (b"<meta charset=big5>\0", "binary file"),
        (b"<p></p><script>x</script>", "no text"),
    ],
)
def test_what_cannot_be_read(data: bytes, reason: str) -> None:
    """Each has its own reason."""
    with pytest.raises(Unreadable) as error:
        parse(data, LIMIT)
    assert str(error.value) == reason


def test_nothing_is_fetched_and_no_entity_names_a_file() -> None:
    """Links, frames and entity declarations are only markup."""
    page = '<!DOCTYPE html [<!ENTITY x SYSTEM "file:///etc/passwd">]><link rel=stylesheet href="http://127.0.0.1:9/x.css"><iframe src="http://127.0.0.1:9/"></iframe><p>a&x;b'
    assert text(page).endswith("a&x;b")
    assert "root:" not in text(page)


def test_a_page_too_deep_to_parse_is_refused() -> None:
    """100 000 open elements would take the parser 14 seconds, ten times as many 100 times as long."""
    with pytest.raises(Unreadable, match=r"nested more than 512 deep"):
        text("<div>" * 100_000 + "x")


def test_without_selectolax_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing library is an error that says what to install."""
    monkeypatch.setitem(sys.modules, "selectolax.lexbor", None)
    with pytest.raises(MissingExtra, match=r"pip install 'spanwise\[html\]'"):
        parse(b"<p>x", LIMIT)


TAGS = st.sampled_from(
    "<p> </p> <div> </div> <table> </table> <tr> </tr> <td> </td> <h2> </h2> <pre> </pre> <li> <br> <b> </b>".split()
    + ["<!---->", "<script>", "</script>", "<svg>", "<template>", "<select>"]
)


@settings(deadline=None)
@given(st.lists(TAGS | st.sampled_from(["word ", " ", "\n", "x"]), max_size=30))
def test_any_tag_soup_gives_clean_text(parts: list[str]) -> None:
    """However tags are crossed, the text is made of the words and separators only, each word at most once."""
    soup = "".join(parts)
    try:
        seen = text(soup)
    except Unreadable as error:
        assert str(error) == "no text"
        return
    assert set(seen) <= set("word x|#\n")
    assert seen.count("word") <= soup.count("word")
    assert not seen.startswith("\n") or "<pre>" in soup
