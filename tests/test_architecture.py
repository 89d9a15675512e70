"""The rules of the code that no linter knows: who may import whom, what is never called, how names and files go together."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
KINDS = ("chunk", "retrieve", "refine", "pack", "answer", "chat")
HEAVY = {"torch", "sentence_transformers", "transformers", "matplotlib", "pypdf", "docx", "selectolax"}
SERIAL = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
MAX_LINES, MAX_FUNCTION = 250, 45
# What a part may build on, besides the private modules of its own kind.
FOR_PARTS = re.compile(
    r"rag\.(types|filters|filter_text|dates|stages|registry|errors|text|prompts|untrusted|instructions|rendered|scores|blocks|places|runtime|fingerprint|models(\.\w+)?|index\.(meta|reader|spaces))"
)
RUNS_EXAMPLES = {"tests/test_docs.py": {"exec"}}  # the examples of docs/python.md, which are our own
# The defaults of a pipeline that names no packer and no answerer.
DEFAULTS = {"rag.pack.budget", "rag.answer.extractive"}


@dataclass(frozen=True)
class Module:
    """One source file: its path below the repository, its text and its syntax tree."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return _parse(self.text)

    @property
    def nodes(self) -> tuple[ast.AST, ...]:
        """Everything in the syntax tree."""
        return _walked(self.text)

    @property
    def name(self) -> str:
        """The dotted name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def kind(self) -> str:
        """The kind of part that lies here, empty where none does."""
        folders = self.path.split("/")
        return folders[1] if len(folders) == 3 and folders[0] == "rag" and folders[1] in KINDS else ""


@cache
def _parse(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def _walked(text: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(_parse(text)))


def _modules(*folders: str) -> list[Module]:
    return [Module(p.relative_to(ROOT).as_posix(), p.read_text(encoding="utf-8")) for f in folders for p in sorted((ROOT / f).rglob("*.py"))]


SOURCES = _modules("rag", "eval")
EVERYTHING = [*SOURCES, *_modules("tests")]


def _imported(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the dotted names that import statements reach: `from a import b` may be the module `a.b` or a name in `a`."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _at_import(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield the statements that run when a module is imported, the blocks of type checkers left out."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            continue
        yield node
        for block in ("body", "orelse", "finalbody"):
            yield from _at_import(getattr(node, block, []))
        for handler in getattr(node, "handlers", []):
            yield from _at_import(handler.body)


@cache
def _calls(module: Module) -> list[tuple[str, ast.Call]]:
    """Return every call with the dotted name of what is called, empty where that is no name."""
    return [(_dotted(node.func), node) for node in module.nodes if isinstance(node, ast.Call)]


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def relative_imports(module: Module) -> list[str]:
    """Imports are absolute, so that the rules below see them."""
    return [f"line {n.lineno}" for n in module.nodes if isinstance(n, ast.ImportFrom) and n.level]


def rag_without_eval(module: Module) -> list[str]:
    """`rag` works without the harness that measures it."""
    found = _imported(module.nodes)
    return [n for n in found if module.path.startswith("rag/") and (n == "eval" or n.startswith("eval."))]


def parts_apart(module: Module) -> list[str]:
    """A part knows its contract and pure helpers, never another part."""
    if not module.kind:
        return []
    own = re.compile(rf"rag\.{module.kind}\._\w+")
    packages = {n.module or "" for n in module.nodes if isinstance(n, ast.ImportFrom)}
    packages |= {a.name for n in module.nodes if isinstance(n, ast.Import) for a in n.names}
    return sorted(p for p in packages if p.split(".")[0] == "rag" and not (FOR_PARTS.fullmatch(p) or own.fullmatch(p)))


def parts_by_name_only(module: Module) -> list[str]:
    """What is no part finds parts through the registry; only the pipeline imports the two defaults."""
    if module.kind or not module.path.startswith("rag/"):
        return []
    found = [n for n in _imported(module.nodes) if re.match(rf"rag\.({'|'.join(KINDS)})(\.|$)", n)]
    return [n for n in found if not (module.path == "rag/pipeline.py" and any(n == d or n.startswith(f"{d}.") for d in DEFAULTS))]


def light_imports(module: Module) -> list[str]:
    """What is heavy or optional is imported where it is used."""
    return [n for n in _imported(_at_import(module.tree.body)) if n.split(".")[0] in HEAVY]


def no_print(module: Module) -> list[str]:
    """Library code never prints; `rag.shell` writes for the commands."""
    return [f"line {call.lineno}" for name, call in _calls(module) if name == "print"]


def no_code_from_data(module: Module) -> list[str]:
    """Nothing that is read can run: no pickles, no `eval`, no `exec`, no loading that would unpickle."""
    refused = {"eval", "exec", "builtins.eval", "builtins.exec", "torch.load"} - RUNS_EXAMPLES.get(module.path, set())
    found = [n for n in _imported(module.nodes) if n.split(".")[0] in SERIAL]
    found += [f"line {c.lineno}: {n}" for n, c in _calls(module) if n in refused]
    return found + [
        f"line {c.lineno}: allow_pickle" for _, c in _calls(module) for k in c.keywords if k.arg == "allow_pickle" and ast.unparse(k.value) != "False"
    ]


def strict_yaml(module: Module) -> list[str]:
    """YAML is read by the one strict loader."""
    loaders = {"yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "yaml.safe_load", "yaml.safe_load_all"}
    found = [ast.unparse(call) for name, call in _calls(module) if name in loaders]
    return [c for c in found if not (module.path == "rag/strict_yaml.py" and c == "yaml.load(data, Loader=_Strict)")]


def small(module: Module) -> list[str]:
    """Files and functions stay readable."""
    lines = module.text.count("\n")
    found = [f"{lines} lines, at most {MAX_LINES}"] if lines > MAX_LINES else []
    functions = [n for n in module.nodes if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return found + [f"{f.name} has {n} lines, at most {MAX_FUNCTION}" for f in functions if (n := (f.end_lineno or 0) - f.lineno + 1) > MAX_FUNCTION]


def documented(module: Module) -> list[str]:
    """Every module says in its first line what it is for."""
    first = (ast.get_docstring(module.tree) or "").split("\n")[0]
    return [] if first.endswith((".", "?", ":")) else [f"docstring {first!r} is no sentence"]


def excuses(module: Module) -> list[str]:
    """A silenced check says why."""
    return [f"line {i}" for i, line in enumerate(module.text.splitlines(), 1) if re.search(r"#\s*(type:\s*ignore|noqa)(\[[^\]]*\]|:\s*[A-Z0-9, ]+)?\s*$", line)]


Rule = Callable[[Module], list[str]]
BROKEN: list[tuple[Rule, str, str]] = [
    (relative_imports, "rag/x.py", "from .types import Span"),
    (rag_without_eval, "rag/x.py", "def f():\n    from eval.score import Score"),
    (parts_apart, "rag/chunk/x.py", "from rag.retrieve.rrf import Rrf"),
    (parts_apart, "rag/chunk/x.py", "from rag.chunk.fixed import Fixed"),
    (parts_apart, "rag/chunk/x.py", "from rag.retrieve._ranking import step"),
    (parts_by_name_only, "rag/index/x.py", "from rag.chunk.fixed import Fixed"),
    (parts_by_name_only, "rag/x.py", "from rag.pack import budget"),
    (parts_by_name_only, "rag/pipeline.py", "from rag.pack.other import Other"),
    (light_imports, "rag/x.py", "try:\n    import torch\nexcept ImportError:\n    pass"),
    (light_imports, "eval/x.py", "class A:\n    from matplotlib import pyplot"),
    (no_print, "rag/x.py", "print(1)"),
    (no_code_from_data, "rag/x.py", "from pickle import loads"),
    (no_code_from_data, "rag/x.py", "x = eval('1')"),
    (no_code_from_data, "rag/x.py", "np.load(f, allow_pickle=True)"),
    (strict_yaml, "rag/x.py", "yaml.load(data, Loader=_Strict)"),
    (strict_yaml, "rag/strict_yaml.py", "yaml.load(data, Loader=yaml.Loader)"),
    (strict_yaml, "eval/x.py", "yaml.safe_load(data)"),
    (small, "rag/x.py", "\n" * 251),
    (small, "rag/x.py", "def f():\n" + "    x = 1\n" * 45),
    (documented, "rag/x.py", "x = 1"),
    (documented, "rag/x.py", '"""TEMP"""'),
    (excuses, "rag/x.py", "x = 1  # noqa" + ": S101"),
    (excuses, "rag/x.py", "x = 1  # type: " + "ignore[arg-type]"),
]
RULES = list(dict.fromkeys(rule for rule, _, _ in BROKEN))
FINE: list[tuple[Rule, str, str]] = [
    (parts_apart, "rag/chunk/x.py", "from rag.chunk._ruler import Ruler\nfrom rag.types import Piece\nfrom rag.models.files import BUNDLED\nimport numpy"),
    (parts_by_name_only, "rag/pipeline.py", "from rag.pack.budget import Budget"),
    (light_imports, "rag/x.py", "if TYPE_CHECKING:\n    import torch\ndef f():\n    import torch"),
    (strict_yaml, "rag/strict_yaml.py", "yaml.load(data, Loader=_Strict)"),
    (excuses, "rag/x.py", "x = 1  # noqa: S101  # because"),
]


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.__name__)
def test_the_code_keeps_the_rule(rule: Rule) -> None:
    where = EVERYTHING if rule is no_code_from_data else SOURCES
    assert {m.path: found for m in where if (found := rule(m))} == {}, rule.__doc__


@pytest.mark.parametrize(("rule", "path", "text"), [*BROKEN, *FINE])
def test_a_rule_sees_when_it_is_broken_and_only_then(rule: Rule, path: str, text: str) -> None:
    assert bool(rule(Module(path, text))) == ((rule, path, text) in BROKEN)


def _registered(module: Module) -> list[str]:
    """Return the names that `@register(...)` gives to the classes of a module."""
    decorators = [d for n in module.nodes if isinstance(n, ast.ClassDef) for d in n.decorator_list if isinstance(d, ast.Call)]
    return [ast.literal_eval(d.args[0]) for d in decorators if ast.unparse(d.func) == "register"]


def _used(data: object) -> Iterator[str]:
    """Yield every `use` in a configuration, bare names included."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, list):
        for item in data:
            yield from _used(item)
    elif isinstance(data, dict):
        for value in data.values():
            yield from _used(value)


