"""The pytest plugin, run as a newcomer runs it: in a process of its own, found by the entry point that the project declares."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from eval import run
from eval.baseline import accept
from eval.counts import code
from rag import Runtime
from rag.config import load

ROOT = Path(__file__).parents[2]
DOCS = 24
OTHERS = ("-p", "no:langsmith_plugin", "-p", "no:anyio", "-p", "no:hypothesispytest")  # plugins of packages that are installed here: a second at every start
GOOD = "chunk: whole\nretrieve: bm25\nmodels: {encoder: hashing-16}\nanswer: {use: extractive, blend: 0}\n"
BAD = GOOD.replace("retrieve: bm25", "retrieve: {use: filtered, over: bm25, where: lang = de}")
USES = """
def test_found(rag_run, rag_question):
    assert rag_run.value("recall@1", rag_question) == 1.0


def test_whole(rag_run):
    assert rag_run.failed("recall@1", 1.0) == []
    assert rag_run.mean("recall@1") == 1.0
    assert rag_run.gate is None
"""


LOGGED = """
import eval.runner
from pathlib import Path

make = eval.runner.run_task

def logged(*arguments):
    with Path("made.log").open("a") as file:
        file.write("made\\n")
    if Path("interrupt").exists():
        raise KeyboardInterrupt
    return make(*arguments)

eval.runner.run_task = logged
"""


_MEASURED: dict[str, Path] = {}  # where the baseline was measured first, by what is asked


@pytest.fixture
def task(tmp_path: Path) -> Path:
    """A corpus of 24 documents, a question on each (the first tagged), two configurations, the second of which finds nothing, and a baseline."""
    (tmp_path / "docs").mkdir()
    rows = []
    for i in range(DOCS):
        (tmp_path / "docs" / f"d{i}.md").write_text(f"The word of document {i} is wordnumber{i}. It says no more.")
        rows.append({"id": f"q{i}", "text": f"What about wordnumber{i}?", "evidence": [{"doc": f"d{i}.md", "quote": f"wordnumber{i}"}]})
    rows[0]["tags"] = ["single-fact"]
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "gate.yaml").write_text("metrics: [recall@1]\nfloors: {recall@1: 0.5}\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers --strict-config\nfilterwarnings = error\n")
    found = tmp_path / "path" / "spanwise_entry-1.dist-info"  # the entry point as installing makes it, whatever is installed here
    found.mkdir(parents=True)
    (found / "METADATA").write_text("Metadata-Version: 2.1\nName: spanwise-entry\nVersion: 1\n")
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    (found / "entry_points.txt").write_text("[pytest11]\n" + "".join(f"{k} = {v}\n" for k, v in points.items()))
    return tmp_path


def accepted(task: Path) -> None:
    """Write `base.json`, the baseline of the configuration that finds everything, and what measuring it leaves in the cache."""
    made = _MEASURED.get(questions := (task / "q.jsonl").read_text())
    if made is None:
        measured(task)
        _MEASURED[questions] = task
        return
    shutil.copy(made / "base.json", task)
    shutil.copytree(made / "cache", task / "cache", dirs_exist_ok=True)


def measured(task: Path) -> None:
    """Measure the configuration that finds everything, and accept that."""
    runtime = Runtime(show_progress=False)
    run({"good": load(task / "good.yaml")}, task / "docs", task / "q.jsonl", task / "base", metrics=("recall@1",), runtime=runtime)
    accept(task / "base", "good", task / "base.json")


def pytested(task: Path, *arguments: str, below: str = ".", cache: bool = False) -> subprocess.CompletedProcess[str]:
    """Run pytest there, or in a folder below; with the cache it knows what failed last."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    env |= {"PYTHONPATH": f"{ROOT}:{task / 'path'}", "RAG_CACHE_DIR": str(task / "cache"), "COLUMNS": "200"}
    command = [sys.executable, "-m", "pytest", "-rA", *OTHERS, *([] if cache else ["-p", "no:cacheprovider"]), *arguments]
    return subprocess.run(command, cwd=task / below, env=env, capture_output=True, text=True, check=False, timeout=300)


def rag(config: str = "good.yaml", *more: str) -> list[str]:
    return ["--rag-config", config, "--rag-corpus", "docs", "--rag-questions", "q.jsonl", *more]


@pytest.fixture(autouse=True)
def _own_memo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_CACHE_DIR", str(tmp_path / "cache"))


