"""The one door to a corpus: named paths in, a stream of documents and failures out, nothing passed over in silence."""

from __future__ import annotations

import os
import re
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

from rag.errors import CorpusError
from rag.loaders.base import Parsed, Unreadable, suffix_of
from rag.loaders.files import open_regular, os_reason
from rag.loaders.jobs import Job, Reply
from rag.loaders.limits import Limits
from rag.loaders.stream import WINDOW, Stream
from rag.loaders.walk import Entry, check_base, walk
from rag.seen import Seen
from rag.types import Document

MAX_ID = 512
_LINES = 1 << 32  # more than a file has; files and lines together fit 63 bits
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Loaded:
    """A document and the named path it came from, or the base it was read as a part of."""

    document: Document
    root: Path


@dataclass(frozen=True, slots=True)
class Failed:
    """A document that could not be read, and why, in one sentence.

    The id of a duplicate is that of the document that was kept, so a failed id does not mean that nothing was loaded
    under it. An unfit id is shown escaped and shortened. `source` is the absolute path of the file or folder that
    failed, for a line the path of its file, spelt as in `Document.source`.
    """

    doc_id: str
    reason: str
    root: Path
    source: str = ""


@dataclass(slots=True)
class Summary:
    """Running counts, complete once the stream is exhausted; `ignored` counts by suffix, or by why (`hidden`)."""

    documents: int = 0
    failed: int = 0
    ignored: Counter[str] = field(default_factory=Counter)


Item: TypeAlias = Loaded | Failed


def read(paths: Sequence[Path], limits: float | Limits, summary: Summary | None = None, bases: Mapping[Path, Path] | None = None) -> Iterator[Item]:
    """Stream the documents below each path, and every failure; what is ignored is counted in `summary`.

    A path is a folder, a file, a JSON Lines file or a BEIR folder. `limits` is what one document may take; a number is
    its `max_document_mb`. A path that `bases` names is read as a part of its base: ids are relative to that and it is the
    `root`. Files are parsed in a process of their own, up to 32 ahead. Raises `CorpusError` at once when a path is missing.
    """
    if not paths:
        raise CorpusError("no corpus is named; give at least one folder or file")
    bases = bases or {}
    for path in paths:
        _check_root(path)
        check_base(path, bases.get(path, path))
    chosen = limits if isinstance(limits, Limits) else Limits(limits)
    return _stream([(path, bases.get(path, path)) for path in paths], chosen, Summary() if summary is None else summary)


def _check_root(path: Path) -> None:
    try:
        if path.stat() and path.is_dir():
            os.scandir(path).close()
    except FileNotFoundError:
        raise CorpusError(f"{path}: no such file or folder; check the path (it is taken from {Path.cwd()})") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        why = os_reason(error) if isinstance(error, OSError) else str(error)
        raise CorpusError(f"{path}: cannot be read ({why}); check the path and its permissions") from None


@dataclass(frozen=True, slots=True)
class _Turn:
    """A file that waits for its turn: the worker was asked for it, or `problem` says why not."""

    root: Path
    entry: Entry
    where: str
    problem: str = ""


_Read: TypeAlias = tuple[str, int, Document | str]  # id, line or 0, the document or why there is none


def _stream(parts: Sequence[tuple[Path, Path]], limits: Limits, summary: Summary) -> Iterator[Item]:
    sources: list[str] = []
    with closing(Stream(limits)) as stream, closing(Seen()) as first:  # id to file and line as one number
        for turn in _turns(parts, stream, summary):
            sources.append(turn.where)
            for id, line, found in _read(turn, stream):
                if isinstance(found, Document) and not first.add(id, (len(sources) - 1) * _LINES + line):
                    file, n = divmod(first.number(id) or 0, _LINES)
                    found = f"duplicate id, first in {sources[file]}{f'#{n}' if n else ''}"
                if isinstance(found, Document):
                    summary.documents += 1
                    yield Loaded(found, turn.root)
                else:
                    summary.failed += 1
                    yield Failed(_shown(id), found, turn.root, turn.where)


def _turns(parts: Sequence[tuple[Path, Path]], stream: Stream, summary: Summary) -> Iterator[_Turn]:
    """Yield every file in order, after some of those behind it have been opened and asked for."""
    waiting: deque[_Turn] = deque()
    for path, base in parts:
        for entry in walk(path, summary.ignored, base):
            waiting.append(_turn(base, entry, stream))
            if len(waiting) == WINDOW:
                yield waiting.popleft()
    yield from waiting


def _turn(root: Path, entry: Entry, stream: Stream) -> _Turn:
    named = os.path.abspath(entry.named)  # noqa: PTH100  # links keep their own names
    where = named.encode("utf-8", "backslashreplace").decode()  # a name that is not UTF-8 has lone surrogates
    problem = entry.problem
    if not problem:
        try:
            stream.add(_job(entry))
        except Unreadable as error:
            problem = str(error)
    return _Turn(root, entry, where, problem)


def _job(entry: Entry) -> Job:
    file = open_regular(entry.actual)
    sidecar: BinaryIO | None = None
    if entry.sidecar:
        try:
            sidecar = open_regular(entry.sidecar)
        except Unreadable as error:
            file.close()
            raise Unreadable(f"{entry.sidecar_name}: {error}") from None
    return Job(suffix_of(entry.named.name), file, entry.sidecar_name, sidecar)


def _read(turn: _Turn, stream: Stream) -> Iterator[_Read]:
    id, where = turn.entry.id, turn.where
    if turn.problem:
        yield id, 0, turn.problem
        return
    for reply in stream.replies():
        line = reply.number or 0
        name = id if reply.number is None else f"{id}#{reply.number}"
        if reply.parsed is not None:
            own = name if reply.parsed.id is None else reply.parsed.id
            yield own, line, _unfit(own) or _document(own, reply.parsed, where, reply)
        elif reply.reason:
            own = name if reply.id is None else reply.id
            yield own, line, (_unfit(own) if reply.id else "") or reply.reason


def _document(id: str, parsed: Parsed, source: str, reply: Reply) -> Document:
    return Document(id, parsed.text, parsed.meta, parsed.title, parsed.body, source, reply.modified)


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
