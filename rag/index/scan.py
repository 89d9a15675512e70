"""Reads a corpus against the documents an index holds: what is new, changed, gone, or could not be read."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rag.errors import StoreError
from rag.index.draft import Draft
from rag.index.faults import reached
from rag.index.prepare import NO_CHUNK, Recipe, prepare_all
from rag.index.table import DocumentTable
from rag.loaders.corpus import Failed, Loaded
from rag.loaders.meta import check_unicode
from rag.seen import Seen
from rag.types import Document

EMPTY = ("no text", NO_CHUNK)  # what a document fails with that was emptied
TOGETHER, CHARACTERS = 64, 1 << 18  # documents that are prepared together at most, and their characters: so many are in memory at once
MASS = 0.2  # share of the documents that may go without being asked about


@dataclass
class Changes:
    """What a corpus changes, by document id. `failed` documents keep their former version in the index.

    `moved` of the deleted have their text in one of the added; `spared` documents were not found but lie in a file or
    folder that could not be read, and stay; `placed` of the unchanged now lie in another file.
    """

    added: Seen = field(default_factory=Seen)
    updated: Seen = field(default_factory=Seen)
    deleted: list[str] = field(default_factory=list)
    unchanged: int = 0
    failed: list[Failed] = field(default_factory=list)
    moved: int = 0
    spared: int = 0
    placed: int = 0

    def __bool__(self) -> bool:
        """Whether the index has to change."""
        return bool(self.added or self.updated or self.deleted or self.placed)


class Named:
    """Which documents of an index a call is about: those below the paths it names."""

    def __init__(self, paths: Sequence[Path] | None) -> None:
        """Take the named paths; None is about every document there is."""
        # A source is spelt as loaders spell it: what is not UTF-8 in it is escaped.
        self._paths = None if paths is None else [(str(p), str(p).encode("utf-8", "backslashreplace").decode()) for p in paths]

    def covers(self, root: str, source: str) -> bool:
        """Whether a document of this root, read from this file, lies below a named path."""
        return self._paths is None or any(below(root, p) or (below(p, root) and below(source, spelt)) for p, spelt in self._paths)


def below(path: str, folder: str) -> bool:
    """Whether a path is a folder or lies in it."""
    return bool(path) and (path == folder or path.startswith(folder.rstrip(os.sep) + os.sep))


def above(source: str) -> Iterator[str]:
    """Yield a path and every folder it lies in: so many look-ups, however many files failed."""
    if not source:
        return
    yield source
    at = source.rfind(os.sep)
    while at > 0:
        yield source[:at]
        at = source.rfind(os.sep, 0, at)
    if source.startswith(os.sep):
        yield os.sep


class Scan:
    """One reading of a corpus. `old` is the table of the live generation; `draft` is made at the first change."""

    def __init__(self, old: DocumentTable | None, named: Named, recipe: Recipe, draft: Callable[[], Draft], renew: bool = False) -> None:
        """Prepare; nothing is read or written yet. With `renew` unchanged documents are written again."""
        self._old, self._named, self._recipe, self._draft, self._renew = old, named, recipe, draft, renew
        self.changes = Changes()
        self._seen = Seen()  # those that wait are in it, and taken out where they fail
        self._waiting: dict[str, tuple[Loaded, bool]] = {}  # documents that are prepared together, and whether they are new
        self._size = 0  # characters of those that wait
        self._spared: list[str] = []  # files and folders that could not be read: what the index holds of them stays

    def read(self, corpus: Iterable[Loaded | Failed]) -> Changes:
        """Read to the end; new and changed documents are added to the draft as they come, some together."""
        for item in corpus:
            reached("scan.document")
            if isinstance(item, Failed):
                self._prepare()  # what is said of documents stays in their order
                self._fail(item)
            else:
                self._take(item)
        self._prepare()
        self._find_deleted()
        return self.changes

    def _fail(self, item: Failed) -> None:
        """Keep what the index holds of it: the document of that id, else, since a line that cannot be read has none, of its file."""
        self.changes.failed.append(item)
        if self._old is not None and (known := self._old.state(item.doc_id)) is not None and known[1] == str(item.root):
            if not item.reason.startswith(EMPTY):  # it was read, and says nothing any more: what it said goes
                self._seen.add(item.doc_id)
        elif item.doc_id not in self._seen:
            self._spared.append(item.source)

    def _take(self, item: Loaded) -> None:
        document = item.document
        if document.id in self._waiting:
            self._prepare()  # whether it is in the index tells what another one of its id is
        known = self._old.state(document.id) if self._old is not None else None
        first = self._seen.add(document.id)
        if fault := self._fault(document, known) if first else "duplicate id":
            if first:
                self._seen.discard(document.id)
            self._prepare()
            self._fail(Failed(document.id, fault, item.root))
        elif known is None or known[:2] != (document.digest, str(item.root)) or self._renew:
            self._waiting[document.id] = item, known is None
            self._size += len(document.text)
            if len(self._waiting) >= TOGETHER or self._size >= CHARACTERS:
                self._prepare()
        else:
            self.changes.unchanged += 1
            if known[2] != document.source:  # else a later run on the file it was in would take it for gone
                self.changes.placed += 1
                table = self._draft().table
                table.note(replace(table[document.id], source=document.source))

    def _prepare(self) -> None:
        """Add the documents that wait to the draft."""
        waiting, self._waiting, self._size = self._waiting, {}, 0
        if not waiting:
            return
        made = prepare_all([(item.document, str(item.root)) for item, _ in waiting.values()], self._recipe)
        for prepared, (item, new) in zip(made, waiting.values(), strict=True):
            if isinstance(prepared, Exception):
                self._seen.discard(item.document.id)
                self._fail(Failed(item.document.id, str(prepared), item.root))
            else:
                (self.changes.added if new else self.changes.updated).note(item.document.id)
        if added := [p for p in made if not isinstance(p, Exception)]:
            self._draft().add(*added)

    def _fault(self, document: Document, known: tuple[str, str, str] | None) -> str | None:
        """Return why a document cannot be in the index, None when it can."""
        if known is not None and not self._named.covers(known[1], known[2]):
            return (
                f"the index has a document of this id from {known[1]}; rename one, or, where the corpus was moved, index it with --rebuild --allow-mass-delete"
            )
        return fault(document, self._recipe.pipeline.index.tenant_key)

    def _find_deleted(self) -> None:
        if self._old is None:
            return
        spared = {s for s in self._spared if s}
        for doc_id, root, source in self._old.places():
            if doc_id in self._seen or not self._named.covers(root, source):
                continue
            if spared and not spared.isdisjoint(above(source)):
                self.changes.spared += 1
            else:
                self.changes.deleted.append(doc_id)
        if self.changes.deleted:
            draft = self._draft()
            came = Counter(draft.table[i].text_digest for i in self.changes.added)
            went = Counter(self._old[i].text_digest for i in self.changes.deleted)
            self.changes.moved = (came & went).total()
            draft.table.remove(self.changes.deleted)


def fault(document: Document, tenant_key: str | None) -> str | None:
    """Return what about a document no index can hold, None when there is nothing."""
    for name, value in document.meta.items():
        if not isinstance(value, (str, int, float, bool)) and not (isinstance(value, tuple) and all(isinstance(v, str) for v in value)):
            return f"metadata {name!r} is a {type(value).__name__}; use text, a number, true, false, or a tuple of texts"
    tenant = "" if tenant_key is None else document.meta.get(tenant_key)
    if not isinstance(tenant, str) or (tenant_key is not None and not tenant.strip()):
        return f"has no text under {tenant_key!r} in its metadata, and index.tenant_key demands one"
    if not document.id:
        return "its id is empty"
    if "\0" in document.id or "\0" in tenant:
        return "its id or tenant holds a NUL character"
    try:
        check_unicode(document.id, document.text, document.title)
    except ValueError as error:
        return str(error)
    return None


def check_mass(changes: Changes, held: int, index: Path | str) -> None:
    """Raise `StoreError` when more than a fifth of the documents would go: a folder that is not mounted looks like that.

    What only moved does not count, nor does a single document.
    """
    gone = len(changes.deleted) - changes.moved
    if gone > 1 and gone > MASS * held:
        raise StoreError(
            f"{index}: {gone} of {held} documents are no longer below the named paths, more than {MASS:.0%}; "
            "nothing was changed; check the paths, or add --allow-mass-delete"
        )
