"""Which arguments are ids of checks, and what they choose; `test_pytest_plugin.py` runs it in pytest."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from eval.pytest_ids import Asked, taken

THERE = ("recall@5", "floor:recall@5", "zero:tenant_leaks")


def config(folder, *arguments):
    return SimpleNamespace(args=list(arguments), invocation_params=SimpleNamespace(dir=folder))


@pytest.mark.parametrize(
    ("arguments", "left", "chosen"),
    [
        (["tests"], ["tests"], THERE),
        ([], [], THERE),
        (["rag-gate::recall@5"], [], ("recall@5",)),
        (["../rag-gate::floor:recall@5", "rag-gate::recall@5"], [], ("recall@5", "floor:recall@5")),
        (["rag-gate"], [], THERE),
        (["rag-gate::"], [], THERE),
        (["tests/test_x.py::test_y[q1]"], ["tests/test_x.py::test_y[q1]"], ()),
        (["tests/test_x.py::test_y[q1]", "rag-gate::recall@5"], ["tests/test_x.py::test_y[q1]"], ("recall@5",)),
        (["tests", "rag-gate::recall@5"], ["tests"], ("recall@5",)),
        (["my-rag-gate::x"], ["my-rag-gate::x"], ()),
    ],
)
def test_ids_are_taken_and_choose(tmp_path, arguments, left, chosen):
    given = config(tmp_path, *arguments)
    assert taken(given).chosen(THERE) == chosen
    assert given.args == left


def test_a_file_of_that_name_is_left_to_pytest(tmp_path):
    (tmp_path / "rag-gate").mkdir()
    given = config(tmp_path, "rag-gate")
    assert taken(given) == Asked()
    assert given.args == ["rag-gate"]


def test_names_that_no_check_has_are_told():
    assert Asked(("recall@5", "recal@5")).unknown(THERE) == ["recal@5"]
