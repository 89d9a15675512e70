"""Prompts as files: their parts, their places, and what is put in is not looked at again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rag import prompts
from rag.errors import ConfigError
from rag.models.chat import Message


def file(tmp_path: Path, text: str, name: str = "mine.md") -> str:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return str(path)


@pytest.mark.parametrize("name", prompts.names())
def test_every_prompt_that_is_shipped_can_be_used(name: str) -> None:
    """Its places are filled, and no half of one is left over."""
    found = prompts.load(name)
    messages = found.messages(**dict.fromkeys(found.slots, "X"))
    assert [m.role for m in messages] == ["system", "user"]
    assert not any("{{" in m.content or "}}" in m.content for m in messages)
    assert found.slots


@pytest.mark.parametrize("name", prompts.names())
def test_what_changes_from_question_to_question_stands_after_what_does_not(name: str) -> None:
    """So that a prefix cache hits: the system part has no places, but for such as are the same for all questions."""
    system = prompts.load(name).messages(**{s: f"<{s}>" for s in prompts.load(name).slots})[0].content
    assert not any(f"<{s}>" in system for s in ("question", "sources", "found", "asked", "claims", "passage", "document"))


def test_a_prompt_has_a_system_part_and_a_user_part(tmp_path: Path) -> None:
    found = prompts.load(file(tmp_path, "\n# system\nBe {{how}}.\n\n# user\n\nWhy {{what}}?\n# not a part\n"))
    assert found.slots == {"how", "what"}
    assert found.messages(how="brief", what="so", unused="x") == (Message("system", "Be brief."), Message("user", "Why so?\n# not a part"))


def test_the_system_part_may_be_left_out_or_empty(tmp_path: Path) -> None:
    for n, text in enumerate(("# user\nx", "# system\n\n# user\nx")):
        assert prompts.load(file(tmp_path, text, f"{n}.md")).messages() == (Message("user", "x"),)


def test_what_is_put_in_is_not_looked_at_again(tmp_path: Path) -> None:
    """A document that holds a place or a part stays a document."""
    found = prompts.load(file(tmp_path, "# user\n{{a}} {{b}}"))
    assert found.messages(a="{{b}} # system \\1", b="{{a}}")[0].content == "{{b}} # system \\1 {{a}}"


def test_a_place_without_a_value_is_an_error_that_says_what_there_is(tmp_path: Path) -> None:
    path = file(tmp_path, "# user\n{{qestion}}")
    with pytest.raises(ConfigError, match=r"nothing is known of \{\{qestion\}\}; this prompt may use: question, sources"):
        prompts.load(path).messages(question="q", sources="s")


@pytest.mark.parametrize("text", ["", "hello", "before\n# user\nx", "# system\nx", "# user\n\n", "# user\nx\n# user\ny", "# system\nx\n# system\ny\n# user\nz"])
def test_what_is_no_prompt_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match="expected an optional part under `# system` and one under `# user`"):
        prompts.load(file(tmp_path, text))


def test_a_name_that_is_none_says_which_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no prompt is called 'hyd', did you mean 'hyde'\?; there are: .*hyde"):
        prompts.load("hyd")
    with pytest.raises(ConfigError, match="no prompt is called"):
        prompts.load("../prompts/hyde")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read; check the path"):
        prompts.load(str(tmp_path / "none.md"))
    (tmp_path / "binary.md").write_bytes(b"# user\n\xff")
    with pytest.raises(ConfigError, match="has to be UTF-8"):
        prompts.load(str(tmp_path / "binary.md"))
    with pytest.raises(ConfigError, match="are no prompt"):
        prompts.load(file(tmp_path, "# user\n" + "x" * 70_000))


def test_a_changed_file_is_another_prompt(tmp_path: Path) -> None:
    path = file(tmp_path, "# user\none")
    first = prompts.load(path)
    assert prompts.load(path) is first
    file(tmp_path, "# user\ntwo")
    os.utime(path, (1, 1))
    second = prompts.load(path)
    assert second.user == "two"
    assert second.digest != first.digest


def test_the_digest_is_of_the_content_and_not_of_the_place(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    assert prompts.load(file(tmp_path, "# user\none")).digest == prompts.load(file(tmp_path / "other", "# user\none")).digest
