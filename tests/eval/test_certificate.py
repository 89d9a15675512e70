"""A certificate speaks of one identity: it is matched, found stale with what differs, or refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from eval.certificate import Certificate, checked, differences, find, find_for, read, shipped
from eval.certify import certify
from eval.judges.make import make_judge
from rag import Runtime
from rag.errors import ConfigError
from rag.fingerprint import key
from rag.memo import Memo
from rag.types import Document

from .scripted import Scripted, ScriptedJudge

JUDGE = {"use": "mine", "version": 2, "model": {"name": "small", "digest": "ab"}}
FIGURE = {"value": 0.8, "low": 0.7, "high": 0.9}


def body(identity=JUDGE, **changes):
    figures = {"sensitivity": FIGURE, "specificity": FIGURE, "auroc": FIGURE}
    whole = {
        "format": 1, "judge": identity["use"], "certified_as": key(identity), "identity": identity, "n": 1200, "judged": 1100,
        "metrics": figures, "claims": {**figures, "covariance": 0.0}, "weak_spots": [],
    }  # fmt: skip
    return {**whole, **changes}


def written(tmp_path: Path, value: object) -> Path:
    path = tmp_path / "c.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def test_the_same_identity_is_certified(tmp_path: Path) -> None:
    found = find_for(dict(reversed(JUDGE.items())), written(tmp_path, body()))
    assert (found.status, found.differs) == ("certified", ())
    assert found.usable == body()
    assert found.line() == "judge mine: certified on 1,100 labelled rows: sensitivity 0.80 [0.70, 0.90], specificity 0.80 [0.70, 0.90], AUROC 0.80 [0.70, 0.90]"


def test_weak_spots_are_in_the_line(tmp_path: Path) -> None:
    line = find_for(JUDGE, written(tmp_path, body(weak_spots=["misses names", "misses dates", "misses sums"]))).line()
    assert line.endswith("; weak: misses names; misses dates (and 1 more)")


def test_a_line_names_three_differences_at_most() -> None:
    line = Certificate(JUDGE, "stale", ("a: 1 then, 2 now", "b", "c", "d", "e"), body()).line()
    assert "(a: 1 then, 2 now; b; c (and 2 more))" in line


def test_another_identity_of_the_same_name_is_stale_and_says_what_differs(tmp_path: Path) -> None:
    now = {"use": "mine", "version": 3, "model": {"name": "small", "digest": "cd"}, "seed": 1}
    found = find_for(now, written(tmp_path, body()))
    assert found.status == "stale"
    assert found.differs == ("model.digest: ab then, cd now", "seed: nothing then, 1 now", "version: 2 then, 3 now")
    assert found.usable is None
    assert "stale (model.digest: ab then, cd now;" in found.line()
    assert "its error rate is unknown; run rag-eval certify" in found.line()


def test_a_judge_without_certificate_says_so() -> None:
    found = find_for({"use": "nobody"})
    assert (found.status, found.usable) == ("none", None)
    assert found.line() == "judge nobody: not certified: its error rate is unknown; run rag-eval certify"


def test_a_given_certificate_of_another_judge_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is of the judge mine, and the judge here is other"):
        find_for({"use": "other"}, written(tmp_path, body()))


def test_a_certificate_that_was_just_made_is_the_judge_s(tmp_path: Path) -> None:
    """From labels to status, for a judge whose identity has a part from the corpus."""
    rows = [{"id": i, "question": "", "contexts": [f"a{i}"], "answer": f"a{i}" if i % 2 else "b", "supported": bool(i % 2)} for i in range(8)]
    labels = tmp_path / "l.jsonl"
    labels.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    made = certify(Scripted(seen=1), [labels], runtime=Runtime(Memo(), show_progress=False))
    path = written(tmp_path, made)
    assert find(ScriptedJudge(Scripted(seen=2)), path).status == "certified"
    stale = find(ScriptedJudge(Scripted(setting=2)), path)
    assert stale.differs == ("setting: 1 then, 2 now",)


def test_differences_tell_absent_from_null() -> None:
    assert differences({"a": None}, {}) == ("a: null then, nothing now",)
    assert differences({"a": 1, "b": [1]}, {"a": 1, "b": [1]}) == ()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": 9}, "no certificate of format 1"),
        ({"metrics": None}, "metrics is missing"),
        ({"n": True}, "n is missing"),
        ({"identity": {**JUDGE, "version": 9}}, "the file was edited"),
        ({"metrics": {"auroc": 0.9}}, "auroc has no value"),
        ({"metrics": {"auroc": {"value": "x", "low": 0, "high": 1}}}, "auroc has no value"),
        ({"claims": {"sensitivity": {"value": 0.9}}}, "sensitivity has no value"),
    ],
)
def test_a_damaged_certificate_is_one_error_with_the_fix(tmp_path: Path, change, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as error:
        read(written(tmp_path, {**body(), **change}))
    assert "c.json" in str(error.value)
    assert "with rag-eval certify" in str(error.value)


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"format": 1, "judge": NaN}'])
def test_what_is_no_certificate_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        checked(text, "f")


def test_a_figure_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ConfigError, match="auroc"):
        checked(json.dumps(body(metrics={"auroc": {"value": float("nan"), "low": 0.1, "high": 0.2}})), "f")


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.json"):
        read(tmp_path / "absent.json")


def test_the_default_judge_s_certificate_ships_and_holds_no_text() -> None:
    found = {b["judge"]: b for b in shipped()}
    assert found["embedded"]["n"] > 1000
    assert found["embedded"]["weak_spots"]
    assert set(found["embedded"]["labels"]) == {"digest", "files", "limit"}


def test_what_a_summary_keeps_has_the_identity_to_match_later(tmp_path: Path) -> None:
    kept = find_for(JUDGE, written(tmp_path, body())).as_dict()
    assert (kept["status"], kept["judge"]) == ("certified", JUDGE)
    assert json.loads(json.dumps(kept)) == kept
    assert Certificate({"use": "x"}, "none").as_dict()["body"] is None


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_default_judge_is_certified_as_it_ships(precision):
    """On either kind of processor: a judge that was changed must be measured again before it ships."""
    judge = make_judge("embedded", [Document("a", "Some text.")], Runtime(Memo(), precision, show_progress=False))
    found = find(judge)
    assert (found.status, found.differs) == ("certified", ())
    assert found.body["n"] > 1000
