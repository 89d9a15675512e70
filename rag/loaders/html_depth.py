"""A guard before parsing HTML: the parser's time grows with the square of the nesting depth, so depth is counted first."""

from __future__ import annotations

import re

from rag.loaders.base import Unreadable

MAX_DEPTH = 512  # what browsers keep as well
MAX_FORMATTING = 10_000_000
_TAG = re.compile(r"<(?:(/?)([A-Za-z][^\s/<>]*)([^<>]*)|!--)")
_VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"])
# Never deeper than the table, list or ruby they are in, whether closed or not.
_IMPLIED = frozenset(
    ["html", "head", "body", "td", "th", "tr", "thead", "tbody", "tfoot", "colgroup", "caption", "option", "optgroup", "rt", "rp", "rb", "rtc"]
)
_RAW = frozenset(["script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes", "plaintext"])
_CLOSE = {name: re.compile(f"</{name}", re.IGNORECASE) for name in _RAW}
_REPEATS = {"p": ("p",), "li": ("li", "p"), "dd": ("dd", "dt", "p"), "dt": ("dd", "dt", "p")}  # whose start ends which
_FORMATTING = frozenset(["a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"])


class _Open:
    """The elements open at a place, as far as nesting goes, and the formatting that a new block would take over."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.counts: dict[str, int] = {}
        self.formatting: dict[str, list[str]] = {}
        self.carried = 0

    def start(self, name: str, attributes: str) -> None:
        while self.names and self.names[-1] in _REPEATS.get(name, ()):
            self.counts[self.names.pop()] -= 1
        self.names.append(name)
        self.counts[name] = self.counts.get(name, 0) + 1
        if name in _FORMATTING:
            same = self.formatting.setdefault(name, [])
            if same.count(attributes) < 3:  # the HTML standard's limit for equal ones
                same.append(attributes)
                self.carried += 1

    def end(self, name: str) -> None:
        if self.formatting.get(name):
            self.formatting[name].pop()
            self.carried -= 1
        if self.counts.get(name):
            while (closed := self.names.pop()) != name:
                self.counts[closed] -= 1
            self.counts[name] -= 1


def check_depth(source: str) -> None:
    """Raise `Unreadable` when elements nest too deep to parse in reasonable time; linear in the length of `source`."""
    found, at, work = _Open(), 0, 0
    while tag := _TAG.search(source, at):
        at = tag.end()
        name = (tag[2] or "").lower()
        if not name:
            at = source.find("-->", at)
        elif tag[1]:
            found.end(name)
        elif name in _RAW:
            close = _CLOSE[name].search(source, at)
            at = close.start() if close else -1
        elif name not in _VOID and name not in _IMPLIED:
            found.start(name, tag[3])
            work += found.carried
        if at < 0:
            return  # the rest is one comment or one script
        if len(found.names) > MAX_DEPTH or found.carried > MAX_DEPTH or work > MAX_FORMATTING:
            raise Unreadable(f"HTML with elements nested more than {MAX_DEPTH} deep, or formatting that is never closed; convert it to text")
