"""What a corpus changes in an index: its documents against the rows of the live generation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rag.index.manifest import DocumentRow
from rag.loaders.corpus import Failed, Loaded
from rag.loaders.meta import check_unicode
from rag.types import Document


@dataclass
class Changes:
    """Documents as read (with their root), rows that stay unread, and the ids of those that are new or differ."""

    documents: dict[str, tuple[Document, str]] = field(default_factory=dict)
    kept: list[DocumentRow] = field(default_factory=list)
    added: set[str] = field(default_factory=set)
    updated: set[str] = field(default_factory=set)
    unchanged: int = 0
    deleted: int = 0
    failed: list[Failed] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether the index has to change."""
        return bool(self.added or self.updated or self.deleted)

    def refuse(self, failed: Iterable[Failed], old: Mapping[str, DocumentRow]) -> None:
        """Take documents back that could not be cut: what the index holds under their ids stays."""
        for fault in failed:
            self.failed.append(fault)
            del self.documents[fault.doc_id]
            self.added.discard(fault.doc_id)
            self.updated.discard(fault.doc_id)
            if fault.doc_id in old:
                self.kept.append(old[fault.doc_id])


def compare(corpus: Iterable[Loaded | Failed], old: Mapping[str, DocumentRow], roots: set[str], tenant_key: str | None) -> Changes:
    """Read a corpus and return what is to change. A document that failed keeps its former version in the index."""
    changes = Changes()
    failed: set[tuple[str, str]] = set()
    for item in corpus:
        if isinstance(item, Loaded):
            document, root = item.document, str(item.root)
            fault = "duplicate id" if document.id in changes.documents else _fault(document, old, roots, tenant_key)
            if fault is None:
                changes.documents[document.id] = (document, root)
                continue
            item = Failed(document.id, fault, item.root)
        changes.failed.append(item)
        failed.add((item.doc_id, str(item.root)))
    for i, (document, root) in changes.documents.items():
        if i not in old:
            changes.added.add(i)
        elif old[i].digest != document.digest or old[i].root != root:
            changes.updated.add(i)
    changes.unchanged = len(changes.documents) - len(changes.added) - len(changes.updated)
    missing = [r for r in old.values() if r.id not in changes.documents]
    changes.kept = [r for r in missing if r.root not in roots or (r.id, r.root) in failed]
    changes.deleted = len(missing) - len(changes.kept)
    return changes


def _fault(document: Document, old: Mapping[str, DocumentRow], roots: set[str], tenant_key: str | None) -> str | None:
    """Return why a document cannot be in the index, None when it can."""
    known = old.get(document.id)
    if known is not None and known.root not in roots:
        return f"the index has a document of this id from {known.root}; rename one"
    for name, value in document.meta.items():
        if not isinstance(value, (str, int, float, bool)) and not (isinstance(value, tuple) and all(isinstance(v, str) for v in value)):
            return f"metadata {name!r} is a {type(value).__name__}; use text, a number, true, false, or a tuple of texts"
    tenant = "" if tenant_key is None else document.meta.get(tenant_key)
    if not isinstance(tenant, str) or (tenant_key is not None and not tenant.strip()):
        return f"has no text under {tenant_key!r} in its metadata, and index.tenant_key demands one"
    if "\0" in document.id or "\0" in tenant:
        return "its id or tenant holds a NUL character"
    try:
        check_unicode(document.id, document.text, document.title)
    except ValueError as error:
        return str(error)
    return None
