"""What is indexed in place of a document's own text is part of the content key: two indexes that a model wrote differently are two."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from rag.chunk.contextual import Contextual
from rag.chunk.fixed import Fixed
from rag.chunk.propositions import Propositions
from rag.errors import ChatError
from rag.fingerprint import key
from rag.index.cut import cut
from rag.index.manifest import Manifest, current, read_manifest
from rag.index.rows import DocumentRow, Facts
from rag.index.store import Index
from rag.index.table import NAME, DocumentTable
from rag.memo import Memo
from rag.models.chat import Completion, OnText, Request
from rag.runtime import Runtime
from rag.stages import Chat, Chunker, incidental
from rag.types import Document, Piece

from . import remote_lab

DOCUMENTS = {"a.md": "# Cats\n\nthe cat sat on the mat", "b.md": "# Dogs\n\nlong ago dogs did bark at cats"}
FIXED = Fixed(size=5)


@dataclass(frozen=True)
class Says(Chat):
    """Replies the same to everything, or fails as `said` names: what it says is not told by who it is, as with a model that draws its words."""

    said: str = incidental("")
    use = "says"
    name, window, threads, remember = "says", None, 1, False
    identity = {"name": "says"}  # noqa: RUF012  # what a chat model has; nothing changes it

    def open(self, runtime: Runtime) -> Any:
        return self

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        if self.said in ChatError.WHY:
            raise ChatError("as asked", self.said)
        return Completion(self.said, self.name)

    def count(self, text: str) -> int:
        return len(text.split())


def contextual(said: str) -> Chunker:
    return Contextual(FIXED, by="chat", chat=Says(said))


def propositions(said: str) -> Chunker:
    return Propositions(FIXED, by="chat", chat=Says(said))


def stating(statement: str, quote: str) -> str:
    return json.dumps({"statements": [{"statement": statement, "quote": quote}]})


def built(lab: Any, chunker: Chunker) -> Manifest:
    """Return the manifest of a new index, made with nothing that is remembered of another."""
    path = lab.folder()
    lab.build(path, replace(lab.pipeline("bm25"), chunk=chunker), DOCUMENTS, runtime=Runtime(memo=Memo(), show_progress=False))
    generation = current(path)
    assert generation is not None
    return read_manifest(generation)


@pytest.mark.parametrize(
    ("make", "one", "other"),
    [
        (contextual, "About pets.", "About animals."),
        (contextual, "About pets.", "refused"),
        (contextual, "About pets.", ""),
        (propositions, stating("Pets are here.", ""), stating("Beasts are here.", "")),
        (propositions, stating("Pets are here.", ""), "refused"),
        (propositions, stating("Pets are here.", ""), '{"statements": []}'),
    ],
)
def test_what_a_model_wrote_is_part_of_the_content_key(lab: Any, make: Callable[[str], Chunker], one: str, other: str) -> None:
    """Other words, or a reply that cannot be used, make another index of the same documents, chunker and model; the same replies make the same."""
    first, second, again = (built(lab, make(said)) for said in (one, other, one))
    assert first.chunk_key == second.chunk_key
    assert first.chunker == second.chunker
    assert first.content != second.content
    assert first.content == again.content


def test_replies_of_equal_length_differ_in_the_content_key_alone(lab: Any) -> None:
    """Two headers of two words each: without the digest both indexes would have one name."""
    one, other = built(lab, contextual("About pets.")), built(lab, contextual("About beasts."))
    apart: dict[str, Any] = {"content": "", "config": {}, "files": {}, "canaries": [], "seal": ""}
    assert replace(one, **apart) == replace(other, **apart)
    assert one.content != other.content


@pytest.mark.parametrize("duplicates", ["report", "drop"])
def test_without_such_text_the_content_key_is_that_of_the_documents(lab: Any, duplicates: str) -> None:
    """Worked by hand: id, digest, tenant, what it repeats, chunks. b.md has seven words, which are two chunks of five tokens."""
    text = "one two three four five six seven"
    pipeline = lab.pipeline(chunk={"use": "fixed", "size": 5}, index={"duplicates": duplicates})
    with lab.index({"b.md": text, "c.md": text}, pipeline) as index:
        rows = [
            ["b.md", Document("b.md", text).digest, "", "", 2],
            ["c.md", Document("c.md", text).digest, "", "b.md", 2 if duplicates == "report" else 0],
        ]
        expected = key("content", 2, pipeline.chunk_key, lab.runtime.identities(pipeline.chunk), index.manifest.spaces, pipeline.index.modified_key, rows)
        assert index.manifest.content == expected


def test_an_index_that_grew_has_the_content_key_of_one_built_at_once(lab: Any) -> None:
    """Also where a document has text from elsewhere, where it is dropped for another, and taken up again."""
    pipeline = lab.pipeline(chunk={"use": "contextual", "over": {"use": "fixed", "size": 5}}, index={"duplicates": "drop"})
    path, copies = lab.folder(), {**DOCUMENTS, "c.md": DOCUMENTS["b.md"]}
    for documents in ({"b.md": DOCUMENTS["b.md"]}, DOCUMENTS, copies, {"a.md": DOCUMENTS["a.md"], "c.md": DOCUMENTS["b.md"]}):
        lab.build(path, pipeline, documents)
        with Index.open(path, lab.runtime) as grown, lab.index(documents, pipeline) as fresh:
            assert grown.manifest.content == fresh.manifest.content
            assert all(row.derived for row in grown.documents.values() if row.chunks)


def test_an_index_on_a_server_has_the_content_key_of_one_on_disk(tmp_path: Path) -> None:
    """Rows keep the digest there too: documents that did not change are not cut again."""
    disk, lab = remote_lab.Disk(tmp_path), remote_lab.Lab()
    pipeline = remote_lab.pipeline(chunk={"use": "contextual", "over": {"use": "fixed", "size": 5}})
    lab.build(pipeline, DOCUMENTS)
    disk.same(lab, pipeline, DOCUMENTS)
    grown = {**DOCUMENTS, "c.md": "# Birds\n\na bird sings of the cat and the dog"}
    assert lab.build(pipeline, grown).unchanged == 2
    disk.same(lab, pipeline, grown)


@dataclass(frozen=True)
class Given(Chunker):
    """Yields what it was given."""

    pieces: tuple[Piece, ...] = ()
    use = "given"

    def chunk(self, document: Document, runtime: Runtime) -> Iterator[Piece]:
        yield from self.pieces


def derived(runtime: Runtime, *pieces: Piece) -> str:
    return cut(Document("a", "one two three"), Given(pieces), "k", runtime).derived


def test_the_digest_holds_all_that_was_said_of_every_chunk(runtime: Runtime) -> None:
    """Place, parent, indexed text and metadata of each; that a piece came twice changes no index. Own text alone has no digest."""
    said, plain = Piece(0, 3, (0, 7), "uno", {"from": "quote"}), Piece(4, 7)
    before = derived(runtime, said, plain)
    assert before == derived(runtime, said, plain, said) == derived(runtime, said, plain, replace(said, meta={"from": "terms"}))
    changed = [{"start": 1}, {"end": 2}, {"parent": (0, 8)}, {"parent": None}, {"index_text": "un"}, {"index_text": None}, {"meta": {"from": "terms"}}]
    others = [derived(runtime, replace(said, **change), plain) for change in changed] + [derived(runtime, said), derived(runtime, said, Piece(4, 6))]
    assert len({before, *others}) == 1 + len(others)
    assert derived(runtime, plain) == derived(runtime, replace(said, index_text=None)) == ""
    assert derived(runtime, replace(plain, index_text="two")) != ""  # said, though it is no other text: the chunk has another id


def test_rows_that_were_written_before_there_was_a_digest_are_read_as_without_one(tmp_path: Path) -> None:
    """Tables need not be built again; of a document without chunks no text is indexed, whatever was said of it."""
    path = tmp_path / NAME
    with DocumentTable(path, writable=True) as table:
        for doc_id, chunks in (("a", 1), ("b", 1), ("c", 0)):
            table.put(DocumentRow(doc_id, "d", "/c", chunks, 5, derived="x"), Facts())
        table.commit()
        assert table.digests() == [["a", "d", "", "", 1, "x"], ["b", "d", "", "", 1, "x"], ["c", "d", "", "", 0]]
    with sqlite3.connect(path) as db:
        db.execute("UPDATE documents SET body = json_remove(body, '$.derived') WHERE id = 'a'")
    db.close()
    with DocumentTable(path) as table:
        assert (table["a"].derived, table["b"].derived) == ("", "x")
        assert table.digests() == [["a", "d", "", "", 1], ["b", "d", "", "", 1, "x"], ["c", "d", "", "", 0]]
