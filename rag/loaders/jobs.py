"""Reading one open file: the documents in it, or why there is none; what the worker does, and nothing in it knows of processes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, BinaryIO

from rag.errors import RagError
from rag.loaders.base import ByLine, Limit, Parsed, Unreadable, Whole, formats
from rag.loaders.files import CHANGED, read_whole, state
from rag.loaders.limits import Limits
from rag.loaders.meta import check_unicode, moment
from rag.loaders.sidecar import read_sidecar, with_sidecar
from rag.types import EMPTY, Meta


@dataclass(frozen=True, slots=True)
class Reply:
    """A document of a file, or why it has none; `number` is its line or row, `last` that nothing follows.

    A last reply with neither a document nor a reason only says that it is the last. `id` is the one a bad line gives.
    """

    parsed: Parsed | None = None
    reason: str = ""
    number: int | None = None
    modified: float = 0.0
    last: bool = False
    id: str | None = None

    def as_frame(self) -> tuple[dict[str, Any], bytes]:
        """Return it as it is sent: text apart, everything else as JSON."""
        head: dict[str, Any] = {"number": self.number, "last": self.last}
        if self.parsed is None:
            return {**head, "reason": self.reason, "id": self.id}, b""
        found = self.parsed
        head |= {"id": found.id, "meta": dict(found.meta), "title": found.title, "body": found.body, "modified": self.modified}
        return head, found.text.encode("utf-8")

    @classmethod
    def from_frame(cls, head: Mapping[str, Any], body: bytes) -> Reply:
        """Return what was sent. Raises `ValueError`, `KeyError` or `TypeError` for anything else."""
        if "body" not in head:
            return cls(None, head["reason"], head["number"], last=head["last"], id=head["id"])
        meta: Meta = MappingProxyType({k: tuple(v) if isinstance(v, list) else v for k, v in head["meta"].items()}) if head["meta"] else EMPTY
        parsed = Parsed(body.decode("utf-8"), meta, head["title"], head["body"], head["id"])
        return cls(parsed, "", head["number"], head["modified"], head["last"])


@dataclass(frozen=True, slots=True)
class Job:
    """An open file to read: its suffix decides the reader, `sidecar` is the name of its metadata file, if any."""

    suffix: str
    file: BinaryIO
    sidecar: str = ""
    sidecar_file: BinaryIO | None = None


_ADDRESS = re.compile(r"0x[0-9a-f]{6,}|[0-9]{11,}")  # what differs from one reading to the next
Step = Callable[[], AbstractContextManager[object]]


def read_job(job: Job, limits: Limits, step: Step, check: Callable[[], None]) -> Iterator[Reply]:
    """Yield the documents of a file and what is wrong with it, the last one marked; raises `MemoryError` only.

    Each document is parsed within one `step()`; `check` raises `Unreadable` when that did what it may not.
    """
    reader = formats()[job.suffix]
    limit = Limit(limits.max_document_mb)
    try:
        with step():
            extra = read_sidecar(job.sidecar, job.sidecar_file) if job.sidecar_file else EMPTY
            if isinstance(reader, Whole):
                whole: Reply | None = replace(_whole(job, reader, limit, extra, limits, check), last=True)
            else:
                whole = None
        if whole:
            yield whole
        elif isinstance(reader, ByLine):
            yield from _by_line(job, reader, limit, extra, limits, step, check)
    except MemoryError:
        raise
    except (Unreadable, RagError) as error:
        yield Reply(reason=str(error), last=True)
    except Exception as error:  # parsers of PDF and the like raise anything on damaged files; one file must not stop a corpus
        yield Reply(reason=_reason(error, job.suffix, check), last=True)


def _reason(error: Exception, suffix: str, check: Callable[[], None]) -> str:
    try:
        check()
    except Unreadable as refused:
        return str(refused)
    return f"not readable as {suffix} ({_line(error)})"


def _whole(job: Job, reader: Whole, limit: Limit, extra: Meta, limits: Limits, check: Callable[[], None]) -> Reply:
    data, modified = read_whole(job.file, limit)
    if not data:
        raise Unreadable("no text")
    parsed = reader.parse(data, limit)
    check()
    return _document(with_sidecar(parsed, extra), None, modified, limit, limits)


def _by_line(job: Job, reader: ByLine, limit: Limit, extra: Meta, limits: Limits, step: Step, check: Callable[[], None]) -> Iterator[Reply]:
    before = state(job.file)
    job.file.seek(0)
    lines = reader.parse(job.file, limit)
    while True:
        with step():
            item = next(lines, None)
            if item is None:
                break
            number, found = item
            reply = Reply(None, str(found), number) if isinstance(found, Unreadable) else _numbered(found, number, extra, before.modified, limit, limits)
            check()
        yield reply
    yield Reply(reason="" if state(job.file) == before else CHANGED, last=True)


def _numbered(parsed: Parsed, number: int, extra: Meta, modified: float, limit: Limit, limits: Limits) -> Reply:
    try:
        return _document(with_sidecar(parsed, extra, rows=True), number, modified, limit, limits)
    except Unreadable as error:
        return Reply(None, str(error), number, id=parsed.id)


def _document(parsed: Parsed, number: int | None, modified: float, limit: Limit, limits: Limits) -> Reply:
    limit.check(len(parsed.text), "its text is")
    try:
        check_unicode(parsed.text, parsed.title)
        if limits.modified_key is not None and limits.modified_key in parsed.meta:
            modified = moment(limits.modified_key, parsed.meta[limits.modified_key])
    except ValueError as error:
        raise Unreadable(str(error)) from None
    return Reply(parsed, "", number, modified)


def _line(error: Exception) -> str:
    text = _ADDRESS.sub("...", " ".join(str(error).split()))[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
