"""A chat model that runs here: a causal language model of the transformers library with its own chat template."""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from rag.chat._schema import with_schema
from rag.errors import ChatError, ModelError
from rag.fingerprint import key
from rag.models.chat import Completion, Message, OnText, Request, Usage
from rag.models.encoder import native_precision
from rag.models.files import digest, locate, read_json
from rag.registry import register
from rag.stages import Chat, bounded

if TYPE_CHECKING:
    import torch

    from rag.models.chat import ChatModel
    from rag.runtime import Runtime

_WINDOWS = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length", "n_ctx")  # the names that configurations use


@register("transformers")
@dataclass(frozen=True)
class Transformers(Chat):
    """Asks a local causal language model, by directory or hub id (safetensors, no code of its own), through its chat template.

    Greedy at `temperature` 0; above it, sampling is seeded with `seed` and the request, so that a request has one reply. `max_tokens`
    replaces what a task asks for. `window` is what the model's configuration says unless it is given. Tokens are counted by the
    model's own tokenizer.
    """

    model: str
    temperature: float = bounded(0.0, ge=0, le=5)
    top_p: float = bounded(1.0, gt=0, le=1)
    seed: int = 0
    max_tokens: int | None = bounded(None, ge=1)
    window: int | None = bounded(None, ge=8)

    def open(self, runtime: Runtime) -> ChatModel:
        """Return the model, its weights not read yet. Raises `ModelError` when its files cannot be had or lack a chat template."""
        return TransformersModel(self, runtime)


@dataclass(frozen=True)
class _Loaded:
    model: Any
    tokenizer: Any
    ends: tuple[int, ...]
    control: re.Pattern[str] | None = field(default=None)


class TransformersModel:
    """One model, loaded when it is first asked; it answers one request at a time."""

    threads = 1
    remember = True

    def __init__(self, spec: Transformers, runtime: Runtime) -> None:
        self._spec, self._directory = spec, locate(spec.model)
        self._precision = native_precision() if runtime.precision == "auto" else runtime.precision
        if not any(self._directory.glob("*.safetensors")):
            raise ModelError(f"model {spec.model!r} at {self._directory} has no *.safetensors; save it with save_pretrained, other formats can run code")
        if not _has_template(self._directory):
            raise ModelError(f"model {spec.model!r} has no chat template; use an instruction-tuned one, or put its chat_template.jinja into {self._directory}")
        self._count = runtime.tokenizer(spec.model).count
        self.name, self.max_tokens = Path(spec.model).name, spec.max_tokens
        self.window = spec.window or _window(self._directory)
        shaping = {f: getattr(spec, f) for f in ("temperature", "top_p", "seed", "max_tokens")}
        files = {"digest": digest(self._directory), "settings": _settings(self._directory), "precision": self._precision}
        self.identity: dict[str, Any] = {"name": "transformers", "version": spec.version, **shaping, **files}
        self._loaded: _Loaded | None = None
        self._lock = Lock()

    def count(self, text: str) -> int:
        """Return the tokens of a text by the model's own tokenizer."""
        return self._count(text)

    def complete(self, request: Request, on_text: OnText | None = None) -> Completion:
        """Return the reply. Raises `ChatError`: `too_long`, or `truncated` when it did not end at max_tokens; and `ModelError`."""
        start = time.perf_counter()
        most = self.max_tokens or request.max_tokens
        with self._lock:
            loaded = self._load()
            prompt = self._prompt(loaded, request)
            size = int(prompt.shape[1])
            if self.window is not None and size + most > self.window:
                fix = "use a smaller pack.tokens or max_tokens, or a model with a larger window"
                raise ChatError(f"a prompt of {size} tokens and a reply of {most} do not fit the {self.window} of {self.name}; {fix}", "too_long")
            made = self._generate(loaded, prompt, request, most, on_text)
        if not made or made[-1] not in loaded.ends:
            raise ChatError(f"{self.name} was cut off at {most} tokens; raise max_tokens, or ask for less", "truncated")
        text = loaded.tokenizer.decode(made, skip_special_tokens=True)
        return Completion(text, self.name, Usage(size, len(made)), 1000 * (time.perf_counter() - start))

    def _generate(self, loaded: _Loaded, prompt: torch.Tensor, request: Request, most: int, on_text: OnText | None) -> list[int]:
        import torch

        temperature = self._spec.temperature if request.temperature is None else request.temperature
        sampling: dict[str, Any] = {"do_sample": False, "temperature": None, "top_p": None, "top_k": None}
        if temperature > 0:
            sampling = {"do_sample": True, "temperature": temperature, "top_p": self._spec.top_p, "top_k": 0}
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(int(key("sample", self._spec.seed, request.key)[:15], 16))
            ids = loaded.model.generate(
                prompt,
                attention_mask=torch.ones_like(prompt),
                max_new_tokens=most,
                eos_token_id=list(loaded.ends),
                pad_token_id=loaded.ends[0],
                streamer=None if on_text is None else _streamer(loaded.tokenizer, on_text),
                **sampling,
            )
        return [int(i) for i in ids[0, prompt.shape[1] :]]

    def _prompt(self, loaded: _Loaded, request: Request) -> torch.Tensor:
        """Return the token ids of a prompt; the control tokens of the template are broken up where they occur in what is said."""
        import torch
        from jinja2 import TemplateError

        messages = request.messages if request.schema is None else with_schema(request.messages, request.schema)
        messages = tuple(replace(m, content=_plain(m.content, loaded.control)) for m in messages)
        try:
            ids = _templated(loaded, messages)
        except TemplateError:  # some templates know no system part
            try:
                ids = _templated(loaded, _without_system(messages))
            except TemplateError as error:
                raise ModelError(f"the chat template of {self.name} cannot be filled ({' '.join(str(error).split())[:200]}); repair it") from None
        return torch.tensor([ids], device=loaded.model.device)

    def _load(self) -> _Loaded:
        if self._loaded is None:
            os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
            try:
                import torch
                from transformers import AutoModelForCausalLM, AutoTokenizer
                from transformers.utils import logging as transformers_logging

                transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it untyped
                tokenizer = AutoTokenizer.from_pretrained(str(self._directory), trust_remote_code=False)
                model: Any = AutoModelForCausalLM.from_pretrained(
                    str(self._directory), dtype=getattr(torch, self._precision), use_safetensors=True, trust_remote_code=False
                )
                model = model.to("cuda" if torch.cuda.is_available() else "cpu").eval()
            except Exception as error:  # what damaged files make the libraries raise has no common class
                why = f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
                raise ModelError(f"model {self._spec.model!r} at {self._directory} cannot be loaded ({why}); check its files or download it again") from None
            ends = _ends(model, tokenizer)
            if not ends:
                raise ModelError(f"model {self._spec.model!r} names no end-of-text token; set eos_token_id in {self._directory}/generation_config.json")
            self._loaded = _Loaded(model, tokenizer, ends, _control(tokenizer))
        return self._loaded


