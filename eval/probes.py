"""Rows judged again: whether the verdict stays when nothing changes, and when the contexts come in the reverse order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eval.biases import changed, orders
from eval.judges.make import make_judge
from eval.judges.spec import JudgeSpec
from eval.labels import LabelSet
from eval.resampling import plain, share
from eval.row_verdicts import Case, Judged, documents_of, judge_all
from rag.runtime import Runtime

Kept = Sequence[tuple[Case, Judged]]


def drawn(kept: Kept, probes: int, seed: int) -> list[tuple[Case, Judged]]:
    """Return `probes` of the judged rows at random, in their order; all of them where there are no more."""
    chosen = np.random.default_rng([seed, 4]).permutation(len(kept))[:probes]
    return [kept[i] for i in sorted(chosen.tolist())]


def stability(spec: JudgeSpec, kept: Kept, sets: Sequence[LabelSet], repeat: int, runtime: Runtime) -> dict[str, Any]:
    """Return `{same, rows, repeat, missing}`: the share of rows that get one and the same verdict all of `repeat` times.

    Each repetition has a memo of its own that starts empty, for the judge and for the models it asks.
    """
    seen = [[f.supported] for _, f in kept]
    missing = 0
    for turn in range(2, repeat + 1):
        fresh = runtime.unmemoised()
        judges = {s.name: make_judge(spec, documents_of(s), fresh) for s in sets}
        again = [Case(c.row, c.file, c.cluster, judges[c.file]) for c, _ in kept]
        for verdicts, found in zip(seen, judge_all(again, [c.row.contexts for c in again], f"judge again ({turn} of {repeat})", runtime), strict=True):
            if isinstance(found, Judged):
                verdicts.append(found.supported)
            else:
                missing += 1
    whole = [(v, c.cluster) for v, (c, _) in zip(seen, kept, strict=True) if len(v) > 1]
    same = share([len(set(v)) == 1 for v, _ in whole], [cluster for _, cluster in whole])
    return {"same": plain(same), "rows": len(whole), "repeat": repeat, "missing": missing}


def order_bias(kept: Kept, runtime: Runtime) -> dict[str, Any]:
    """Return `{changed, rows, with_other, missing}`: the share of verdicts that change when the contexts are reversed.

    A row with a single context gets one of another row of its file beside it, first after its own and then before it; `with_other` counts
    these. Rows of which that is not possible, or one order has no verdict, are left out; the latter are `missing`.
    """
    pairs = [(c, orders(c.row.contexts, _other(i, kept))) for i, (c, _) in enumerate(kept)]
    asked = [(c, both) for c, both in pairs if both is not None]
    cases = [c for c, _ in asked]
    first, then = (judge_all(cases, [both[side] for _, both in asked], f"judge {name}", runtime) for side, name in enumerate(("in order", "reversed")))
    known = [(a.supported, b.supported, c.cluster) for a, b, c in zip(first, then, cases, strict=True) if isinstance(a, Judged) and isinstance(b, Judged)]
    figure = changed([a for a, _, _ in known], [b for _, b, _ in known], [c for _, _, c in known])
    with_other = sum(len(c.row.contexts) < 2 for c in cases)
    return {"changed": plain(figure), "rows": len(known), "with_other": with_other, "missing": len(cases) - len(known)}


def _other(at: int, kept: Kept) -> str | None:
    """Return a context of the next row of the same file and another source; None where there is none."""
    own = kept[at][0]
    for case, _ in (*kept[at + 1 :], *kept[:at]):
        if case.file == own.file and case.cluster != own.cluster and case.row.contexts:
            return case.row.contexts[0]
    return None
