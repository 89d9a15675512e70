"""What a gate demands: margins, floors, ceilings, what must never happen, and what an inconclusive check means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from eval.counts import NAME
from eval.metrics import parse
from eval.metrics.base import Metric
from rag.config import read_yaml
from rag.errors import ConfigError

DEFAULT = Path(__file__).with_name("gate.yaml")
OnInconclusive = Literal["fail", "warn", "pass"]


def _shares(given: Any) -> Any:
    return dict.fromkeys(given, 1.0) if isinstance(given, (list, tuple)) and all(isinstance(n, str) for n in given) else given


class Policy(BaseModel):
    """The contents of `gate.yaml`. `margins` and `floors` are by metric; `level` is that of the intervals. No `metrics`: all of the baseline.

    `zero` names metrics and counts (`eval.counts`) that must never fail, each with the share of failures that must be excluded at
    `level` although none was seen; in a list none is demanded.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    margins: Mapping[str, float] = Field(default_factory=lambda: {"default": 0.05})
    metrics: tuple[str, ...] = ()
    floors: Mapping[str, float] = Field(default_factory=dict)
    ceilings: Mapping[str, float] = Field(default_factory=dict)
    zero: Annotated[Mapping[str, Annotated[float, Field(gt=0, le=1)]], BeforeValidator(_shares)] = Field(default_factory=dict)
    latency_p50_ms: float | None = Field(default=None, gt=0)
    latency_p95_ms: float | None = Field(default=None, gt=0)
    level: float = Field(default=0.95, gt=0.5, lt=1)
    on_inconclusive: OnInconclusive = "fail"

    @property
    def zero_metrics(self) -> tuple[str, ...]:
        """The names under `zero` that are metrics; the others are those of counts."""
        return tuple(name for name in self.zero if _is_metric(name))

    @property
    def latencies(self) -> dict[int, float]:
        """The ceilings in ms that are demanded, by percentile."""
        given = {50: self.latency_p50_ms, 95: self.latency_p95_ms}
        return {percent: ceiling for percent, ceiling in given.items() if ceiling is not None}

    def margin(self, metric: Metric) -> float:
        """Return how much worse a metric may get. Raises `ConfigError` for one without a margin whose scale the default does not fit."""
        if metric.name in self.margins:
            return float(self.margins[metric.name])
        if metric.range[1] == 1.0 and "default" in self.margins:
            return float(self.margins["default"])
        raise ConfigError(f"gate: margins has none for {metric.name}, whose values are not in 0 to 1; add `{metric.name}: NUMBER` under margins")


def _is_metric(name: str) -> bool:
    try:
        parse(name)
    except ConfigError:
        return False
    return True


def _filled(given: Any, shipped: Any) -> Any:
    """Return what a file says over what ships; anything but mappings is left for the check of types to refuse."""
    if not isinstance(given, Mapping):
        return given
    margins = given.get("margins", {})
    return {**shipped, **given, "margins": {**shipped["margins"], **margins} if isinstance(margins, Mapping) else margins}


def read_policy(path: Path | None) -> Policy:
    """Return the policy of a file, None for the one that ships; what a file leaves out is as it ships, and so is each margin.

    Raises `ConfigError` naming the file and the key.
    """
    place = path or DEFAULT
    data: Any = _filled(read_yaml(place) or {}, read_yaml(DEFAULT))
    try:
        policy = Policy.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "file"
        raise ConfigError(f"{place}: {where}: {first['msg']}; known keys: {', '.join(Policy.model_fields)}") from None
    zero = (n for n in policy.zero if not NAME.fullmatch(n))  # what may be a count is one until the gate misses its file
    for name in (*policy.metrics, *policy.floors, *policy.ceilings, *zero, *(m for m in policy.margins if m != "default")):
        try:
            parse(name)
        except ConfigError as error:
            raise ConfigError(f"{place}: {error}") from None
    if wrong := [name for name, margin in policy.margins.items() if margin < 0]:
        raise ConfigError(f"{place}: margins.{wrong[0]}: a margin is how much worse is allowed, so at least 0")
    return policy
