"""Prompts kept as files: a system part and a user part, with `{{name}}` where something is put in."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rag.errors import ConfigError
from rag.models.chat import Message
from rag.registry import did_you_mean

FOLDER = Path(__file__).parent
MOST_BYTES = 64 * 1024
_NAME = re.compile(r"[\w-]{1,100}")
_SLOT = re.compile(r"\{\{([a-z_]+)\}\}")
_PARTS = re.compile(r"^# (system|user)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Prompt:
    """A prompt file. `digest` is of its whole text; `slots` are the names it has places for."""

    name: str
    system: str
    user: str
    digest: str

    @property
    def slots(self) -> frozenset[str]:
        """The names that `messages` has to be given."""
        return frozenset(_SLOT.findall(self.system) + _SLOT.findall(self.user))

    def messages(self, **values: str) -> tuple[Message, ...]:
        """Return the messages with every place filled, once: what is put in is not looked at again. Raises `ConfigError` for a place without a value."""
        if missing := self.slots - values.keys():
            raise ConfigError(f"prompt {self.name}: nothing is known of {{{{{sorted(missing)[0]}}}}}; this prompt may use: {', '.join(sorted(values))}")
        system, user = _filled(self.system, values), _filled(self.user, values)
        return (*((Message("system", system),) if system else ()), Message("user", user))


def _filled(text: str, values: Mapping[str, str]) -> str:
    return _SLOT.sub(lambda m: values[m[1]], text)


def names() -> list[str]:
    """Return the names of the prompts that come with the package."""
    return sorted(p.stem for p in FOLDER.glob("*.md"))


def load(name: str) -> Prompt:
    """Return a prompt by its name here, or by the path of a file ending in `.md`. Raises `ConfigError`."""
    path = Path(name) if name.endswith(".md") else FOLDER / f"{name}.md"
    if not name.endswith(".md") and not (_NAME.fullmatch(name) and path.is_file()):
        raise ConfigError(f"no prompt is called {name[:60]!r}{did_you_mean(name, names())}; there are: {', '.join(names())}; or give the path of an .md file")
    try:
        stat = path.stat()
    except (OSError, ValueError):
        raise ConfigError(f"prompt {name}: cannot be read; check the path") from None
    return _read(path, name, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=64)
def _read(path: Path, name: str, touched: int, size: int) -> Prompt:
    """Read a prompt file; `touched` makes a changed file a new one."""
    if size > MOST_BYTES:
        raise ConfigError(f"prompt {name}: more than {MOST_BYTES} bytes are no prompt; check the path")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(f"prompt {name}: cannot be read ({type(error).__name__}); it has to be UTF-8 text") from None
    cut = _PARTS.split(text)
    parts = dict(zip(cut[1::2], (p.strip() for p in cut[2::2]), strict=True))
    if cut[0].strip() or not parts.get("user") or len(cut) // 2 != len(parts):
        raise ConfigError(f"prompt {name}: expected an optional part under `# system` and one under `# user`, each once and nothing before them")
    return Prompt(name, parts.get("system", ""), parts["user"], hashlib.blake2b(text.encode(), digest_size=16).hexdigest())
