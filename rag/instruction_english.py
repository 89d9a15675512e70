"""What instructions to a model look like in English: rules as data; those on what attacks are after lie in `instruction_aims`."""

from __future__ import annotations

from rag.instruction_aims import AIMS
from rag.instruction_rules import INSIDE, Rule, rule

_NOUN = (
    r"(?:instruction|prompt|direction|directive|rule|guideline|command|order|constraint|guardrail|restriction|safeguard|system~message|programming)s?\b"
    r"|(?:system~)?polic(?:y|ies)\b|user.?s~(?:question|request|query)"
)
_NOUNS = (
    "instructions prompt directions directives rule rules guidelines command order constraint guardrail restriction safeguard message programming policy"
    " question request query"
)
_ANSWER, _ANSWERS = (
    r"(?:answer|reply|replie|response|summary|summarie|output|digest|overview)s?",
    "answer reply replies response summary output digest overview",
)
_PUT = (
    r"(?:include|mention|add|append|insert|begin|start|open|end|close|finish|conclude|state|recommend|refer|point|quote|carry|contain|repeat|cite|note|use)s?"
)
_PUTS = "include mention add append insert begin start open end close finish conclude state recommend refer point quote carry contain repeat cite note use"
_MUST = r"(?:should|must|shall|needs?~to|has~to|have~to|ought~to|(?:are|is)~(?:expected|required|asked|encouraged|instructed)?\W{0,3}to|will~please|please)"
_MUSTS = "should must shall need needs has have ought are is please"
_AI = r"(?:ai|llm|language~model|chat\W?bot|assistant|copilot|virtual~agent|summari[sz]er|generative~model)s?"
_AIS = "ai ais llm llms model models chat chatbot assistant copilot agent agents summarizer"
_TELL = r"(?:reply|respond|answer|say|output)"
_COUNTED = r"(?:times|words|lines|pages|tokens|characters|copies|(?:sub\W?)?(?:queries|questions)|languages)"

_SET_ASIDE = (
    r"ignor(?:e|ing)|disregard(?:ing)?|forget|overrid(?:e|ing)|bypass(?:ing)?|discard|set~aside|stop~following"
    r"|(?:do~not|don.?t|never)~(?:follow|obey)|(?:are|is)~superseded"
)
_WHICH = (
    r"all|any|every|these|those|your|previous(?:ly)?|prior|above|earlier|preceding|foregoing|former|initial|original|system|existing|given"
    r"|the~(?:above|previous|user|system)|the~(?=user)"
)