PARTS = [m for m in SOURCES if m.kind and not m.path.split("/")[-1].startswith("_")]


def test_all_five_kinds_have_parts() -> None:
    assert {m.kind for m in PARTS} == set(KINDS)


@pytest.mark.parametrize("module", PARTS, ids=lambda m: m.name)
def test_a_part_is_one_name_from_file_to_configuration_and_test(module: Module) -> None:
    name = Path(module.path).stem
    assert _registered(module) == [name]
    assert (ROOT / "tests" / "rag" / module.kind / f"test_{name}.py").is_file()
    shipped = {use for path in sorted((ROOT / "configs").rglob("*.yaml")) for use in _used(yaml.safe_load(path.read_text(encoding="utf-8")))}
    assert name in shipped


JUDGES = [m for m in SOURCES if m.path.startswith("eval/judges/") and _registered(m)]


@pytest.mark.parametrize("module", JUDGES, ids=lambda m: m.name)
def test_a_judge_is_one_name_from_file_to_test(module: Module) -> None:
    name = Path(module.path).stem
    assert _registered(module) == [name]
    assert (ROOT / "tests" / "eval" / "judges" / f"test_{name}.py").is_file()


def test_nothing_else_registers_a_part() -> None:
    assert [m.path for m in SOURCES if m not in (*PARTS, *JUDGES) and _registered(m)] == []
