"""What the modules of the command `rag-eval` share: the application and the options that several commands take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rag.errors import ConfigError

if TYPE_CHECKING:
    from rag.pipeline import Pipeline

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Measure configurations against each other on questions with known evidence.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Folder = Annotated[Path, typer.Argument(help="The folder of a run.")]
Corpus = Annotated[Path, typer.Option("--corpus", help="Folder of documents, or a BEIR folder.")]
Questions = Annotated[Path, typer.Option("--questions", help="JSON Lines file of questions, or a BEIR folder.")]
Out = Annotated[Path, typer.Option("--out", help="Folder to write the run to.")]
JudgeName = Annotated[str, typer.Option("--judge", help="Who judges claims: a name, a .yaml file, or YAML such as '{use: nli, model: PATH}'.")]
MetricNames = Annotated[str | None, typer.Option("--metrics", help="Names joined by commas.")]
Record = Annotated[Path | None, typer.Option("--record", help="File to which the completions of chat models are added, for the chat model `recorded`.")]
Certificate = Annotated[Path | None, typer.Option("--certificate", help="What `rag-eval certify` wrote about the judge; default: one that ships.")]
Limit = Annotated[int | None, typer.Option("--limit", min=1, help="Ask only the first so many questions.")]
LatencyQuestions = Annotated[
    int | None, typer.Option("--latency-questions", min=0, help="Time so many questions, 0 for none; default: 15, fewer where that takes over 20 seconds.")
]


def chosen(metrics: str | None, default: tuple[str, ...]) -> list[str]:
    """Return the metric names that an option holds, the default where it is left out. Raises `ConfigError` when it names none."""
    names = [n.strip() for n in metrics.split(",") if n.strip()] if metrics is not None else list(default)
    if not names:
        raise ConfigError("--metrics names none; leave it out for the default")
    return names


def named(paths: list[Path]) -> dict[str, Pipeline]:
    """Return the pipelines of configuration files by file name without suffix. Raises `ConfigError` for a name used twice."""
    from rag.config import load

    found: dict[str, Pipeline] = {}
    for path in paths:
        if path.stem in found:
            raise ConfigError(f"{path}: another configuration is called {path.stem!r} too; rename one")
        found[path.stem] = load(path)
    return found