ENGLISH: tuple[Rule, ...] = (
    rule(
        "override",
        "en",
        f"ignore ignoring disregard forget override bypass discard aside obey follow following superseded / {_NOUNS}",
        rf"\b(?:{_SET_ASIDE})\b{INSIDE}{{0,40}}?\b(?:{_WHICH})~(?:[\w'\u2019]{{1,20}}~){{0,3}}?(?:{_NOUN})|\b(?:{_SET_ASIDE})~(?:the~)?(?:{_NOUN})~(?:above|before|given|so~far|you~(?:were|have|got))\b"
        rf"|\b(?:{_NOUN}){INSIDE}{{0,40}}?\b(?:{_SET_ASIDE})\b(?=~(?:them|it|those)\b)",
    ),
    rule(
        "override",
        "everything",
        "ignore disregard forget / everything anything",
        r"\b(?:ignore|disregard|forget)~(?:every|any)thing~(?:above|before|you|that|else|written|said|prior|previous|so~far)\b",
    ),
    rule(
        "override",
        "above",
        "ignore disregard forget / above previous preceding prior foregoing",
        r"\b(?:ignore|disregard|forget)~(?:all~)?(?:of~)?(?:the~)?(?:above|previous|preceding|prior|foregoing)"
        r"(?:~(?:text|content|messages?|conversation|documents?|sources?|passages?|context|and)\b|\s{0,3}[.,;:!])",
    ),
    rule(
        "override",
        "new",
        "new updated revised real actual true hidden secret / instruction directive prompt objective order",
        r"\b(?:new|updated|revised|real|actual|true|hidden|secret)~(?:system~)?(?:instruction|directive|prompt|objective|order)s?\s{0,3}:",
    ),
    rule(
        "override",
        "your_task",
        "your / new real actual only true / task instructions objective role job goal purpose output",
        r"\byour~(?:new|real|actual|only|true)~(?:task|instructions?|objective|role|job|goal|purpose|output)~(?:is|are)\b",
    ),
    rule(
        "role",
        "markers",
        "<| <\uff5c [inst] [/inst] <<sys <</sys </",
        r"<[|\uff5c][\w\u2581 ]{1,40}[|\uff5c]>|\[/?inst\]|<</?sys>>|</?(?:context|documents?|sources?|system|instructions?|user_query)(?:-\w{1,20})?>",
    ),
    rule(
        "role",
        "system",
        "system assistant",
        r"(?:^|\n)[ \t>*#-]{0,8}(?:system|assistant)(?:~(?:message|prompt|override|notice|instruction|update))?[ *]{0,4}:|[\"']role[\"']\s?:\s?[\"'](?:system|developer)",
    ),
    rule("role", "heading", "instruction system / ##", r"(?:^|\n)#{2,4} {0,3}(?:system|instructions?)\b[^\n\w]{0,6}(?:\n|$)"),
    rule(
        "persona",
        "now",
        "you your / now as pretend act behave",
        r"\b(?:you(?:~are|\W{0,2}re)~now~(?:an?|the|in|called|free|operating|acting)"
        r"|from~now~on~(?:you|your|respond|answer|reply|always|only)|(?:pretend|act|behave)~(?:that~|as~if~|as~though~)you)\b",
    ),
    rule(
        "persona",
        "mode",
        "mode",
        r"\b(?:developer|debug|admin(?:istrator)?|god|dan|jailbreak|unrestricted)~mode~(?:is|has|enabled|on|activated|active)\b"
        r"|\b(?:enter|enable|switch~to|activate|in)~(?:developer|debug|admin|god|dan|unrestricted)~mode\b",
    ),
    rule(
        "output",
        "only",
        "reply respond answer say output / only just exactly solely nothing verbatim word phrase string code text sentence",
        rf"\b{_TELL}[ ,:]{{1,3}}(?:(?:only|just|exactly|solely|verbatim)(?!~(?:if|from|when|on|in|what|by|a|for|to|after|questions?)\b)|nothing~but"
        r"|with(?:~\w{1,20}){0,2}?~(?:only|just|exactly|solely|nothing~but|the~(?:word|phrase|string|code|text|sentence)))\b",
    ),
    rule(
        "output",
        "frame",
        f"begin start open end close finish conclude prefix preface sign / {_ANSWERS}",
        rf"\b(?:begin|start|open|end|close|finish|conclude|prefix|preface|sign)~(?:off~)?(?:your|every|each|all|any|the)~(?:\w{{1,20}}~)?{_ANSWER}~(?:with|by)\b",
    ),
    rule(
        "output",
        "include",
        f"include insert append add mention put repeat quote write place / your every each any all / {_ANSWERS}",
        rf"\b(?:include|insert|append|add|mention|put|repeat|quote|write|place)\b{INSIDE}{{1,80}}?"
        rf"\b(?:in(?:to)?|to|at~the~(?:end|start|top|bottom)~of)~(?:your|every|each|any|all)~(?:\w{{1,20}}~)?{_ANSWER}\b",
    ),
    rule(
        "output",
        "flood",
        "repeat write print output generate say type list produce create emit expand split answer"
        " / ever forever endless endlessly indefinitely without infinite times words lines pages tokens characters copies queries questions languages",
        rf"\b(?:repeat|write|print|output|generate|type|list|produce|create|emit|expand|split|answer)\b{INSIDE}{{1,60}}?(?:\bfor~?ever\b|\bendless(?:ly)?\b|\bindefinitely\b"
        rf"|\bwithout~(?:stopping|end|pause|ever)\b|\binfinite(?:ly)?\b|\b(?:\d{{1,3}}(?:[,.]\d{{3}}){{1,3}}|\d{{4,12}}|(?:\w{{1,12}}~)?(?:thousand|million|billion))[\W]{{0,3}}{_COUNTED}\b)",
    ),
    rule(
        "addressed",
        "to_ai",
        _AIS,
        rf"\b(?:note|message|notice|instructions?|attention|memo|reminder|important)~(?:to|for)~(?:the~|all~|any~|every~)?(?:\w{{1,15}}~)?{_AI}\b"
        rf"|\b{_AI}~(?:\w{{1,20}}~)?(?:reading|processing|summari[sz]ing|parsing|answering~from|who~reads?|that~reads?)~(?:this|these|the)\b|\bif~you~are~an?~(?:\w{{1,15}}~)?{_AI}\b",
    ),
    rule(
        "addressed",
        "ai_must",
        f"{_AIS} / {_MUSTS}",
        rf"\b(?:{_AI}|(?:the|any|every|this)~models?)~(?:\w{{1,15}}~)?{_MUST}~(?:\w{{1,15}}~)?"
        rf"(?:repl(?:y|ies)|respond|{_PUT}|ignore|say|refuse|treat|output|print|tell|disregard|trust|answer~(?:with|that))\b",
    ),
    rule(
        "addressed",
        "when",
        "when whenever while before / summarize summarise answer answering respond reply quote quoting describe asked asks paraphrase explain"
        f" / {_MUSTS} {_PUTS}",
        r"\b(?:when(?:ever)?|while|before)~(?:\w{1,20}~){0,3}?(?:summari[sz]|answer|respond|reply|quot|describ|asked|paraphras|explain)\w{0,6}\b"
        rf"{INSIDE}{{0,90}}?(?:\b{_MUST}~(?:\w{{1,15}}~)?|,\s?(?:please~|always~|kindly~|also~)?){_PUT}\b",
    ),
    rule(
        "addressed",
        "any_answer",
        f"{_ANSWERS} / {_MUSTS}",
        rf"\b(?:any|every|each|all|your|the)~{_ANSWER}[ ,](?:[\w'-]{{1,20}}[ ,]{{1,2}}){{0,9}}?{_MUST}~(?:\w{{1,15}}~){{0,2}}?{_PUT}\b",
    ),
    rule(
        "conceal",
        "not_tell",
        "not don don't never without / mention reveal tell disclose inform report acknowledge explain refer",
        r"\b(?:do~not|don.?t|never|without)~(?:\w{1,15}~)?(?:mention|reveal|tell|disclos|inform|report|acknowledg|explain|refer)\w{0,5}~(?:\w{1,15}~){0,3}?"
        r"(?:this|these|the~(?:user|reader|person|asker)|users?|instructions?|that~you|anyone|note|your)\b",
    ),
    rule(
        "leak",
        "prompt",
        "print reveal repeat show output display reproduce disclose dump recite leak expose copy list return give tell write echo paste translate"
        " / prompt instructions above guidelines configuration documents document sources passages filenames names tenants tenant context",
        rf"\b(?:print|reveal|repeat|show|output|display|reproduce|disclose|dump|recite|leak|expose|copy|list|return|give|tell|write~out|echo|paste|translate)\b{INSIDE}{{1,40}}?"
        r"(?:\bsystem~prompt|\byour~(?:\w{1,12}~)?(?:instructions|prompt|guidelines|configuration)\b|\bthe~(?:full|exact|initial|original|hidden|secret|complete)~(?:instructions|prompt|context)\b"
        r"|\b(?:everything|text|words|all)~(?:\w{1,15}~){0,2}?above\b|\b(?:other|all|every|remaining)~(?:the~)?(?:other~)?(?:documents?|sources|passages|filenames|file~names|tenants?)\b|\bfile\W?names~you\b)",
    ),
    *AIMS,
)
