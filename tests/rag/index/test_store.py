"""Opening: an index is what its manifest says or is refused in one line; readers fit it and stay within their scope."""

from __future__ import annotations

import shutil

import pytest

from rag.errors import StoreError
from rag.index.spaces import space_name
from rag.index.store import Index
from rag.memo import Memo
from rag.runtime import Runtime
from rag.stages import DenseSpace
from rag.types import Document

THREE = {"a.md": "the cat sat on the mat", "b.md": "dogs bark at cats", "c.md": "a bird sings"}


@pytest.fixture
def built(lab):
    path = lab.folder()
    lab.build(path, lab.pipeline(), THREE)
    return path


def live(path):
    return path / (path / "CURRENT").read_text().strip()


def refused(path, match):
    with pytest.raises(StoreError, match=match) as error:
        Index.open(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_an_index_knows_its_documents_and_the_pipeline_it_was_built_with(lab, built):
    with Index.open(built, lab.runtime) as index:
        assert sorted(index.documents) == sorted(THREE)
        assert index.pipeline == lab.pipeline()
        assert (index.manifest.chunks, index.manifest.documents, index.manifest.points) == (3, 3, 6)


def test_no_index_says_how_to_build_one(tmp_path):
    refused(tmp_path, "there is no index; build one with `rag index")
    refused(tmp_path / "none", "there is no index")
    (tmp_path / "file").write_text("x")
    refused(tmp_path / "file", "there is no index")


def test_a_wrong_number_of_points_is_refused_with_both_numbers(lab, built):
    lab.reseal(built, lambda m: m.update(points=7))
    refused(built, "holds 6 points, its manifest says 7; it is damaged")


def test_a_table_of_another_number_of_documents_is_refused_with_both_numbers(lab, built):
    lab.reseal(built, lambda m: m.update(documents=4))
    refused(built, r"documents\.sqlite: holds 3 documents, the manifest says 4; it is damaged")


def test_a_manifest_that_was_edited_is_refused(built):
    file = live(built) / "manifest.json"
    file.write_text(file.read_text().replace('"points": 6', '"points": 7'))
    refused(built, "the manifest is not what was sealed")


def segment_file(name):
    def damage(generation):
        found = [p for p in generation.rglob(name) if p.stat().st_size]
        assert found, f"the engine has no {name} any more; choose another file"
        for path in found:
            path.unlink()

    return damage


def truncate(name):
    def damage(generation):
        (generation / name).write_bytes((generation / name).read_bytes()[:20])

    return damage


DAMAGE = {
    "manifest-missing": lambda g: (g / "manifest.json").unlink(),
    "manifest-cut": truncate("manifest.json"),
    "documents-missing": lambda g: (g / "documents.sqlite").unlink(),
    "documents-cut": truncate("documents.sqlite"),
    "documents-empty": lambda g: (g / "documents.sqlite").write_bytes(b""),
    "shard-missing": lambda g: shutil.rmtree(g / "shard"),
    "shard-config-cut": truncate("shard/edge_config.json"),
    "segments-missing": lambda g: shutil.rmtree(g / "shard" / "segments"),
    "generation-missing": shutil.rmtree,
    # Two damages that the engine itself loads without a word, with points missing (engine.md 3.9):
    "segment-version-missing": segment_file("version.info"),
    "id-mappings-missing": segment_file("*id_tracker.mappings"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_refused_in_one_line_that_names_the_repair(built, damage):
    DAMAGE[damage](live(built))
    refused(built, "build it again with `rag index")


@pytest.mark.parametrize("data", [b"", b"gen-000077\n", b"../../etc\n", b"\xff\xfe"])
def test_a_damaged_pointer_is_refused(built, data):
    (built / "CURRENT").write_bytes(data)
    refused(built, "CURRENT.*restore the file, or build it again")


def test_an_index_built_for_other_chunks_or_spaces_is_refused_with_both(lab, built):
    with Index.open(built, lab.runtime) as index:
        with pytest.raises(StoreError, match=r"was cut by Whole.*says Fixed\(size=50.*use `rag migrate INDEX -c CONFIG` or index into another directory"):
            index.reader(lab.pipeline(chunk={"use": "fixed", "size": 50}))
        with pytest.raises(StoreError, match=r"has no SparseSpace.*k1=2.0.*`rag migrate"):
            index.reader(lab.pipeline({"use": "bm25", "k1": 2.0}))
        with pytest.raises(StoreError, match=r"has no DenseSpace.*hashing-32"):
            index.reader(lab.pipeline({"use": "dense", "model": "hashing-32"}))
        assert index.reader(lab.pipeline("dense"))  # fewer spaces than are there are fine


def test_a_model_whose_files_changed_is_refused_with_what_differs(lab, built):
    lab.reseal(built, lambda m: m["spaces"][space_name(DenseSpace("hashing-64"))]["identity"].update(digest="old"))
    with Index.open(built, lab.runtime) as index, pytest.raises(StoreError, match=r"hashing-64.*digest 'old' against"):
        index.reader(lab.pipeline())


def test_equal_questions_share_a_reader(lab, built):
    with Index.open(built, lab.runtime) as index:
        assert index.reader(lab.pipeline()) is index.reader(lab.pipeline(refine=["parents"]))
        assert index.reader(lab.pipeline()) is not index.reader(lab.pipeline(), exact=False)


def test_a_build_that_ends_while_an_index_is_being_opened_costs_nothing(lab, built, monkeypatch):
    """Between reading the pointer and opening the generation a build replaces both: the new one is opened."""
    import rag.index.store as module

    real, calls = module.open_generation, []

    def opening(generation):
        calls.append(generation)
        if len(calls) == 1:
            monkeypatch.setattr(module, "open_generation", real)  # the build opens the old one itself
            lab.build(built, lab.pipeline(), {"z.md": "new"})
            monkeypatch.setattr(module, "open_generation", opening)
        return real(generation)

    monkeypatch.setattr(module, "open_generation", opening)
    with Index.open(built, lab.runtime) as index:
        assert sorted(index.documents) == ["z.md"]
    assert [g.name for g in calls] == ["gen-000001", "gen-000002"]


def test_a_remembered_search_is_not_made_again_and_another_corpus_is_another_search(lab):
    runtime = Runtime(memo=Memo(), show_progress=False)
    pipeline, path = lab.pipeline({"use": "rrf", "of": ["bm25", "dense", "rank_bm25"]}), lab.folder()
    lab.build(path, pipeline, THREE, runtime=runtime)

    def ask():
        with Index.open(path, runtime, memo=True) as index:
            return pipeline.search(index, "cat")[0]

    first = ask()
    assert runtime.work.searches == 3
    assert ask() == first
    assert runtime.work.searches == 3
    lab.build(path, pipeline, {**THREE, "d.md": "cat cat"}, runtime=runtime)
    assert len(ask()) == len(first) + 1
    assert runtime.work.searches == 6
    lab.build(path, pipeline, THREE, runtime=runtime)
    assert ask() == first  # the chunks are what they were, though the generation is a third one
    assert runtime.work.searches == 6


def test_a_remembered_search_of_one_tenant_is_not_given_to_another(lab):
    pipeline = lab.pipeline({"use": "rrf", "of": ["bm25", "rank_bm25"]}, index={"tenant_key": "t"})
    path = lab.folder()
    lab.build(path, pipeline, [Document("a.md", "cat one", {"t": "x"}), Document("b.md", "cat two", {"t": "y"})])
    runtime = Runtime(memo=Memo(), show_progress=False)
    with Index.open(path, runtime, memo=True) as index:
        found = {tenant: [h.chunk.span.doc_id for h in pipeline.search(index, "cat", tenant=tenant)[0]] for tenant in "xyx"}
    assert found == {"x": ["a.md"], "y": ["b.md"]}


def test_without_a_memo_every_search_is_made(lab, built):
    runtime = Runtime(memo=Memo(), show_progress=False)
    with Index.open(built, runtime) as index:
        index.pipeline.search(index, "cat")
        index.pipeline.search(index, "cat")
    assert runtime.work.searches == 4
