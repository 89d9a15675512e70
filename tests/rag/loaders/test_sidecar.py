"""Metadata files: what they say is the document's, and what is wrong with one is said of its document."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag.loaders.base import Parsed
from rag.loaders.sidecar import described, with_sidecar


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("a.pdf.meta.yaml", "a.pdf"), ("a.pdf.meta.yml", "a.pdf"), ("a.pdf.meta.json", "a.pdf"), ("a.meta.yaml", "a"), (".meta.yaml", ""),
        ("a.yaml", ""), ("a.pdf.meta", ""), ("a.meta.yaml.bak", ""),
    ],
)  # fmt: skip
def test_which_file_a_metadata_file_is_about(name: str, of: str) -> None:
    """The name without one of the three endings."""
    assert described(name) == of


def test_metadata_beside_a_file_is_on_top_of_front_matter(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Both are kept, the metadata file wins, types are those of front matter, and the file is no document itself."""
    (tmp_path / "a.md").write_text("---\nteam: red\nyear: 2020\ntitle: Old\n---\nBody")
    (tmp_path / "a.md.meta.yaml").write_text("year: 2024\nwhen: 2024-03-01\ntags: [x, 1]\ngeo: {lat: 1.5}\ntitle: Annual report\n")
    (tmp_path / "b.html").write_text("<title>T</title><p>b")
    (tmp_path / "b.html.meta.json").write_text('{"ok": true, "smile": "\\ud83d\\ude00", "title": 5}')
    found = load(tmp_path)
    assert dict(found.documents["a.md"].meta) == {"team": "red", "year": 2024, "when": "2024-03-01", "tags": ("x", "1"), "geo.lat": 1.5}
    assert (found.documents["a.md"].title, found.documents["a.md"].body) == ("Annual report", 40)
    assert dict(found.documents["b.html"].meta) == {"ok": True, "smile": "\U0001f600", "title": 5}
    assert found.documents["b.html"].title == "T"
    assert (list(found.documents), found.failed, found.summary.ignored) == (["a.md", "b.html"], {}, Counter())