def test_without_an_option_it_imports_nothing_and_what_needs_a_run_is_skipped_with_what_to_give(task: Path) -> None:
    (task / "test_uses.py").write_text(USES)
    light = "import sys\n\ndef test_light():\n    found = [m for m in sys.modules if m.split('.')[0] in ('eval', 'rag')]\n"
    light += "    assert sorted(found) == ['eval', 'eval.pytest_plugin']\n"
    (task / "test_light.py").write_text(light)
    found = pytested(task)
    assert found.returncode == 0, found.stdout
    assert "1 passed, 2 skipped" in found.stdout
    assert "needs --rag-config, --rag-corpus and --rag-questions" in found.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_run_is_made_once_and_every_question_is_a_test_with_its_id(task: Path, workers: tuple[str, ...]) -> None:
    """Whoever makes the run adds a line to made.log."""
    (task / "test_uses.py").write_text(USES)
    (task / "conftest.py").write_text(LOGGED)
    found = pytested(task, *rag("good.yaml", "--rag-metrics", "recall@1", "--rag-out", "out"), *workers)
    assert found.returncode == 0, found.stdout + found.stderr
    assert f"{DOCS + 1} passed" in found.stdout
    assert "test_uses.py::test_found[q23]" in found.stdout
    assert (task / "made.log").read_text() == "made\n"
    assert len((task / "out" / "good" / "answers.jsonl").read_text().splitlines()) == DOCS


def test_as_many_questions_are_timed_as_are_asked_for(task: Path) -> None:
    (task / "test_uses.py").write_text(USES)
    found = pytested(task, *rag("good.yaml", "--rag-metrics", "recall@1", "--rag-out", "out", "--rag-latency-questions", "17"))
    assert found.returncode == 0, found.stdout
    assert json.loads((task / "out" / "good" / "lock.json").read_text())["latency"]["sample"] == 17


def test_without_a_folder_to_keep_nothing_is_left(task: Path) -> None:
    (task / "test_uses.py").write_text(USES)
    (task / "tmp").mkdir()
    (task / "test_where.py").write_text("def test_there(rag_out):\n    assert (rag_out / 'summary.json').is_file()\n    assert rag_out.parent.name == 'tmp'\n")
    os.environ["TMPDIR"] = str(task / "tmp")
    try:
        found = pytested(task, *rag("good.yaml", "--rag-metrics", "recall@1"))
    finally:
        del os.environ["TMPDIR"]
    assert found.returncode == 0, found.stdout
    assert list((task / "tmp").glob("rag-pytest-*")) == []


def test_questions_are_chosen_by_tag_and_by_id(task: Path) -> None:
    (task / "test_uses.py").write_text(USES)
    found = pytested(task, *rag("good.yaml", "--rag-metrics", "recall@1"), "-m", "tag_single_fact")
    assert f"1 passed, {DOCS} deselected" in found.stdout, found.stdout
    assert "test_found[q0]" in found.stdout
    found = pytested(task, *rag("good.yaml", "--rag-metrics", "recall@1"), "test_uses.py::test_found[q7]")
    assert "1 passed" in found.stdout


def test_a_question_that_is_not_found_fails_by_its_id(task: Path) -> None:
    expects = "def test_found(rag_run, rag_question):\n    rag_run.expect('recall@1', rag_question, 1.0)\n"
    (task / "test_uses.py").write_text(expects)
    found = pytested(task, *rag("bad.yaml", "--rag-metrics", "recall@1", "--rag-limit", "2"))
    assert found.returncode == 1
    assert "FAILED test_uses.py::test_found[q1] - Failed: recall@1 of q1 is 0, expected 1" in found.stdout
    assert "2 failed" in found.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_gate_needs_no_python(task: Path, workers: tuple[str, ...]) -> None:
    accepted(task)
    gate = ("--rag-baseline", "base.json", "--rag-policy", "gate.yaml")
    found = pytested(task, *rag("good.yaml", *gate), *workers)
    assert found.returncode == 0, found.stdout + found.stderr
    assert "2 passed" in found.stdout
    assert "PASSED rag-gate::recall@1" in found.stdout
    assert "PASSED rag-gate::floor:recall@1" in found.stdout
    found = pytested(task, *rag("bad.yaml", *gate, "--junit-xml", "gate.xml"), *workers)
    assert found.returncode == 1
    assert "FAILED rag-gate::recall@1 - regressed: recall@1 is worse: -1.000 [-1.000, -1.000], margin 0.05" in found.stdout
    assert "2 failed" in found.stdout
    assert ElementTree.parse(task / "gate.xml").getroot()[0].get("failures") == "2"


