"""The one place where the package ragas is imported: its telemetry is switched off first, and its prompts are found by task."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, Protocol

from pydantic import BaseModel

from rag.errors import MissingExtra, ModelError

_METRICS = "ragas.metrics.collections"
# Task -> module of ragas, class of the prompt, and an input that its wording is told by.
_PROMPTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "statements": ("faithfulness", "StatementGeneratorPrompt", {"question": "q", "answer": "a"}),
    "verdicts": ("faithfulness", "NLIStatementPrompt", {"context": "c", "statements": ["s"]}),
    "question": ("answer_relevancy", "AnswerRelevancePrompt", {"response": "a"}),
    "entities": ("context_entity_recall", "ExtractEntitiesPrompt", {"text": "t"}),
    "relevance_1": ("context_relevance", "ContextRelevanceJudge1Prompt", {"user_input": "q", "context": "c"}),
    "relevance_2": ("context_relevance", "ContextRelevanceJudge2Prompt", {"user_input": "q", "context": "c"}),
}


class Prompt(Protocol):
    """What is used of a prompt of ragas: input to text, and the form of the reply."""

    input_model: type[BaseModel]
    output_model: type[BaseModel]

    def to_string(self, data: Any) -> str:
        """Return the prompt as text."""


@dataclass(frozen=True)
class Package:
    """The installed ragas: its version, its prompts by task with a digest of their wording, and the base class of its models."""

    version: str
    prompts: Mapping[str, Prompt]
    digest: str
    base: type[Any]


def load(module: str) -> Any:
    """Return a module of ragas. Raises `MissingExtra` when it is not installed, `ModelError` when it is and cannot be imported.

    ragas sends the name of the model and an id of the user to its makers unless `RAGAS_DO_NOT_TRACK` is exactly `true` before it first
    asks; it keeps the answer, so the variable stays set. What it imports warns of deprecations that a user of ours can do nothing about.
    """
    if find_spec("ragas") is None:
        raise MissingExtra("ragas", "ragas", "the judge ragas")
    os.environ["RAGAS_DO_NOT_TRACK"] = "true"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            return import_module(module)
    except ImportError as error:
        what = " ".join(str(error).split())[:200]
        raise ModelError(f"ragas {version('ragas')} cannot be imported ({what}); install what was tested with it: pip install 'spanwise[ragas]'") from error


@lru_cache(maxsize=1)
def package() -> Package:
    """Return the installed ragas. Raises what `load` raises, and `ModelError` when it has not the prompts that are used here."""
    base = load("ragas.llms.base")
    found: dict[str, Prompt] = {}
    for task, (module, name, _) in _PROMPTS.items():
        made = getattr(load(f"{_METRICS}.{module}.util"), name, None)
        if made is None:
            raise ModelError(f"ragas {version('ragas')} has no {name}; install the version that was tested: pip install 'spanwise[ragas]'")
        found[task] = made()
    worded = [[task, p.to_string(p.input_model(**_PROMPTS[task][2]))] for task, p in found.items()]
    digest = hashlib.blake2b(json.dumps(worded).encode(), digest_size=16).hexdigest()
    return Package(version("ragas"), found, digest, base.InstructorBaseRagasLLM)
