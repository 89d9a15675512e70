"""A judge's certificate: read from a file or from the shipped ones, and matched with the judge it is to speak of.

For callers: `find(judge, path)` gives a `Certificate` with `status` (`certified`, `stale`, `none`), `differs`, `body`; `usable` is what
`eval.correction.corrected` takes, and `line()` is the sentence that belongs wherever the judge's numbers are shown.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from math import isfinite
from pathlib import Path
from typing import Any, Literal

from eval.judges.base import Judge
from rag.errors import ConfigError
from rag.fingerprint import key

FORMAT = 1
Status = Literal["certified", "stale", "none"]
_HOW = "run rag-eval certify"
_ABSENT = object()


@dataclass(frozen=True)
class Certificate:
    """What is known of the errors of a judge with the identity `certified_as`; `differs` says what of a stale certificate's is another."""

    certified_as: Mapping[str, Any]
    status: Status
    differs: tuple[str, ...] = ()
    body: Mapping[str, Any] | None = None

    @property
    def judge(self) -> str:
        """The name of the judge."""
        return str(self.certified_as["use"])

    @property
    def usable(self) -> Mapping[str, Any] | None:
        """The figures, only where they are this judge's."""
        return self.body if self.status == "certified" else None

    def line(self) -> str:
        """Return one plain sentence for readers of the judge's numbers."""
        if self.body is None:
            return f"judge {self.judge}: not certified: its error rate is unknown; {_HOW}"
        if self.status == "stale":
            return f"judge {self.judge}: not certified: its certificate is stale ({_few(self.differs, 3)}), so its error rate is unknown; {_HOW}"
        metrics = self.body["metrics"]
        shown = ", ".join(f"{label} {_shown(metrics.get(name))}" for name, label in _SHOWN if name in metrics)
        weak = self.body["weak_spots"]
        return f"judge {self.judge}: certified on {self.body['judged']:,} labelled rows: {shown}" + (f"; weak: {_few(weak, 2)}" if weak else "")

    def as_dict(self) -> dict[str, Any]:
        """Return what a run's summary keeps of it; `judge` is the identity that a later certificate must have to be this judge's."""
        kept = ("certified_as", "labels", "n", "judged", "metrics", "claims", "weak_spots", "package", "date")
        body = None if self.body is None else {name: self.body[name] for name in kept if name in self.body}
        return {"status": self.status, "differs": list(self.differs), "line": self.line(), "judge": dict(self.certified_as), "body": body}


_SHOWN = (("sensitivity", "sensitivity"), ("specificity", "specificity"), ("auroc", "AUROC"), ("auroc_within", "within a label set"))


def _few(phrases: Sequence[str], most: int) -> str:
    return "; ".join(phrases[:most]) + (f" (and {len(phrases) - most} more)" if len(phrases) > most else "")


def _shown(figure: Mapping[str, Any] | None) -> str:
    if not figure:
        return "not measured"
    interval = "" if figure["low"] is None else f" [{figure['low']:.2f}, {figure['high']:.2f}]"
    return f"{figure['value']:.2f}{interval}"


def find(judge: Judge, path: Path | None = None) -> Certificate:
    """Return the certificate of a judge: the given file's, else the shipped one that fits best. Raises as `find_for`."""
    return find_for(judge.certified_as, path)


def find_for(certified_as: Mapping[str, Any], path: Path | None = None) -> Certificate:
    """Return the certificate of the judge with this identity (its `certified_as`).

    Raises `ConfigError` for a file that cannot be read, is no certificate, or speaks of a judge of another name.
    """
    name = str(certified_as["use"])
    if path is not None:
        body = read(path)
        if body["judge"] != name:
            raise ConfigError(f"{path}: this certificate is of the judge {body['judge']}, and the judge here is {name}; give that one's, or leave it out")
        known = [body]
    else:
        known = [body for body in shipped() if body["judge"] == name]
    if not known:
        return Certificate(certified_as, "none")
    own = key(certified_as)
    for body in known:
        if body["certified_as"] == own:
            return Certificate(certified_as, "certified", (), body)
    nearest = min(known, key=lambda body: len(differences(body["identity"], certified_as)))
    return Certificate(certified_as, "stale", differences(nearest["identity"], certified_as), nearest)


def shipped() -> Iterator[dict[str, Any]]:
    """Yield the certificates that come with the package, in the order of their names."""
    folder = files("eval") / "certificates"
    if folder.is_dir():
        for entry in sorted(folder.iterdir(), key=lambda e: e.name):
            if entry.name.endswith(".json"):
                yield checked(entry.read_text(encoding="utf-8"), entry.name)


def read(path: Path) -> dict[str, Any]:
    """Return the certificate in a file. Raises `ConfigError` naming the file and what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: the certificate cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'}); write one with rag-eval certify"
        ) from None
    return checked(text, str(path))


def checked(text: str, place: str) -> dict[str, Any]:
    """Return the body of a certificate. Raises `ConfigError` unless it has the parts that readers rely on, each of its kind."""
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigError(f"{place}: this is no JSON; write a certificate with rag-eval certify") from None
    if not isinstance(body, dict) or body.get("format") != FORMAT:
        found = body.get("format") if isinstance(body, dict) else None
        raise ConfigError(f"{place}: this is no certificate of format {FORMAT} (found {found!r:.40}); write one with rag-eval certify")
    kinds = {"judge": str, "certified_as": str, "identity": dict, "n": int, "judged": int, "metrics": dict, "claims": dict, "weak_spots": list}
    for name, kind in kinds.items():
        if not isinstance(body.get(name), kind) or isinstance(body.get(name), bool):
            raise ConfigError(f"{place}: {name} is missing or not of its kind; write the certificate again with rag-eval certify")
    rates = {name: body["claims"].get(name) for name in ("sensitivity", "specificity")}
    for name, figure in (*body["metrics"].items(), *rates.items()):
        if not _is_figure(figure):
            raise ConfigError(f"{place}: {name} has no value with low and high; write the certificate again with rag-eval certify")
    if key(body["identity"]) != body["certified_as"]:
        raise ConfigError(f"{place}: certified_as is not the digest of identity: the file was edited; write it again with rag-eval certify")
    return body


def _is_figure(figure: object) -> bool:
    """Whether this is None (not measured) or a value with its interval."""
    if figure is None:
        return True
    if not isinstance(figure, dict) or not _is_number(figure.get("value")):
        return False
    return all(figure.get(end, _ABSENT) is None or _is_number(figure.get(end)) for end in ("low", "high"))


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


def differences(kept: Mapping[str, Any], now: Mapping[str, Any], under: str = "") -> tuple[str, ...]:
    """Return in words, with dotted names, where two identities are not the same: first the certificate's value, then the judge's."""
    found: list[str] = []
    for name in sorted({*kept, *now}):
        old, new = kept.get(name, _ABSENT), now.get(name, _ABSENT)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            found += differences(old, new, f"{under}{name}.")
        elif (old is _ABSENT) != (new is _ABSENT) or key(None if old is _ABSENT else old) != key(None if new is _ABSENT else new):
            found.append(f"{under}{name}: {_plain(old)} then, {_plain(new)} now")
    return tuple(found)


def _plain(value: object) -> str:
    if value is _ABSENT:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    return text if len(text) <= 24 else f"{text[:21]}..."
