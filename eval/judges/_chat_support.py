"""Verdicts of a chat judge on claims: asked in batches, matched by number, asked several times and with the contexts in reverse where wanted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from eval.judges._chat_ask import Asking, Reply
from eval.judges._chat_quotes import evidence
from eval.judges._chat_shapes import LABELS, Verdict, Verdicts
from eval.judges._chat_shown import Fence, prompt, reason
from eval.judges.base import Claim, Evidence, Judgement, Label, Missing, Why
from rag.errors import ChatError
from rag.models.chat import Request, Usage

CAREFUL = (Label.NOT_FOUND, Label.CONTRADICTED, Label.SUPPORTED)  # of labels said equally often the first of these is taken


@dataclass(frozen=True)
class Turn:
    """One asking: its number, its sample, and whether the contexts are shown in reverse."""

    number: int
    sample: int
    reverse: bool


def turns(repeat: int, swap: bool, contexts: int) -> list[Turn]:
    """Return the askings of one judgement: `repeat` samples, each once more in reverse order where there is an order to change."""
    ways = (False, True) if swap and contexts > 1 else (False,)
    return [Turn(i, *way) for i, way in enumerate((sample, reverse) for reverse in ways for sample in range(repeat))]


@dataclass(frozen=True)
class _Batch:
    """Claims by their place, asked about in one request of one turn."""

    places: tuple[int, ...]
    turn: Turn


@dataclass(frozen=True)
class Case:
    """What is judged: claims against contexts, and the question that they are about."""

    claims: tuple[Claim, ...]
    contexts: tuple[str, ...]
    question: str

    def request(self, batch: _Batch, asking: Asking) -> Request:
        """Return the request for one batch; its claims are numbered from 1."""
        texts = [self.claims[i].text for i in batch.places]
        shown = self.contexts[::-1] if batch.turn.reverse else self.contexts
        fence = Fence(self.question, *shown, *texts)
        messages = prompt("support").messages(
            question=fence.one("question", self.question), contexts=fence.many("context", shown), claims=fence.many("claim", texts)
        )
        return asking.request("support", self.question, messages, batch.turn.sample)


def support(case: Case, asking: Asking, batch: int, repeat: int, swap: bool) -> tuple[Judgement | Missing, ...]:
    """Return one verdict per claim, in order.

    A claim has a verdict when every turn gave one for it; what is missing of any turn is missing. A reply that was cut off is asked for
    in two halves, down to single claims.
    """
    rounds = turns(repeat, swap, len(case.contexts))
    votes: list[dict[int, Judgement | Missing]] = [{} for _ in case.claims]
    pending = [_Batch(tuple(range(at, min(at + batch, len(case.claims)))), turn) for turn in rounds for at in range(0, len(case.claims), batch)]
    while pending:
        again: list[_Batch] = []
        for held, reply in zip(pending, asking.ask([case.request(b, asking) for b in pending], Verdicts), strict=True):
            if isinstance(reply, ChatError) and reply.why == "truncated" and len(held.places) > 1:
                middle = len(held.places) // 2
                again += [replace(held, places=held.places[:middle]), replace(held, places=held.places[middle:])]
                continue
            found = _failed(reply, len(held.places)) if isinstance(reply, ChatError) else read(reply, len(held.places), case.contexts)
            if not isinstance(reply, ChatError) and any(isinstance(f, Missing) for f in found):
                asking.forget(reply)
            for place, vote in zip(held.places, found, strict=True):
                votes[place][held.turn.number] = vote
        pending = again
    return tuple(_decided([found[turn.number] for turn in rounds], rounds) for found in votes)


def read(reply: Reply[Verdicts], n: int, contexts: Sequence[str]) -> list[Judgement | Missing]:
    """Return the verdicts of one reply on `n` claims, by number, each with its share of what the request took.

    A number with no verdict, or with several, is missing (`count_mismatch`), a label that is none is too (`out_of_range`). A number
    that no claim has makes all of them missing (`out_of_range`): the model may have counted otherwise, and then every verdict is
    that on another claim.
    """
    given = reply.value.verdicts
    foreign = sorted({v.claim for v in given if not 1 <= v.claim <= n})
    if foreign:
        shown = ", ".join(map(str, foreign[:5]))
        return [Missing(Why.OUT_OF_RANGE, f"a verdict on claim {shown} where there are claims 1 to {n}")] * n
    by_number: Mapping[int, list[Verdict]] = {i: [v for v in given if v.claim == i] for i in range(1, n + 1)}
    return [_verdict(i, by_number[i], contexts, usage) for i, usage in enumerate(shares(reply.usage, n), start=1)]


def _verdict(number: int, given: Sequence[Verdict], contexts: Sequence[str], usage: Usage) -> Judgement | Missing:
    if len(given) != 1:
        return Missing(Why.COUNT_MISMATCH, f"{len(given)} verdicts on claim {number}")
    verdict = given[0]
    if verdict.label not in LABELS:
        return Missing(Why.OUT_OF_RANGE, f"{verdict.label[:40]!r} for claim {number} is none of {', '.join(LABELS)}")
    label = Label(verdict.label)
    spans = evidence(verdict.quote, contexts)
    lost = " (the words it quotes are in no context)" if verdict.quote.strip() and not spans else ""
    return Judgement(label, float(label is Label.SUPPORTED), None, spans, reason(verdict.rationale) + lost, usage)


def _failed(error: ChatError, n: int) -> list[Judgement | Missing]:
    return [Missing.of(error)] * n


def shares(usage: Usage, n: int) -> list[Usage]:
    """Return a usage cut into `n` parts that add up to it; the first parts have the tokens that do not divide."""

    def part(total: int, i: int) -> int:
        return total // n + (i < total % n)

    return [Usage(part(usage.prompt, i), part(usage.completion, i), part(usage.cached, i), usage.cost / n) for i in range(n)]


def _decided(votes: Sequence[Judgement | Missing], rounds: Sequence[Turn]) -> Judgement | Missing:
    """Return the verdict of all turns: the label said most often, with the share of turns that said supported as its score and confidence."""
    given = [v for v in votes if isinstance(v, Judgement)]
    if len(given) < len(votes):
        return next(v for v in votes if isinstance(v, Missing))
    if len(given) == 1:
        return given[0]
    counts = Counter(v.label for v in given)
    label = max(CAREFUL, key=lambda one: counts[one])
    agreeing = [v for v in given if v.label is label]
    spans: tuple[Evidence, ...] = tuple(dict.fromkeys(e for v in agreeing for e in v.evidence))
    spread = ", ".join(f"{one} {counts[one]}" for one in Label if counts[one])
    said = f"{spread} of {len(given)} askings{_turned(given, rounds)}; {agreeing[0].rationale}"
    share = counts[Label.SUPPORTED] / len(given)
    usage = sum((v.usage for v in given), Usage())
    return Judgement(label, share, share, spans, said.rstrip("; "), usage)


def _turned(given: Sequence[Judgement], rounds: Sequence[Turn]) -> str:
    """Return how often the verdict was another with the contexts in reverse, sample by sample."""
    pairs = [(a, b) for a, t in zip(given, rounds, strict=True) for b, u in zip(given, rounds, strict=True) if t.sample == u.sample and u.reverse > t.reverse]
    differ = sum(a.label is not b.label for a, b in pairs)
    return f", {differ} of {len(pairs)} changed with the contexts in reverse" if pairs else ""
