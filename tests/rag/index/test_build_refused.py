"""What cannot be indexed: one document is counted with its reason, another chunker, space or model is refused as a whole."""

from __future__ import annotations

import pytest

from rag.errors import StoreError
from rag.index.spaces import space_name
from rag.stages import DenseSpace
from rag.types import Document

DENSE = space_name(DenseSpace("hashing-64"))
THREE = {"a.md": "the cat sat on the mat", "b.md": "dogs bark at cats", "c.md": "a bird sings"}


UNFIT = [
    (Document("\ud800.md", "text"), "half a surrogate"),
    (Document("a\0.md", "text"), "NUL"),
    (Document("", "text"), "its id is empty"),
    (Document("x.md", "te\udfffxt"), "half a surrogate"),
    (Document("x.md", "text", title="\ud800"), "half a surrogate"),
    (Document("x.md", "text", {"k": 2**64}), "64 bits"),
    (Document("x.md", "text", {"k": float("nan")}), "not finite"),
    (Document("x.md", "text", {"k": "\ud800"}), "lone surrogate"),
    (Document("x.md", "text", {"k": "y" * 300_000}), "payload of"),
    (Document("x.md", "text", {"k": ["a"]}), "is a list"),  # type: ignore[dict-item]  # that is the test
    (Document("x.md", "text", {"k": (1,)}), "is a tuple"),  # type: ignore[dict-item]  # that is the test
    (Document("x.md", " \n"), "blank"),
    (Document("x.md", "---\n---\n", body=8), "blank"),
]


def test_one_unfit_document_is_counted_with_its_reason_and_the_rest_is_indexed(lab, fresh):
    for document, reason in UNFIT:
        path = lab.folder()
        report = lab.build(path, lab.pipeline(), [document], runtime=fresh)
        assert lab.counts(report) == lab.expect(failed=[document.id]), document
        assert reason in report.failed[0].reason
    path = lab.folder()
    report = lab.build(path, lab.pipeline(), [UNFIT[0][0], Document("good.md", "good text"), *(d for d, _ in UNFIT[1:])], runtime=fresh)
    assert lab.counts(report) == lab.expect(added=1, failed=[d.id for d, _ in UNFIT])
    assert sorted(lab.texts(path)) == ["good.md"]


def test_odd_but_valid_documents_are_indexed(lab):
    document = Document("ключ/%22 [x].md", "NUL \0 \U0001f469\u200d\U0001f467 \u2028", {"two words": "v", "a.b": 1, "": True, 'q"': 0.5}, "T\u2028")
    with lab.index([document]) as index:
        (hit,) = index.pipeline.search(index, "NUL")[0]
        assert hit.chunk.text == "NUL \0 \U0001f469\u200d\U0001f467"
        assert hit.chunk.meta == document.meta
        assert hit.chunk.meta[""] is True


def test_an_empty_corpus_is_an_index_that_finds_nothing(lab):
    with lab.index({}) as index:
        hits, _ = index.pipeline.search(index, "cat")
        assert hits == ()
        assert index.pipeline.ask(index, "cat").abstained == "nothing was retrieved"


@pytest.mark.parametrize(
    ("other", "names"),
    [
        ({"chunk": {"use": "fixed", "size": 50}}, ["whole", "fixed"]),
        ({"retrieve": "bm25"}, ["holds the vector spaces SparseSpace(", "DenseSpace(model='hashing-64'", "needs SparseSpace("]),
        ({"retrieve": {"use": "bm25", "k1": 2.0}}, ["k1=1.2", "k1=2.0"]),
        ({"retrieve": "rank_bm25"}, ["holds the vector spaces SparseSpace(", "needs none"]),
        ({"index": {"tenant_key": "team"}}, ["None", "'team'"]),
    ],
)
def test_another_chunker_space_or_tenancy_is_refused_with_both_names(lab, other, names):
    path = lab.folder()
    lab.build(path, lab.pipeline(), THREE)
    before = lab.live(path)
    with pytest.raises(StoreError) as error:
        lab.build(path, lab.pipeline(**other), THREE)
    assert all(name in str(error.value) for name in (*names, str(path), "rag migrate", "another directory"))
    assert lab.live(path) == before


def test_another_model_under_the_same_name_is_refused(lab):
    path = lab.folder()
    lab.build(path, lab.pipeline(), THREE)
    lab.reseal(path, lambda m: m["spaces"][DENSE]["identity"].update(digest="old"))
    with pytest.raises(StoreError, match=r"embedded with hashing-64, the configuration asks for hashing-64 .digest 'old' against '.+'.; use the same model"):
        lab.build(path, lab.pipeline(), {})


def test_another_tokenizer_under_the_same_name_is_refused(lab):
    path, pipeline = lab.folder(), lab.pipeline(chunk={"use": "fixed", "size": 50})
    lab.build(path, pipeline, THREE)
    lab.reseal(path, lambda m: m.update(chunker=["0" * 32]))
    with pytest.raises(StoreError, match="another version of the model or tokenizer that chunk: names"):
        lab.build(path, pipeline, {})
