"""Where encoders compute: on an accelerator where there is one, else on the processor."""

from __future__ import annotations

import os

from rag.errors import ConfigError

DEVICES = ("auto", "cpu", "cuda", "mps")


def choose(asked: str, cuda: bool, mps: bool) -> str:
    """Return `cuda`, `mps` or `cpu`: what was asked for, or of what is there the first. Raises `ConfigError` for what is not there."""
    if asked not in DEVICES:
        raise ConfigError(f"RAG_DEVICE: {asked!r} is not allowed; choose: {', '.join(DEVICES)}")
    there = {"cuda": cuda, "mps": mps, "cpu": True}
    if asked == "auto":
        return next(name for name, found in there.items() if found)
    if not there[asked]:
        raise ConfigError(f"RAG_DEVICE: torch finds no {asked} here; choose auto or cpu")
    return asked


def device() -> str:
    """Return the device that `RAG_DEVICE` (default `auto`) means on this machine. Raises `ConfigError` as `choose` does."""
    import torch

    return choose(os.environ.get("RAG_DEVICE") or "auto", torch.cuda.is_available(), torch.backends.mps.is_available())
