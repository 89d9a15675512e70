"""Many requests to one chat model: remembered, fanned out over threads, recorded, each finished one kept whatever becomes of the others."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from typing import Any

from rag.errors import ChatError
from rag.fingerprint import key
from rag.memo import Memo
from rag.models.chat import ChatModel, Completion, Request, Usage, as_remembered, check_window

Seen = Callable[[Request, Completion], None]


def complete(model: ChatModel, requests: Sequence[Request], memo: Memo, made: Seen, advance: Callable[[int], None]) -> list[Completion]:
    """Return one completion per request, in order; equal requests are sent once, those in the memo not at all.

    `made` sees every completion that was not remembered, as soon as it is there. After a failure nothing more is sent, what is
    under way is waited for and kept, and the first failure in the order of the requests is raised.
    """
    keys = [key(r.key, model.identity) for r in requests]
    found = _remembered(keys, memo) if model.remember else {}
    todo = {k: r for k, r in zip(keys, requests, strict=True) if k not in found}
    advance(len(requests) - len(todo))
    for r in todo.values():
        check_window(model, r)
    failed: dict[str, Exception] = {}

    def keep(k: str, completion: Completion) -> None:
        found[k] = completion
        if model.remember:
            memo.put_many({k: json.dumps(asdict(completion), ensure_ascii=False).encode("utf-8", "surrogatepass")})
        made(todo[k], completion)
        advance(1)

    if len(todo) == 1 or model.threads == 1:
        for k, r in todo.items():
            keep(k, model.complete(r))
    elif todo:
        _fan_out(model, todo, keep, failed)
    for k in keys:
        if k in failed:
            raise failed[k]
    return [found[k] for k in keys]


def _fan_out(model: ChatModel, todo: dict[str, Request], keep: Callable[[str, Completion], None], failed: dict[str, Exception]) -> None:
    """Ask in threads; results are kept by the calling thread. An interruption waits for no reply that was not begun."""
    waiting = list(todo)[::-1]
    running: dict[Future[Completion], str] = {}
    with ThreadPoolExecutor(max_workers=max(1, model.threads), thread_name_prefix="chat") as pool:
        while running or (waiting and not failed):
            while waiting and not failed and len(running) < model.threads:
                k = waiting.pop()
                running[pool.submit(model.complete, todo[k])] = k
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                k = running.pop(future)
                try:
                    keep(k, future.result())
                except ChatError as error:
                    failed[k] = error


def _remembered(keys: Sequence[str], memo: Memo) -> dict[str, Completion]:
    """Return the completions in the memo; a damaged entry counts as absent."""
    found = {}
    for k, value in memo.get_many(list(dict.fromkeys(keys))).items():
        try:
            row: dict[str, Any] = json.loads(value)
            found[k] = as_remembered(Completion(**{**row, "usage": Usage(**row["usage"])}))
        except (ValueError, TypeError, KeyError):
            continue
    return found
