"""Runs the works `search`, `index` and `embed`: every competitor in turn, round after round, each in its own process."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from eval.bench.peers.competitors import OURS, Entry
from eval.bench.peers.figures import compared, figure, overlap, warmed
from eval.bench.peers.process import OWN_PYTHON, Failed, Process, disk, script

Say = Callable[[str], None]
SLOW = 20.0  # seconds of one round of indexing after which a competitor takes part in no other one
WARM = 3  # questions asked before the clock starts, in either mode
GIVEN, LIVE = "embedding excluded", "embedding included"


@dataclass(frozen=True)
class Plan:
    """What to do where: `python` is that of the peers, `command` what starts a competitor's module."""

    entries: Sequence[Entry]
    inputs: Path
    folder: Path
    python: str
    rounds: int
    say: Say
    command: Callable[[str], list[str]] = script
    pause: float = 0.0  # seconds before a competitor searches: threads of the one before may still spin

    def start(self, entry: Entry, place: Path) -> Process:
        """Start the process of a competitor."""
        return Process(self.python if entry.peers else OWN_PYTHON, self.command(entry.module), place)

    def load(self, process: Process, entry: Entry, place: Path, **options: Any) -> dict[str, Any]:
        """Have it import and load everything; returns the versions of its packages."""
        (place / "data").mkdir(parents=True)
        answer = process.order("load", inputs=str(self.inputs), folder=str(place / "data"), options={**entry.options, **options})
        return dict(answer["packages"])


@dataclass
class Log:
    """What came of the rounds: values by competitor, facts about each, and those that failed with the reason."""

    values: dict[str, list[float]] = field(default_factory=dict)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def fail(self, entry: Entry, error: Failed, say: Say) -> None:
        """Note a failure and go on without that one. Raises it again where it is ours."""
        if entry.name == OURS:
            raise Failed(f"{entry.name}: {error}") from None
        say(f"{entry.name}: {error}")
        self.failed[entry.name] = str(error)
        self.values.pop(entry.name, None)


def indexing(plan: Plan, embed: bool) -> dict[str, Any]:
    """Time indexing, in a fresh process for every competitor and round; seconds. A peer that takes more than 20 s has no further round."""
    log = Log()
    for n in range(plan.rounds):
        for entry in plan.entries:
            if entry.name in log.failed or (entry.name != OURS and any(v > SLOW for v in log.values.get(entry.name, ()))):
                continue
            place = plan.folder / f"round-{n}" / entry.name.replace(" ", "-")
            try:
                _one(plan, entry, place, embed, log)
                plan.say(f"round {n + 1} of {plan.rounds}: {entry.name} {log.values[entry.name][-1]:.2f} s")
            except Failed as error:
                log.fail(entry, error, plan.say)
            shutil.rmtree(place, ignore_errors=True)
            os.sync()  # so that nobody waits for what another one wrote
    return {"unit": "seconds", "rows": rows(plan.entries, log, ""), "failed": log.failed}


def _one(plan: Plan, entry: Entry, place: Path, embed: bool, log: Log) -> None:
    with plan.start(entry, place) as process:
        packages = plan.load(process, entry, place, embed=embed)
        answer = process.order("index")
        log.values.setdefault(entry.name, []).append(answer["seconds"])
        memory = answer["memory"]
        facts = log.facts.setdefault(entry.name, {"packages": packages, "memory": [], "cpu": [], "parts": []})
        facts["chunks"], facts["disk_mb"] = answer["chunks"], disk(place / "data")
        facts["memory"].append(round(memory["peak"] - memory["before"], 1))
        facts["cpu"].append(answer["cpu"])
        facts["parts"].append(answer.get("parts", {}))


