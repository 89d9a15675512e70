"""How people say "set your instructions aside" and "answer only with" in eleven languages besides English: rules as data."""

from __future__ import annotations

from rag.instruction_rules import INSIDE, Rule, override, rule

# Folded as `rag.instructions` folds: no accents on Latin letters, no Arabic points, alef and ta marbuta in one form, no nukta.
OTHERS: tuple[Rule, ...] = (
    override(
        "de",
        "ignorieren missachten vergiss vergessen uberspringen ausser hinfallig gelten",
        r"ignorier\w{0,4}|missacht\w{0,4}|vergiss|vergessen|uberspring\w{0,4}|ausser~acht|hinfallig|gelten~nicht~mehr",
        r"\b(?:alle[nrs]?|samtliche\w?|vorherig\w{0,2}|bisherig\w{0,2}|obig\w{0,2}|fruher\w{0,2}|vorangegangen\w{0,2}|vorig\w{0,2}|deine\w?|ihre\w?|bislang)\b",
        r"\w{0,8}(?:anweisung|instruktion|regel|vorgabe|befehl|richtlinie|weisung|prompt)\w{0,3}",
    ),
    override(
        "fr",
        "ignorer ignore oublie neglige compte abstraction / instruction consigne directive regle ordre",
        r"ignor(?:e|ez|er)|oubli(?:e|ez|er)|neglig(?:e|ez|er)|ne~(?:tiens|tenez|tenir)~(?:pas|aucun)~compte|(?:fais|faites)~abstraction",
        r"\b(?:tou(?:te)?s|precedente?s?|anterieure?s?|ci\W?dessus|vos|tes)\b",
        r"(?:instruction|consigne|directive|regle|ordre)s?\b",
    ),
    override(
        "es",
        "ignora ignore olvida descarta desestima omiso obedezca / instruccion indicacion regla reglas orden directriz consigna",
        r"ignor(?:a|e|en|ar)|olvid(?:a|e|en|ar)|descart(?:a|e|en|ar)|desestim(?:a|e|en|ar)|ha(?:z|ga)~caso~omiso|no~obedezcas?",
        r"\b(?:tod[oa]s|anterior(?:es)?|previ[oa]s|arriba|tus|sus|precedentes?)\b",
        r"(?:instruccion(?:es)?|indicacion(?:es)?|reglas?|ordenes|directri(?:z|ces)|consignas?)\b",
    ),
    override(
        "it",
        "ignora dimentica trascura tralascia seguire tenere / istruzione indicazione regola direttiva ordini comandi",
        r"ignora(?:re|te)?|dimentic(?:a|are|ate|hi)|trascur(?:a|are|ate|i)|tralascia(?:re|te)?|non~(?:seguire|tenere~conto)",
        r"\b(?:tutt[eio]|precedent[ei]|sopra|tue|tuoi|vostre|anteriori|finora)\b",
        r"(?:istruzion[ei]|indicazion[ei]|regol[ae]|direttiv[ae]|ordini|comandi)\b",
    ),
    override(
        "pt",
        "ignore ignora esquece esqueca desconsidere descarte despreze obedeca / instrucao orientacao regra regras ordens diretriz comando",
        r"ignor(?:e|em|a|ar)|esque(?:ca|cam|ce|cer)|desconsider(?:e|em|a|ar)|descart(?:e|em|a|ar)|despreze|nao~obedeca",
        r"\b(?:tod[oa]s|anterior(?:es)?|previ[oa]s|acima|suas|seus|tuas|precedentes)\b",
        r"(?:instruc(?:ao|oes)|orientac(?:ao|oes)|regras?|ordens|diretriz(?:es)?|comandos)\b",
    ),
    override(
        "nl",
        "negeer negeren vergeet vergeten beschouwing terzijde / instructies systeem aanwijzing opdracht regel regels richtlijn bevel",
        r"negeer|negeren|vergeet|vergeten|buiten~beschouwing|terzijde",
        r"\b(?:alle|eerdere|vorige|voorgaande|bovenstaande|je|jouw|uw)\b",
        r"(?:systeem)?(?:instructies?|aanwijzing(?:en)?|opdracht(?:en)?|regels?|richtlijn(?:en)?|bevel(?:en)?)\b",
    ),
    override(
        "ru",
        "игнориру забуд обращай учитывай отмен пренебре следуй",
        r"(?:про)?игнориру\w{1,4}|забуд\w{1,4}|не~обращай\w{0,2}~внимания|не~учитывай\w{0,2}|отмен[ия]\w{0,4}|пренебре\w{1,4}|не~следуй\w{0,2}",
        r"\b(?:все|всеми?|предыдущ\w{1,3}|прежни\w{1,2}|вышеуказанн\w{1,3}|выше|ранее|сво\w{1,2}|прошл\w{1,2})\b",
        r"(?:инструкци|указани|правил|команд|распоряжени|промпт)\w{0,3}",
    ),
    override(
        "zh",
        "忽略 无视 忽视 忘记 不要理会 抛开 不要遵 無視 忽視 忘記 不再适用",
        "忽略|无视|忽视|忘记|不要理会|抛开|不要遵[守循从]|無視|忽視|忘記|不再适用",
        "之前|以上|上述|先前|前面|此前|所有|全部|一切|你的|您的",
        "指令|指示|提示|规则|命令|規則|系统设定|要求",
        "",
    ),
    override(
        "ja",
        "無視 忘れ 従わな 破棄 無効 取り消",
        "無視|忘れ|従わな|破棄|無効|取り消",
        "以前|これまで|上記|前の|すべて|全て|今まで|以上|先ほど",
        "指示|命令|ルール|プロンプト|指令|規則",
        "",
    ),
    override(
        "ar",
        "تجاهل انس اهمل تغاض تتبع تلتزم",
        r"و?تجاهل\w{0,3}|انس(?:ي|وا)?\b|اهمل\w{0,3}|تغاض\w{0,2}|لا~تتبع|لا~تلتزم",
        r"\b(?:جميع|كل|كافه|السابقه|اعلاه|الوارده|السابق)\b",
        r"(?:ال)?(?:تعليمات|اوامر|قواعد|توجيهات|ارشادات)\w{0,2}",
    ),
    override(
        "hi",
        "अनदेखा नजरअंदाज भूल उपेक्षा माने पालन",
        "अनदेखा|अनदेखी|नजरअंदाज|भूल|उपेक्षा|न माने|पालन न",
        "पिछल|सभी|सारे|उपरोक्त|ऊपर|पहले|पूर्व|अपने",
        "निर्देश|आदेश|नियम|हिदायत",
        "",
    ),
    rule(
        "output",
        "de",
        "antwort antworten",
        rf"\bantwort(?:e|en|et)\b{INSIDE}{{0,30}}?\b(?:nur|ausschliesslich|lediglich|einzig)\b",
    ),
    rule(
        "output",
        "fr",
        "repondez ecrivez ecris ecrire / uniquement seulement exclusivement simplement",
        rf"\b(?:repond(?:s|ez|re)|ecri(?:s|vez|re))\b{INSIDE}{{0,20}}?\b(?:uniquement|seulement|exclusivement|simplement)\b",
    ),
    rule(
        "output",
        "es",
        "responde contesta escribe / solo solamente unicamente exclusivamente",
        rf"\b(?:respond(?:a|e|an|er)|contest[ae]|escrib[ae])\b{INSIDE}{{0,20}}?\b(?:solo|solamente|unicamente|exclusivamente)\b",
    ),
    rule(
        "output",
        "it",
        "rispondi scrivi / solo soltanto esclusivamente unicamente",
        rf"\b(?:rispond(?:i|ere|ete|a)|scriv(?:i|ere|ete))\b{INSIDE}{{0,20}}?\b(?:solo|soltanto|esclusivamente|unicamente)\b",
    ),
    rule(
        "output",
        "pt",
        "responda escreva / apenas somente so unicamente exclusivamente",
        rf"\b(?:respond(?:a|e|am|er)|escrev(?:a|e|er))\b{INSIDE}{{0,20}}?\b(?:apenas|somente|so|unicamente|exclusivamente)\b",
    ),
    rule(
        "output",
        "nl",
        "antwoord / alleen uitsluitend slechts enkel",
        rf"\bantwoord(?:en)?\b{INSIDE}{{0,20}}?\b(?:alleen|uitsluitend|slechts|enkel)\b",
    ),
    rule(
        "output",
        "ru",
        "только исключительно лишь",
        rf"\b(?:ответ(?:ь|ьте|ить|айте)|отвеча(?:й|йте)|напиш(?:и|ите)|вывед(?:и|ите))\b{INSIDE}{{0,20}}?\b(?:только|исключительно|лишь)\b",
    ),
    rule(
        "output",
        "zh",
        "只 仅 僅",
        rf"[只仅僅](?:需|能|要|可|用|以)?{INSIDE}{{0,4}}?(?:回复|回答|输出|答复|回覆|輸出)|(?:回复|回答|输出|答复){INSIDE}{{0,4}}?[只仅僅]",
    ),
    rule(
        "output",
        "ja",
        "だけ のみ",
        "(?:だけ|のみ)(?:を|で|と)?(?:答え|返答|出力|回答|返し|書い)",
    ),
    rule(
        "output",
        "ar",
        "فقط",
        rf"\b(?:اجب|رد|اكتب|قل|اجيبوا|ردوا)\b{INSIDE}{{0,30}}?\bفقط\b|\b(?:اجب|رد|اكتب)~فقط\b",
    ),
    rule(
        "output",
        "hi",
        "केवल सिर्फ",
        rf"(?:केवल|सिर्फ){INSIDE}{{0,40}}?(?:लिखे|उत्तर दे|जवाब दे|कहे|लिखो)",
    ),
)
