"""What the pytest plugin keeps for a session: the inputs, read first, and the run, made once however many workers ask for it."""

from __future__ import annotations

import fcntl
import json
import re
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eval.counts import read_counts
from eval.gate import Gate
from eval.gate_policy import Policy, read_policy
from eval.gate_run import hold
from eval.gate_zero import unnamed
from eval.pytest_run import RagQuestion, RagRun, read_run
from rag.errors import ConfigError, RagError, StoreError

if TYPE_CHECKING:
    from eval.task import Task
    from rag.pipeline import Pipeline
    from rag.runtime import Runtime

_STATE, _LOCK = ".pytest.json", ".pytest.lock"


@dataclass
class RagSession:
    """One session of pytest. `token` is alike in the workers of one session and in no other; `scratch` is a folder to remove."""

    given: Mapping[str, Any]
    folder: Path
    token: str
    questions: tuple[RagQuestion, ...]
    checks: tuple[str, ...]
    unnamed: tuple[str, ...] = ()
    shown: bool = False
    scratch: Path | None = None
    task: Task | None = None
    made: RagRun | None = field(default=None)

    @classmethod
    def start(cls, given: Mapping[str, Any], worker: Mapping[str, Any] | None, shown: bool) -> RagSession:
        """Read what the options name; a worker of pytest-xdist takes what its controller has read. Raises `RagError`."""
        checks, extra = _checks(given), _unnamed(given)
        if worker is not None:
            sent = worker["rag"]
            rows = tuple(RagQuestion(r["id"], r["text"], tuple(r["tags"]), r["answerable"]) for r in sent["questions"])
            return cls(given, Path(sent["folder"]), sent["token"], rows, checks, extra)
        task = _prepare(given, _runtime(shown))
        rows = tuple(RagQuestion(q.id, q.text, q.tags, q.answerable) for q in task.questions)
        scratch = None if "out" in given else Path(tempfile.mkdtemp(prefix="rag-pytest-"))
        folder = scratch or Path(given["out"]).absolute()
        return cls(given, folder, uuid.uuid4().hex, rows, checks, extra, shown, scratch, task)

    def for_workers(self) -> dict[str, Any]:
        """Return what a worker needs, in types that travel; the documents are not kept here, as the workers do the work."""
        self.task = None
        return {"folder": str(self.folder), "token": self.token, "questions": [{**asdict(q), "tags": list(q.tags)} for q in self.questions]}

    @property
    def markers(self) -> dict[str, str]:
        """The name of the marker of every tag: `single-fact` is `tag_single_fact`."""
        return {tag: "tag_" + re.sub(r"\W", "_", tag) for tag in sorted({t for q in self.questions for t in q.tags})}

    def run(self) -> RagRun:
        """Return the finished run, which the first to ask makes while the others wait. Raises `RagError`, the same one in each of them."""
        if self.made is None:
            with _alone(self.folder):
                self._once()
            name = Path(self.given["config"]).stem
            self.made = read_run(self.folder, name, self._gate(name))
        return self.made

    def _gate(self, name: str) -> tuple[Gate, Policy] | None:
        if "baseline" not in self.given:
            return None
        given = self.given
        return hold(self.folder, name, Path(given["baseline"]), _path(given, "policy"), given.get("on_inconclusive"), _counts(given))

    def _once(self) -> None:
        """Make the run unless another worker of this session has made it, or has failed to; an interrupt leaves no word and the next one goes on."""
        try:
            state = json.loads((self.folder / _STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            state = {}
        if state.get("token") == self.token:
            if state["error"]:
                raise RagError(state["error"])
            return
        try:
            self._run()
        except RagError as error:
            self._note(str(error))
            raise
        self._note("")

    def _note(self, error: str) -> None:
        (self.folder / _STATE).write_text(json.dumps({"token": self.token, "error": error}), encoding="utf-8")

    def _run(self) -> None:
        from eval.runner import run_task

        runtime = _runtime(self.shown)
        run_task(_pipelines(self.given), self.task or _prepare(self.given, runtime), self.folder, runtime)


def _runtime(shown: bool) -> Runtime:
    from rag.runtime import Runtime

    return Runtime(show_progress=shown)


def _path(given: Mapping[str, Any], name: str) -> Path | None:
    return Path(given[name]) if name in given else None


def _pipelines(given: Mapping[str, Any]) -> dict[str, Pipeline]:
    from eval.app import named
    from eval.runner import refuse

    pipelines = named([Path(given["config"])])
    refuse(pipelines)
    return pipelines


def _prepare(given: Mapping[str, Any], runtime: Runtime) -> Task:
    from eval.task import prepare
    from rag.loaders.limits import Limits

    limit = given.get("limit")
    if limit is not None and limit < 1:
        raise ConfigError(f"--rag-limit is {limit}; give a whole number of at least 1")
    timed = given.get("latency_questions")
    if timed is not None and timed < 0:
        raise ConfigError(f"--rag-latency-questions is {timed}; give a whole number, 0 for none")
    most = Limits.widest([Limits.from_options(p.index) for p in _pipelines(given).values()])
    return prepare(Path(given["corpus"]), Path(given["questions"]), _metrics(given), given.get("judge", "embedded"), limit, most, runtime, None, timed)


def _metrics(given: Mapping[str, Any]) -> list[str]:
    """Return the names of --rag-metrics, else of what the gate looks at, else those of `rag-eval run`."""
    from eval.app import chosen
    from eval.baseline import read_baseline
    from eval.metrics import DEFAULT_METRICS

    if given.get("metrics") is not None or "baseline" not in given:
        return chosen(given.get("metrics"), DEFAULT_METRICS)
    policy = _policy(given)
    measured = read_baseline(Path(given["baseline"])).lock["metrics"]
    return list(dict.fromkeys([*measured, *policy.metrics, *policy.floors, *policy.ceilings, *policy.zero_metrics]))


def _policy(given: Mapping[str, Any]) -> Policy:
    return read_policy(_path(given, "policy"))


def _counts(given: Mapping[str, Any]) -> list[Path]:
    return [Path(file) for file in given.get("counts", ())]


def _unnamed(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what the gate will not look at of the counts. Raises `ConfigError` for a file that holds none."""
    return unnamed(_policy(given), read_counts(_counts(given))) if "counts" in given else ()


def _checks(given: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the checks that the gate will make, empty without a baseline. Raises `ConfigError`."""
    if "baseline" not in given:
        return ()
    from eval.baseline import read_baseline

    policy, measured = _policy(given), _metrics(given)
    compared = policy.metrics or [m for m in read_baseline(Path(given["baseline"])).lock["metrics"] if m in measured]
    bounds = [f"{kind}:{name}" for kind, names in (("floor", policy.floors), ("ceiling", policy.ceilings), ("zero", policy.zero)) for name in names]
    return (*compared, *bounds, *(f"latency:latency_p{percent}_ms" for percent in policy.latencies))


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait for the lock of a folder and hold it; the kernel takes it back from a worker that dies. Raises `StoreError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("a", encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written ({error.strerror}); give another --rag-out") from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
