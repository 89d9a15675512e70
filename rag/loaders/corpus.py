"""The one door to a corpus: named paths in, a stream of documents and failures out, nothing passed over in silence."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from rag.errors import CorpusError, RagError
from rag.loaders.base import ByLine, Limit, Parsed, Unreadable, Whole, formats, suffix_of
from rag.loaders.files import CHANGED, open_regular, os_reason, read_whole, state
from rag.loaders.meta import check_unicode
from rag.loaders.walk import Entry, walk
from rag.types import Document

MAX_ID = 512
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document and the named path it came from."""

    document: Document
    root: Path


@dataclass(frozen=True, slots=True)
class Failed:
    """A document that could not be read, and why, in one sentence.

    The id of a duplicate is that of the document that was kept, so a failed id does not mean that nothing was loaded
    under it. An unfit id is shown escaped and shortened.
    """

    doc_id: str
    reason: str
    root: Path


@dataclass(slots=True)
class Summary:
    """Running counts, complete once the stream is exhausted; `ignored` counts by suffix, or by why (`hidden`)."""

    documents: int = 0
    failed: int = 0
    ignored: Counter[str] = field(default_factory=Counter)


Item: TypeAlias = Loaded | Failed
_Read: TypeAlias = tuple[str, str, Document | str]  # id, where it was found, the document or why there is none


def read(paths: Sequence[Path], max_mb: float, summary: Summary | None = None) -> Iterator[Item]:
    """Stream the documents below each path, and every failure; what is ignored is counted in `summary`.

    A path is a folder, a file, a JSON Lines file or a BEIR folder. No document may be over `max_mb` (10^6 bytes).
    One document is in memory at a time, besides the ids seen. Raises `CorpusError` at once when a path is missing.
    """
    if not paths:
        raise CorpusError("no corpus is named; give at least one folder or file")
    for path in paths:
        _check_root(path)
    return _stream(paths, Limit(max_mb), Summary() if summary is None else summary)


def _check_root(path: Path) -> None:
    try:
        if path.stat() and path.is_dir():
            os.scandir(path).close()
    except FileNotFoundError:
        raise CorpusError(f"{path}: no such file or folder; check the path (it is taken from {Path.cwd()})") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = os_reason(error) if isinstance(error, OSError) else str(error)
        raise CorpusError(f"{path}: cannot be read ({why}); check the path and its permissions") from None


def _stream(paths: Sequence[Path], limit: Limit, summary: Summary) -> Iterator[Item]:
    first: dict[str, str] = {}
    for root in paths:
        for entry in walk(root, summary.ignored):
            for id, where, found in _entry(entry, limit):
                if isinstance(found, Document) and id in first:
                    found = f"duplicate id, first in {first[id]}"
                if isinstance(found, Document):
                    first[id] = where
                    summary.documents += 1
                    yield Loaded(found, root)
                else:
                    summary.failed += 1
                    yield Failed(_shown(id), found, root)


def _entry(entry: Entry, limit: Limit) -> Iterator[_Read]:
    where = str(entry.named).encode("utf-8", "backslashreplace").decode()  # a name that is not UTF-8 has lone surrogates
    if entry.problem:
        yield entry.id, where, entry.problem
        return
    suffix = suffix_of(entry.named.name)
    reader = formats()[suffix]
    try:
        if isinstance(reader, Whole):
            data, modified = read_whole(entry.actual, limit)
            if not data:
                raise Unreadable("no text")
            yield entry.id, where, _document(entry.id, reader.parse(data, limit), where, modified, limit)
        else:
            yield from _by_line(entry, reader, where, limit)
    except (Unreadable, RagError) as error:
        yield entry.id, where, str(error)
    except Exception as error:  # parsers of PDF and the like raise anything on damaged files; one file must not stop a corpus
        yield entry.id, where, f"not readable as {suffix} ({_line(error)})"


def _by_line(entry: Entry, reader: ByLine, where: str, limit: Limit) -> Iterator[_Read]:
    with open_regular(entry.actual) as file:
        before = state(file)
        for number, found in reader.parse(file, limit):
            place = f"{where}#{number}"
            name = f"{entry.id}#{number}"
            if isinstance(found, Unreadable):
                yield name, place, str(found)
            else:
                id = name if found.id is None else found.id
                yield id, place, _document(id, found, where, before.modified, limit)
        if state(file) != before:
            yield entry.id, where, CHANGED


def _document(id: str, parsed: Parsed, source: str, modified: float, limit: Limit) -> Document | str:
    if problem := _unfit(id) or limit.problem(len(parsed.text), "its text is"):
        return problem
    try:
        check_unicode(parsed.text, parsed.title)
    except ValueError as error:
        return str(error)
    return Document(id, parsed.text, parsed.meta, parsed.title, parsed.body, source, modified)


def _unfit(id: str) -> str:
    if not id.strip():
        return "id is empty"
    if len(id) > MAX_ID:
        return f"id is {len(id)} characters long, more than {MAX_ID}"
    bad = _UNFIT.search(id)
    if bad is None:
        return ""
    what = "control character" if ord(bad[0]) < 0xD800 else "lone surrogate (not valid Unicode)"
    return f"id has the {what} U+{ord(bad[0]):04X} at character {bad.start()}"


def _shown(id: str) -> str:
    text = _UNFIT.sub(lambda found: found[0].encode("unicode_escape").decode(), id)
    return text if len(text) <= MAX_ID else text[: MAX_ID - 1] + "\u2026"


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
