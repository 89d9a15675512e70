"""Reading a part of a corpus gives what reading the whole gives for that part."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag.errors import CorpusError
from rag.loaders.corpus import Failed, read


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A corpus with everything in it."""
    root = tmp_path / "root"
    for name, text in {
        "a.md": "a", "a.md.meta.yaml": "team: red", "sub/b.md": "b", "sub/deep/c.txt": "c", "sub/rows.jsonl": '{"text": "r"}\n{"id": "own", "text": "o"}\nbad\n',
        "sub/corpus.jsonl": '{"_id": "7", "text": "x"}', "sub/.hidden/d.md": "d", "sub/e.png": "e", "sub/empty.md": "", "sub/gone.md.meta.yaml": "a: 1",
    }.items():  # fmt: skip
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    (tmp_path / "out.md").write_text("secret")
    (root / "sub" / "in.md").symlink_to("../a.md")
    (root / "sub" / "out.md").symlink_to("../../out.md")
    (root / "link").symlink_to("sub")
    (root / "away").symlink_to("..")
    return root


@pytest.mark.parametrize("part", ["a.md", "sub", "sub/deep", "sub/b.md", "sub/rows.jsonl", "sub/in.md", "sub/out.md", "sub/empty.md", "sub/corpus.jsonl"])
def test_a_part_reads_as_in_the_whole(base: Path, load: Callable[..., Any], part: str) -> None:
    """The same documents, failures and sources, no more and no less, and all of them of the base."""
    whole, found = load(base), load(base / part, bases={base / part: base})
    below = (str(base / part), str(base / part) + "/")

    def inside(source: str) -> bool:
        return source == below[0] or source.startswith(below[1])

    assert found.documents == {i: d for i, d in whole.documents.items() if inside(d.source)}
    assert found.failed == {i: reason for i, reason in whole.failed.items() if inside(whole.sources[i])}
    assert found.sources == {i: source for i, source in whole.sources.items() if inside(source)}
    assert set(found.roots) == {base}
    assert found.documents or found.failed


def test_the_metadata_file_stands_for_its_file(base: Path, load: Callable[..., Any]) -> None:
    """When it changes, its document is what has to be read; one without a file is a failure."""
    changed = base / "a.md.meta.yaml"
    assert load(changed, bases={changed: base}).documents["a.md"].meta == {"team": "red"}
    orphan = base / "sub" / "gone.md.meta.yaml"
    assert list(load(orphan, bases={orphan: base}).failed) == ["sub/gone.md.meta.yaml"]


@pytest.mark.parametrize(
    ("part", "ignored", "failed"),
    [
        ("sub/.hidden/d.md", {"hidden": 1}, []),
        ("sub/.hidden", {"hidden": 1}, []),
        ("link/b.md", {"link to a folder that is read where it is": 1}, []),
        ("link", {"link to a folder that is read where it is": 1}, []),
        ("sub/e.png", {".png": 1}, []),
        ("away/out.md", {}, ["away/out.md"]),
        ("away", {}, ["away"]),
    ],
)
def test_what_the_whole_does_not_read_the_part_does_not_either(
    base: Path, load: Callable[..., Any], part: str, ignored: dict[str, int], failed: list[str]
) -> None:
    """Hidden, linked and foreign files, named one by one."""
    found = load(base / part, bases={base / part: base})
    assert (found.documents, found.summary.ignored, list(found.failed)) == ({}, ignored, failed)


def test_parts_and_wholes_beside_each_other(base: Path, tmp_path: Path, load: Callable[..., Any]) -> None:
    """Only the paths that are named in `bases` are parts; a base of itself is a whole."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.md").write_text("x")
    found = load(base / "sub" / "deep", other, bases={base / "sub" / "deep": base, other: other})
    assert (list(found.documents), found.roots) == (["sub/deep/c.txt", "x.md"], [base, other])


def test_a_part_of_a_beir_folder_and_a_part_of_something_else_are_errors(base: Path, tmp_path: Path) -> None:
    """At once, with what to name instead."""
    beir = tmp_path / "beir"
    beir.mkdir()
    (beir / "corpus.jsonl").write_text('{"_id": "1", "text": "x"}')
    with pytest.raises(CorpusError, match=r"a part of .*, which is a BEIR folder and is read as a whole; name the folder"):
        read([beir / "corpus.jsonl"], 1, None, {beir / "corpus.jsonl": beir})
    assert len(list(read([beir], 1, None, {beir: beir}))) == 1
    with pytest.raises(CorpusError, match="not below"):
        read([beir], 1, None, {beir: base})
    with pytest.raises(CorpusError, match="no such file or folder"):
        read([base / "none.md"], 1, None, {base / "none.md": base})


def test_an_unreadable_line_and_file_say_where_they_are(base: Path) -> None:
    """A bad line's source is its file, spelt as the sources of the documents beside it."""
    found = [item for item in read([base], 1) if isinstance(item, Failed)]
    assert {f.doc_id: f.source for f in found if "rows" in f.doc_id} == {"sub/rows.jsonl#3": str(base / "sub" / "rows.jsonl")}
