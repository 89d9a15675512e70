"""What replies of a chat judge look like: loose in what its own checks refuse one by one, strict in what would make the whole reply unreadable."""

from __future__ import annotations

from pydantic import BaseModel, Field, StrictBool, StrictInt

LABELS = ("supported", "contradicted", "not_found")
SIDES = ("first", "second", "tie")


class Statements(BaseModel):
    """The statements of an answer."""

    statements: list[str]


class Verdict(BaseModel):
    """What the contexts say of one claim. A label that is none is refused for this claim alone, so any text is read here."""

    claim: StrictInt
    rationale: str = ""
    quote: str = ""
    label: str = Field(json_schema_extra={"enum": list(LABELS)})


class Verdicts(BaseModel):
    """The verdicts on the claims of one request."""

    verdicts: list[Verdict]


class Questions(BaseModel):
    """Questions that an answer would answer, and whether it evades."""

    noncommittal: StrictBool
    questions: list[str]


class Entities(BaseModel):
    """The entities of a text."""

    entities: list[str]


class Grade(BaseModel):
    """How far a context helps."""

    rationale: str = ""
    grade: StrictInt = Field(json_schema_extra={"enum": [0, 1, 2]})


class Scored(BaseModel):
    """A score by a criterion."""

    rationale: str = ""
    score: StrictInt


class Better(BaseModel):
    """Which of two answers is better, by the place it was shown in."""

    rationale: str = ""
    better: str = Field(json_schema_extra={"enum": list(SIDES)})
