"""What instructions to a model look like in twelve languages: the rules of the detector, as data.

Patterns are matched against folded text (see `rag.instructions`): lower case, accents off Latin letters, hidden characters gone.
Every gap is bounded, so a rule takes a bounded number of steps from each place where it can begin.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_IN = "[^.!?\u3002\uff01\uff1f\u0964]"  # a gap stays in its sentence
_W = r"\W{1,6}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: a text is searched for `pattern` when it holds one of `anchors`, which every match holds."""

    family: str
    name: str
    anchors: tuple[str, ...]
    pattern: re.Pattern[str]


def _gap(most: int) -> str:
    return rf"(?:\W{{1,6}}[\w'\u2019-]{{1,30}}){{0,{most}}}?{_W}"


def _rule(family: str, name: str, anchors: str, pattern: str) -> Rule:
    return Rule(family, name, tuple(anchors.split("|")), re.compile(pattern.replace("~", _W)))


def _override(language: str, anchors: str, verbs: str, qualifiers: str, nouns: str, start: str = r"\b") -> Rule:
    """A verb of setting aside, a word that says which ones, and a word for instructions, in one sentence, in either order."""
    first = rf"{start}(?:{verbs})(?={_IN}{{0,60}}?(?:{qualifiers})){_IN}{{0,60}}?{start}(?:{nouns})"
    last = rf"{start}(?:{qualifiers}){_IN}{{0,25}}?(?:{nouns}){_IN}{{0,40}}?{start}(?:{verbs})"
    return _rule("override", language, anchors, f"{first}|{last}")


_NOUN = (
    r"(?:instruction|prompt|direction|directive|rule|guideline|command|order|constraint|guardrail|restriction|safeguard|(?:system~)?message|programming)s?\b"
    r"|(?:system~)?polic(?:y|ies)\b"
)
_ANSWER = r"(?:answer|reply|replie|response|summary|summarie|output|digest|overview|message)s?"
_PUT = r"(?:include|mention|add|append|insert|begin|start|open|end|close|finish|conclude|state|recommend|refer|point|quote|carry|contain|repeat|cite|note|use)s?"
_MUST = r"(?:should|must|shall|needs?~to|has~to|have~to|ought~to|(?:are|is)~(?:expected|required|asked|encouraged|instructed)?\W{0,3}to|will~please|please)"
_AI = r"(?:ai|llm|language~model|chat\W?bot|assistant|copilot|virtual~agent|summari[sz]er|generative~model)s?"
_TELL = r"(?:reply|respond|answer|say|output)"

