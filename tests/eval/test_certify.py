"""A certificate measured with a scripted judge: every figure can be read off the rows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.certificate_text import text
from eval.certify import certify
from rag import Runtime
from rag.errors import ConfigError, QuestionError
from rag.memo import Memo

from .scripted import Scripted


def write(path: Path, rows: list[tuple[str, bool]], **more: object) -> Path:
    """Write rows of (answer, label); the context of row i is `w<i> yes`, so the word `yes` is supported and `no` is not."""
    lines = [{"id": f"r{i}", "question": f"q{i}", "contexts": [f"w{i} yes"], "answer": a, "supported": y, **more} for i, (a, y) in enumerate(rows)]
    path.write_text("".join(json.dumps(r) + "\n" for r in lines), encoding="utf-8")
    return path


def quiet(memo: Memo | None = None) -> Runtime:
    return Runtime(Memo() if memo is None else memo, show_progress=False)  # an empty memo is false


RIGHT = [("yes", True)] * 30 + [("no", False)] * 30
MIXED = [("yes", True)] * 24 + [("no", True)] * 6 + [("no", False)] * 27 + [("yes", False)] * 3


def test_the_figures_are_those_of_the_rows(tmp_path: Path) -> None:
    """24 of 30 supported rows found, 27 of 30 others refused; binary scores give AUROC = balanced accuracy."""
    found = certify(Scripted(), [write(tmp_path / "set.jsonl", MIXED)], runtime=quiet())
    value = {name: figure["value"] for name, figure in found["metrics"].items()}
    assert value == {"auroc": 0.85, "balanced_accuracy": 0.85, "sensitivity": 0.8, "specificity": 0.9, "kappa": pytest.approx(0.7)}
    assert all(f["low"] < f["value"] < f["high"] for f in found["metrics"].values())
    assert (found["judge"], found["n"], found["judged"], found["clusters"], found["ordering"]) == ("scripted", 60, 60, 60, "score")
    assert found["claims"]["of"] == "one_claim"
    assert found["coverage"]["value"] == 1.0
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_an_answer_is_supported_when_all_its_claims_are(tmp_path: Path) -> None:
    found = certify(Scripted(), [write(tmp_path / "set.jsonl", [("yes yes", True), ("yes no", False)] * 5)], runtime=quiet())
    assert found["metrics"]["balanced_accuracy"]["value"] == 1.0
    assert found["claims"]["of"] == "all_rows"


def test_missing_verdicts_are_counted_with_their_reason_and_never_taken_for_one(tmp_path: Path) -> None:
    found = certify(Scripted(), [write(tmp_path / "set.jsonl", [*RIGHT, ("?", True), ("yes ?", False), ("-", True)])], runtime=quiet())
    assert found["missing"] == {"no_claim": 1, "truncated": 2}
    assert (found["n"], found["judged"]) == (63, 60)
    assert found["coverage"]["value"] == pytest.approx(60 / 63, abs=1e-6)
    assert found["metrics"]["kappa"]["value"] == 1.0
    assert "coverage" in text(found)


def test_slices_are_files_tags_and_lengths_and_small_ones_are_marked(tmp_path: Path) -> None:
    one = write(tmp_path / "one.jsonl", RIGHT)
    two = write(tmp_path / "two.jsonl", [("no", True)] * 10 + [("yes", False)] * 10, slice="hard", tags=["legal"])
    found = certify(Scripted(), [one, two], runtime=quiet())
    parts = {(s["by"], s["name"]): s for s in found["slices"]}
    assert {("file", "one"), ("file", "two"), ("tag", "hard"), ("tag", "legal")} <= parts.keys()
    assert (parts["file", "one"]["small"], parts["file", "two"]["small"]) == (False, True)
    assert parts["tag", "hard"]["metrics"]["sensitivity"]["value"] == 0.0
    assert (parts["file", "two"]["n"], parts["file", "two"]["supported"]) == (20, 10)
    assert found["metrics"]["auroc_within"]["value"] == 0.5
    assert [f["rows"] for f in found["labels"]["files"]] == [60, 20]


def test_confidence_is_checked_against_labels(tmp_path: Path) -> None:
    """.9 and .1, and always right: off by .1."""
    found = certify(Scripted(confident=True), [write(tmp_path / "set.jsonl", RIGHT)], runtime=quiet())
    assert found["metrics"]["brier"]["value"] == pytest.approx(0.01)
    assert found["metrics"]["calibration_error"]["value"] == pytest.approx(0.1)


def test_a_judge_that_changes_its_mind_is_found_out_and_the_memo_does_not_hide_it(tmp_path: Path) -> None:
    """`!` alternates with every call: 61 rows later the verdict is another one."""
    found = certify(Scripted(), [write(tmp_path / "set.jsonl", [*RIGHT, ("!", True)])], runtime=quiet())
    assert found["stability"] == {"same": found["stability"]["same"], "rows": 61, "repeat": 2, "missing": 0}
    assert found["stability"]["same"]["value"] == pytest.approx(60 / 61, abs=1e-6)
    assert certify(Scripted(), [write(tmp_path / "set.jsonl", RIGHT)], repeat=1, runtime=quiet())["stability"]["same"] is None


def test_a_judge_that_reads_the_first_context_only_is_found_out(tmp_path: Path) -> None:
    """With a context of another row before its own, the own word is not found; `yes` is in every context."""
    rows = [(f"w{i}", True) for i in range(30)] + [("no", False)] * 30
    found = certify(Scripted(), [write(tmp_path / "set.jsonl", rows)], runtime=quiet())["biases"]["order"]
    assert (found["changed"]["value"], found["rows"], found["with_other"]) == (0.5, 60, 60)
    assert "changes 50% of its verdicts" in " ".join(certify(Scripted(), [tmp_path / "set.jsonl"], runtime=quiet())["weak_spots"])


def test_probes_bound_how_many_rows_are_judged_again(tmp_path: Path) -> None:
    spec = Scripted()
    found = certify(spec, [write(tmp_path / "set.jsonl", RIGHT)], probes=10, runtime=quiet())
    assert (found["stability"]["rows"], found["biases"]["order"]["rows"]) == (10, 10)
    assert spec.log.asked == 60 + 10 + 2 * 10


def test_an_interrupted_certification_goes_on_where_it_stopped(tmp_path: Path) -> None:
    labels, memo = write(tmp_path / "set.jsonl", MIXED), Memo()
    with pytest.raises(KeyboardInterrupt):
        certify(Scripted(stop_after=40), [labels], runtime=quiet(memo))
    spec = Scripted()
    again = certify(spec, [labels], repeat=1, probes=0, runtime=quiet(memo))
    assert spec.log.asked == 60 - 40
    assert again == certify(Scripted(), [labels], repeat=1, probes=0, runtime=quiet())


def test_equal_labels_and_judges_give_equal_certificates(tmp_path: Path) -> None:
    labels = write(tmp_path / "set.jsonl", MIXED)
    assert certify(Scripted(), [labels], runtime=quiet()) == certify(Scripted(), [labels], runtime=quiet())


def test_the_limit_takes_the_first_rows_of_each_file(tmp_path: Path) -> None:
    rows = [("yes", True), ("no", False)] * 10
    found = certify(Scripted(), [write(tmp_path / "a.jsonl", rows), write(tmp_path / "b.jsonl", rows)], limit=4, runtime=quiet())
    assert (found["n"], found["labels"]["limit"]) == (8, 4)


def test_labels_that_cannot_certify_are_refused(tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match="all 2 labelled rows are supported; add rows that are unsupported"):
        certify(Scripted(), [write(tmp_path / "a.jsonl", [("yes", True)] * 2)], runtime=quiet())
    with pytest.raises(ConfigError, match="no verdict on any of 2 rows: 2 truncated"):
        certify(Scripted(), [write(tmp_path / "b.jsonl", [("?", True), ("?", False)])], runtime=quiet())


def test_the_text_has_every_figure_with_its_interval(tmp_path: Path) -> None:
    shown = text(certify(Scripted(), [write(tmp_path / "set.jsonl", MIXED)], runtime=quiet()))
    assert "sensitivity                     0.800  [0." in shown
    assert "no weak spot was found" in shown
