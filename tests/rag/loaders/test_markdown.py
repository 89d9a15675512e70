"""Markdown files are read as they are, with their front matter."""

from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_markdown_keeps_its_marks_and_gives_its_front_matter(tmp_path: Path, load: Callable[..., Any]) -> None:
    """The text is that of the file; `body` is behind the front matter, whose values are metadata."""
    content = "---\nteam: search\n---\n# One\n\n* a\r\n"
    (tmp_path / "a.md").write_bytes(content.encode())
    (tmp_path / "b.MARKDOWN").write_bytes(b"# Two")
    found = load(tmp_path)
    document = found.documents["a.md"]
    assert (document.text, document.meta, document.body, document.title) == (content, {"team": "search"}, 21, "")
    assert document.source == str(tmp_path / "a.md")
    assert document.modified == (tmp_path / "a.md").stat().st_mtime
    assert found.documents["b.MARKDOWN"].text == "# Two"
