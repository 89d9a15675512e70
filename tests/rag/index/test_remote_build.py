"""An index on a server is what a build on disk makes of the same documents, however it came to be."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from rag.errors import StoreError
from rag.index.check import check
from rag.index.engine import Scope
from rag.loaders.corpus import Failed, Loaded

from .remote_lab import ROOT, RUNTIME, Disk, Lab, document, loaded, pipeline, rows, sound, texts

WORDS = ["cat", "dog", "horse", "number3", "text", "new", "words", "w7", "zebra"]
LONG = " ".join(f"w{n}" for n in range(120))


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    return Disk(tmp_path_factory.mktemp("disk"))


@pytest.fixture
def lab():
    return Lab()


def ten():
    return {f"{n}.md": f"cat {n} dog text number{n} horse" for n in range(10)}


def test_every_kind_of_change_gives_the_index_of_a_fresh_build(lab, disk):
    pipe, docs = pipeline(), ten()
    assert lab.build(pipe, docs).added == 10
    disk.same(lab, pipe, docs)
    docs["3.md"] = "new words here entirely"
    docs["moved.md"] = docs.pop("4.md")
    del docs["5.md"]
    report = lab.build(pipe, docs)
    assert (report.added, report.updated, report.unchanged, report.deleted) == (1, 1, 7, 2)
    disk.same(lab, pipe, docs)


def test_weights_follow_the_average_length_across_a_step(lab, disk):
    pipe, docs = pipeline(), ten()
    lab.build(pipe, docs)
    docs["0.md"] = "cat"
    docs["long.md"] = LONG.replace(" ", "")[:60] + " " + LONG
    with lab.opened() as index:
        before = [s.get("average_length") for s in index.manifest.spaces.values()]
    lab.build(pipe, docs)
    with lab.opened() as index:
        assert [s.get("average_length") for s in index.manifest.spaces.values()] != before
    disk.same(lab, pipe, docs)


def test_documents_move_between_tenants(lab, disk):
    pipe = pipeline(tenant_key="team")
    docs = {f"{n}.md": document(f"{n}.md", f"cat {n} dog", team="ab"[n % 2]) for n in range(4)}
    lab.build(pipe, docs)
    disk.same(lab, pipe, docs, ("a", "b"))
    docs["1.md"] = document("1.md", "cat 1 dog", team="a")
    docs["2.md"] = document("2.md", "horse", team="c")
    lab.build(pipe, docs)
    disk.same(lab, pipe, docs, ("a", "b", "c"))


@pytest.mark.parametrize("modes", [("report", "drop"), ("drop", "report"), ("drop_exact", "drop"), ("report", "drop_exact"), ("drop", "drop_exact")])
def test_duplicates_are_dropped_and_taken_up_again_as_the_mode_says(lab, disk, modes):
    docs = {"a.md": LONG, "b.md": LONG, "c.md": f"{LONG} more", "d.md": "cat dog"}
    for mode in modes:
        pipe = pipeline(duplicates=mode)
        lab.build(pipe, docs)
        disk.same(lab, pipe, docs)
    del docs["a.md"]
    lab.build(pipe, docs)
    disk.same(lab, pipe, docs)


def test_a_document_that_lies_in_another_file_is_known_to_lie_there(lab, disk):
    pipe = pipeline()
    lab.build(pipe, {"x": document("x", "cat dog", source="one.jsonl"), "y": document("y", "horse", source="two.jsonl")})
    docs = {"x": document("x", "cat dog", source="two.jsonl"), "y": document("y", "horse", source="two.jsonl")}
    lab.build(pipe, docs)
    disk.same(lab, pipe, docs)
    lab.build(pipe, {}, roots=[ROOT / "one.jsonl"])  # what was in it lies elsewhere now
    disk.same(lab, pipe, docs)


def test_documents_of_other_folders_stay(lab):
    pipe = pipeline()
    lab.build(pipe, ten())
    other = ROOT.with_name("other")
    lab.build(pipe, {"o.md": "zebra"}, root=other, roots=[other])
    assert lab.server().roots() == [str(ROOT), str(other)]
    with lab.opened() as index:
        sound(index)
        assert len(index.documents) == 11
    lab.build(pipe, {}, root=other, roots=[other])
    with lab.opened() as index:
        sound(index)
        assert sorted(texts(index)) == sorted(ten())


def test_more_than_a_fifth_goes_only_when_that_is_allowed(lab):
    pipe = pipeline()
    lab.build(pipe, ten())
    with pytest.raises(StoreError, match=r"10 of 10 documents .* --allow-mass-delete"):
        lab.build(pipe, {}, allow_mass_delete=False)
    with lab.opened() as index:
        sound(index)
        assert len(index.documents) == 10


def test_another_chunker_space_or_tenant_key_is_refused_with_both_names(lab):
    lab.build(pipeline(), ten())
    for other, names in (
        (pipeline(chunk="whole"), "fixed.*whole"),
        (pipeline("bm25"), "DenseSpace.*SparseSpace"),
        (pipeline(tenant_key="team"), "None.*'team'"),
    ):
        with pytest.raises(StoreError, match=names):
            lab.build(other, ten())
    with lab.opened() as index:
        sound(index)


def test_a_rebuild_starts_from_nothing_even_where_the_manifest_is_damaged(lab, disk):
    pipe = pipeline()
    lab.build(pipe, ten())
    lab.client.delete("idx", [i for i, _ in lab.server()._bare("idx").scroll("manifest", Scope())])
    with pytest.raises(StoreError, match=r"no manifest.*--rebuild"):
        lab.build(pipe, ten())
    assert lab.server().roots() == [str(ROOT)]
    lab.build(pipe, ten(), rebuild=True)
    disk.same(lab, pipe, ten())
    assert (lab.server().admin.aliases(), lab.server().admin.collections()) == ({"idx": "idx-000002"}, ["idx-000002"])


def test_metadata_that_does_not_fit_into_a_point_fails_that_document_alone(lab):
    many = {f"k{n}": "€" * 1500 for n in range(55)}  # fits into the payload of a chunk (3 bytes each), not with what a row has beside it
    report = lab.build(pipeline("bm25", chunk="whole"), {"a.md": "cat", "big.md": document("big.md", "dog", **many)})
    assert [(f.doc_id, "does not fit into a point" in f.reason) for f in report.failed] == [("big.md", True)]
    assert report.added == 1


def test_text_and_names_of_every_kind_come_back(lab):
    docs = {
        "ü/€ 😀.md": document("ü/€ 😀.md", "Größe 😀 " * 2000, source=b"caf\xe9.md".decode("utf-8", "surrogateescape"), tags=("a", "b"), n=1, f=0.5, b=True)
    }
    pipe = pipeline(chunk="whole")
    lab.build(pipe, docs)
    with lab.opened() as index:
        sound(index)
        assert texts(index) == {i: d.text for i, d in docs.items()}
        assert index.table["ü/€ 😀.md"].meta == {"tags": ("a", "b"), "n": 1, "f": 0.5, "b": True}
        assert index.table["ü/€ 😀.md"].source.endswith("caf\udce9.md")
        assert index.table.get("\ud800") is None


def test_a_document_that_fails_keeps_its_former_version(lab):
    pipe, docs = pipeline(), ten()
    lab.build(pipe, docs)
    server = lab.server()
    from rag.index.remote_build import build_remote

    items: list[Loaded | Failed] = [*loaded({i: t for i, t in docs.items() if i != "3.md"}), Failed("3.md", "unreadable", ROOT)]
    report = build_remote(server, pipe, items, [ROOT], RUNTIME)
    assert ([f.doc_id for f in report.failed], report.unchanged) == (["3.md"], 9)
    with lab.opened() as index:
        sound(index)
        assert texts(index) == docs


class Machine(RuleBasedStateMachine):
    """Random changes, each followed by a build on the server; in the end it is what a build on disk makes of the documents."""

    disk: Disk

    @initialize(tenants=st.booleans())
    def begin(self, tenants):
        self.lab, self.docs, self.tenants, self.mode = Lab(), {}, tenants, "report"

    def _build(self):
        self.pipe = pipeline(duplicates=self.mode, **({"tenant_key": "team"} if self.tenants else {}))
        self.lab.build(self.pipe, self.docs)

    @rule(
        changes=st.dictionaries(
            st.sampled_from(["a", "b", "c", "d"]),
            st.tuples(st.lists(st.sampled_from(WORDS), min_size=1, max_size=12), st.sampled_from(["red", "blue"]), st.booleans()),
            max_size=3,
        )
    )
    def put(self, changes):
        for i, (words, team, long) in changes.items():
            self.docs[i] = document(i, " ".join(words * (6 if long else 1)), team=team)
        self._build()

    @rule(name=st.sampled_from(["a", "b", "c", "d"]))
    def remove(self, name):
        self.docs.pop(name, None)
        self._build()

    @rule(names=st.permutations(["a", "b", "c", "d"]))
    def rename(self, names):
        if (was := self.docs.pop(names[0], None)) is not None:
            self.docs[names[1]] = document(names[1], was.text, **was.meta)
        self._build()

    @rule(names=st.permutations(["a", "b", "c", "d"]))
    def copy(self, names):
        if (was := self.docs.get(names[0])) is not None:
            self.docs[names[1]] = document(names[1], was.text, **was.meta)
        self._build()

    @rule(mode=st.sampled_from(["report", "drop", "drop_exact"]))
    def switch(self, mode):
        self.mode = mode
        self._build()

    @invariant()
    def is_sound(self):
        if hasattr(self, "pipe"):
            with self.lab.opened() as index:
                sound(index)
                assert set(rows(index)) == set(self.docs)

    def teardown(self):
        if hasattr(self, "pipe"):
            self.disk.same(self.lab, self.pipe, self.docs, ("red", "blue") if self.tenants else (None,))


def test_any_history_gives_the_index_of_a_fresh_build(disk):
    from hypothesis.stateful import run_state_machine_as_test

    Machine.disk = disk
    phases = (Phase.explicit, Phase.reuse, Phase.generate)  # every example builds an index on disk: shrinking would take many minutes
    run_state_machine_as_test(
        Machine, settings=settings(max_examples=12, stateful_step_count=8, deadline=None, phases=phases, suppress_health_check=list(HealthCheck))
    )


def test_check_names_what_is_wrong_and_says_to_run_again(lab):
    lab.build(pipeline(), ten())
    with lab.opened() as index:
        chunk = index.engine.points_of("", "3.md")[0]
        index.engine.delete([chunk])
        assert check(index)["faults"] != []
    with pytest.raises(StoreError, match=r"1 documents are not as they were written, 3.md first.*run this one again"):
        lab.build(pipeline(), ten())
    with lab.opened() as index:
        assert any("1 documents are being written" in f and "rag index` again" in f for f in check(index)["faults"])
    lab.build(pipeline(), ten())
    with lab.opened() as index:
        sound(index)
