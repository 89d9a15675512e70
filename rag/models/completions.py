"""Many requests to one chat model: remembered, fanned out over threads, recorded, each finished one kept whatever becomes of the others."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict
from typing import Any

from rag.errors import ChatError
from rag.fingerprint import key
from rag.memo import Memo
from rag.models.chat import AsksOthers, ChatModel, Completion, OnText, Request, Usage, as_remembered, check_window

Seen = Callable[[Request, Completion], None]
Keep = Callable[[str, Completion], None]


def complete(model: ChatModel, requests: Sequence[Request], memo: Memo, seen: Seen, advance: Callable[[int], None]) -> list[Completion]:
    """Return one completion per request, in order; equal requests are sent once, those in the memo not at all.

    `seen` gets every completion as soon as it is there, those that were remembered too. After a failure nothing more is sent, what is
    under way is waited for and kept, and the first failure in the order of the requests is raised. What is under way when the
    caller is interrupted is waited for and kept as well: it is paid for.
    """
    keys = [key(r.key, model.identity) for r in requests]
    found = _remembered(keys, memo) if model.remember else {}
    todo = {k: r for k, r in zip(keys, requests, strict=True) if k not in found}
    for k, r in zip(keys, requests, strict=True):
        if k in found:
            seen(r, found[k])
    advance(len(requests) - len(todo))
    for r in todo.values():
        check_window(model, r)

    def keep(k: str, completion: Completion) -> None:
        found[k] = completion
        if model.remember:
            _store(memo, k, completion)
        seen(todo[k], completion)

    failed: dict[str, ChatError] = {}
    if len(todo) == 1 or model.threads == 1:
        for k, r in todo.items():
            keep(k, _send(model, r, memo))
            advance(1)
    elif todo:
        _fan_out(model, todo, memo, keep, failed, advance)
    for k in keys:
        if k in failed:
            raise failed[k]
    return [found[k] for k in keys]


def ask(model: ChatModel, request: Request, memo: Memo, on_text: OnText | None = None) -> Completion:
    """Return one completion, remembered under the model's own key. Raises what the model raises, and `ChatError` (`too_long`)."""
    k = key(request.key, model.identity)
    held = _remembered([k], memo).get(k) if model.remember else None
    if held is not None:
        if on_text is not None:
            on_text(held.text)
        return held
    check_window(model, request)
    completion = _send(model, request, memo, on_text)
    if model.remember:
        _store(memo, k, completion)
    return completion


def _fan_out(model: ChatModel, todo: Mapping[str, Request], memo: Memo, keep: Keep, failed: dict[str, ChatError], advance: Callable[[int], None]) -> None:
    """Ask in threads; results are kept by the calling thread."""
    waiting = list(todo)[::-1]
    running: dict[Future[Completion], str] = {}
    with ThreadPoolExecutor(max_workers=max(1, model.threads), thread_name_prefix="chat") as pool:
        try:
            while running or (waiting and not failed):
                while waiting and not failed and len(running) < model.threads:
                    k = waiting.pop()
                    running[pool.submit(_send, model, todo[k], memo)] = k
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    k = running.pop(future)
                    try:
                        keep(k, future.result())
                    except ChatError as error:
                        failed[k] = error
                    advance(1)
        except BaseException:
            for future, k in running.items():
                with contextlib.suppress(Exception):  # the interruption is what is told
                    keep(k, future.result())
            raise


def _send(model: ChatModel, request: Request, memo: Memo, on_text: OnText | None = None) -> Completion:
    if isinstance(model, AsksOthers):
        return model.pass_on(request, lambda other, r, listener: ask(other, r, memo, listener), on_text)
    return model.complete(request, on_text)


def _store(memo: Memo, k: str, completion: Completion) -> None:
    memo.put_many({k: json.dumps(asdict(completion), ensure_ascii=False).encode("utf-8", "surrogatepass")})


def _remembered(keys: Sequence[str], memo: Memo) -> dict[str, Completion]:
    """Return the completions in the memo; a damaged entry counts as absent."""
    found = {}
    for k, value in memo.get_many(list(dict.fromkeys(keys))).items():
        try:
            row: dict[str, Any] = json.loads(value)
            completion = Completion(**{**row, "usage": Usage(**row["usage"]), "tried": tuple(row.get("tried", ()))})
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
        if isinstance(completion.text, str):
            found[k] = as_remembered(completion)
    return found
