"""What an answer may show: text. Nothing in it loads, runs, hides or overwrites, and it links only where a citation says so."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rag.untrusted import visible

LIMIT = 20_000  # characters of an answer
NO_LINK, NO_IMAGE = "[link removed]", "[image removed]"
_CUT = "\n[answer cut at {} characters]"
_SLASHES = r"(?:[/\\\uff0f]|%2f|%5c){2}"
# `scheme://`, also with its marks percent-encoded, full-width or written with backslashes; `//host.tld` and `www.host`; the address of
# a host with a query, which some renderers link without a scheme; schemes that run or hold content themselves.
_URL = re.compile(
    rf"(?<![a-z0-9+.-])[a-z0-9+.-]*+(?::|%3a|\uff1a){_SLASHES}[^\s<>\"`{{}}|\u2039\u203a\[\]]*"
    r"|(?<![\w:/\\])//(?:[\w-]{1,63}\.){1,8}[a-z]{2,24}(?![\w-])[^\s<>\"`{}|\u2039\u203a\[\]]*"
    r"|(?<![\w.@-])www\.[\w-]{1,63}\.[^\s<>\"`{}|\u2039\u203a\[\]]+"
    r"|(?<![\w./@-])(?:[a-z0-9-]{1,63}\.){1,8}[a-z]{2,24}(?::\d{1,5})?(?:/[^\s<>\"`{}|\u2039\u203a\[\]?]{0,500})?\?[^\s<>\"`{}|\u2039\u203a\[\]]*=[^\s<>\"`{}|\u2039\u203a\[\]]*"
    r"|(?:(?:java|vb|live)script|view-source|blob|filesystem):[^\s<>\"`{}|\u2039\u203a\[\]]+"
    r"|(?<!\w)data:(?:[\w.+-]{1,40}/[\w.+-]{1,60}|[;,])[^\s<>\"`{}|\u2039\u203a\[\]]*"
    r"|(?<!\w)mailto:[^\s<>\"`{}|\u2039\u203a\[\]]+",
    re.IGNORECASE,
)
_ACTIVE = re.compile(r"(?:(?:java|vb|live)script|view-source|blob|filesystem|data):", re.IGNORECASE)
_ENTITY = re.compile(
    r"&(?=#[0-9]{1,7};?|#x[0-9a-f]{1,6};?|(?:colon|sol|bsol|tab|newline|lpar|rpar|lsqb|rsqb|lbrack|rbrack|excl|num|period|commat);)", re.IGNORECASE
)
_ANGLED = re.compile(r"<((?:[a-z][a-z0-9+.-]{1,30}:|[\w.+-]{1,64}@|//|www\.)[^\s<>]*)>", re.IGNORECASE)
_IMG = re.compile(r"<(?:img|picture|source|video|audio|embed|object|iframe|svg|image|track|link|base|meta)\b[^<>]*>", re.IGNORECASE)
_BREAK = re.compile(r"<br\s{0,3}/?>", re.IGNORECASE)
_TAG = re.compile(r"<(?=[a-z/!?])([^<>]*)(>?)", re.IGNORECASE)
_INLINE = re.compile(
    r"(!?)(?<!\\)\[((?:\\.|[^\[\]\\\n])*+)\]\(\s{0,9}(<[^<>\n]*>|(?:[^\s()<>]|\([^\s()<>]*\))*)(?:\s{1,9}(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)))?\s{0,9}\)"
)
_LINKLIKE = re.compile(r"[/.#:?%&@]")
_DEFINITION = re.compile(r"^([ \t>*+0-9.)-]{0,20}\[(?:\\.|[^\[\]\\]){1,999}\]):", re.MULTILINE)
_TRAILING = ".,;:!?'*_~"


@dataclass(frozen=True, slots=True)
class Removed:
    """One thing that was not shown: `control`, `html`, `image`, `link`, `definition`, `entity` or `length`, and how many characters it was."""

    kind: str
    length: int


@dataclass(frozen=True, slots=True)
class _Pass:
    """One run over an answer: the addresses it may show, and what it has taken out so far."""

    allowed: frozenset[str]
    removed: list[Removed]

    def drop(self, kind: str, text: str) -> None:
        self.removed.append(Removed(kind, len(text)))


def safe_answer(text: str, allowed_text: Sequence[str] = (), limit: int = LIMIT) -> tuple[str, list[Removed]]:
    """Return an answer as text that is safe to render as Markdown, HTML or on a terminal, and what was taken out of it.

    `allowed_text` holds the text of the cited spans: an address stays if one of them names it, character for character, so no
    text of the answer can leave in it. Every other address becomes `[link removed]`; `javascript:`, `data:` and the like always do.
    Links are flattened to their text and, where it may stay, their address; images are never shown, their address at most as a
    link; reference definitions lose their colon. HTML tags lose their angle brackets to U+2039 and U+203A, so that an answer about HTML
    can still be read. Control and hidden characters and escape sequences go. At most `limit` (at least 100) characters are returned;
    a cut is said at the end. Linear; idempotent for the same `allowed_text` and `limit`.
    """
    if limit < 100:
        raise ValueError(f"limit must be at least 100, not {limit}")
    run = _Pass(frozenset(url for shown in allowed_text for url, _, _ in _urls(visible(shown)[0])), [])
    clean, hidden = visible(text)
    if hidden:
        run.removed.append(Removed("control", hidden))
    for step in (_entities, _tags, _links, _definitions, _addresses):
        clean = step(clean, run)
    return _within(clean, limit, run), run.removed


def _entities(text: str, run: _Pass) -> str:
    """Break character references that could spell a mark; `&lt;` and `&amp;` can not."""
    return _counted(_ENTITY, lambda _: "& ", text, run, "entity")


def _tags(text: str, run: _Pass) -> str:
    plain = _ANGLED.sub(r"\1", text)
    plain = _counted(_IMG, lambda _: f"{NO_IMAGE} ", plain, run, "image")
    plain = _BREAK.sub("\n", plain)
    return _counted(_TAG, lambda found: "\u2039" + found[1] + ("\u203a" if found[2] else ""), plain, run, "html")


def _links(text: str, run: _Pass) -> str:
    def flat(found: re.Match[str]) -> str:
        image, label, target = found[1], found[2], found[3].strip("<>")
        if not image and not _LINKLIKE.search(target):
            return found[0]  # code such as handlers[name](event)
        shown = f"[{label}]" if label.isdigit() else label
        kind = "image" if image else "link"
        if _allowed(target, run):
            return f"{shown} ({target}) "
        run.drop(kind, found[0])
        return f"{shown} {NO_IMAGE} " if image else f"{shown} {NO_LINK} " if _URL.match(target) else shown

    return _INLINE.sub(flat, text)


def _definitions(text: str, run: _Pass) -> str:
    return _counted(_DEFINITION, lambda found: found[1] + " ", text, run, "definition")


def _addresses(text: str, run: _Pass) -> str:
    """Take out the addresses that may not stay, and break every mark of a link or image that is left outside of those that may."""
    parts: list[str] = []
    at = 0
    for url, start, end in _urls(text):
        parts.append(_broken(text[at:start]))
        if _allowed(url, run):
            parts.append(url)
        else:
            run.drop("link", url)
            parts.append(NO_LINK + " " * (text[end : end + 1] in tuple("(:")))
        at = end
    return "".join([*parts, _broken(text[at:])])


def _urls(text: str) -> Iterator[tuple[str, int, int]]:
    for found in _URL.finditer(text):
        url = found[0]
        while url and (url[-1] in _TRAILING or (url[-1] == ")" and url.count(")") > url.count("("))):
            url = url[:-1]
        scheme = url.lstrip("0123456789+.-")  # a dash before an address is no part of it
        yield scheme, found.start() + len(url) - len(scheme), found.start() + len(url)


def _allowed(url: str, run: _Pass) -> bool:
    return url in run.allowed and not _ACTIVE.match(url)


def _broken(text: str) -> str:
    return text.replace("](", "] (")


def _counted(pattern: re.Pattern[str], put: Callable[[re.Match[str]], str], text: str, run: _Pass, kind: str) -> str:
    def replaced(found: re.Match[str]) -> str:
        run.drop(kind, found[0])
        return put(found)

    return pattern.sub(replaced, text)


def _within(text: str, limit: int, run: _Pass) -> str:
    """Cut a text that is too long between two words, so that no address is cut in the middle."""
    if len(text) <= limit:
        return text
    note = _CUT.format(limit)
    shown = text[: limit - len(note)]
    kept = shown[: max(shown.rfind(space) for space in " \n\t") + 1].rstrip()
    if not kept:  # one word of that length: cut before its first address
        first = _URL.search(shown)
        kept = shown[: first.start()] if first else shown
    run.removed.append(Removed("length", len(text) - len(kept)))
    return kept + note


def kinds(removed: Sequence[Removed]) -> dict[str, int]:
    """Return how many of each kind were taken out: what a trace may hold."""
    return dict(sorted(Counter(r.kind for r in removed).items()))