ENGLISH: tuple[Rule, ...] = (
    _override(
        "en",
        "ignor|disregard|forget|overrid|bypass|discard|set aside|stop following|not follow|not obey|t follow|t obey|no longer|supersede",
        r"ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass(?:ing)?|discard|set~aside|stop~following"
        r"|(?:do~not|don.?t|never)~(?:follow|obey)|no~longer~(?:applies|apply|valid|follow)|(?:are|is)~supersede[ds]?",
        r"\b(?:all|any|every|the~(?:above|previous)|these|those|your|previous(?:ly)?|prior|above|earlier|preceding|foregoing|former|initial|original|system|existing|other|given)\b",
        _NOUN,
    ),
    _rule("override", "everything", "everything|anything", r"\b(?:ignore|disregard|forget)~(?:every|any)thing~(?:above|before|you|that|else|written|said|prior|previous|so~far)\b"),
    _rule(
        "override",
        "above",
        "ignor|disregard|forget",
        r"\b(?:ignore|disregard|forget)~(?:all~)?(?:of~)?(?:the~)?(?:above|previous|preceding|prior|foregoing)"
        r"(?:~(?:text|content|messages?|conversation|documents?|sources?|passages?|context|and)\b|\s{0,3}[.,;:!])",
    ),
    _rule("override", "new", "new|updated|real|actual|true|your", r"\b(?:new|updated|revised|real|actual|true|hidden|secret)~(?:system~)?(?:instruction|directive|prompt|objective|order)s?\s{0,3}:"),
    _rule("override", "your_task", "task|instructions|objective|role|job", r"\byour~(?:new|real|actual|only|true)~(?:task|instructions?|objective|role|job|goal|purpose)~(?:is|are)\b"),
    _rule("role", "markers", "<|\uff5c|[inst|[/inst|<<sys|<</sys|</", r"<[|\uff5c][\w\u2581 ]{1,40}[|\uff5c]>|\[/?inst\]|<</?sys>>|</?(?:context|documents?|sources?|system|instructions?|user_query)(?:-\w{1,20})?>"),
    _rule("role", "system", "system|assistant", r"(?:^|\n)[ \t>*#-]{0,8}(?:system|assistant)(?:~(?:message|prompt|override|notice|instruction|update))?[ *]{0,4}:"),
    _rule("role", "heading", "instruction|system", r"(?:^|\n)#{2,4} {0,3}(?:system|instructions?)\b[^\n\w]{0,6}(?:\n|$)"),
    _rule("persona", "now", "you|from now on|henceforth", r"\b(?:you(?:~are|\W{0,2}re)~now~(?:an?|the|in|called|free|operating|acting)|from~now~on~(?:you|your|respond|answer|reply|always|only)|(?:pretend|act|behave)~(?:that~|as~if~|as~though~)you)\b"),
    _rule("persona", "mode", " mode", r"\b(?:developer|debug|admin(?:istrator)?|god|dan|jailbreak|unrestricted|maintenance)~mode~(?:is|has|enabled|on|activated|active)\b|\b(?:enter|enable|switch~to|activate)~(?:developer|debug|admin|god|dan|unrestricted)~mode\b"),
    _rule("output", "only", "only|just|exactly|nothing but|solely|the word|the phrase|the string|the code|verbatim|the sentence", rf"\b{_TELL}~(?:only|just|exactly|solely|nothing~but|verbatim|with{_gap(2)}(?:only|just|exactly|solely|nothing~but|the~(?:word|phrase|string|code|text|sentence)))\b"),
    _rule("output", "frame", "answer|repl|response|summar|output|message", rf"\b(?:begin|start|open|end|close|finish|conclude|prefix|preface|sign)~(?:off~)?(?:your|every|each|all|any|the)~(?:\w{{1,20}}~)?{_ANSWER}~(?:with|by)\b"),
    _rule("output", "include", "answer|repl|response|summar|output", rf"\b(?:include|insert|append|add|mention|put|repeat|quote|write|place)\b{_IN}{{1,80}}?\b(?:in(?:to)?|to|at~the~(?:end|start|top|bottom)~of)~(?:your|every|each|any|all)~(?:\w{{1,20}}~)?{_ANSWER}\b"),
    _rule("output", "flood", "forever|for ever|endless|indefinitely|without|infinite|times|words|lines|pages|tokens|characters|copies|queries|questions", rf"\b(?:repeat|write|print|output|generate|say|type|list|produce|create|emit|expand)\b{_IN}{{1,60}}?(?:\bfor~?ever\b|\bendless(?:ly)?\b|\bindefinitely\b|\bwithout~(?:stopping|end|pause|ever)|\binfinite(?:ly)?\b|\b(?:\d[\d,. ]{{3,12}}|(?:\w{{1,12}}~)?(?:thousand|million|billion))\W{{0,3}}(?:times|words|lines|pages|tokens|characters|copies|(?:sub\W?)?(?:queries|questions))\b)"),
    _rule("addressed", "to_ai", "ai|llm|model|bot|assistant|copilot|agent|summari", rf"\b(?:note|message|notice|instructions?|attention|memo|reminder|guidance|important)~(?:to|for)~(?:the~|all~|any~|every~)?(?:\w{{1,15}}~)?{_AI}\b|\b{_AI}~(?:\w{{1,20}}~)?(?:reading|processing|summari[sz]ing|parsing|answering~from|who~reads?|that~reads?)~(?:this|these|the)\b|\bif~you~are~an?~(?:\w{{1,15}}~)?{_AI}\b"),
    _rule("addressed", "ai_must", "ai|llm|model|bot|assistant|copilot|agent|summari", rf"\b{_AI}~(?:\w{{1,15}}~)?{_MUST}~(?:\w{{1,15}}~)?(?:repl(?:y|ies)|respond|{_PUT}|ignore|say|refuse|treat|output|print|tell|disregard|trust|prefer|answer~(?:with|that|only))\b"),
    _rule("addressed", "when", "summari|answer|respond|repl|quot|describ|asked|paraphras|explain", rf"\b(?:when(?:ever)?|while|in|before)~(?:\w{{1,20}}~){{0,3}}?(?:summari[sz]|answer|respond|reply|quot|describ|asked|paraphras|explain)\w{{0,6}}\b{_IN}{{0,90}}?\b(?:{_MUST}~(?:\w{{1,15}}~)?|,\s?(?:please~|always~|kindly~|also~)?){_PUT}\b"),
    _rule("addressed", "any_answer", "answer|repl|response|summar|digest|overview", rf"\b{_ANSWER}~(?:\w{{1,20}}~){{0,9}}?{_MUST}~(?:\w{{1,15}}~){{0,2}}?{_PUT}\b"),
    _rule("conceal", "not_tell", "not|never|without|n't|n\u2019t", rf"\b(?:do~not|don.?t|never|without)~(?:\w{{1,15}}~)?(?:mention|reveal|tell|disclos|inform|report|acknowledg|explain|refer)\w{{0,5}}~(?:\w{{1,15}}~){{0,3}}?(?:this|these|the~(?:user|reader|person|asker)|users?|instructions?|that~you|anyone|note|your)\b"),
    _rule("leak", "prompt", "prompt|instructions|above|other documents|all documents|filenames|file names|guidelines|configuration|every document|sources", rf"\b(?:print|reveal|repeat|show|output|display|reproduce|disclose|dump|recite|leak|expose|copy|list|return|give|tell|write~out|echo|paste)\b{_IN}{{1,40}}?(?:\bsystem~prompt|\b(?:your|the)~(?:full~|exact~|initial~|original~|hidden~|secret~|complete~)?(?:instructions|prompt|guidelines|configuration)\b|\b(?:everything|text|words|all)~(?:\w{{1,15}}~){{0,2}}?above\b|\b(?:other|all|every|remaining)~(?:the~)?(?:other~)?(?:documents?|sources|passages|filenames|file~names|tenants?)\b|\bfile\W?names~(?:you|of)\b)"),
    _rule("exfiltrate", "send", "append|send|post|insert|embed|attach|forward|include|put|transmit|upload|encod|pass|add|replac|fill|load|render", rf"\b(?:append|send|post|insert|embed|attach|forward|include|put|transmit|upload|encod|pass|add|replac|fill)(?:e|s|ed|ing)?\b{_IN}{{1,80}}?\b(?:questions?|conversation|chat|history|context|answer|prompt|session|previous~\w{{1,12}}|(?:other~)?passages?|sources?|user|reader)\b(?:{_IN}|[.?](?=\w)){{0,80}}?(?:\burls?\b|\blinks?\b|\bimages?\b|https?://|\bquery~string\b|\bwebhook\b|\bpixel\b|\baddress\b)"),
    _rule("exfiltrate", "placeholder", "](|src=|http|]:", r"https?://[^\s)\"']{1,200}[=/](?:<[a-z][a-z _-]{2,60}>|\{\{?[a-z][a-z _-]{2,60}\}|\[[a-z][a-z _-]{2,60}\]|\$\{?[a-z])"),
    _rule("exfiltrate", "empty_parameter", "![|src=", r"(?:!\[[^\]\n]{0,100}\]\(\s{0,3}|<img[^<>]{0,80}?src\W{1,3})https?://[^\s)\"']{1,200}=[)\"'\s]"),
    _rule("refuse", "decline", "refuse|declin|not answer|t answer|never answer|cannot|can't|don't know|no answer|not know|no information|abstain", rf"\b(?:(?:please|must|should|always|and|to|;|you)~(?:refuse|decline|abstain)\b|(?:refuse|decline)~(?:to~answer|all|any|every|this|the|such)\b|(?:do~not|don.?t|never|must~not|should~not)~(?:answer|respond~to|reply~to)~(?:any|this|the|it|them|such|questions?|further)\b|(?:say|reply|respond|answer|state|write)~(?:\w{{1,15}}~){{0,3}}?(?:you~(?:cannot|can.?t|do~not~know|don.?t~know)|i~(?:cannot|can.?t|do~not~know|don.?t~know)|(?:there~is~)?no~(?:answer|information)\b))"),
    _rule("cite", "as", "cite|citation|attribut|credit", rf"\b(?:cite|attribute|credit)\b{_IN}{{1,60}}?\b(?:as|to|under|with)~(?:the~)?(?:source|document|citation|reference|handbook|official|number|\[?\d)|\b(?:cite|citation)~(?:only~)?(?:this|source~\W?\d)"),
    _rule("verdict", "score", "score|verdict|grade|rating|marks|judge|evaluator|grader", r"[\"']?\b(?:score|rating|grade|faithfulness)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:10|100|[1-5]/5|10/10|1\.0|a\+)|\bverdict[\"']?\s{0,3}(?:is|[:=])\s{0,3}[\"']?(?:correct|supported|pass|true|faithful|yes|1\b)|\b(?:full|top|maximum|highest|perfect)~(?:marks|score|rating|grade)|\b(?:judge|evaluator|grader)s?\s{0,3}(?::|~(?:must|should|is~to|are~to|please))"),
    _rule("scope", "filter", "filter|tenant|scope|permission|access|where|1=1", rf"\b(?:drop|remove|ignore|disable|lift|omit|without|bypass|clear|skip)~(?:\w{{1,15}}~){{0,3}}?(?:filters?|tenants?|scopes?|permissions?|access~(?:control|rule|check)s?)\b|\b(?:all|every|other|any)~tenants?\b|\btenant\w{{0,4}}\s{{0,3}}(?:!=|=|in|:)\s{{0,3}}[\"'*(]|\bor\s{{1,3}}['\"]?1['\"]?\s{{0,3}}=\s{{0,3}}['\"]?1"),
    _rule("active", "script", "script|onerror|onload|onclick|<iframe|data:text", r"\b(?:java|vb)script:[^\s]|<script\b|<iframe\b|\bon(?:error|load|click|mouseover|focus)\s{0,3}=\s{0,3}[\"']?\w|data:text/html"),
    _rule("active", "formula", "hyperlink|webservice|importxml|importdata|cmd", r"(?:^|[\s,\"'|])[=+@-]\s?(?:hyperlink|webservice|importxml|importdata)\s?\(|=cmd\|"),
    _rule("hidden", "style", "style|hidden|font", r"\bstyle\s{0,3}=\s{0,3}[\"'][^\"'<>]{0,120}?(?:display\s?:\s?none|visibility\s?:\s?hidden|font-size\s?:\s?0|opacity\s?:\s?0(?![.\d])|color\s?:\s?(?:#fff(?:fff)?\b|white))"),
)  # fmt: skip
