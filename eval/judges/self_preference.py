"""Whether a judge judges itself: the same chat model answers and judges, and models prefer what they write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

_SNAPSHOT = re.compile(r"-(?:20\d{2}-?\d{2}-?\d{2}|latest)$")


def self_preference(judge: Mapping[str, object], models: Sequence[object]) -> str:
    """Return a line of warning when one of `models` (identities) is a chat model that the judge asks too, empty otherwise.

    Models are the same by name: endpoint and parameters, the folder or organization before the last `/`, case, and the date of a snapshot at the
    end play no part. Models inside others (`fallback`, `ensemble`) count. Recordings and models
    on this machine are the same when their files are.
    """
    own, others = _names(judge), _names(models)
    shared = sorted(own.keys() & others.keys())
    if not shared:
        return ""
    names = ", ".join(own[s] for s in shared)
    return f"self-preference: {names} answers and judges; models prefer their own answers, so have another model judge before this is compared with others"


def _names(identity: object) -> dict[str, str]:
    """Return the chat models in an identity: the name they are compared by, and the name as it was given."""
    return {_plain(name): name for name in _chats(identity)}


def _chats(value: object) -> Iterator[str]:
    """Yield the names of chat models at any depth. Encoders and scorers of pairs have a name and a digest, and no `model`."""
    if isinstance(value, Mapping):
        name = value.get("name")
        if isinstance(name, str) and isinstance(value.get("model"), str):
            yield str(value["model"])
        elif name == "parrot":
            yield "parrot"
        elif name in ("recorded", "transformers"):  # known by their content and not by a name
            yield f"{name}:{value.get('digest')}"
        for held in value.values():
            yield from _chats(held)
    elif isinstance(value, (list, tuple)):
        for held in value:
            yield from _chats(held)


def _plain(name: str) -> str:
    """Return what a name is compared by: the part after the last slash, without the date of a snapshot, in small letters."""
    return _SNAPSHOT.sub("", name.rstrip("/").rsplit("/", 1)[-1].casefold())