def searching(plan: Plan, count: int, questions: int) -> dict[str, Any]:
    """Time searches of indexes that stay open, `count` questions a round and mode; milliseconds a search, the median of a round's second half.

    The first half is for the memory of a process that waited for the others: the kernel has taken some of it back by then.
    """
    with ExitStack() as stack:
        logs = {GIVEN: Log(), LIVE: Log()}
        there = _prepared(plan, stack, logs)
        places = iter(range(questions))
        found: dict[str, list[list[int]]] = {}
        for mode, log in logs.items():
            picks = [next(places) for _ in range(WARM)]
            for n in range(plan.rounds + 1):  # the first warms up
                for entry in [e for e in plan.entries if e.name in there and takes_part(e, mode)]:
                    time.sleep(plan.pause)
                    try:
                        answer = there[entry.name].order("search", queries=picks, live=mode == LIVE)
                    except Failed as error:
                        log.fail(entry, error, plan.say)
                        del there[entry.name]
                        continue
                    if n:
                        timed = warmed(answer["ms"])
                        log.values.setdefault(entry.name, []).append(figure(timed)["median"])
                        log.facts[entry.name].setdefault("cpu", []).append(round(1000 * answer["cpu"] / len(picks), 2))
                        log.facts[entry.name].setdefault("p95", []).append(timed[int(0.95 * (len(timed) - 1))])
                    if n and mode == GIVEN:
                        found.setdefault(entry.name, []).extend(answer["found"])
                plan.say(f"{mode}: round {n} of {plan.rounds}" + (" (warming up)" if not n else ""))
                if n < plan.rounds:
                    picks = [next(places) for _ in range(count)]
    shared = {name: overlap(f, found[OURS]) for name, f in found.items() if any(f)}
    body = [r for mode, log in logs.items() for r in rows(plan.entries, log, mode, shared)]
    return {"unit": "milliseconds", "rows": body, "failed": {k: v for log in logs.values() for k, v in log.failed.items()}}


def _prepared(plan: Plan, stack: ExitStack, logs: Mapping[str, Log]) -> dict[str, Process]:
    """Start every competitor, load two at a time, and index one after the other; they stay open."""

    def loaded(entry: Entry) -> tuple[Process, dict[str, Any]] | Failed:
        place = plan.folder / entry.name.replace(" ", "-")
        process = stack.enter_context(plan.start(entry, place))
        try:
            return process, plan.load(process, entry, place, live=entry.module != "engine")
        except Failed as error:
            return error

    there: dict[str, Process] = {}
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(loaded, plan.entries))
    for entry, one in zip(plan.entries, made, strict=True):
        try:
            if isinstance(one, Failed):
                raise one
            answer = one[0].order("index")
        except Failed as error:
            for log in logs.values():
                log.fail(entry, error, plan.say)
            continue
        plan.say(f"ready: {entry.name} ({answer['seconds']:.1f} s)")
        there[entry.name] = one[0]
        memory = answer["memory"]
        used = disk(plan.folder / entry.name.replace(" ", "-") / "data")
        for log in logs.values():
            log.facts[entry.name] = {"packages": one[1], "memory": [round(memory["after"] - memory["before"], 1)], "disk_mb": used}
    return there


def takes_part(entry: Entry, mode: str) -> bool:
    """Whether a competitor has something to do in a mode: the engine embeds nothing, and an encoder does nothing else."""
    return entry.module != ("engine" if mode == LIVE else "encoder")


def rows(entries: Sequence[Entry], log: Log, mode: str, shared: Mapping[str, float] | None = None) -> list[dict[str, Any]]:
    """Return a row for each competitor with figures, in the order of the entries."""
    figures = compared(log.values, OURS)
    found = []
    for e in entries:
        if e.name in figures:
            facts = dict(log.facts[e.name])
            memory = figure(facts.pop("memory"))
            row = {"name": e.name, "role": e.role, "keeps": e.keeps, "chosen": e.chosen, "mode": mode, **figures[e.name], "rounds": log.values[e.name]}
            found.append({**row, "memory_mb": memory, "overlap": (shared or {}).get(e.name), **facts})
    return found
