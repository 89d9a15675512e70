"""The claims of a text for judges that reword nothing: its sentences."""

from __future__ import annotations

import re

from eval.judges.base import Claim, ended
from eval.judges.words import cut, parse


def sentence_claims(text: str, language: str) -> tuple[Claim, ...]:
    """Return the sentences, without citation marks, that hold a content word or a number; what a mark marks is one claim."""
    clean = ended(text)
    found = [Claim(_tidy(clean[a:b]), a, b) for a, b in cut(clean, language)]
    return tuple(claim for claim in found if any(not s.empty for s in parse(claim.text, language)))


def _tidy(text: str) -> str:
    """Return the text on one line, without the gaps that blanked-out marks leave."""
    return re.sub(r" ([.,;:!?])", r"\1", " ".join(text.split()))
