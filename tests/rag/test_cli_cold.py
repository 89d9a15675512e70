"""What a one-shot search loads: the parts its configuration names, and no library that it does not need."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .command import Rag

ROOT = Path(__file__).parents[2]
# Each of these takes from tens of milliseconds to seconds to import.
NEVER = {
    "torch", "transformers", "sentence_transformers", "huggingface_hub", "tokenizers", "onnxruntime", "scipy", "sklearn", "matplotlib", "pandas",
    "httpx", "qdrant_client", "rank_bm25", "rich", "jinja2", "pypdf", "docx", "selectolax", "ragas",
}  # fmt: skip
# Parts of ours that the configurations of this file do not name, and what only indexing or a server needs.
UNNAMED = {
    "rag.answer.generative", "rag.retrieve.rank_bm25", "rag.refine.mmr", "rag.chunk.semantic", "rag.loaders.corpus", "rag.index.build", "rag.index.server",
    "rag.instructions", "rag.schema", "rag.rendered", "rag.strict_yaml",
}  # fmt: skip
CODE = """
import sys
from rag.cli import app
from rag.shell import run
assert run(app) == 0
print(*sorted(set(sys.modules) & set({names!r})), file=sys.stderr)
"""


def _loaded(arguments: list[str], names: set[str], folder: Path) -> set[str]:
    """Return which of the modules a process has loaded when it has run a command."""
    code = CODE.format(names=sorted(names))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "RAG_CACHE_DIR": str(folder / "memo")}
    done = subprocess.run([sys.executable, "-c", code, *arguments], env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "rank" in done.stdout
    return set(done.stderr.split())


def test_a_keyword_search_loads_no_library_for_models_and_no_part_it_does_not_name(rag: Rag, corpus: Path, tmp_path: Path) -> None:
    assert rag("index", "docs", "-c", "bm25.yaml", "-i", "ix").code == 0
    found = _loaded(["search", "prefix cache rank", "-i", "ix", "--json"], NEVER | UNNAMED | {"rag.retrieve.bm25", "rag.retrieve.dense"}, tmp_path)
    assert found == {"rag.retrieve.bm25"}


def test_a_hybrid_search_whose_encoder_needs_no_library_loads_none(rag: Rag, corpus: Path, tmp_path: Path) -> None:
    assert rag("index", "docs", "-c", "hybrid.yaml", "-i", "ix").code == 0
    found = _loaded(["search", "prefix cache rank", "-i", "ix", "--json"], NEVER | UNNAMED, tmp_path)
    assert found == set()


@pytest.mark.parametrize("command", ["search", "ask", "index"])
def test_the_help_of_a_command_loads_neither_models_nor_the_engine(command: str) -> None:
    heavy = {"torch", "transformers", "sentence_transformers", "scipy", "qdrant_edge", "qdrant_client", "numpy"}
    code = f"import sys\nsys.argv = ['rag', {command!r}, '--help']\nfrom rag.cli import app\nfrom rag.shell import run\nassert run(app) == 0\n"
    code += f"print(set(sys.modules) & {heavy!r}, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "set()\n")
