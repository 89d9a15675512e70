"""The encoder of questions: float32 always, without torch at first, and the same vector either way."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rag.errors import ModelError
from rag.memo import Memo
from rag.models.encoder import SentenceTransformerEncoder
from rag.runtime import Runtime

Make = Callable[..., Path]
HEAVY = "{'torch', 'transformers', 'sentence_transformers'} & set(sys.modules)"


def run(code: str, *arguments: str) -> str:
    """Return what Python code prints in a process of its own, which has imported nothing."""
    made = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert made.returncode == 0, made.stderr
    return made.stdout


QUESTION = f"""
import sys
import numpy as np
from rag.memo import Memo
from rag.models import questions
from rag.runtime import Runtime

directory, text, few = sys.argv[1:]
questions.FEW = int(few)
runtime = Runtime(Memo(), 'bfloat16', show_progress=False)
cold = runtime.embed(directory, [text], question=True)
light = not {HEAVY}
again = runtime.embed(directory, [text + '!'], question=True)
import torch
runtime.forget()
warm = runtime.embed(directory, [text], question=True)
print(light, bool(np.abs(cold - warm).max() < 1e-5), 'transformers' in sys.modules)
"""


def test_a_question_needs_no_torch_and_gets_the_vector_that_torch_gives(embedder: Make) -> None:
    assert run(QUESTION, str(embedder()), "a fox and a dog", "2") == "True True False\n"


def test_torch_is_used_after_a_few_questions(embedder: Make) -> None:
    assert run(QUESTION, str(embedder()), "a fox and a dog", "0") == "False True False\n"


def test_a_question_is_in_float32_under_its_own_name_whatever_passages_are_in(embedder: Make) -> None:
    directory = str(embedder())
    coarse, fine = Runtime(Memo(), "bfloat16", show_progress=False), Runtime(Memo(), "float32", show_progress=False)
    question = coarse.embed(directory, ["fox"], question=True)
    assert np.allclose(question, fine.embed(directory, ["fox"]), atol=1e-5)
    assert not np.array_equal(question, coarse.embed(directory, ["fox"]))
    assert (coarse.work.encodes, fine.work.encodes) == (2, 1)
    fine.embed(directory, ["fox"], question=True)
    assert fine.work.encodes == 1  # in float32 a question is a passage


def test_its_identity_differs_from_that_of_passages_in_precision_alone(embedder: Make) -> None:
    encoder = SentenceTransformerEncoder(str(embedder()), "bfloat16")
    assert encoder.for_questions().identity == encoder.identity | {"precision": "float32"}
    assert encoder.for_questions() is encoder.for_questions()
    assert encoder.for_questions().encode([]).shape == (0, 0)


def test_a_model_that_is_not_computed_here_embeds_questions_as_passages(embedder: Make, tmp_path: Path) -> None:
    import json
    import shutil

    other = Path(shutil.copytree(embedder(), tmp_path / "other"))
    (other / "1_Pooling" / "config.json").write_text(json.dumps({"embedding_dimension": 16, "pooling_mode": "max"}))
    encoder = SentenceTransformerEncoder(str(other), "float32")
    assert encoder.for_questions() is encoder
    from sentence_transformers import SentenceTransformer

    wanted = SentenceTransformer(str(other), device="cpu").encode(["fox", "dog fox"], normalize_embeddings=True)
    assert np.allclose(encoder.encode(["fox", "dog fox"]), wanted, atol=1e-5)


def test_vectors_that_are_not_numbers_are_told_without_torch_too(embedder: Make, tmp_path: Path) -> None:
    import shutil

    from safetensors.numpy import load_file, save_file

    other = Path(shutil.copytree(embedder(), tmp_path / "other"))
    save_file({k: v * np.float32("nan") for k, v in load_file(other / "model.safetensors").items()}, other / "model.safetensors")
    code = "import sys; from rag.models.encoder import SentenceTransformerEncoder as E; E(sys.argv[1], 'float32').for_questions().encode(['fox'])"
    with pytest.raises(AssertionError, match="returned vectors that are not finite and non-zero"):
        run(code, str(other))
    with pytest.raises(ModelError, match="returned vectors that are not finite and non-zero"):
        SentenceTransformerEncoder(str(other), "float32").for_questions().encode(["fox"])


SEARCH = f"""
import sys
from rag.cli import main
try:
    main()
finally:
    print(sorted({HEAVY}), file=sys.stderr)
"""


def test_a_hybrid_search_as_a_process_imports_no_torch(embedder: Make, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("A fox is no dog.")
    config = tmp_path / "hybrid.yaml"
    config.write_text(f"chunk: {{use: fixed, size: 8, overlap: 0}}\nretrieve: {{use: rrf, of: [bm25, {{use: dense, model: {embedder()}}}]}}\n")
    index = str(tmp_path / "index")
    run("from rag.cli import main; main()", "index", str(tmp_path / "docs"), "-c", str(config), "-i", index)
    made = subprocess.run([sys.executable, "-c", SEARCH, "search", "fox dog", "-i", index, "--json"], capture_output=True, text=True, timeout=300, check=False)
    assert made.returncode == 0, made.stderr
    assert made.stderr.strip().endswith("[]")
    assert '"doc_id": "a.txt"' in made.stdout
