"""A chat model behind any OpenAI-compatible endpoint."""

from __future__ import annotations

import math
import os
import random
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from rag.chat._address import checked as address
from rag.chat._address import exposed
from rag.chat._dialect import Dialect
from rag.chat._limits import Budget, Rate
from rag.chat._masked import LEAST_ERROR, Masked, masked
from rag.chat._reply import Failure, Gathered, Said, checked, failure, read
from rag.chat._wire import post
from rag.errors import ChatError
from rag.models.chat import Completion, OnText, Request, Usage, check_window, counted
from rag.models.files import BUNDLED
from rag.registry import register
from rag.stages import Chat, bounded, incidental
from rag.stages import model as named

if TYPE_CHECKING:
    from rag.models.chat import ChatModel
    from rag.runtime import Runtime

PUBLIC, PUBLIC_KEY = "api.openai.com", "OPENAI_API_KEY"  # this key belongs to that host: no other is sent it without being told
BASE, LONGEST_WAIT = 0.5, 60.0  # seconds: the first pause between attempts at most, and any pause at most


@register("openai")
@dataclass(frozen=True)
class OpenAI(Chat):
    """Asks an OpenAI-compatible endpoint: `base_url` up to `/v1`, the key from the environment variable that `api_key_env` names.

    Where it names none, OpenAI's own address is sent OPENAI_API_KEY and any other no key. A key goes over http only to this machine or its network.
    `timeout` is in seconds for one attempt, `deadline` for all; `threads` requests are under way at once. `temperature: null` sends
    none, whatever a task asks for. `max_tokens` replaces what a task asks for. `structured` is how a schema is asked for; where an endpoint rejects
    one form the next is taken. Prices are per million tokens. `window` is planned and checked with `tokenizer`, whose counts are
    an estimate unless it is that of the model; so is what the budget holds until the endpoint says its own count.
    """

    model: str
    base_url: str = f"https://{PUBLIC}/v1"
    api_key_env: str | None = incidental(None)
    temperature: float | None = bounded(0.0, ge=0, le=2)
    top_p: float | None = bounded(None, gt=0, le=1)
    seed: int | None = None
    max_tokens: int | None = bounded(None, ge=1)
    structured: Literal["json_schema", "json_object", "prompt"] = "json_schema"
    window: int | None = bounded(None, ge=256)
    tokenizer: str = named("tokenizer", BUNDLED)
    stream: bool = incidental(default=False)
    timeout: float = incidental(60.0, gt=0, le=3600)
    deadline: float = incidental(300.0, gt=0, le=86400)
    retries: int = incidental(4, ge=0, le=20)
    threads: int = incidental(8, ge=1, le=256)
    requests_per_minute: int | None = incidental(None, ge=1)
    tokens_per_minute: int | None = incidental(None, ge=1)
    budget_tokens: int | None = incidental(None, ge=0)
    budget_cost: float | None = incidental(None, ge=0)
    price_in: float | None = incidental(None, ge=0)
    price_out: float | None = incidental(None, ge=0)
    price_cached: float | None = incidental(None, ge=0)

    def __post_init__(self) -> None:
        """Hold the fields to their bounds and the address to one that may be written down; raises `ValueError`."""
        super().__post_init__()
        object.__setattr__(self, "base_url", address(self.base_url))
        if self.key_env and exposed(self.base_url):
            fix = "write https, or api_key_env: null where the endpoint needs no key" if self.api_key_env else "write https"
            raise ValueError(f"base_url {self.base_url} would have the key of {self.key_env} sent in clear to a host that is not local; {fix}")
        if not self.model.strip():
            raise ValueError("model is blank; give the name that the endpoint knows it by")
        if self.budget_cost is not None and (self.price_in is None or self.price_out is None):
            raise ValueError("budget_cost needs price_in and price_out, per million tokens")

    @property
    def key_env(self) -> str | None:
        """The environment variable whose key is sent: the one that is named, else that of OpenAI to OpenAI alone."""
        return self.api_key_env or (PUBLIC_KEY if urlsplit(self.base_url).hostname == PUBLIC else None)

    def open(self, runtime: Runtime) -> ChatModel:
        """Return the model; nothing is sent yet."""
        return OpenAIModel(self, runtime)


