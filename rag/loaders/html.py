"""HTML: the visible text in reading order, headings as `#` lines, table rows as lines; scripts are not run and no style sheet is read."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from rag.errors import MissingExtra
from rag.loaders.base import Limit, Parsed, Unreadable, whole
from rag.loaders.html_depth import check_depth
from rag.loaders.html_text import Writer
from rag.loaders.text import check_text, decode, decode_as

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

_DROPPED = frozenset(["script", "style", "template", "noscript", "head", "svg", "iframe", "object", "canvas", "audio", "video", "datalist"])
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "caption",
        "center",
        "dd",
        "details",
        "dialog",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hgroup",
        "hr",
        "html",
        "legend",
        "main",
        "menu",
        "nav",
        "ol",
        "p",
        "pre",
        "search",
        "section",
        "summary",
        "table",
        "ul",
    ]
)
_LINES = frozenset(["br", "li", "option", "thead", "tbody", "tfoot"])
_CELLS = frozenset(["td", "th"])
_HEADINGS = {f"h{n}": n for n in range(1, 7)}
_CHARSET = re.compile(rb"<meta[^<>]{1,500}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
# Python names of the encodings that web pages use; the others Python has (punycode, rot13, unicode_escape) are no charsets.
_CODECS = ("utf-8", "cp", "iso8859", "koi8", "gb", "big5", "euc_", "shift_jis", "mac-", "iso2022_jp", "tis-620", "ascii")


@whole(".html", ".htm")
def parse(data: bytes, limit: Limit) -> Parsed:
    """Return the visible text, and the `<title>` where the text does not have it; raises `Unreadable` or `MissingExtra`."""
    try:
        from selectolax.lexbor import LexborHTMLParser
    except ImportError:
        raise MissingExtra("selectolax", "html", "reading .html files") from None
    source = _decode(data)
    check_depth(source)
    tree = LexborHTMLParser(source)
    text = _visible(tree.root) if tree.root else ""
    if not text.strip():
        raise Unreadable("no text")
    node = tree.css_first("head > title")
    title = " ".join(node.text().split()) if node else ""
    return Parsed(text, title="" if title in text else title)


def _decode(data: bytes) -> str:
    """Decode by byte order mark, else by `<meta charset>` in the first 1024 bytes, else as UTF-8."""
    declared = _CHARSET.search(data[:1024])
    if declared is None or data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return decode(data)
    label = declared[1].decode()
    try:
        codec = codecs.lookup(label).name
    except LookupError:
        codec = ""
    if codec.startswith("utf-16"):  # it cannot be, or the declaration could not have been read: the HTML standard says UTF-8
        return decode(data)
    if not codec.startswith(_CODECS):
        raise Unreadable(f"declares the charset {label!r}, which is unknown; convert the file to UTF-8")
    check_text(data)
    # The standard reads both of these labels as Windows-1252, which is what pages that carry them hold.
    return decode_as(data, "cp1252" if codec in ("ascii", "iso8859-1") else codec, label)


def _visible(root: LexborNode) -> str:
    writer = Writer()
    waiting: list[tuple[LexborNode, bool]] = [(root, False)]  # a stack: the last is next; True once the children are done
    while waiting:
        node, done = waiting.pop()
        if done:
            _leave(node.tag or "", writer)
        elif node.is_text_node:
            writer.write(node.text_content or "")
        elif node.is_element_node and node.tag not in _DROPPED and not _hidden(node):
            _enter(node.tag or "", writer)
            waiting.append((node, True))
            child = node.last_child
            while child is not None:
                waiting.append((child, False))
                child = child.prev
    return writer.text


def _hidden(node: LexborNode) -> bool:
    attributes = node.attributes
    if "hidden" in attributes:
        return True
    style = "".join((attributes.get("style") or "").lower().split())
    return any(part.removesuffix("!important") == "display:none" for part in style.split(";"))


def _enter(tag: str, writer: Writer) -> None:
    if tag in _HEADINGS:
        writer.heading(_HEADINGS[tag])
    elif tag in _CELLS:
        writer.cell()
    elif tag == "tr":
        writer.row()
    elif tag in _BLOCKS or tag in _LINES:
        writer.gap("\n\n" if tag in _BLOCKS else "\n")
        writer.verbatim += tag == "pre"


def _leave(tag: str, writer: Writer) -> None:
    if tag in _HEADINGS:
        writer.end_heading()
    elif tag in _CELLS:
        writer.end_cell()
    elif tag == "tr":
        writer.end_row()
    elif tag in _BLOCKS or tag in _LINES:
        writer.gap("\n\n" if tag in _BLOCKS else "\n")
        writer.verbatim -= tag == "pre"
