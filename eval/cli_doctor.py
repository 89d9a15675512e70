"""The command `rag-eval doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from eval.app import Corpus, Json, Questions, app
from rag.models.files import BUNDLED
from rag.shell import emit


@app.command("doctor")
def doctor_command(
    corpus: Corpus,
    questions: Questions,
    run: Annotated[Path | None, typer.Option("--run", help="Folder of a run on these questions: measures saturation and spread.")] = None,
    judge: Annotated[
        str, typer.Option("--judge", help="Who decides whether texts answer and support: 'words' counts words; else a judge as for `run`.")
    ] = "words",
    encoder: Annotated[str, typer.Option("--encoder", help="Model that near duplicates are looked for with; '' for words alone.")] = BUNDLED,
    language: Annotated[str, typer.Option("--language", help="Language of questions and corpus, for stems and stop words.")] = "english",
    show_all: Annotated[bool, typer.Option("--all", help="Print every finding, not the first five of a kind.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="End with exit code 1 when there are errors.")] = False,
    as_json: Json = False,
) -> None:
    """Say what is wrong with a question set, and how small a difference it can show."""
    from eval.doctor.examine import examine
    from eval.doctor.page import SHOWN, page
    from rag.runtime import Runtime
    from rag.text import analyzer

    analyzer(language)  # refuses a language that is not known before anything is read
    body = examine(corpus, questions, run, judge=judge, encoder=encoder, language=language, runtime=Runtime())
    emit(body, as_json, lambda: page(body, len(body["findings"]) if show_all else SHOWN))
    if strict and body["counts"]["error"]:
        raise typer.Exit(1)
