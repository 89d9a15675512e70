"""The commands that list what there is to choose from: `rag-eval judges` and `rag-eval metrics`."""

from __future__ import annotations

from collections.abc import Mapping

from eval.app import Json, app
from rag.shell import emit


@app.command("judges")
def judges_command(as_json: Json = False) -> None:
    """List every judge with its fields."""
    from eval.judges.spec import JudgeSpec
    from rag.schema import stage_text, stages

    rows = stages([JudgeSpec])
    emit({"judges": rows}, as_json, lambda: "\n".join(stage_text(r) for r in rows))


@app.command("metrics")
def metrics_command(as_json: Json = False) -> None:
    """List every metric: its name, direction, range, whether it asks the judge, and what it says."""
    from eval.metrics import DEFAULT_METRICS, metrics

    chosen = {name.partition("@")[0] for name in DEFAULT_METRICS}
    rows = [
        {
            "name": f"{use}@{cls.cut}" if cls.cut else use,
            "default": use in chosen,
            "higher_is_better": cls.higher_is_better,
            "range": list(cls.range),
            "judge": cls.needs_judge,
            "languages": list(cls.languages) if cls.languages else None,
            "summary": " ".join((cls.__doc__ or "").split("\n\n")[0].split()),
        }
        for use, cls in metrics().items()
    ]
    emit({"metrics": rows}, as_json, lambda: "\n".join(_line(r) for r in rows))


def _line(row: Mapping[str, object]) -> str:
    marks = ["by default"] * bool(row["default"]) + ["lower is better"] * (not row["higher_is_better"]) + ["asks the judge"] * bool(row["judge"])
    noted = f" ({', '.join(marks)})" if marks else ""
    return f"{row['name']}{noted}\n    {row['summary']}"
