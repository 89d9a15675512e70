"""Exact and near duplicates among the documents of an index: marked in its table, and left without chunks where that is asked for."""

from __future__ import annotations

from dataclasses import replace

from rag.index.draft import Draft
from rag.index.duplicates import Candidate, Duplicate, find
from rag.index.prepare import Prepared, Recipe, prepare
from rag.index.store import Index
from rag.index.table import DocumentRow, Facts
from rag.types import Document


def mark(draft: Draft, old: Index | None, recipe: Recipe) -> list[str]:
    """Note on every row what it repeats, and drop or take up chunks accordingly; returns the unchanged documents this rewrites.

    The one with the smallest id is kept, whatever order documents came in.
    """
    options = recipe.pipeline.index
    exact = options.duplicates == "drop_exact"  # a copy of a near duplicate must still be found: by digest alone, then
    found = find((Candidate(i, t, d, "" if exact else s, n) for i, t, d, s, n in draft.table.candidates()), options.duplicate_similarity)
    before = {i: (of, similarity) for i, of, similarity in draft.table.duplicates()}
    rewritten: list[str] = []
    for doc_id in sorted(found.keys() | before.keys()):
        if _mark(draft, old, recipe, draft.table[doc_id], found.get(doc_id)):
            rewritten.append(doc_id)
    return rewritten


def _mark(draft: Draft, old: Index | None, recipe: Recipe, row: DocumentRow, repeats: Duplicate | None) -> bool:
    """Bring one row up to date; returns whether a document that did not change has to be written anew."""
    mode = recipe.pipeline.index.duplicates
    drop = repeats is not None and mode != "report"
    noted = replace(row, duplicate_of=repeats.of if repeats else "", similarity=round(repeats.similarity, 4) if repeats else None)
    if drop and row.chunks:
        draft.table.put(replace(noted, chunks=0, gaps=0), Facts())
        if row.id in draft.added:
            return False
        draft.add(Prepared(replace(noted, chunks=0, gaps=0), Facts(), _text(old, row), [], []))
        return True
    if not drop and not row.chunks and old is not None and row.id not in draft.added:
        document = Document(row.id, _text(old, row), row.meta, row.title, row.body, row.source, row.modified)
        made = prepare(document, row.root, recipe)
        draft.add(replace(made, row=replace(made.row, duplicate_of=noted.duplicate_of, similarity=noted.similarity, indexed=row.indexed)))
        return True
    if noted != row:
        draft.table.note(noted)
    return False


def _text(old: Index | None, row: DocumentRow) -> str:
    if old is None:
        raise ValueError(f"{row.id}: nothing is stored of it")
    return old.stored_texts([row.id])[row.id]
