"""What the guards of tenant isolation stand against: results remembered for somebody else, and an index whose files lie."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest

from rag.errors import StoreError
from rag.index.edge import EdgeEngine
from rag.index.engine import Scope
from rag.index.generation import layout
from rag.index.reader import Reader
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime
from rag.types import Chunk, Document, Query

from .tenants import ALPHA, BETA, CHUNK, TEAM, everything, guessed, view

REFUSAL = "row of another tenant"
PAGE = 4096


def pipe(lab, retrieve=None):
    return lab.pipeline(retrieve or everything(), CHUNK, refine=["mmr", "parents"], pack={"use": "budget", "tokens": 400}, **TEAM)


@pytest.fixture(scope="module")
def shared(lab):
    path = lab.folder()
    lab.build(path, pipe(lab), [*ALPHA, *BETA])
    return path


def memo_of(index):
    return dict(index.runtime.memo._db.execute("SELECT key, value FROM memo WHERE CAST(value AS TEXT) LIKE '[[%'").fetchall())


@pytest.mark.parametrize("use", ["bm25", "dense", "rank_bm25"])
def test_what_is_remembered_for_one_tenant_never_answers_another(lab, shared, use):
    """T6: whatever stands under the keys that beta's searches use, alpha's do not read it; nor those of another k1, limit, filter or content."""
    runtime, pipeline = Runtime(memo=Memo(), show_progress=False), pipe(lab, use)
    with Index.open(shared, runtime, memo=True) as index:
        first = view(index, pipeline)
        own = memo_of(index)
        view(index, pipeline, "beta")
        others = memo_of(index).keys() - own.keys()
        assert own
        assert others
        runtime.memo.put_many(dict.fromkeys(others, b'[["poison", 9.0]]'))
        assert view(index, pipeline) == first
        other_limit = replace(pipeline.retrieve, limit=3).rank(Query("shared common"), index.reader(pipeline, tenant="alpha"))
        runtime.memo.put_many(dict.fromkeys(memo_of(index), b'[["poison", 9.0]]'))
        with pytest.raises(StoreError, match=r"no chunk poison|the index engine failed"):
            pipeline.search(index, "shared common yaka banana", tenant="alpha")
    assert len(other_limit.scored) == 3
    lab.build(more := lab.folder(), pipe(lab), [*ALPHA, *BETA, Document("alpha/new.md", "shared common", {"team": "alpha"})])
    with Index.open(more, runtime, memo=True) as index:
        assert "poison" not in json.dumps(view(index, pipeline)), "another content has keys of its own"


def test_ids_of_another_tenant_put_into_the_memo_are_refused(lab, shared):
    runtime, pipeline = Runtime(memo=Memo(), show_progress=False), pipe(lab, "bm25")
    with Index.open(shared, runtime, memo=True) as index:
        chunk = guessed(index).chunk
        pipeline.search(index, "shared", tenant="alpha")
        runtime.memo.put_many(dict.fromkeys(memo_of(index), json.dumps([[chunk, 9.0]]).encode()))
        with pytest.raises(StoreError, match=rf"^no chunk {chunk} in this index"):
            pipeline.search(index, "shared", tenant="alpha")


def test_a_damaged_keyword_index_raises_and_never_gives_foreign_rows(lab, tmp_path):
    """T8: pages of the tenants' keyword index zeroed or in the place of others, behind the back of the digests that would refuse to open it."""
    documents = [Document(f"{t}/{n}.md", f"shared word{n % 7}", {"team": t}) for n in range(1200) for t in ("alpha", "beta")]
    pipeline = lab.pipeline({"use": "rrf", "of": [{"use": "bm25", "limit": 3000}, {"use": "dense", "limit": 3000}], "limit": 5}, "whole", **TEAM)
    lab.build(tmp_path / "ix", pipeline, documents)
    with Index.open(tmp_path / "ix", lab.runtime) as index:
        generation, manifest, rows = index.generation, index.manifest, {r.id: r for r in index.table.rows()}
    outcomes = []
    shard = generation / "shard"
    for file in sorted(shard.rglob("*tenant-map/values_to_points.bin")):
        whole = file.read_bytes()
        for start in range(0, len(whole), PAGE):
            for page in {bytes(PAGE), whole[start - PAGE : start]} - {b""}:
                copy = tmp_path / "copy"
                shutil.copytree(shard, copy)
                data = (whole[:start] + page + whole[start + PAGE :])[: len(whole)]
                (copy / file.relative_to(shard)).write_bytes(data)
                outcomes += damaged(copy, manifest, rows, pipeline, lab.runtime)
                shutil.rmtree(copy)
    assert set(outcomes) == {"own", "raised"}, "no page that was zeroed matters any more: damage another"
    file.write_bytes(data)
    with pytest.raises(StoreError):
        Index.open(tmp_path / "ix", lab.runtime)


def damaged(shard, manifest, rows, pipeline, runtime) -> list[str]:
    """Return how searches and scrolls of several tenants end on a shard: `own`, `raised` or `foreign`."""
    try:
        engine = EdgeEngine.load(shard, layout(manifest))
    except StoreError:
        return ["raised"]
    found = []
    for tenant in ("alpha", "beta"):
        reader = Reader(engine, manifest, rows, runtime, Scope(tenant), True, False)
        owners = {i: r.tenant for i, r in rows.items()}
        searches = [lambda r=reader, s=s: [h.chunk for h in s.search(Query("shared"), r).hits] for s in (pipeline.retrieve, *pipeline.retrieve.of)]
        for call in (*searches, lambda r=reader: list(r.all_chunks())):
            try:
                chunks: list[Chunk] = call()
                found.append("own" if all(owners[c.span.doc_id] == tenant for c in chunks) else "foreign")
            except StoreError as error:
                found.append("raised" if REFUSAL in str(error) or "failed" in str(error) else f"{error}")
    engine.close()
    return found
