"""Answers that decline, told by their wording: only for rows that do not say themselves whether the system abstained."""

from __future__ import annotations

import re

MOST_SENTENCES = 2
_MOST_CHARACTERS = 400
_QUOTES = str.maketrans({"\u2019": "'", "\u2018": "'"})
_SOURCES = (
    r"(?:context|contexts|document|documents|text|texts|passage|passages|source|sources|article|information|data|knowledge base|search results|excerpts?)"
)
_GIVEN = r"(?:(?:provided|given|available|supplied|retrieved|above) )?"
_VERBS = r"(?:contain|mention|provide|include|specify|state|say|discuss|address|cover|answer|give|have|indicate|describe)"
_NO = r"(?:does not|do not|doesn't|don't|did not|didn't)"
_INFORMATION = r"(?:sufficient |relevant |specific |such |any )?(?:information|context|mention|details?|data)"  # not "evidence", which findings speak of
# What is not to be had, and not such as "no information leak" and "no data is lost".
_TO_HAND = rf"(?: (?:about|on|regarding|concerning|available|given|provided|to answer|that (?:would|could|answers))\b| in (?:the|this|any) {_GIVEN}{_SOURCES}\b|[.,;!]|$)"
# English. Each is bounded: no part of a pattern can match the same words in two ways.
_PHRASES = (
    r"\b(?:i|we) (?:do not|don't) (?:know|have (?:enough|sufficient|any|the|that|access to|the necessary) )",
    r"\b(?:i am|i'm|we are|we're) (?:not able|unable) to (?:answer|find|determine|provide|locate|say|tell)",
    r"\b(?:i am|i'm|we are|we're) not (?:sure|certain)\b",
    r"\b(?:i|we) (?:cannot|can not|can't|could not|couldn't) (?:answer|find|determine|provide|locate|say|tell)",
    r"\b(?:this|the|that|your) question (?:cannot|can not|can't|could not) be answered",
    r"\bthe answer (?:cannot|can not|can't|could not) be (?:determined|given|found)",
    r"\b(?:it is|it's) (?:not possible|impossible) to (?:answer|determine|tell|say)",
    r"\bno answer (?:is |was |could be |can be )?(?:found|given|available|in the)",
    rf"\bnone of the {_GIVEN}{_SOURCES} (?:{_VERBS}|answers|mentions|contains|provides)",
    rf"\b(?:unclear|not clear) from the {_GIVEN}{_SOURCES}",
    rf"\b{_GIVEN}{_SOURCES} {_NO} (?:explicitly |directly |specifically )?{_VERBS}",
    rf"\bthere (?:is|was) (?:no|not any) {_INFORMATION}{_TO_HAND}",
    rf"\bno {_INFORMATION}{_TO_HAND}",
    r"\bthere (?:is|was) (?:no|not any) (?:specific |such |any )?mention of\b",
    rf"\bno {_INFORMATION} (?:is|was|could be|can be) (?:available|given|provided|found|mentioned|stated|specified|included|contained)\b",
    rf"\bnot (?:explicitly |directly |specifically )?(?:mentioned|stated|specified|provided|given|found|discussed) (?:in|by) (?:the|this|any) {_GIVEN}{_SOURCES}",
    r"\b(?:insufficient|not enough) (?:information|context|data)\b",
)
_WHOLE = re.compile(r"(?:unknown|unanswerable|n/?a|none|no answer|not found|not available|not specified|no information|i (?:don't|do not) know)[.!]?")
_REFUSAL = re.compile("|".join(_PHRASES))


def refusal(answer: str) -> str:
    """Return the words by which a short answer declines, empty when it does not.

    An answer of more than two sentences is never one: it says something besides. The list is English, and rests on wording alone:
    "The text does not mention a limit" declines here even where it is the right answer, so systems that know should say `abstained`.
    """
    from rag.text import sentences

    text = " ".join(answer.translate(_QUOTES).lower().split())
    if len(text) > _MOST_CHARACTERS or len(sentences(text)) > MOST_SENTENCES:
        return ""
    found = _WHOLE.fullmatch(text) or _REFUSAL.search(text)
    return found[0].strip() if found else ""
