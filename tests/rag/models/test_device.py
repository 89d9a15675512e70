"""Where encoders compute: an accelerator where there is one, what was asked for where it is there, else an error that says so."""

from __future__ import annotations

import pytest

from rag.errors import ConfigError
from rag.models.device import choose, device


@pytest.mark.parametrize(
    ("asked", "cuda", "mps", "found"),
    [
        ("auto", False, False, "cpu"),
        ("auto", True, False, "cuda"),
        ("auto", False, True, "mps"),
        ("auto", True, True, "cuda"),
        ("cpu", True, True, "cpu"),
        ("mps", True, True, "mps"),
        ("cuda", True, False, "cuda"),
    ],
)
def test_an_accelerator_is_taken_where_there_is_one_and_what_was_asked_for_before_that(asked: str, cuda: bool, mps: bool, found: str) -> None:
    assert choose(asked, cuda, mps) == found


@pytest.mark.parametrize(("asked", "said"), [("cuda", "torch finds no cuda here"), ("mps", "torch finds no mps here"), ("tpu", "'tpu' is not allowed")])
def test_what_is_not_there_or_unknown_is_told(asked: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        choose(asked, False, False)


def test_the_environment_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAG_DEVICE", "cpu")
    assert device() == "cpu"
