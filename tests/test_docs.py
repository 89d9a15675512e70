"""The examples in the documentation run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)
EXAMPLES = BLOCK.findall((ROOT / "docs" / "python.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("code", EXAMPLES, ids=range(len(EXAMPLES)))
def test_every_example_in_docs_python_runs(code, tmp_path, monkeypatch, capsys):
    """Each block stands alone, from the root of a clone."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))
    exec(compile(code.replace('"out/', f'"{tmp_path}/'), "docs/python.md", "exec"), {"__name__": "example"})