def test_checks_are_chosen_like_any_test(task: Path) -> None:
    accepted(task)
    (task / "test_uses.py").write_text(USES)
    gate = ("--rag-baseline", "base.json", "--rag-policy", "gate.yaml")
    assert f"2/{DOCS + 3} tests collected" in pytested(task, *rag("good.yaml", *gate), "-m", "rag_gate", "--collect-only", "-q").stdout
    assert "rag-gate::floor:recall@1" in pytested(task, *rag("good.yaml", *gate), "-k", "floor", "--collect-only", "-q").stdout


def ids(found: subprocess.CompletedProcess[str]) -> list[tuple[str, str]]:
    """Return outcome and id of every test, as the short summary shows them."""
    return re.findall(r"^(PASSED|FAILED|SKIPPED) (\S+)", found.stdout, re.MULTILINE)


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_the_id_that_is_shown_for_a_failure_runs_it_again_and_nothing_else(task: Path, workers: tuple[str, ...]) -> None:
    accepted(task)
    (task / "test_uses.py").write_text("def test_found(rag_run, rag_question):\n    rag_run.expect('recall@1', rag_question, 1.0)\n")
    (task / "below").mkdir()
    given = rag("bad.yaml", "--rag-baseline", "base.json", "--rag-policy", "gate.yaml", "--rag-out", "out")
    first = ids(pytested(task, *given, *workers))
    assert len(first) == DOCS + 2
    assert ("FAILED", "rag-gate::floor:recall@1") in first
    assert ("FAILED", "test_uses.py::test_found[q7]") in first
    one = ("rag-gate::floor:recall@1", "rag-gate::recall@1", "test_uses.py::test_found[q7]")
    for name in one[:1] if workers else one:  # with workers two at once, below, say the same in fewer starts
        assert ids(pytested(task, *given, name)) == [("FAILED", name)]
    two = ids(pytested(task, *given, "rag-gate::recall@1", "test_uses.py::test_found[q7]", *workers))
    assert sorted(two) == [("FAILED", "rag-gate::recall@1"), ("FAILED", "test_uses.py::test_found[q7]")]
    assert sorted(ids(pytested(task, *given, "rag-gate", *workers))) == [("FAILED", "rag-gate::floor:recall@1"), ("FAILED", "rag-gate::recall@1")]


def test_an_id_shown_in_a_folder_below_runs_there_again(task: Path) -> None:
    accepted(task)
    (task / "below").mkdir()
    given = [f"../{a}" if (task / a).exists() else a for a in rag("bad.yaml", "--rag-baseline", "base.json", "--rag-policy", "gate.yaml")]
    first = ids(pytested(task, *given, below="below"))
    assert first == [("FAILED", "../rag-gate::recall@1"), ("FAILED", "../rag-gate::floor:recall@1")]
    assert ids(pytested(task, *given, first[1][1], below="below")) == [first[1]]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_last_failed_runs_only_the_check_that_failed(task: Path, workers: tuple[str, ...]) -> None:
    """The floor is kept, the ceiling is not; a test file passes."""
    accepted(task)
    (task / "gate.yaml").write_text("metrics: [recall@1]\nfloors: {recall@1: 0.5}\nceilings: {recall@1: 0.5}\n")
    (task / "test_other.py").write_text("def test_other():\n    pass\n")
    given = rag("good.yaml", "--rag-baseline", "base.json", "--rag-policy", "gate.yaml")
    assert len(ids(pytested(task, *given, *workers, cache=True))) == 4
    assert ids(pytested(task, *given, "--lf", *workers, cache=True)) == [("FAILED", "rag-gate::ceiling:recall@1")]


def test_a_count_is_a_check_and_one_that_nobody_named_is_said(task: Path) -> None:
    accepted(task)
    (task / "gate.yaml").write_text("metrics: [recall@1]\nzero: [tenant_leaks]\n")
    body = {"format": 1, "failures": 0, "trials": 72, "made_by": "a test", "ran_on": {"code": code()}}
    (task / "leaks.json").write_text(json.dumps({**body, "name": "tenant_leaks"}))
    (task / "other.json").write_text(json.dumps({**body, "name": "other"}))
    given = rag("good.yaml", "--rag-baseline", "base.json", "--rag-policy", "gate.yaml")
    found = pytested(task, *given, "--rag-counts", "leaks.json", "--rag-counts", "other.json")
    assert ids(found) == [("PASSED", "rag-gate::recall@1"), ("PASSED", "rag-gate::zero:tenant_leaks")]
    assert "rag-gate does not look at other: 0 of 72, counted by a test; the policy does not name it" in found.stdout
    assert ("FAILED", "rag-gate::zero:tenant_leaks") in ids(pytested(task, *given, "--rag-on-inconclusive", "pass"))