def test_a_changed_metadata_file_is_a_changed_document(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Its content digest is another one."""
    (tmp_path / "a.md").write_text("a")
    before = load(tmp_path).documents["a.md"].digest
    (tmp_path / "a.md.meta.yaml").write_text("team: red")
    assert load(tmp_path).documents["a.md"].digest != before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a: [1", "a.md.meta.yaml: line 1: not valid YAML"),
        (b"a: 1\na: 2", "a.md.meta.yaml: line 2: key 'a' is there twice; keep one"),
        (b"- a", "a.md.meta.yaml: not a mapping of names to values"),
        (b"text", "a.md.meta.yaml: not a mapping of names to values"),
        (b"a: !!python/object:os.system x", "a.md.meta.yaml: line 1: not valid YAML"),
        (b"a: caf\xe9", "a.md.meta.yaml: not UTF-8 text"),
        (b"a: &x 1\nb: *x", "a.md.meta.yaml: line 2: YAML aliases"),
        (b'a: "\\ud800"', "a.md.meta.yaml: half a surrogate pair"),
        (b"a: {b: 1}\na.b: 2", "a.md.meta.yaml: key 'a.b' is there twice"),
        (b"a: " + b"[" * 30_000, "a.md.meta.yaml: line 1: nested more than 32 deep"),
        (b"# " + b"x" * 65_535, "a.md.meta.yaml: is over 64 KB"),
    ],
)
def test_a_bad_metadata_file_fails_its_document(tmp_path: Path, load: Callable[..., Any], content: bytes, reason: str) -> None:
    """The metadata file is named; a document without its metadata could be read by those it is hidden from."""
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "a.md.meta.yaml").write_bytes(content)
    found = load(tmp_path)
    assert found.documents == {}
    assert found.failed["a.md"].startswith(reason)
    assert found.sources == {"a.md": str(tmp_path / "a.md")}


def test_an_empty_metadata_file_says_nothing(tmp_path: Path, load: Callable[..., Any]) -> None:
    """It is as if it were not there."""
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "a.md.meta.yaml").write_text("# nothing yet\n")
    assert load(tmp_path).documents["a.md"].meta == {}


def test_metadata_alone_twice_and_for_what_is_not_read(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Each is told: a failure of its own, a failure of the document, a count."""
    for name in ("gone.pdf.meta.yaml", "a.md", "a.md.meta.yaml", "a.md.meta.json", "b.png", "b.png.meta.yaml", ".c.md.meta.yaml"):
        (tmp_path / name).write_text("a: 1")
    found = load(tmp_path)
    assert found.failed == {
        "a.md": "has several metadata files (a.md.meta.json, a.md.meta.yaml); keep one",
        "gone.pdf.meta.yaml": "metadata for a file that is not there; remove it, or rename it as its file",
    }
    assert found.summary.ignored == {".png": 1, "metadata of an ignored file": 1, "hidden": 1}


def test_a_file_named_alone_has_its_metadata(tmp_path: Path, load: Callable[..., Any]) -> None:
    """It is looked for beside it."""
    (tmp_path / "a.md").write_text("a")
    (tmp_path / "a.md.meta.yml").write_text("team: red")
    assert load(tmp_path / "a.md").documents["a.md"].meta == {"team": "red"}


def test_a_metadata_file_may_not_lead_out_of_the_corpus(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Links, FIFOs and folders: the document fails and the metadata file is named."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.yaml").write_text("password: x")
    for name in "ab":
        (root / f"{name}.md").write_text("a")
    (root / "a.md.meta.yaml").symlink_to(tmp_path / "secret.yaml")
    (root / "b.md.meta.yaml").symlink_to("nowhere")
    found = load(root)
    assert found.documents == {}
    assert found.failed["a.md"].startswith("a.md.meta.yaml: a symbolic link that leads out of the corpus")
    assert found.failed["b.md"] == "b.md.meta.yaml: No such file or directory"


def test_the_metadata_of_a_file_of_rows_is_every_rows(tmp_path: Path, load: Callable[..., Any]) -> None:
    """It wins over the row's own; its title is for rows that have none."""
    (tmp_path / "a.jsonl").write_text('{"id": "1", "text": "x", "team": "blue"}\n{"id": "2", "text": "x", "title": "Own", "n": 1}\n')
    (tmp_path / "a.jsonl.meta.yaml").write_text("team: red\ntitle: All\n")
    found = load(tmp_path)
    assert [(d.title, dict(d.meta)) for d in found.documents.values()] == [("All", {"team": "red"}), ("Own", {"n": 1, "team": "red"})]


def test_a_beir_folder_has_no_metadata_files(tmp_path: Path, load: Callable[..., Any]) -> None:
    """It is read as before: what lies beside the corpus is counted."""
    (tmp_path / "corpus.jsonl").write_text('{"_id": "1", "text": "x"}')
    (tmp_path / "corpus.jsonl.meta.yaml").write_text("team: red")
    found = load(tmp_path)
    assert found.documents["1"].meta == {}
    assert found.summary.ignored == {"beside corpus.jsonl": 1}


def test_no_metadata_changes_nothing() -> None:
    """The very same value comes back."""
    parsed = Parsed("a", {"k": 1})
    assert with_sidecar(parsed, {}) is parsed


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2024-03-01", 1709251200.0),
        ("2024-03-01T10:20:30", 1709288430.0),
        ("2024-03-01T10:20:30Z", 1709288430.0),
        ("2024-03-01T11:20:30.5+01:00", 1709288430.5),
        ("'2024-03-01'", 1709251200.0),
    ],
)
def test_a_document_can_say_when_it_was_changed(tmp_path: Path, load: Callable[..., Any], value: str, moment: float) -> None:
    """`modified_key` names the metadata; a date is its first moment in UTC. Documents without it have their file's time."""
    from rag.loaders.limits import Limits

    (tmp_path / "a.md").write_text(f"---\nupdated: {value}\n---\nBody")
    (tmp_path / "b.md").write_text("b")
    found = load(tmp_path, limits=Limits(modified_key="updated")).documents
    assert found["a.md"].modified == moment
    assert found["b.md"].modified == (tmp_path / "b.md").stat().st_mtime


@pytest.mark.parametrize("value", ["soon", "2024", "'2024-02-31'", "[2024-03-01]", "true", "''", "'2024-03-01T25:00'"])
def test_an_unusable_date_is_a_failure(tmp_path: Path, load: Callable[..., Any], value: str) -> None:
    """Otherwise a filter by date would pass the document over in silence."""
    from rag.loaders.limits import Limits

    (tmp_path / "a.md").write_text(f"---\nupdated: {value}\n---\nBody")
    found = load(tmp_path, limits=Limits(modified_key="updated"))
    assert found.documents == {}
    assert found.failed["a.md"].startswith("updated is ")
    assert found.failed["a.md"].endswith(", not a date such as 2024-03-01 or 2024-03-01T10:20:30Z (index.modified_key)")
