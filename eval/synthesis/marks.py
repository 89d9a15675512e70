"""The marks of questions that nobody asked, so that they are never mixed with others in silence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from eval.questions import Question

SYNTHETIC, REVIEWED, HARD = "synthetic", "reviewed", "hard"
CLOZE, HEADING, SINGLE, MULTI, UNANSWERABLE = "cloze", "heading", "chat:single", "chat:multi", "chat:unanswerable"
# What part of a set is of which kind, where nobody says otherwise.
SHARES = {CLOZE: 2, HEADING: 1, SINGLE: 3, MULTI: 1, UNANSWERABLE: 1}
BY_RULE, BY_CHAT = (CLOZE, HEADING), (SINGLE, MULTI, UNANSWERABLE)


def synthetic(questions: Sequence[Question]) -> int:
    """Return how many questions are tagged as synthetic."""
    return sum(SYNTHETIC in q.tags for q in questions)


def synthetic_note(questions: Sequence[Question]) -> str:
    """Return a line that says how many questions are synthetic, of which kinds, and how many a person reviewed; empty when none is."""
    made = [q for q in questions if SYNTHETIC in q.tags]
    if not made:
        return ""
    kinds = Counter(kind for q in made for kind in q.tags if kind in SHARES)
    shown = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
    reviewed = sum(REVIEWED in q.tags for q in made)
    biased = kinds[CLOZE] + kinds[HEADING]
    bias = "; cloze and heading questions repeat the words of the corpus and favour keyword search" if biased else ""
    return f"{len(made)} of {len(questions)} questions are synthetic ({shown or 'of no known kind'}), {reviewed} of them reviewed{bias}"
