"""`python -m eval.bench.musique FOLDER`: what sub-questions do for multi-hop questions when the sub-questions are right.

FOLDER is a BEIR folder whose queries have a `decomposition`: `[{"question", "answer"}]`, where `#1` in a later question stands for the
first answer. Those gold decompositions become recordings, so the gain is that of a model that decomposes without a fault.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from eval.pairs import pair
from eval.records import read_jsonl, write_jsonl
from eval.runner import run as evaluate
from rag.config import parse, read_yaml
from rag.errors import QuestionError
from rag.pipeline import Pipeline
from rag.shell import run

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
CONFIGS = Path(__file__).with_suffix("")
METRICS = ("ndcg@10", "recall@5", "recall@10", "hit@10")
_REFERENCE = re.compile(r"#([0-9]{1,2})")


@app.command()
def main(
    folder: Annotated[Path, typer.Argument(help="BEIR folder with decompositions.")],
    out: Annotated[Path, typer.Option(help="Where recordings and runs go.")] = Path("out/musique"),
) -> None:
    """Print every configuration's figures, and the paired difference of those with sub-questions from their parents."""
    out.mkdir(parents=True, exist_ok=True)
    recordings = out / "recordings.jsonl"
    write_jsonl(recordings, rows(read_jsonl(folder / "queries.jsonl"), str(folder / "queries.jsonl")))
    summary = evaluate(pipelines(recordings), folder, folder, out / "run", metrics=METRICS)
    for name, entry in summary["configs"].items():
        shown = " ".join(f"{m} {entry['metrics'][m]['mean']:.3f}" for m in METRICS)
        sys.stdout.write(f"{name:18} {shown}  {entry['latency_ms']['retrieve']['p50']:.1f} ms  {tokens(out / 'run' / name):.0f} tokens a question\n")
    for parent, child in (("bm25", "bm25_decompose"), ("hybrid", "hybrid_decompose")):
        for metric, found in pair(out / "run", child, parent, METRICS)["metrics"].items():
            sys.stdout.write(
                f"{child} - {parent} {metric}: {found['delta']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}] p {found['p']:.4f}, {found['wins']}/{found['losses']}\n"
            )


def rows(queries: Sequence[Mapping[str, Any]], name: str) -> Iterator[dict[str, Any]]:
    """Yield the recordings of gold decompositions, a null after each. Raises `QuestionError` for a query without one."""
    yield {"about": f"Gold decompositions of {name}, with the gold answers put in; written by eval/bench/musique.py."}
    for query in queries:
        steps = query.get("decomposition")
        if not steps:
            raise QuestionError(f"{name}: query {query.get('_id')!r} has no decomposition; give a folder whose queries have one")
        answers = [s["answer"] for s in steps]
        asked = [filled(s["question"], answers) for s in steps]
        for sample, question in enumerate([*asked, None]):
            yield {"task": "decompose", "subject": query["text"], "sample": sample, "text": _json(question)}


def filled(question: str, answers: Sequence[str]) -> str:
    """Return a sub-question with every `#n` made the n-th answer."""
    return _REFERENCE.sub(lambda m: answers[int(m[1]) - 1] if 0 < int(m[1]) <= len(answers) else m[0], question)


def _json(question: str | None) -> str:
    return json.dumps({"question": question}, ensure_ascii=False)


def pipelines(recordings: Path) -> dict[str, Pipeline]:
    """Return the configurations beside this file by name, reading these recordings."""
    found = {}
    for path in sorted(CONFIGS.glob("*.yaml")):
        data = read_yaml(path)
        if "models" in data:
            data["models"]["chat"]["path"] = str(recordings)
        found[path.stem] = parse(data)
    return found


def tokens(folder: Path) -> float:
    """Return the mean tokens, of prompts and replies, that retrieval took a question in a finished run."""
    steps = [a["trace"][0] for a in read_jsonl(folder / "answers.jsonl")]
    return sum(int(s.get("prompt_tokens", 0)) + int(s.get("completion_tokens", 0)) for s in steps) / len(steps)


if __name__ == "__main__":
    sys.exit(run(app))
