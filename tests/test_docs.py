"""The examples in the documentation run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
EXAMPLES = [(page.name, code) for page in sorted((ROOT / "docs").glob("*.md")) for code in BLOCK.findall(page.read_text(encoding="utf-8"))]


@pytest.mark.parametrize(("page", "code"), EXAMPLES, ids=[f"{page}-{n}" for n, (page, _) in enumerate(EXAMPLES)])
def test_every_example_in_the_documentation_runs(page, code, tmp_path, monkeypatch, capsys):
    """Each block stands alone, from the root of a clone."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    exec(compile(code.replace('"out/', f'"{tmp_path}/'), f"docs/{page}", "exec"), {"__name__": "example"})
