"""The gate on files: a run's folder, a baseline, a policy, and the certificate of the judge that both were measured by."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from eval.baseline import measured, read_baseline
from eval.counts import read_counts
from eval.gate import Gate, gate
from eval.gate_policy import OnInconclusive, Policy, read_policy
from eval.pairs import judged_in
from rag.errors import ConfigError


def hold(
    folder: Path, config: str, baseline: Path, policy: Path | None = None, on_inconclusive: str | None = None, counts: Sequence[Path] = ()
) -> tuple[Gate, Policy]:
    """Return the verdict on one configuration of a run and the policy that it was held to. Raises `ConfigError` or `StoreError`."""
    demanded = read_policy(policy)
    if on_inconclusive is not None:
        if on_inconclusive not in get_args(OnInconclusive):
            raise ConfigError(f"--on-inconclusive {on_inconclusive!r} is not allowed; choose: {', '.join(get_args(OnInconclusive))}")
        demanded = Policy.model_validate({**demanded.model_dump(), "on_inconclusive": on_inconclusive})
    certificate = judged_in(folder).get("certificate", {})
    usable = certificate.get("body") if certificate.get("status") == "certified" else None
    return gate(measured(folder, config), read_baseline(baseline), demanded, usable, read_counts(counts)), demanded
