"""Reading a corpus against what is held: only what is below a named path is touched, and what could not be read is not gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.index import scan
from rag.index.draft import Draft
from rag.index.prepare import NO_CHUNK, Recipe, prepare
from rag.index.scan import Changes, Named, Scan, above, below, check_mass
from rag.loaders.corpus import Failed, Loaded
from rag.types import Document

C = Path("/c")


@pytest.mark.parametrize(
    ("path", "folder", "inside"),
    [("/a/b", "/a", True), ("/a", "/a", True), ("/ab", "/a", False), ("/a", "/a/b", False), ("/a/b", "/", True), ("", "/", False), ("", "", False)],
)
def test_a_path_lies_below_itself_and_its_folders(path, folder, inside):
    assert below(path, folder) is inside


@pytest.mark.parametrize("path", ["/a/b/c.md", "/a", "/", "", "a/b"])
def test_a_path_lies_below_exactly_what_is_above_it(path):
    found = set(above(path))
    for folder in ("/", "/a", "/a/b", "/a/b/c.md", "/ab", "a", "a/b", "/a/b/c", ""):
        assert (folder in found) is (bool(folder) and below(path, folder)), folder


@pytest.mark.parametrize(
    ("named", "root", "source", "covered"),
    [
        (["/c"], "/c", "/c/a.md", True),
        (["/c"], "/c", "", True),  # a document of no file is below its root
        (["/c/x"], "/c", "/c/x/a.md", True),
        (["/c/x"], "/c", "/c/xy/a.md", False),
        (["/c/x"], "/c", "", False),
        (["/c/x.md"], "/c", "/c/x.md", True),
        (["/"], "/c", "/c/a.md", True),  # a path above an older root
        (["/c"], "/c/deep", "/c/deep/a.md", True),
        (["/d"], "/c", "/c/a.md", False),
        (["/d", "/c"], "/c", "/c/a.md", True),
        ([], "/c", "/c/a.md", False),
        (None, "/c", "", True),
        (["/caf\udce9/x"], "/caf\udce9", "/caf\\udce9/x/a.md", True),  # sources are spelt without lone surrogates
        (["/caf\udce9"], "/caf\udce9/x", "/caf\\udce9/x/a.md", True),
    ],
)
def test_a_document_is_covered_by_a_path_above_its_root_or_above_its_file(named, root, source, covered):
    assert Named(None if named is None else [Path(p) for p in named]).covers(root, source) is covered


class Held:
    """A table of documents and what a corpus makes of it, without an engine."""

    def __init__(self, lab, folder):
        self.recipe = Recipe(lab.pipeline("bm25"), (), lab.runtime, 0.0)
        self.old = Draft(folder / "old", None)
        self.folder = folder
        self.drafts = []

    def hold(self, doc_id, text="text", root="/c", source=None):
        document = Document(doc_id, text, source=f"{root}/{doc_id}" if source is None else source)
        self.old.add(prepare(document, root, self.recipe))

    def draft(self):
        if not self.drafts:
            self.old.table.commit()
            self.drafts.append(Draft(self.folder / "new", self.old.path))
        return self.drafts[0]

    def scan(self, items, named=("/c",)):
        return Scan(self.old.table, Named([Path(p) for p in named]), self.recipe, self.draft).read(items)


@pytest.fixture
def held(lab, tmp_path):
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    made = Held(lab, tmp_path)
    yield made
    for draft in [made.old, *made.drafts]:
        draft.discard()


def loaded(doc_id, text="text", root="/c", source=None, **more):
    return Loaded(Document(doc_id, text, source=f"{root}/{doc_id}" if source is None else source, **more), Path(root))


def counts(changes):
    return sorted(changes.added), sorted(changes.updated), sorted(changes.deleted), changes.unchanged, [f.doc_id for f in changes.failed], changes.spared


def test_only_what_lies_below_the_named_paths_is_deleted(held):
    for name in ("a.md", "x/b.md", "x/c.md", "xy/d.md"):
        held.hold(name)
    held.hold("e.md", root="/d")
    found = held.scan([loaded("x/b.md")], ["/c/x"])
    assert counts(found) == ([], [], ["x/c.md"], 1, [], 0)
    assert sorted(held.drafts[0].table) == ["a.md", "e.md", "x/b.md", "xy/d.md"]


def test_a_path_above_an_older_root_takes_over_its_documents(held):
    held.hold("a.md", root="/c/deep")
    held.hold("b.md", root="/c/deep")
    found = held.scan([loaded("deep/a.md", root="/c"), loaded("b.md", root="/c", source="/c/deep/b.md")], ["/c"])
    assert counts(found) == (["deep/a.md"], ["b.md"], ["a.md"], 0, [], 0)
    assert found.moved == 1  # a.md, under its longer name
    assert held.drafts[0].table["b.md"].root == "/c"


def test_nothing_that_changed_makes_no_draft(held):
    held.hold("a.md")
    found = held.scan([loaded("a.md"), Failed("b.md", "binary", C, "/c/b.md")])
    assert counts(found) == ([], [], [], 1, ["b.md"], 0)
    assert not found
    assert held.drafts == []


@pytest.mark.parametrize(
    ("failed", "spared"),
    [
        (Failed("f.jsonl#7", "not JSON", C, "/c/f.jsonl"), ["one", "two"]),  # a line that cannot be read names no document
        (Failed("f.jsonl", "too large", C, "/c/f.jsonl"), ["one", "two"]),
        (Failed("x", "permission denied", C, "/c/x"), ["x/three"]),
        (Failed("one", "not text", C, "/c/f.jsonl"), ["one"]),  # the document itself: of its file, what is gone is gone
        (Failed("c", "permission denied", C, "/c"), ["one", "two", "x/three"]),
        (Failed("other", "binary", C, "/c/other"), []),
        (Failed("nowhere", "binary", C), []),
    ],
)
def test_what_lies_in_a_folder_file_or_line_that_could_not_be_read_stays(held, failed, spared):
    held.hold("one", source="/c/f.jsonl")
    held.hold("two", source="/c/f.jsonl")
    held.hold("x/three")
    found = held.scan([failed])
    assert sorted({"one", "two", "x/three"} - set(found.deleted)) == spared
    assert found.spared == len(set(spared) - {failed.doc_id})


def test_a_file_that_merely_begins_like_one_that_failed_is_not_spared(held):
    held.hold("xy.md")
    assert held.scan([Failed("x", "permission denied", C, "/c/x")]).deleted == ["xy.md"]


def test_of_two_documents_of_one_id_the_first_stays_and_the_second_is_counted(held):
    found = held.scan([loaded("a.md", "first"), loaded("a.md", "second")])
    assert counts(found) == (["a.md"], [], [], 0, ["a.md"], 0)
    assert found.failed[0].reason == "duplicate id"
    assert held.drafts[0].table["a.md"].length == len("first")


@pytest.mark.parametrize("together", [1, 2, 3, 64])
def test_however_many_documents_are_prepared_together_the_same_comes_out(held, monkeypatch, together):
    """What failed is said in order; of two of one id the second is taken where the first has no text, and one that failed spares what it held."""
    monkeypatch.setattr(scan, "TOGETHER", together)
    held.hold("kept.md")
    held.hold("old.md")
    blank, second = loaded("twice.md", " "), loaded("twice.md", "second")
    items = [
        loaded("a.md"),
        blank,
        second,
        loaded("a.md", "again"),
        Failed("old.md", "binary", C, "/c/old.md"),
        loaded("kept.md", "new"),
        loaded("blank.md", " "),
    ]
    found = held.scan([*items, loaded("b.md"), loaded("\0.md"), loaded("twice.md", "third")])
    failed = ["twice.md", "a.md", "old.md", "blank.md", "\0.md", "twice.md"]
    assert counts(found) == (["a.md", "b.md", "twice.md"], ["kept.md"], [], 0, failed, 0)
    assert [f.reason for f in found.failed if f.doc_id in ("a.md", "twice.md")] == [NO_CHUNK, "duplicate id", "duplicate id"]
    assert [d.text for d in held.drafts[0].spooled()] == ["text", "second", "new", "text"]
    assert sorted(held.drafts[0].table) == ["a.md", "b.md", "kept.md", "old.md", "twice.md"]


def test_documents_wait_for_no_more_than_so_many_characters(held, monkeypatch):
    monkeypatch.setattr(scan, "CHARACTERS", 10)
    seen = []

    def corpus():
        for n in range(6):
            yield loaded(f"{n}.md", "12345")
            seen.append(held.drafts[0].chunks if held.drafts else 0)

    held.scan(corpus())
    assert seen == [0, 2, 2, 4, 4, 6]


def test_an_id_of_a_path_that_is_not_named_is_refused_and_kept(held):
    held.hold("a.md", root="/d")
    found = held.scan([loaded("a.md", "other")])
    assert counts(found) == ([], [], [], 0, ["a.md"], 0)
    assert (
        found.failed[0].reason
        == "the index has a document of this id from /d; rename one, or, where the corpus was moved, index it with --rebuild --allow-mass-delete"
    )


def test_a_nested_path_with_a_name_that_is_not_utf8_is_brought_up_to_date(held):
    root, spelt = "/caf\udce9", "/caf\\udce9"
    for name in ("one", "two"):
        held.hold(name, root=root, source=f"{spelt}/x/f.jsonl")
    found = held.scan([loaded("one", "edited", root=root, source=f"{spelt}/x/f.jsonl")], [f"{root}/x"])
    assert counts(found) == ([], ["one"], ["two"], 0, [], 0)


def test_a_document_found_in_another_file_is_looked_for_there_from_then_on(held):
    """Else bringing only the file up to date that it once was in would delete it."""
    held.hold("one", source="/c/f.jsonl")
    found = held.scan([loaded("one", source="/c/g.jsonl")])
    assert counts(found) == ([], [], [], 1, [], 0)
    assert found.placed == 1
    assert found
    table = held.drafts[0].table
    assert table["one"].source == next(table.places())[2] == "/c/g.jsonl"
    assert list(held.drafts[0].added) == []
    again = Scan(table, Named([Path("/c/f.jsonl")]), held.recipe, held.draft).read([])
    assert again.deleted == []


def test_a_document_whose_new_version_cannot_be_stored_keeps_its_former_one(held):
    held.hold("a.md")
    found = held.scan([Loaded(Document("a.md", "new", {"k": object()}), loaded("a.md", "new").root)])
    assert counts(found) == ([], [], [], 0, ["a.md"], 0)


def test_a_document_that_was_emptied_goes(held):
    """It was read, and it says nothing: what it said before must not go on answering."""
    held.hold("a.md")
    found = held.scan([loaded("a.md", "  ")])
    assert counts(found) == ([], [], ["a.md"], 0, ["a.md"], 0)


def test_moved_documents_are_counted_one_for_one(held):
    """Ten copies that go and one that comes are nine lost."""
    for n in range(10):
        held.hold(f"{n}.md", "the same")
    found = held.scan([loaded("new.md", "the same")])
    assert (len(found.deleted), found.moved) == (10, 1)


@pytest.mark.parametrize(
    ("held", "deleted", "moved", "refused"),
    [(100, 20, 0, False), (100, 21, 0, True), (100, 100, 80, False), (100, 100, 79, True), (5, 1, 0, False), (1, 1, 0, False), (3, 1, 0, False), (3, 2, 0, True),
     (10, 2, 0, False), (10, 3, 0, True), (15, 3, 0, False), (35, 7, 0, False), (35, 8, 0, True), (0, 0, 0, False)],
)  # fmt: skip
def test_more_than_a_fifth_may_not_go_unasked_moved_and_single_documents_aside(held, deleted, moved, refused, tmp_path):
    changes = Changes(deleted=[str(n) for n in range(deleted)], moved=moved)
    if not refused:
        check_mass(changes, held, tmp_path)
        return
    with pytest.raises(
        StoreError, match=rf"{deleted - moved} of {held} documents are no longer below .* 20%; nothing was changed; check the paths, or add --allow-mass-delete"
    ):
        check_mass(changes, held, tmp_path)


def test_the_guard_holds_in_a_build_and_is_lifted_by_name(lab):
    path, pipeline = lab.folder(), lab.pipeline("bm25")
    ten = {f"{n}.md": f"text number{n}" for n in range(10)}
    lab.build(path, pipeline, ten)
    before, few = lab.live(path), dict(list(ten.items())[:7])
    with pytest.raises(StoreError, match="3 of 10 documents are no longer below the named paths"):
        lab.build(path, pipeline, few, allow_mass_delete=False)
    assert lab.live(path) == before
    assert sorted(p.name for p in path.iterdir()) == ["CURRENT", before, "lock"]
    moved = {f"moved/{i}": t for i, t in ten.items()}
    assert lab.build(path, pipeline, moved, allow_mass_delete=False).deleted == 10
    assert lab.build(path, pipeline, dict(list(moved.items())[:8]), allow_mass_delete=False).deleted == 2
    assert lab.build(path, pipeline, {}, allow_mass_delete=True).deleted == 8
