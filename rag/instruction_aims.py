"""What instructions in a document are after (data out, a refusal, a forged citation, a verdict, a wider scope, code that runs): rules as data."""

from __future__ import annotations

from rag.instruction_rules import INSIDE, Rule, rule

_SENT = r"(?:append|send|post|insert|embed|attach|forward|include|put|transmit|upload|encod|pass|add|replac|fill)(?:e|s|ed|ing)?"

AIMS: tuple[Rule, ...] = (
    rule(
        "exfiltrate",
        "send",
        "append send sending post insert inserting embed embedding attach forward include put transmit upload encode pass add replace fill"
        " / question questions conversation chat history context answer prompt session passage passages source sources user reader previous"
        " / url urls link links image images http https query webhook pixel address",
        rf"\b{_SENT}\b(?:(?!http){INSIDE}){{1,60}}?\b(?:(?:the|this|your)~(?:user.?s~|whole~|full~|last~)?(?:questions?|conversation|chat|history|context|answer|prompt|session)|previous~\w{{1,12}}|(?:other~)?passages)\b"
        rf"(?:{INSIDE}|[.?](?=\w)){{0,60}}?(?:\burls?\b|\blinks?\b|\bimages?\b|https?://|\bquery~string\b|\bwebhook\b|\bpixel\b|\baddress\b)",
    ),
    rule(
        "exfiltrate",
        "pixel",
        "render load show display insert embed / pixel beacon image",
        r"\b(?:render|load|show|display|insert|embed)~(?:\w{1,12}~){0,3}?(?:pixel|beacon|image)~(?:\w{1,12}~){0,2}?(?:answer|reply|response|summary|message)\b",
    ),
    rule(
        "exfiltrate",
        "placeholder",
        "http https hxxp hxxps",
        r"h(?:tt|xx)ps?://[^\s)\"']{1,200}[=/](?:<[a-z][a-z _-]{2,60}>|\{\{[a-z][a-z _-]{2,60}\}|\[[a-z][a-z _-]{2,60}\](?!\())",
    ),
    rule(
        "exfiltrate",
        "empty_parameter",
        "![ src",
        r"(?:!\[[^\]\n]{0,100}\]\(\s{0,3}|<img[^<>]{0,80}?src\W{1,3})https?://[^\s)\"']{1,200}=[)\"'\s]",
    ),
    rule(
        "refuse",
        "decline",
        "refuse decline abstain",
        r"\b(?:please|must|should|always|you)~(?:refuse|decline|abstain)~(?:to~(?:answer|respond|reply|help)|all|any|every|this|such|further)\b|[;:,.]\s(?:please~|and~)?(?:refuse|abstain)\s{0,2}(?:[.!]|$)",
    ),
    rule(
        "refuse",
        "not_answer",
        "not don never / answer respond reply",
        r"\b(?:do~not|don.?t|never|must~not|should~not)~(?:(?:answer|respond~to|reply~to)~(?:any|this|it|them|such|questions?|further)\b|answer\s?,)",
    ),
    rule(
        "refuse",
        "say",
        "say reply respond answer state write / cannot can don not no",
        r"\b(?:say|reply|respond|answer|state|write)~(?:\w{1,15}~){0,3}?(?:(?:you|i)~(?:cannot|can.?t|do~not~know|don.?t~know)|(?:there~is~)?no~(?:answer|information)\b)",
    ),
    rule(
        "refuse",
        "nothing_there",
        "no / contain contains hold holds",
        r"\b(?:documents?|sources?|context|passages?)~(?:contain|hold)s?~no~(?:answer|information)\b",
    ),
    rule(
        "cite",
        "as",
        "cite citation attribute credit quote",
        rf"\b(?:cite|attribute|credit)~(?:this|the~following|it|that|everything|all){INSIDE}{{0,50}}?\b(?:as|to|under|with)~(?:the~)?(?:source|document|citation|reference|handbook|official|number|[\w-]{{1,30}}\.\w{{2,4}}|\[?\d)"
        rf"|\b(?:cite|credit|quote){INSIDE}{{0,60}}?(?:\bsource~?\W?\d|\b(?:number|id)~of~(?:the~)?(?:first|second|last|other)~source|\ball~(?:three|two|four|of~them))|\bcitations?~must~(?:read|say|be|name)\b",
    ),
    rule(
        "verdict",
        "score",
        "score rating grade faithfulness",
        r"\b(?:score|rating|grade|faithfulness)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:10|100|[1-5]/5|10/10|1\.0|a\+)(?![\d.])|\bgive~(?:\w{1,15}~){0,4}?(?:full|top|maximum|highest|perfect)~(?:score|rating|grade)",
    ),
    rule("verdict", "verdict", "verdict", r"\bverdict[\"']?\s{0,3}(?:is|[:=])\s{0,3}[\"']?(?:correct|supported|pass|true|faithful|yes|1\b)"),
    rule(
        "verdict",
        "judge",
        "judge judges evaluator evaluators grader graders",
        r"\b(?:judge|evaluator|grader)s?~must~(?:treat|give|mark|accept|count|score|rate)\b|(?:^|\n|[.>]\s?)(?:note~to~|to~)?(?:the~)?(?:judge|evaluator|grader)s?\s?:",
    ),
    rule(
        "scope",
        "filter",
        "filter filters tenant tenants scope permissions access or",
        r"\b(?:drop|remove|ignore|disable|lift|omit|bypass|clear|skip|search~without)~(?:\w{1,15}~){0,2}?(?:the|any|all|every|your)~(?:\w{1,15}~){0,2}?(?:filters?|scopes?|permissions?|(?:tenant|access)~(?:control|rule|check|filter|restriction|limit)s?)\b"
        r"|\bsearch~without~the~tenant\b|\b(?:files|documents|data|granted)~(?:of|from|to)~(?:all|every|other|any)~tenants?\b|\btenant\w{0,4}[\"']?\s{0,3}(?:!=|=|in|:)\s{0,3}[\"'*(]|\bor\s{1,3}['\"]?1['\"]?\s{0,3}=\s{0,3}['\"]?1\b",
    ),
    rule(
        "active",
        "script",
        "javascript vbscript script iframe onerror onload onclick onmouseover onfocus data",
        r"\b(?:java|vb)script:[^\s]|<script\b|<iframe\b|\bon(?:error|load|click|mouseover|focus)\s{0,3}=\s{0,3}[\"']?\w|data:text/html",
    ),
    rule(
        "active",
        "formula",
        "hyperlink webservice importxml importdata cmd",
        r"(?:^|[\s,\"'|])[=+@-]\s?(?:hyperlink|webservice|importxml|importdata)\s?\(|=cmd\|",
    ),
    rule(
        "hidden",
        "style",
        "style",
        r"\bstyle\s{0,3}=\s{0,3}[\"'][^\"'<>]{0,120}?(?:display\s?:\s?none|visibility\s?:\s?hidden|font-size\s?:\s?0|opacity\s?:\s?0(?![.\d])|(?<!-)color\s?:\s?(?:#fff(?:fff)?\b|white))",
    ),
)
