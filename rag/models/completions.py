"""Many requests to one chat model: remembered, fanned out over threads, recorded, each finished one kept whatever becomes of the others."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

from rag.errors import ChatError
from rag.fingerprint import key
from rag.memo import Memo
from rag.models.chat import AsksOthers, ChatModel, Completion, OnText, Request, Usage, as_remembered, check_window

Seen = Callable[[Request, Completion], None]
Keep = Callable[[str, Completion], None]


def complete(model: ChatModel, requests: Sequence[Request], memo: Memo, seen: Seen, advance: Callable[[int], None]) -> list[Completion]:
    """Return one completion per request, in order. Raises the first failure, as `outcomes` does where none has a place."""
    return [c for c in outcomes(model, requests, memo, seen, advance) if isinstance(c, Completion)]


def outcomes(
    model: ChatModel, requests: Sequence[Request], memo: Memo, seen: Seen, advance: Callable[[int], None], placed: frozenset[str] = frozenset()
) -> list[Completion | ChatError]:
    """Return one completion per request, in order; equal requests are sent once, those in the memo not at all.

    A failure for a reason in `placed` takes the place of its completion, and the others are asked for all the same. After any other
    nothing more is sent, what is under way is waited for and kept, and the first such failure in the order of the requests is raised.
    `seen` gets every completion as soon as it is there, those that were remembered too. What is under way when the caller is
    interrupted is waited for and kept as well: it is paid for.
    """
    keys = [key(r.key, model.identity) for r in requests]
    found = _remembered(keys, memo) if model.remember else {}
    todo = {k: r for k, r in zip(keys, requests, strict=True) if k not in found}
    for k, r in zip(keys, requests, strict=True):
        if k in found:
            seen(r, found[k])
    advance(len(requests) - len(todo))
    for r in todo.values():
        _check(model, r)
    batch = _Batch(model, todo, memo, seen, placed, found)
    if len(todo) == 1 or model.threads == 1:
        for k, r in todo.items():
            if not batch.over:
                batch.take(k, partial(_send, model, r, memo))
                advance(1)
    elif todo:
        _fan_out(batch, advance)
    for k in keys:
        if k in batch.failed and batch.failed[k].why not in placed:
            raise batch.failed[k]
    return [batch.failed[k] if k in batch.failed else found[k] for k in keys]


@dataclass
class _Batch:
    """Requests by key while they are asked for, and what became of them; `over` is that nothing more is to be sent."""

    model: ChatModel
    todo: Mapping[str, Request]
    memo: Memo
    seen: Seen
    placed: frozenset[str]
    found: dict[str, Completion]
    failed: dict[str, ChatError] = field(default_factory=dict)
    over: bool = False

    def take(self, k: str, result: Callable[[], Completion]) -> None:
        """Keep a result, or note that it is a failure."""
        try:
            completion = result()
        except ChatError as error:
            self.failed[k] = error
            self.over = self.over or error.why not in self.placed
            return
        self.found[k] = completion
        if self.model.remember:
            _store(self.memo, k, completion)
        self.seen(self.todo[k], completion)


def ask(model: ChatModel, request: Request, memo: Memo, on_text: OnText | None = None) -> Completion:
    """Return one completion, remembered under the model's own key. Raises what the model raises, and `ChatError` (`too_long`)."""
    k = key(request.key, model.identity)
    held = _remembered([k], memo).get(k) if model.remember else None
    if held is not None:
        if on_text is not None:
            on_text(held.text)
        return held
    _check(model, request)
    completion = _send(model, request, memo, on_text)
    if model.remember:
        _store(memo, k, completion)
    return completion


def forget(model: ChatModel, request: Request, completion: Completion, memo: Memo) -> None:
    """Forget a completion that turned out to be of no use, under the name of whoever gave it: the request is sent again next time."""
    for other in model.others() if isinstance(model, AsksOthers) else ():
        forget(other, request, completion, memo)
    k = key(request.key, model.identity)
    held = _remembered([k], memo).get(k) if model.remember else None
    if held is not None and held.text == completion.text:
        memo.put_many({k: b""})  # counts as absent


def _check(model: ChatModel, request: Request) -> None:
    """Hold a request to the window of the model; one that asks others leaves that to each of them: it may fit the next."""
    if not isinstance(model, AsksOthers):
        check_window(model, request)


def _fan_out(batch: _Batch, advance: Callable[[int], None]) -> None:
    """Ask in threads; results are kept by the calling thread."""
    model, waiting = batch.model, list(batch.todo)[::-1]
    running: dict[Future[Completion], str] = {}
    with ThreadPoolExecutor(max_workers=max(1, model.threads), thread_name_prefix="chat") as pool:
        try:
            while running or (waiting and not batch.over):
                while waiting and not batch.over and len(running) < model.threads:
                    k = waiting.pop()
                    running[pool.submit(_send, model, batch.todo[k], batch.memo)] = k
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    batch.take(running.pop(future), future.result)
                    advance(1)
        except BaseException:
            for future, k in running.items():
                with contextlib.suppress(Exception):  # the interruption is what is told
                    batch.take(k, future.result)
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
