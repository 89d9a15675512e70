"""Recorded completions: exactly those of a run, those written by hand, and what to do when there is none."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from rag.chat.openai import OpenAI
from rag.chat.recorded import Recorded, cited
from rag.errors import ChatError, ConfigError
from rag.models.chat import Message, Request, Usage
from rag.runtime import Runtime
from rag.untrusted import Source, fenced

from ..endpoint import Endpoint, said


def written(path: Path, *rows: dict[str, Any]) -> Recorded:
    path.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    return Recorded(path=str(path))


def test_a_row_written_by_hand_answers_its_task_about_its_subject_however_it_is_asked(runtime: Runtime, request_of: Any, tmp_path: Path) -> None:
    rows = [{"about": "a test"}, *({"task": "answer", "subject": "why?", "sample": n, "text": f"reply {n}"} for n in (0, 1))]
    model = written(tmp_path / "r.jsonl", *rows).open(runtime)
    assert model.complete(request_of("why?")).text == "reply 0"
    assert model.complete(request_of("another prompt", system="s", subject="why?", sample=1, temperature=1.0)).text == "reply 1"
    heard: list[str] = []
    model.complete(request_of("why?"), heard.append)
    assert heard == ["reply 0"]


def test_a_row_with_a_key_answers_that_request_only_and_first(runtime: Runtime, request_of: Any, tmp_path: Path) -> None:
    request = request_of("why?")
    row = {"task": "answer", "subject": "why?", "text": "exactly"}
    model = written(tmp_path / "r.jsonl", {**row, "key": request.key}, {**row, "text": "by hand"}).open(runtime)
    assert model.complete(request).text == "exactly"
    assert model.complete(replace(request, max_tokens=5)).text == "by hand"


def test_a_miss_says_what_to_do_and_what_it_says_works(runtime: Runtime, request_of: Any, tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    path.write_text("", encoding="utf-8")
    with pytest.raises(ChatError) as caught:
        Recorded(path=str(path)).open(runtime).complete(request_of('who is "X"?', task="hyde", sample=3))
    text = str(caught.value)
    assert caught.value.why == "not_recorded"
    assert f"--record {path}" in text
    path.write_text(text[text.index("{") :], encoding="utf-8")
    assert Recorded(path=str(path)).open(runtime).complete(request_of('who is "X"?', task="hyde", sample=3)).text == "..."


def test_usage_is_that_of_the_recording_or_counted(runtime: Runtime, request_of: Any, tmp_path: Path) -> None:
    row = {"task": "answer", "text": "two words"}
    usage = {"prompt": 9, "completion": 4, "cached": 1, "cost": 0.5}
    model = written(tmp_path / "r.jsonl", {**row, "subject": "a"}, {**row, "subject": "b", "usage": usage}).open(runtime)
    assert model.complete(request_of("a")).usage == Usage(1, 2)
    assert model.complete(request_of("b")).usage == Usage(9, 4, 1, 0.5)


def shows(*sources: str) -> Request:
    """Return a request whose prompt shows sources."""
    block = fenced([Source(f"{n}.md", s) for n, s in enumerate(sources)], "q").text
    return Request((Message("system", "Cite like [2]."), Message("user", f"{block}\n\nQuestion: q")), "answer")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The fox is red [?].", "The fox is red [2]."),
        ("Dogs bark[?] and foxes are red [?].", "Dogs bark [1] and foxes are red [2]."),
        ("Cats purr [?].", "Cats purr."),  # no source holds a term of it
        ("Already [1].", "Already [1]."),
        ("[?]", ""),
    ],
)
def test_an_open_mark_becomes_the_number_of_the_source_that_fits(text: str, found: str) -> None:
    assert cited(text, shows("Dogs bark at night.", "A fox is red.", "Birds sing.")) == found


def test_rare_words_decide_and_the_first_of_equals_is_taken() -> None:
    request = shows("The zebra system.", "The system of the system.", "The zebra system.")
    assert cited("The zebra system [?]", request) == "The zebra system [1]"


def test_open_marks_go_where_no_source_is_shown() -> None:
    """None is left, also where taking one out makes another."""
    bare = Request((Message("user", "q"),), "answer")
    marked = ["So it is [?].", "[[?]?]", "a [ [?]?].", "[[[?]?]?][?]", '{"text": "So [?]."}']
    assert [cited(t, bare) for t in marked] == ["So it is.", "", "a .", "", '{"text": "So."}']
    assert cited("[[?]?]", shows("Dogs bark.")) == ""


def test_what_a_run_records_is_replayed(endpoint: Endpoint, request_of: Any, tmp_path: Path) -> None:
    """With a real endpoint, then without one: equal texts, equal usage, equal names."""
    path = tmp_path / "folder" / "recorded.jsonl"
    endpoint.script = [said("one [1] \ud800 \u2028"), said("two"), said("three")]
    requests = [request_of("a"), request_of("b", sample=1), request_of("c", schema={"type": "object"}, system="s")]
    spec = OpenAI(model="m", base_url=endpoint.url, threads=1, price_in=1.0, price_out=1.0)
    made = Runtime(on_memory(), show_progress=False, record=path).complete(spec, requests)
    again = Runtime(on_memory(), show_progress=False).complete(Recorded(path=str(path)), requests)
    assert [(c.text, c.model, c.usage) for c in again] == [(c.text, c.model, c.usage) for c in made]
    assert made[0].text == "one [1] \ufffd \u2028"
    assert len(endpoint.asked) == 3


def test_recording_twice_adds_nothing_and_what_is_remembered_is_not_lost(endpoint: Endpoint, request_of: Any, tmp_path: Path) -> None:
    path = tmp_path / "recorded.jsonl"
    spec = OpenAI(model="m", base_url=endpoint.url)
    memo = on_memory()
    Runtime(memo, show_progress=False, record=path).complete(spec, [request_of("a")])
    before = path.read_bytes()
    Runtime(on_memory(), show_progress=False, record=path).complete(spec, [request_of("a"), request_of("a")])
    assert path.read_bytes() == before
    other = tmp_path / "other.jsonl"
    Runtime(memo, show_progress=False, record=other).complete(spec, [request_of("a")])
    assert Runtime(on_memory(), show_progress=False).complete(Recorded(path=str(other)), [request_of("a")])[0].text == "hello"


def test_its_identity_is_the_content_of_its_file(runtime: Runtime, tmp_path: Path) -> None:
    row = {"task": "answer", "subject": "a", "text": "x"}
    one, same, other = (written(tmp_path / f"{n}.jsonl", {**row, "text": t}).open(runtime) for n, t in enumerate("xxy"))
    assert one.identity == same.identity != other.identity


def test_a_file_that_is_not_there_is_an_error_of_the_configuration(runtime: Runtime, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="recordings cannot be read"):
        Recorded(path=str(tmp_path / "none.jsonl")).open(runtime)


def on_memory() -> Any:
    from rag.memo import Memo

    return Memo()
