"""Heading questions: what a document says about the heading of one of its sections."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eval.doctor.words import words
from eval.synthesis.drafts import Draft
from eval.synthesis.marks import HEADING
from eval.synthesis.plain import plain
from eval.synthesis.sections import Section
from rag.types import Span

# Headings that name a place in a document and no subject.
_EMPTY = re.compile(
    r"introduction|overview|(?:table of )?contents|(?:in )?summary|in short|conclusions?|abstract|preface|foreword|acknowledge?ments?|background|details|description|general"
    r"|notes?|references|bibliography|appendix|links|resources|see also|further reading|related work|(?:a )?(?:worked )?examples?|misc|miscellaneous|other|more|faq|about"
    r"|changelog|history|todo|results|discussion|next steps|getting started|the idea"
)
_ASKING = re.compile(r"(?:what|when|where|why|how|which|who|whose|whether)\b", re.IGNORECASE)
_NAMING = re.compile(r"(?:the|a|an)\s|\w{3,}ing\b", re.IGNORECASE)


def heading(section: Section) -> Iterator[Draft]:
    """Yield the question that the last heading above a section asks, if it names a subject; the evidence is the section."""
    if not section.headings:
        return
    name = plain(section.headings[-1]).strip(" .:;-")
    if not name or _EMPTY.fullmatch(" ".join(words(name))) or words(name) == words(section.title) or not any(c.isalpha() for c in name):
        return
    title = section.title.replace('"', "'")
    above = plain(section.headings[-2]).replace('"', "'") if len(section.headings) > 1 else ""
    under = f', under "{above}"' if above else ""
    question = f'What does "{title}" say {_about(name)}{under}?'
    yield Draft(HEADING, section.document.id, question, (), (Span(section.document.id, section.start, section.end),))


def _about(name: str) -> str:
    quoted = name.replace('"', "'")
    if quoted.endswith("?"):
        return f'to the question "{quoted[:-1].rstrip()}"'
    if _ASKING.match(quoted) or _NAMING.match(quoted):
        first = quoted.split()[0]
        plainly = first[1:].islower() or len(first) == 1
        return f"about {quoted[0].lower() + quoted[1:] if plainly else quoted}"
    return f'about "{quoted}"'
