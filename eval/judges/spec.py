"""How a judge is written down: a frozen value by name and parameters, as the parts of a pipeline are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from eval.judges.base import Judge
from rag import strict_yaml
from rag.config import part, read_yaml
from rag.errors import ConfigError
from rag.registry import extend
from rag.runtime import Runtime
from rag.stages import Stage
from rag.types import Document


class JudgeSpec(Stage, ABC):
    """Names a judge and its parameters. Registered and written like a stage: `embedded`, or `{use: nli, model: PATH}`."""

    kind = "judge"

    @abstractmethod
    def open(self, documents: Sequence[Document], runtime: Runtime) -> Judge:
        """Return the judge, ready to work on answers from these documents. Raises `ModelError` or `MissingExtra` when it cannot be had."""


extend(JudgeSpec, "eval.judges")


def read_spec(text: str) -> JudgeSpec:
    """Return the judge that a name, the path of a `.yaml` file, or one line of YAML in braces says. Raises `ConfigError`."""
    if text.endswith((".yaml", ".yml")):
        data, place = read_yaml(Path(text)), f"{text}: judge"
    elif text.lstrip().startswith("{"):
        data, place = strict_yaml.parse(text.encode()), "judge"
    else:
        data, place = text, "judge"
    spec = part(JudgeSpec, data, place)
    if not isinstance(spec, JudgeSpec):
        raise ConfigError(f"{place}: {text[:60]!r} is no judge")
    return spec
