"""The pytest plugin: a run as a fixture, questions as parameters, a gate as collected checks; without its options it does nothing."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from eval.pytest_ids import Asked
    from eval.pytest_run import RagRun
    from eval.pytest_session import RagSession

# Nothing else is imported here: every pytest run of whoever has this package installed loads this module.
_NEEDED = ("config", "corpus", "questions")
_ADDED = ("baseline", "policy", "counts", "on_inconclusive", "metrics", "judge", "out", "limit", "latency_questions")
_WITH_BASELINE = ("policy", "counts", "on_inconclusive")
_KEPT: pytest.StashKey[RagSession] = pytest.StashKey()
_ASKED: pytest.StashKey[Asked] = pytest.StashKey()
_HINT = "needs --rag-config, --rag-corpus and --rag-questions"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options, each named as that of `rag-eval run` or `rag-eval gate`."""
    group = parser.getgroup("rag", "a configuration of spanwise, measured")
    group.addoption("--rag-config", metavar="FILE", help="Configuration to run.")
    group.addoption("--rag-corpus", metavar="PATH", help="Folder of documents, or a BEIR folder.")
    group.addoption("--rag-questions", metavar="PATH", help="JSON Lines file of questions, or a BEIR folder.")
    group.addoption("--rag-baseline", metavar="FILE", help="What `rag-eval accept` wrote: one test per check of the gate is collected.")
    group.addoption("--rag-policy", metavar="FILE", help="What the gate demands; default: that of `rag-eval gate`.")
    group.addoption("--rag-counts", metavar="FILE", action="append", help="What another command counted, for a name under `zero` of the policy; repeat.")
    group.addoption("--rag-on-inconclusive", choices=("fail", "warn", "pass"), help="What an inconclusive check does; warn skips it with its reason.")
    group.addoption("--rag-metrics", metavar="NAMES", help="Names joined by commas; default: those of the baseline and the policy, else of `rag-eval run`.")
    group.addoption("--rag-judge", metavar="NAME", help="Who judges claims, as in `rag-eval run`; default: embedded.")
    group.addoption("--rag-out", metavar="DIR", help="Folder to keep the run in; default: none is kept.")
    group.addoption("--rag-limit", metavar="N", type=int, help="Ask only the first so many questions.")
    group.addoption("--rag-latency-questions", metavar="N", type=int, help="Time so many questions, 0 for none; default: 15, fewer where that takes long.")


def _options(config: pytest.Config) -> dict[str, Any]:
    """Return the options that are given. Raises `UsageError` for those that lack another."""
    given = {name: value for name in (*_NEEDED, *_ADDED) if (value := config.getoption(f"rag_{name}")) is not None}
    if given and (missing := [name for name in _NEEDED if name not in given]):
        raise pytest.UsageError(f"--rag-config, --rag-corpus and --rag-questions go together; give {' and '.join(f'--rag-{m}' for m in missing)} too")
    if (alone := [name for name in _WITH_BASELINE if name in given]) and "baseline" not in given:
        raise pytest.UsageError(f"--rag-{alone[0].replace('_', '-')} is about the gate; give --rag-baseline too")
    return given


def pytest_configure(config: pytest.Config) -> None:
    """Keep the ids of checks, which are no files, from pytest's search for files."""
    if config.getoption("rag_baseline") is not None or any("rag-gate" in a for a in config.args):
        from eval.pytest_ids import taken

        config.stash[_ASKED] = taken(config)


def _check_asked(config: pytest.Config, there: tuple[str, ...]) -> None:
    """Raise `UsageError` for an id that no check has."""
    asked = config.stash.get(_ASKED, None)
    if asked is None or not (asked.checks or asked.all):
        return
    if not there:
        raise pytest.UsageError(
            f"rag-gate::{'::'.join(asked.checks[:1])}: there is no gate; give --rag-config, --rag-corpus, --rag-questions and --rag-baseline"
        )
    if unknown := asked.unknown(there):
        raise pytest.UsageError(f"rag-gate::{unknown[0]}: the gate has no such check; it has: {', '.join(there)}")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Read configuration, corpus, questions, baseline and policy, so that what is wrong with them is said in one line, first."""
    config = session.config
    given = _options(config)
    if not given:
        _check_asked(config, ())
        return
    from eval.pytest_session import RagSession
    from rag.errors import RagError

    shown = config.getoption("capture") == "no" and sys.stderr.isatty()
    try:
        kept = RagSession.start(given, getattr(config, "workerinput", None), shown)
    except RagError as error:
        raise pytest.UsageError(" ".join(str(error).split())) from None
    _check_asked(config, kept.checks)
    config.stash[_KEPT] = kept
    for tag, name in kept.markers.items():
        config.addinivalue_line("markers", f"{name}: questions tagged {tag}")
    config.addinivalue_line("markers", "rag_gate: checks of the gate that --rag-baseline names")


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Say which counts are given that the policy does not name."""
    kept = config.stash.get(_KEPT, None)
    return [f"rag-gate does not look at {line}" for line in kept.unnamed] if kept is not None else []


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Hand a worker of pytest-xdist the folder of the run and the questions, which it need not read again."""
    if (kept := node.config.stash.get(_KEPT, None)) is not None:
        node.workerinput["rag"] = kept.for_workers()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folder of a run that is not to be kept."""
    if (kept := config.stash.get(_KEPT, None)) is not None and kept.scratch is not None:
        shutil.rmtree(kept.scratch, ignore_errors=True)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one test per question, with its id and its tags, of each that asks for `rag_question`."""
    if "rag_question" not in metafunc.fixturenames:
        return
    kept = metafunc.config.stash.get(_KEPT, None)
    if kept is None:
        metafunc.parametrize("rag_question", [pytest.param(None, id="none", marks=pytest.mark.skip(reason=_HINT))])
        return
    marked = [pytest.param(q, id=q.id, marks=[getattr(pytest.mark, kept.markers[t]) for t in q.tags]) for q in kept.questions]
    metafunc.parametrize("rag_question", marked)


@pytest.hookimpl(tryfirst=True)  # before -k and -m choose
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add one test per check of the gate, or those that the command line names by id."""
    kept, asked = config.stash.get(_KEPT, None), config.stash.get(_ASKED, None)
    if kept is not None and asked is not None and (names := asked.chosen(kept.checks)):
        from eval.pytest_gate import gate_items

        items.extend(gate_items(session, kept, names))


@pytest.fixture(scope="session")
def rag_run(pytestconfig: pytest.Config) -> RagRun:
    """The finished run of --rag-config: `value`, `why`, `expect` and `failed` by metric and question, `mean`, `summary`, `gate`."""
    from rag.errors import RagError

    kept = pytestconfig.stash.get(_KEPT, None)
    if kept is None:
        pytest.skip(_HINT)
    try:
        return kept.run()
    except RagError as error:
        pytest.fail(" ".join(str(error).split()), pytrace=False)


@pytest.fixture(scope="session")
def rag_out(rag_run: RagRun) -> Path:
    """The folder of the run, as `rag-eval run` writes it."""
    return rag_run.folder