@pytest.mark.parametrize(("rule", "code", "said"), [("fail", 1, "1 failed"), ("warn", 0, "1 skipped"), ("pass", 0, "1 passed")])
def test_inconclusive_is_what_the_policy_says(task: Path, rule: str, code: int, said: str) -> None:
    """Twenty-four documents fewer than twenty of which are asked about decide nothing."""
    rows = (task / "q.jsonl").read_text().splitlines()[:10]
    (task / "q.jsonl").write_text("\n".join(rows) + "\n")
    (task / "gate.yaml").write_text("metrics: [recall@1]\n")
    accepted(task)
    found = pytested(task, *rag("good.yaml", "--rag-baseline", "base.json", "--rag-policy", "gate.yaml", "--rag-on-inconclusive", rule))
    assert found.returncode == code, found.stdout
    assert said in found.stdout
    assert ("inconclusive: recall@1 rests on 10 documents" in found.stdout) == (rule != "pass")


def test_a_baseline_on_other_questions_fails_every_check(task: Path) -> None:
    accepted(task)
    found = pytested(task, *rag("good.yaml", "--rag-baseline", "base.json", "--rag-policy", "gate.yaml", "--rag-limit", "22"))
    assert found.returncode == 1
    assert "2 failed" in found.stdout
    assert "rag-gate::recall@1 - not comparable: measured with different questions: run both with the same, or accept a new baseline" in found.stdout


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["--rag-config", "good.yaml"], "--rag-config, --rag-corpus and --rag-questions go together; give --rag-corpus and --rag-questions too"),
        (rag("good.yaml", "--rag-policy", "gate.yaml"), "--rag-policy is about the gate; give --rag-baseline too"),
        (rag("none.yaml"), "none.yaml"),
        (["rag-gate::recall@1"], "rag-gate::recall@1: there is no gate; give --rag-config, --rag-corpus, --rag-questions and --rag-baseline"),
        (rag("good.yaml", "--rag-baseline", "base.json", "rag-gate::recal@1"), "rag-gate::recal@1: the gate has no such check; it has: recall@1"),
        (rag("good.yaml", "--rag-baseline", "base.json", "--rag-counts", "q.jsonl"), "q.jsonl: this is no count"),
        (rag("good.yaml", "--rag-metrics", "recal@1"), "no metric is called 'recal@1'"),
        (rag("good.yaml", "--rag-baseline", "q.jsonl"), "q.jsonl: this is no baseline; write one with rag-eval accept"),
        (rag("good.yaml", "--rag-limit", "0"), "--rag-limit is 0; give a whole number of at least 1"),
        (rag("good.yaml", "--rag-latency-questions", "-1"), "--rag-latency-questions is -1; give a whole number, 0 for none"),
        ([*rag("good.yaml")[:4], "--rag-questions", "wrong.jsonl", "-n", "2"], "wrong.jsonl"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_before_any_test(task: Path, arguments: list[str], line: str) -> None:
    if "base.json" in arguments:
        accepted(task)
        (task / "gate.yaml").write_text("metrics: [recall@1]\n")
        arguments = [*arguments, "--rag-policy", "gate.yaml"]
    (task / "wrong.jsonl").write_text('{"id": "q", "text": "?", "evidence": [{"doc": "no.md", "quote": "x"}]}\n')
    found = pytested(task, *arguments)
    assert found.returncode == 4, found.stdout
    assert [text for text in found.stderr.splitlines() if text.startswith("ERROR: ") and line in text], found.stderr
    assert "Traceback" not in found.stdout + found.stderr


def test_after_an_interrupt_the_next_session_goes_on(task: Path) -> None:
    """A lock nobody holds, and the word of another session, hold nobody up; an interrupted run leaves no word that it is done."""
    (task / "test_uses.py").write_text(USES)
    (task / "conftest.py").write_text(LOGGED)
    (task / "interrupt").touch()
    given = rag("good.yaml", "--rag-metrics", "recall@1", "--rag-out", "out")
    found = pytested(task, *given)
    assert found.returncode == 2, found.stdout
    assert not (task / "out" / ".pytest.json").exists()
    assert (task / "out" / ".pytest.lock").exists()
    (task / "interrupt").unlink()
    (task / "out" / ".pytest.json").write_text('{"token": "another", "error": "it failed"}')
    assert f"{DOCS + 1} passed" in pytested(task, *given).stdout