def _templated(loaded: _Loaded, messages: Sequence[Message]) -> list[int]:
    said = [{"role": m.role, "content": m.content} for m in messages]
    found = loaded.tokenizer.apply_chat_template(said, add_generation_prompt=True, tokenize=True, return_dict=True)
    return [int(i) for i in found["input_ids"]]


def _without_system(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Return the messages with the system part at the start of the first other one."""
    system = "\n\n".join(m.content for m in messages if m.role == "system")
    first, *rest = (m for m in messages if m.role != "system")
    return (replace(first, content=f"{system}\n\n{first.content}" if system else first.content), *rest)


def _control(tokenizer: Any) -> re.Pattern[str] | None:
    """Return what matches the tokens that a tokenizer takes for control wherever their text stands."""
    texts = {str(t) for t in tokenizer.added_tokens_decoder.values()} | set(tokenizer.all_special_tokens)
    found = sorted((t for t in texts if len(t) > 1 and t.strip()), key=lambda t: (-len(t), t))
    return re.compile("|".join(map(re.escape, found))) if found else None


def _plain(text: str, control: re.Pattern[str] | None) -> str:
    """Return a text in which no control token is left: each gets a blank after its first character."""
    while control and control.search(text):  # one may be inside another
        text = control.sub(lambda m: f"{m[0][0]} {m[0][1:]}", text)
    return text


def _ends(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """Return the ids that end a reply, as the generation settings and the tokenizer name them."""
    named = [getattr(model.generation_config, "eos_token_id", None), tokenizer.eos_token_id]
    return tuple(dict.fromkeys(int(i) for n in named if n is not None for i in (n if isinstance(n, (list, tuple)) else [n])))


def _has_template(directory: Path) -> bool:
    files = ("chat_template.jinja", "chat_template.json", "additional_chat_templates")
    return any((directory / f).exists() for f in files) or bool(read_json(directory / "tokenizer_config.json").get("chat_template"))


def _settings(directory: Path) -> str:
    """Return the digest of the files that shape a reply and are not among those of an encoder."""
    h = hashlib.blake2b(digest_size=16)
    for name in ("chat_template.jinja", "chat_template.json", "generation_config.json"):
        path = directory / name
        h.update(path.read_bytes() if path.is_file() else b"-")
        h.update(b"\0")
    return h.hexdigest()


def _window(directory: Path) -> int | None:
    """Return how many positions the configuration says that the model has."""
    config = read_json(directory / "config.json")
    text = config.get("text_config")
    for held in (config, text if isinstance(text, dict) else {}):
        for name in _WINDOWS:
            if isinstance(size := held.get(name), int) and not isinstance(size, bool) and size > 0:
                return size
    return None


def _streamer(tokenizer: Any, on_text: OnText) -> Any:
    from transformers import TextStreamer

    class Streamer(TextStreamer):
        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            if text:
                on_text(text)

    return Streamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
