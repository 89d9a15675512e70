"""A BEIR folder is its `corpus.jsonl`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_only_the_corpus_file_of_a_beir_folder_is_read(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Ids are as given; what lies beside the corpus is counted, not read."""
    (tmp_path / "corpus.jsonl").write_text('{"_id": "4983", "title": "T", "text": "x", "metadata": {}}\n{"text": "y"}\nbad\n')
    (tmp_path / "queries.jsonl").write_text('{"_id": "q", "text": "?"}\n')
    (tmp_path / "README.md").write_text("# no")
    (tmp_path / "qrels").mkdir()
    found = load(tmp_path)
    assert list(found.documents) == ["4983", "corpus.jsonl#2"]
    assert (found.documents["4983"].title, found.documents["4983"].text) == ("T", "x")
    assert list(found.failed) == ["corpus.jsonl#3"]
    assert found.summary.ignored == {"beside corpus.jsonl": 3}


def test_a_corpus_file_further_down_is_a_file_like_others(tmp_path: Path, load: Callable[..., Any]) -> None:
    """Only at the top does `corpus.jsonl` make a folder a BEIR folder."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "corpus.jsonl").write_text('{"_id": "1", "text": "x"}')
    (tmp_path / "a.md").write_text("a")
    assert list(load(tmp_path).documents) == ["a.md", "1"]


def test_a_corpus_file_that_leads_out_of_the_folder_is_refused(tmp_path: Path, load: Callable[..., Any]) -> None:
    """A link named `corpus.jsonl` cannot bring in a file from elsewhere."""
    (tmp_path / "secret.jsonl").write_text('{"text": "secret"}')
    (tmp_path / "beir").mkdir()
    (tmp_path / "beir" / "corpus.jsonl").symlink_to(tmp_path / "secret.jsonl")
    found = load(tmp_path / "beir")
    assert found.documents == {}
    assert found.failed["corpus.jsonl"].startswith("a symbolic link that leads out of the corpus")