class OpenAIModel:
    """One endpoint with its rate, its budget, and what was learned of its dialect."""

    remember = True

    def __init__(self, spec: OpenAI, runtime: Runtime) -> None:
        host = urlsplit(spec.base_url).netloc
        self._spec, self._host = spec, host
        self._count = runtime.tokenizer(spec.tokenizer).count
        self.name = spec.model if host == PUBLIC else f"{spec.model}@{host}"
        self.window, self.threads, self.max_tokens = spec.window, spec.threads, spec.max_tokens
        shaping = ("base_url", "model", "temperature", "top_p", "seed", "max_tokens", "structured")
        self.identity: dict[str, Any] = {"name": "openai", "version": spec.version, **{f: getattr(spec, f) for f in shaping}}
        self.budget = Budget(spec.budget_tokens, spec.budget_cost, self.name)
        self._rate = Rate(spec.requests_per_minute, spec.tokens_per_minute)
        self._dialect = Dialect(spec.structured, "max_completion_tokens" if host == PUBLIC else "max_tokens")

    def count(self, text: str) -> int:
        """Return the tokens of a text by the named tokenizer, at least one for eight bytes: a foreign one may take a long word for one."""
        return max(self._count(text), -(-len(text.encode("utf-8", "replace")) // 8))

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        """Return the reply, asking again where that may help, within the deadline. Raises `ChatError`."""
        check_window(self, request)
        call = _Call(request, on_text, self.max_tokens or request.max_tokens, counted(self, request.messages), self._secret())
        self._rate.take(call.prompt + call.most, math.inf)
        start = time.monotonic()
        end = start + self._spec.deadline
        while True:
            call.attempts += 1
            try:
                text, usage = self._attempt(call, max(0.05, min(self._spec.timeout, end - time.monotonic())))
            except ChatError as error:
                if not self._again(error, call, end):
                    raise
            else:
                return Completion(text, self.name, usage, 1000 * (time.monotonic() - start), call.attempts)

    def _attempt(self, call: _Call, seconds: float) -> tuple[str, Usage]:
        with self.budget.held(self._priced(Usage(call.prompt, call.most))) as spend:
            try:
                said = self._send(call, seconds)
            except ChatError as error:
                if error.why in ("timeout", "disconnected"):  # it may have read the prompt, and will say so on the bill
                    spend(self._priced(Usage(call.prompt)))
                raise
            usage = self._priced(said.usage or Usage(call.prompt, self.count(said.text)))
            spend(usage)
        return checked(said, self.name, call.most), usage

    def _send(self, call: _Call, seconds: float) -> Said:
        spec = self._spec
        sampling = {
            "model": spec.model,
            "temperature": spec.temperature if None in (spec.temperature, call.request.temperature) else call.request.temperature,
            "top_p": spec.top_p,
            "seed": None if spec.seed is None else spec.seed + call.request.sample,
        }
        call.sent = self._dialect.body(call.request, sampling, call.most, spec.stream or call.on_text is not None)
        heard = Masked(call.secret, call.listen)  # of this attempt: what one that failed held back is no part of the next
        gathered = Gathered(self._host, heard.add)
        try:
            reply = post(f"{spec.base_url}/chat/completions", call.sent, call.secret, seconds, gathered.add)
            if not 200 <= reply.status < 300:
                body = masked(reply.body.decode("utf-8", "replace"), call.secret, LEAST_ERROR).encode()  # before it is cut to what is shown
                raise failure(reply.status, reply.headers, body, self._host, spec.model, self._key_name())
            said = gathered.end() if reply.streamed else read(reply.body, self._host)
        except ChatError as error:
            error.args = (masked(str(error), call.secret, LEAST_ERROR),)
            if isinstance(error, Failure):
                error.said = masked(error.said, call.secret, LEAST_ERROR)
            raise
        if not reply.streamed:
            heard.add(said.text)
        heard.end()
        said.text, said.refusal = masked(said.text, call.secret), masked(said.refusal, call.secret, LEAST_ERROR)
        return said

    def _again(self, error: ChatError, call: _Call, end: float) -> bool:
        """Whether to ask once more, after waiting for it: what the endpoint asks for, else up to twice as long each time, at random."""
        if isinstance(error, Failure) and self._dialect.learn(call.sent, error.status, error.said):
            return self._rate.take(call.prompt + call.most, end - time.monotonic())
        if not error.retry or call.failed >= self._spec.retries or call.told:
            return False
        wait = random.uniform(0, min(LONGEST_WAIT, BASE * 2**call.failed))  # noqa: S311  # not a secret
        if isinstance(error, Failure) and error.wait is not None:
            if error.wait > LONGEST_WAIT:
                return False
            self._rate.pause(error.wait)
            wait += error.wait
        call.failed += 1
        if time.monotonic() + wait >= end:
            return False
        time.sleep(wait)
        return self._rate.take(call.prompt + call.most, end - time.monotonic())

    def _priced(self, usage: Usage) -> Usage:
        spec = self._spec
        cached = spec.price_in if spec.price_cached is None else spec.price_cached
        cost = (usage.prompt - usage.cached) * (spec.price_in or 0) + usage.cached * (cached or 0) + usage.completion * (spec.price_out or 0)
        return replace(usage, cost=cost / 1e6)

    def _key_name(self) -> str:
        name = self._spec.key_env
        return f"the key in the environment variable {name}" if name else f"api_key_env, which names no key ({PUBLIC_KEY} goes to {PUBLIC} alone)"

    def _secret(self) -> str | None:
        """Return the key; it is read when it is needed and kept nowhere. Raises `ChatError` (`rejected`), without its text."""
        name = self._spec.key_env
        secret = os.environ.get(name, "").strip() if name else ""
        if not secret and name and urlsplit(self._spec.base_url).hostname == PUBLIC:
            raise ChatError(f"the environment variable {name} holds no key for {PUBLIC}; set it, or name another in api_key_env", "rejected")
        if not all("!" <= c <= "~" for c in secret):
            raise ChatError(f"the environment variable {name} holds what is no key (blanks or characters beyond ASCII in it); set it anew", "rejected")
        return secret or None


@dataclass
class _Call:
    """What is known of one request while it is made; its repr leaves the key out."""

    request: Request
    on_text: OnText | None
    most: int
    prompt: int
    secret: str | None = field(repr=False)

    def __post_init__(self) -> None:
        self.attempts = self.failed = 0
        self.told = False
        self.sent: dict[str, Any] = {}

    def listen(self, text: str) -> None:
        """Pass a piece of text on; what was passed on cannot be taken back, so the request is not sent again then."""
        if self.on_text is not None:
            self.told = True
            self.on_text(text)
