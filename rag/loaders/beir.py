"""BEIR folders: `corpus.jsonl` at the top is the whole corpus, whatever lies beside it."""

from __future__ import annotations

import os
from pathlib import Path

CORPUS = "corpus.jsonl"


def is_beir(folder: Path) -> bool:
    """Whether a folder is a BEIR data set, that is, has a file `corpus.jsonl` at its top."""
    return os.path.isfile(folder / CORPUS)
