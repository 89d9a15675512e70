"""Replies with a form: found wherever they stand, checked, asked for once more, and never at more than linear cost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from rag.chat.fallback import Fallback
from rag.errors import ChatError
from rag.models import structured as module
from rag.models.chat import Completion, Message, OnText, Request
from rag.models.structured import first_object, structured
from rag.runtime import Runtime
from rag.stages import Chat


class Reply(BaseModel):
    """The form of the test."""

    n: int
    words: list[str] = []


class Strict(BaseModel):
    """One that allows nothing else."""

    model_config = ConfigDict(extra="forbid")
    n: int


@dataclass
class Scripted:
    """A chat model that says what its script says, and notes what it was asked."""

    texts: list[str]
    asked: list[Request] = field(default_factory=list)
    name: str = "scripted"
    window: int | None = None
    threads: int = 1
    remember: bool = True
    identity: dict[str, Any] = field(default_factory=dict)

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        self.asked.append(request)
        return Completion(self.texts[len(self.asked) - 1], self.name)

    def count(self, text: str) -> int:
        return len(text.split())


@dataclass(frozen=True)
class Script(Chat):
    """Names what it says."""

    texts: tuple[str, ...] = ()

    def open(self, runtime: Runtime) -> Scripted:
        return Scripted(list(self.texts))


REQUEST = Request((Message("system", "s"), Message("user", "q")), "task", "subject")


def replies(runtime: Runtime, *texts: str, shape: Any = Reply) -> tuple[Any, int, list[Request]]:
    """Return what is read out of texts, how many it took, and what was asked."""
    spec = Script(texts=texts)
    found, completions = structured(runtime, spec, REQUEST, shape)
    return found, len(completions), runtime.chat(spec).asked  # type: ignore[attr-defined]  # that of the test


@pytest.mark.parametrize(
    "text",
    [
        '{"n": 1}',
        ' \n{"n": 1, "extra": [2]}\n',
        'Sure:\n```json\n{"n": 1}\n```\nDone.',
        '```\n{"n":\n 1}\n```',
        '```python\nx = {}\n```\nthen\n  ```json\n{"n": 1}\n  ```',
        'Here it is: {"n": 1} and {"n": 2}.',
        'A set {a, b} and then {"n": 1}',
        '{broken {"n": 1}',
        '[{"n": 1}]',
        '{"n": "1"}',
    ],
)
def test_the_first_object_is_found_wherever_it_stands(runtime: Runtime, text: str) -> None:
    found, calls, _ = replies(runtime, text)
    assert (found, calls) == (Reply(n=1), 1)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("no", "it holds no JSON object"),
        ("", "it holds no JSON object"),
        ("[1, 2]", "it holds no JSON object"),
        ('{"n": "one"}', "n: Input should be a valid integer"),
        ('{"n": 1, "words": [1]}', "words.0: Input should be a valid string"),
        ("{}", "n: Field required"),
        ('{"n": NaN}', "it holds no JSON object"),
        ('{"n": 1' + "0" * 5000 + "}", "it holds no JSON object"),
        ('{"n": ' + "[" * 100_000, "it holds no JSON object"),
        ('{"n":' * 100_000, "it holds no JSON object"),
        ("{" * 1_000_000, "it holds no JSON object"),
    ],
)
def test_what_does_not_fit_is_sent_back_once_with_what_is_wrong(runtime: Runtime, text: str, names: str) -> None:
    found, calls, asked = replies(runtime, text, '{"n": 2}')
    assert (found, calls) == (Reply(n=2), 2)
    first, second = asked
    assert second.messages[:2] == first.messages == REQUEST.messages
    assert [m.role for m in second.messages[2:]] == ["assistant", "user"]
    assert second.messages[2].content == text[:2000]
    assert names in second.messages[3].content
    assert first.schema == second.schema == Reply.model_json_schema()
    assert (second.task, second.subject) == ("task", "subject")


def test_keys_that_the_form_forbids_are_wrong(runtime: Runtime) -> None:
    _, calls, asked = replies(runtime, '{"n": 1, "x": 2}', '{"n": 1}', shape=Strict)
    assert calls == 2
    assert "x: Extra inputs are not permitted" in asked[1].messages[-1].content


def test_after_two_attempts_it_is_an_error_that_says_why(runtime: Runtime) -> None:
    with pytest.raises(ChatError, match=r"scripted gave no usable JSON for task after 2 attempts \(n: Field required\)") as caught:
        replies(runtime, "no", "{}")
    assert caught.value.why == "malformed"


@pytest.mark.parametrize("through", [False, True])
def test_replies_that_led_to_nothing_are_asked_for_again(runtime: Runtime, through: bool) -> None:
    """By the next run, also where another model asked for them: three runs of two calls, then one that is remembered."""
    inner = Script(texts=("no", "{}", "no", '{"n": "x"}', "no", '{"n": 3}'))
    spec: Chat = Fallback(of=(inner, Script(texts=("unused",)))) if through else inner
    calls = []
    for _ in range(2):
        with pytest.raises(ChatError, match="no usable JSON"):
            structured(runtime, spec, REQUEST, Reply)
        calls.append(len(runtime.chat(inner).asked))  # type: ignore[attr-defined]  # that of the test
    for _ in range(2):
        assert structured(runtime, spec, REQUEST, Reply)[0] == Reply(n=3)
        calls.append(len(runtime.chat(inner).asked))  # type: ignore[attr-defined]  # that of the test
    assert calls == [2, 4, 6, 6]


@pytest.mark.parametrize(
    ("text", "words"),
    [('{"n": 1, "words": ["a\\ud800b", "\\ud83d\\ude00"]}', ["a\ufffdb", "\U0001f600"]), ('{"n": 1, "words": ["\udfff"]}', ["\ufffd"])],
)
def test_halves_of_surrogate_pairs_do_not_get_into_what_is_read(runtime: Runtime, text: str, words: list[str]) -> None:
    """Escaped in the JSON or as they are; what comes out can be written."""
    found, calls, _ = replies(runtime, text)
    assert (found.words, calls) == (words, 1)
    assert first_object('{"\\udc00": [{"x": 1.5}, null, "\\ud800"]}') == {"\ufffd": [{"x": 1.5}, None, "\ufffd"]}


def test_a_reply_that_is_sent_back_can_be_written(runtime: Runtime) -> None:
    _, _, asked = replies(runtime, "no \ud800", '{"n": 1}')
    assert asked[1].messages[2].content == "no \ufffd"


def test_what_asking_raises_is_raised(runtime: Runtime) -> None:
    @dataclass(frozen=True)
    class Refusing(Chat):
        def open(self, runtime: Runtime) -> Scripted:
            class No(Scripted):
                def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
                    raise ChatError("no", "refused")

            return No([])

    with pytest.raises(ChatError, match=r"^no$"):
        structured(runtime, Refusing(), REQUEST, Reply)


def test_the_whole_exchange_is_remembered(runtime: Runtime) -> None:
    replies(runtime, "no", '{"n": 2}')
    found, calls, asked = replies(runtime, "no", '{"n": 2}')
    assert (found.n, calls, len(asked)) == (2, 2, 2)  # asked by the first, nothing by the second
    assert runtime.work.completions == 2


@given(st.text(), st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=4), st.text())
def test_an_object_in_a_fence_is_read_as_it_is(before: str, value: dict[str, Any], after: str) -> None:
    text = f"{before.replace('`', '').replace('{', '')}\n```json\n{json.dumps(value)}\n```\n{after.replace('`', '')}"
    assert first_object(text) == value


@given(st.text(alphabet="{}[]\"':,`\n a1\\", max_size=200))
def test_any_text_gives_an_object_or_a_plain_error(text: str) -> None:
    try:
        assert isinstance(first_object(text), dict)
    except ValueError as error:
        assert str(error) == "it holds no JSON object"


@pytest.mark.parametrize("unit", ["{", '{"a', '{"a":', "```\nx```\n", "```\n", "```json\n{\n", "{}x"[1:], "[" * 3 + "{"])
def test_no_reply_is_looked_at_more_often_than_a_bound(unit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted in attempts to decode: each is linear, so a megabyte costs a bounded number of passes."""
    tries = 0

    class Counting(json.JSONDecoder):
        def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
            nonlocal tries
            tries += 1
            return super().raw_decode(s, idx)

    monkeypatch.setattr(module, "_DECODER", Counting())
    with pytest.raises(ValueError, match="no JSON object"):
        first_object(unit * (1_000_000 // len(unit)))
    assert tries <= 2 * module.MOST_TRIES + 1
