"""The file of recorded completions: what is one, what is none and on which line, and how it is written."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from rag.errors import ConfigError
from rag.models.chat import Completion, Message, Request, Usage
from rag.models.recordings import Recorder, read


def request(text: str = "q", **more: Any) -> Request:
    return Request((Message("user", text),), "answer", "subject", **more)


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "r.jsonl"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return path


def test_rows_are_found_by_task_subject_and_sample_and_the_file_says_what_it_is(tmp_path: Path) -> None:
    rows = [
        {"about": "hand-written"},
        {"task": "answer", "subject": "subject", "text": "0"},
        {"task": "answer", "subject": "subject", "sample": 1, "text": "1"},
    ]
    found = read(file(tmp_path, "\n\n".join(map(json.dumps, rows)) + "\n"))
    assert found.about == "hand-written"
    assert [(c.text if (c := found.find(request(sample=n))) else None) for n in (0, 1, 2)] == ["0", "1", None]
    assert found.find(Request((Message("user", "q"),), "hyde", "subject")) is None


def test_the_row_of_a_request_goes_before_that_of_its_subject(tmp_path: Path) -> None:
    row = {"task": "answer", "subject": "subject"}
    found = read(file(tmp_path, f"{json.dumps({**row, 'text': 'hand'})}\n{json.dumps({**row, 'text': 'exact', 'key': request().key})}\n"))
    assert [found.find(r).text for r in (request(), request("other"))] == ["exact", "hand"]  # type: ignore[union-attr]  # both are there


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("{", "no JSON; each line is one object"),
        ("[" * 100_000, "no JSON"),
        ("[1]", "expected an object, found a list"),
        ('{"task": "a", "subject": "b"}', "text is missing or no text"),
        ('{"task": 1, "subject": "b", "text": "c"}', "task is missing or no text"),
        ('{"task": "a", "text": "c"}', "subject is missing or no text"),
        ('{"task": "a", "subject": "b", "text": "c", "sample": true}', "sample is no whole number"),
        ('{"task": "a", "subject": "b", "text": "c", "sample": "1"}', "sample is no whole number"),
        ('{"task": "a", "subject": "b", "text": "c", "ms": "long"}', "ms and usage hold numbers"),
        ('{"task": "a", "subject": "b", "text": "c", "usage": {"prompt": []}}', "ms and usage hold numbers"),
        ('{"task": "x", "subject": "y", "text": "again"}', "a second 'x' of 'y', sample 0; number them with sample"),
    ],
)
def test_what_is_no_row_is_named_with_its_line(tmp_path: Path, line: str, names: str) -> None:
    path = file(tmp_path, f'{{"task": "x", "subject": "y", "text": "z"}}\n{line}\n')
    with pytest.raises(ConfigError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert names in str(caught.value)


@pytest.mark.parametrize("what", ["missing", "folder", "binary"])
def test_a_file_that_cannot_be_read_says_what_to_give(tmp_path: Path, what: str) -> None:
    path = tmp_path / what
    if what == "folder":
        path.mkdir()
    if what == "binary":
        path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"recordings cannot be read \(.*\); give chat\.path a file made with --record"):
        read(path)


def test_what_is_written_is_read_back_whatever_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "new" / "r.jsonl"
    recorder = Recorder(path)
    made = [(request(str(n)), Completion(text, "m", Usage(3, 2, 1, 0.25), 12.34)) for n, text in enumerate(["a\nb", "\u2028\x85", "\ud800", '"'])]
    for r, c in made:
        recorder.add(r, c)
    found = read(path)
    assert [found.find(r) for r, _ in made] == [Completion(c.text.replace("\ud800", "\ufffd"), "m", c.usage, 12.3) for _, c in made]


def test_halves_of_surrogate_pairs_are_taken_out_of_replies(tmp_path: Path) -> None:
    """JSON can write them, UTF-8 and tokenizers cannot take them; whole pairs stay."""
    row = '{"task": "answer", "subject": "subject", "text": "a\\ud800 \\ud83d\\ude00", "model": "m\\udfff"}\n'
    found = read(file(tmp_path, row)).find(request())
    assert found is not None
    assert (found.text, found.model) == ("a\ufffd \U0001f600", "m\ufffd")


def test_a_request_is_written_once_by_one_recorder_and_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    for _ in range(2):
        recorder = Recorder(path)
        recorder.add(request(), Completion("x", "m"))
        recorder.add(request(), Completion("y", "m"))
    assert len(path.read_text(encoding="utf-8").splitlines()) == 1


def test_threads_write_whole_lines(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r.jsonl")
    threads = [threading.Thread(target=lambda n=n: recorder.add(request(str(n)), Completion("x" * 5000, "m"))) for n in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(read(tmp_path / "r.jsonl").exact) == 16


def test_a_last_line_without_its_end_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = file(tmp_path, '{"task": "a", "subject": "b", "text": "by hand"}')
    Recorder(path).add(request(), Completion("x", "m"))
    assert len(read(path).exact) == len(read(path).by_subject) == 1


def test_a_place_that_cannot_be_written_is_an_error_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="recordings cannot be written"):
        Recorder(tmp_path / "file" / "r.jsonl")
