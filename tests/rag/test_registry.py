"""The registry: every part is found by name, names cannot be taken twice, plugins come in by entry point."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from rag.errors import ConfigError
from rag.registry import did_you_mean, find, parts, register
from rag.stages import KINDS, REGISTERED, Chunker

ROOT = Path(__file__).parents[2]
PLUGIN = """
from dataclasses import dataclass
from rag.registry import register
from rag.stages import Chunker
from rag.types import Piece

@register("halves")
@dataclass(frozen=True)
class Halves(Chunker):
    "Two halves."
    def chunk(self, document, runtime):
        middle = len(document.text) // 2
        yield Piece(0, middle)
        yield Piece(middle, len(document.text))
"""


def _python(code: str, *path: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT)))}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False, timeout=120)


def _plugin(folder: Path, source: str, name: str = "halves") -> Path:
    """Install a plugin in `folder` as pip would: a module and its metadata."""
    info = folder / "spanwise_halves-1.0.dist-info"
    info.mkdir(parents=True)
    (folder / "halves_plugin.py").write_text(source, encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: spanwise-halves\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(f"[rag.stages]\n{name} = halves_plugin\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("kind", [k.kind for k in KINDS])
def test_parts_are_sorted_and_carry_their_kind_and_name(kind: str) -> None:
    found = parts(kind)
    assert list(found) == sorted(found)
    assert found
    assert all(cls.kind == kind and cls.use == use for use, cls in found.items())


def test_an_unknown_name_is_told_with_its_path_the_nearest_name_and_every_choice() -> None:
    names = ", ".join(parts("pack"))
    with pytest.raises(ConfigError) as caught:
        find("pack", "budgte", "pack")
    assert str(caught.value) == f"pack: no pack stage is called 'budgte', did you mean 'budget'?; there are: {names}"


def test_a_name_unlike_any_gets_no_suggestion() -> None:
    assert did_you_mean("zzz", ["fixed", "whole"]) == ""
    assert did_you_mean("x" * 300_000, ["fixed"]) == ""


def test_only_frozen_dataclasses_of_a_stage_can_register() -> None:
    @dataclass
    class Loose(Chunker):
        """Not frozen."""

    class Bare(Chunker):
        """No dataclass."""

    @dataclass(frozen=True)
    class Other:
        """No stage."""

    for cls in (Loose, Bare, Other):
        with pytest.raises(TypeError, match=f"{cls.__name__} must be a frozen dataclass derived from one of the five stages"):
            register("mine")(cls)  # type: ignore[type-var]  # that is what is tested
    assert "mine" not in parts("chunk")


def test_a_taken_name_is_refused() -> None:
    @dataclass(frozen=True)
    class Mine(Chunker):
        """Wants a name that is taken."""

    with pytest.raises(TypeError, match=r"chunk stage 'fixed' is registered by rag\.chunk\.fixed already"):
        register("fixed")(Mine)  # type: ignore[type-abstract]  # it is refused before anyone could call it


def test_two_classes_of_one_module_cannot_share_a_name() -> None:
    done = _python(f"import sys\nsys.modules['twice'] = sys.modules['__main__']\n{PLUGIN}\n{PLUGIN.replace('class Halves', 'class Other')}")
    assert "chunk stage 'halves' is registered by" in done.stderr


def test_a_module_may_be_reloaded() -> None:
    done = _python("import importlib, rag.chunk.whole as w; importlib.reload(w); from rag.registry import parts; assert parts('chunk')['whole'] is w.Whole")
    assert done.returncode == 0, done.stderr


def test_a_plugin_is_found_by_its_entry_point(tmp_path: Path) -> None:
    code = "from rag.config import parse; print(type(parse({'chunk': 'halves', 'retrieve': 'bm25'}).chunk).__module__)"
    done = _python(code, _plugin(tmp_path / "site", PLUGIN))
    assert (done.stdout, done.stderr) == ("halves_plugin\n", "")


def test_a_plugin_that_cannot_be_imported_is_named_and_does_not_stop_what_needs_no_plugin(tmp_path: Path) -> None:
    broken = _plugin(tmp_path / "site", "raise RuntimeError('no licence')")
    code = """
from rag.config import parse
parse({'chunk': 'whole', 'retrieve': 'bm25'})
for attempt in range(2):
    try: parse({'chunk': 'halves', 'retrieve': 'bm25'})
    except Exception as error: print(type(error).__name__, error)
"""
    line = "ConfigError plugin 'halves' of spanwise-halves cannot be loaded (RuntimeError: no licence); repair or uninstall it\n"
    assert _python(code, broken).stdout == line * 2


def test_every_part_of_ours_lies_in_the_module_called_as_it_is() -> None:
    """What `find` relies on to import one module and not all."""
    own = {(kind.kind, use): cls.__module__ for kind in REGISTERED for use, cls in parts(kind.kind).items() if cls.__module__.startswith("rag.")}
    assert own == {(kind, use): f"rag.{kind}.{use}" for kind, use in own}
    assert len(own) > 40


def test_finding_a_part_imports_no_other() -> None:
    code = """
import sys
from rag.registry import find
assert find('retrieve', 'rrf', 'x').__name__ == 'Rrf'
print(sorted(m for m in sys.modules if m.startswith(('rag.retrieve.', 'rag.refine.', 'rag.answer.')) and not m.split('.')[-1].startswith('_')))
"""
    done = _python(code)
    assert (done.stderr, done.stdout) == ("", "['rag.retrieve.rrf']\n")


@pytest.mark.parametrize("use", ["_ranking", "__init__", "../pipeline", "bm25.py", "", "a b", "rrf.Rrf", "x" * 300])
def test_a_name_that_is_no_part_is_one_clear_error_and_runs_no_module(use: str) -> None:
    with pytest.raises(ConfigError, match="no retrieve stage is called"):
        find("retrieve", use, "retrieve")
