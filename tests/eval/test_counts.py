"""A file of a count is read as it was written, and anything else is refused with its name and what is wrong."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from eval.counts import Count, _sources, code, counted, read_counts, write_count
from rag.errors import ConfigError, StoreError

BODY = {"format": 1, "name": "tenant_leaks", "failures": 1, "trials": 5, "made_by": "a test", "ran_on": {"corpus": "c"}, "failed": ["q1"]}


def test_what_is_written_is_read(tmp_path):
    count = counted("tenant_leaks", "python -m x", [f"q{i}" for i in range(30)], 40, {"corpus": "c"}, "120 searches")
    assert (count.failures, count.trials, len(count.failed), count.ran_on["corpus"]) == (30, 40, 20, "c")
    assert count.made_by == f"python -m x, spanwise {count.ran_on['package']}"
    assert set(count.ran_on) == {"corpus", "package", "code"}
    write_count(tmp_path / "below" / "leaks.json", count)
    assert read_counts([tmp_path / "below" / "leaks.json"]) == (count,)


def test_a_file_by_hand_needs_no_list_of_what_failed(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({k: v for k, v in BODY.items() if k != "failed"}))
    assert read_counts([tmp_path / "a.json"]) == (Count("tenant_leaks", 1, 5, "a test", {"corpus": "c"}),)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "a count of format 2, this program reads 1"),
        ({"name": "Tenant leaks"}, "name: 'Tenant leaks' is not made of"),
        ({"failures": 6}, "failures 6 of 5 trials is no count"),
        ({"failures": 0, "trials": 0}, "failures 0 of 0 trials is no count"),
        ({"failures": -1}, "failures -1 of 5"),
        ({"failures": 0.0}, "failures 0.0 of 5"),
        ({"failures": False}, "failures False of 5"),
        ({"made_by": " "}, "made_by: say which command"),
        ({"ran_on": {}}, "ran_on: name what was counted on"),
        ({"ran_on": {"corpus": 1}}, "ran_on: name what was counted on"),
        ({"ran_on": {"corpus": "c", "corpus ": "old"}}, "ran_on: 'corpus ' is nothing that a run could be held to; known: corpus, questions"),
        ({"ran_on": {"attacks": "x"}}, "ran_on: 'attacks' is nothing"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, change, message):
    (tmp_path / "a.json").write_text(json.dumps({**BODY, **change}))
    with pytest.raises(ConfigError, match=message) as error:
        read_counts([tmp_path / "a.json"])
    assert str(error.value).startswith(f"{tmp_path / 'a.json'}: ")


@pytest.mark.parametrize("missing", ["format", "name", "failures", "trials", "made_by", "ran_on"])
def test_a_file_that_lacks_something_is_refused(tmp_path, missing):
    (tmp_path / "a.json").write_text(json.dumps({k: v for k, v in BODY.items() if k != missing}))
    with pytest.raises(ConfigError, match="this is no count"):
        read_counts([tmp_path / "a.json"])


@pytest.mark.parametrize("damage", ["", "[]", "null", "\x00"])
def test_a_damaged_or_missing_file_is_refused(tmp_path, damage):
    (tmp_path / "a.json").write_text(damage)
    with pytest.raises(ConfigError, match="this is no count"):
        read_counts([tmp_path / "a.json"])
    with pytest.raises(ConfigError, match="cannot be read"):
        read_counts([tmp_path / "none.json"])


def test_two_files_of_one_name_are_refused(tmp_path):
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text(json.dumps(BODY))
    with pytest.raises(ConfigError, match=r"b\.json: .*a\.json counts tenant_leaks too"):
        read_counts([tmp_path / "a.json", tmp_path / "b.json"])


def test_what_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        write_count(tmp_path / "file" / "a.json", Count("a", 0, 1, "x", {"a": "b"}))


def test_the_digest_of_the_code_is_that_of_sources_prompts_and_attacks(tmp_path):
    """A changed line, a new file and a moved one all show; what is compiled from them does not."""
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "a.py").write_text("x = 1\n")
    (tmp_path / "p.md").write_text("Answer.\n")
    (tmp_path / "a.pyc").write_bytes(b"\xff")
    assert sorted(_sources(tmp_path)) == [("below/a.py", "x = 1\n"), ("p.md", "Answer.\n")]
    assert {"attacks.jsonl", "hosts.jsonl", "oracles.py", "__main__.py"} <= {name for name, _ in _sources(files("eval.injection"))}
    names = {name for name, _ in _sources(files("rag"))}
    assert {"rendered.py", "index/store.py"} <= names
    assert any(n.startswith("prompts/") and n.endswith(".md") for n in names)
    assert len(code()) == 32
