"""The judge `ragas`: what it recovers, what it refuses, what it is known by, and that the package phones nobody."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from eval.judges._ragas_llm import Port, ragas_llm
from eval.judges._ragas_package import load, package
from eval.judges.base import Asked, Claim, Judgement, Label, Missing, Why
from eval.judges.memoised import MemoisedJudge
from eval.judges.ragas import Ragas, RagasJudge
from eval.judges.spec import read_spec
from eval.metrics import parse
from rag.errors import ConfigError, MissingExtra
from rag.models.chat import Usage

from ..ragas_chat import Ruled, fixed, given, statements, verdicts
from ..ragas_script import asked_and_answered, collections, theirs

ENCODER = "hashing-64"
ROOT = Path(__file__).parents[3]
TWO = (Claim("a"), Claim("b"))


@pytest.fixture
def opened(runtime):
    """Open the judge on a chat model that replies by a rule, or the same to each form."""

    def make(reply: Any = None, threads: int = 1, **replies: Any) -> Any:
        chat = Ruled(reply or fixed(**replies), threads)
        return Ragas(chat=chat, encoder=ENCODER).open((), runtime), chat

    return make


def test_statements_are_claims_with_a_place_only_where_one_is_quoted_once(opened):
    text = "It is red. It is blue. It is red. [1]"
    judge, chat = opened(StatementGeneratorOutput=statements("It is blue.", "It is red.", "The sky is wide."))
    assert judge.claims(text, "why?") == (Claim("It is blue.", 11, 22), Claim("It is red."), Claim("The sky is wide."))
    assert given(chat.asked[0]) == {"question": "why?", "answer": "It is red. It is blue. It is red.    "}
    assert judge.claims(" [1] ", "why?") == ()
    assert len(chat.asked) == 1


def test_verdicts_keep_their_reasons_and_share_what_the_reply_cost(opened):
    judge, chat = opened(NLIStatementOutput=verdicts(("a", 1), ("b", 0)))
    found = judge.support(TWO, ("one", "two"), "why?")
    assert found == (
        Judgement(Label.SUPPORTED, 1.0, rationale="because of a", usage=Usage(50, 6, 4, 0.25)),
        Judgement(Label.NOT_FOUND, 0.0, rationale="because of b", usage=Usage(50, 5, 3, 0.25)),
    )
    assert given(chat.asked[0]) == {"context": "one\ntwo", "statements": ["a", "b"]}


def test_a_verdict_belongs_to_the_claim_at_its_place_whatever_the_model_echoes(opened):
    judge, _ = opened(NLIStatementOutput=verdicts(("A.", 0), ("the second", 1)))
    assert [j.label for j in judge.support(TWO, ("one",), "q")] == [Label.NOT_FOUND, Label.SUPPORTED]


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        ([("a", 1)], Why.COUNT_MISMATCH),
        ([("a", 1), ("b", 1), ("c", 1)], Why.COUNT_MISMATCH),
        ([("b", 1), ("a", 0)], Why.MALFORMED),
    ],
)
def test_verdicts_that_cannot_be_told_apart_are_all_missing(opened, rows, why):
    judge, _ = opened(NLIStatementOutput=verdicts(*rows))
    assert [j.why for j in judge.support(TWO, ("one",), "q")] == [why, why]


def test_a_verdict_out_of_range_is_missing_alone(opened):
    judge, _ = opened(NLIStatementOutput=verdicts(("a", 1), ("b", 7)))
    first, second = judge.support(TWO, ("one",), "q")
    assert first.label is Label.SUPPORTED
    assert second == Missing(Why.OUT_OF_RANGE, "the verdict is 7; 0 or 1 was asked for")


def test_nothing_is_asked_where_there_is_no_claim_or_no_context(opened):
    judge, chat = opened()
    assert judge.support((), ("one",), "q") == ()
    assert [j.label for j in judge.support(TWO, (" ",), "q")] == [Label.NOT_FOUND] * 2
    assert judge.relevance("q", ("", " ")) == (0.0, 0.0)
    assert judge.entities(" ") == ()
    assert chat.asked == []


@pytest.mark.parametrize(
    ("failure", "why"),
    [("timeout", Why.TIMED_OUT), ("truncated", Why.TRUNCATED), ("refused", Why.REFUSED), ("rate_limited", Why.UNREACHABLE), ("no JSON", Why.MALFORMED)],
)
def test_what_the_chat_model_fails_with_is_why_a_judgement_is_missing(opened, failure, why):
    judge, _ = opened(lambda form, asked: failure)
    assert judge.claims("a", "q").why is why
    assert [j.why for j in judge.support(TWO, ("one",), "q")] == [why, why]
    assert judge.asked("a", (), 3).why is why
    assert judge.entities("a").why is why
    assert [g.why for g in judge.relevance("q", ("one",))] == [why]


def test_questions_are_asked_for_one_by_one_as_samples_of_one_prompt(opened):
    replies = iter([("x?", 0), ("y?", 1), ("x?", 0)])
    judge, chat = opened(lambda form, asked: dict(zip(("question", "noncommittal"), next(replies), strict=True)))
    assert judge.asked("the answer", ("hidden",), 3) == (Asked("x?"), Asked("y?", True), Asked("x?"))
    assert [r.sample for r in chat.asked] == [0, 1, 2]
    assert [given(r) for r in chat.asked] == [{"response": "the answer"}] * 3


@pytest.mark.parametrize(("question", "noncommittal", "why"), [(" ", 0, Why.MALFORMED), ("x?", 2, Why.OUT_OF_RANGE)])
def test_a_question_that_is_none_is_missing(opened, question, noncommittal, why):
    judge, _ = opened(AnswerRelevanceOutput={"question": question, "noncommittal": noncommittal})
    assert judge.asked("the answer", (), 3).why is why


def test_entities_are_distinct_and_in_the_order_of_the_text_with_reworded_ones_last(opened):
    judge, _ = opened(EntitiesList={"entities": ["the capital", "Rome", "Paris", "Rome"]})
    assert judge.entities("Paris is not Rome.") == ("Paris", "Rome", "the capital")


def test_blank_statements_and_entities_are_malformed_and_not_dropped(opened):
    judge, _ = opened(StatementGeneratorOutput=statements("a", " "), EntitiesList={"entities": ["Rome", ""]})
    assert judge.claims("a b", "q") == Missing(Why.MALFORMED, "1 of 2 statements are blank")
    assert judge.entities("Rome") == Missing(Why.MALFORMED, "an entity is blank")


def test_relevance_is_the_mean_of_two_prompts_for_each_context_alone(opened):
    ratings = {("one", 0): 2, ("one", 1): 1, ("two", 0): 0, ("two", 1): 0, ("three", 0): 3}
    asked: list[str] = []

    def rate(form, shown):
        asked.append(shown["context"])
        return {"rating": ratings[shown["context"], asked.count(shown["context"]) - 1]}

    judge, chat = opened(rate)
    first, second, third = judge.relevance("q", ("one", "two", "three"))
    assert (first, second) == (0.75, 0.0)
    assert third == Missing(Why.OUT_OF_RANGE, "the rating is 3; 0, 1 or 2 was asked for")
    assert chat.asked[0].messages != chat.asked[1].messages


def test_a_reply_that_could_not_be_used_is_asked_for_again_and_one_that_could_is_not(opened, runtime):
    replies = [verdicts(("a", 1)), verdicts(("a", 1), ("b", 7)), verdicts(("a", 1), ("b", 1))]
    judge, chat = opened(lambda form, asked: replies[min(len(chat.asked), len(replies)) - 1])
    kept = MemoisedJudge(judge, runtime)
    labels = [[getattr(j, "label", None) for j in kept.support(TWO, ("one",), "q")] for _ in range(4)]
    assert labels == [[None] * 2, [Label.SUPPORTED, None], [Label.SUPPORTED] * 2, [Label.SUPPORTED] * 2]
    assert len(chat.asked) == 3


def test_half_a_surrogate_pair_does_not_stop_it(opened):
    judge, chat = opened(NLIStatementOutput=verdicts(("a\ufffd", 1)))
    assert [j.label for j in judge.support((Claim("a\ud800"),), ("one\udfff",), "q")] == [Label.SUPPORTED]
    assert given(chat.asked[0])["context"] == "one\ufffd"


def test_another_script_is_refused_and_not_scored(opened, runtime):
    judge, chat = opened()
    assert MemoisedJudge(judge, runtime).claims("Москва — столица России", "q").why is Why.UNREADABLE
    assert chat.asked == []


def test_it_is_known_by_everything_that_can_change_a_verdict(runtime):
    chat = Ruled(fixed())
    spec = Ragas(chat=chat, encoder=ENCODER)
    known = spec.open((), runtime).identity
    assert known["ragas"] == "0.4.3"
    assert known["chat"] == chat.identity
    others = [replace(spec, chat=Ruled(fixed())), replace(spec, encoder="hashing-32"), replace(spec, max_tokens=512), replace(spec, temperature=0.5)]
    found = [json.dumps(o.open((), runtime).identity, sort_keys=True) for o in (spec, *others)]
    assert len(set(found)) == len(found)
    assert json.dumps(known, sort_keys=True) == found[0]


def test_the_wording_of_the_prompts_is_part_of_what_it_is_known_by(runtime):
    found = package()
    worded = found.prompts["verdicts"]
    assert "judge the faithfulness" in worded.to_string(worded.input_model(context="c", statements=["s"]))
    others = [RagasJudge(Ragas(chat=Ruled(fixed()), encoder=ENCODER), p, runtime).identity for p in (found, replace(found, digest="another"))]
    assert [o["prompts"] for o in others] == [found.digest, "another"]
    assert len(found.digest) == 32


def test_it_is_written_like_a_stage_and_says_what_it_lacks():
    assert read_spec("{use: ragas, chat: parrot, max_tokens: 512}").max_tokens == 512
    with pytest.raises(ConfigError, match=r"judge\.chat: required and missing"):
        read_spec("ragas")


def test_several_questions_at_once_get_the_verdicts_that_each_would_get_alone(opened, runtime):
    def echo(form, asked):
        return verdicts(*((s, int(s in asked["context"])) for s in asked["statements"]))

    judge, _ = opened(echo, threads=4)
    assert judge.threads == 4
    jobs = [((Claim(f"claim {i}"), Claim("never there")), (f"it holds claim {i}",)) for i in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda job: judge.support(*job, "q"), jobs))
    assert [[j.label for j in row] for row in found] == [[Label.SUPPORTED, Label.NOT_FOUND]] * 40
    assert [row[0].rationale for row in found] == [f"because of claim {i}" for i in range(40)]
    assert runtime.work.completions == 40


def test_a_metric_of_ragas_over_the_port_says_what_ours_says_with_the_judge_and_costs_nothing_more(opened, runtime):
    """The same chat model is asked the same: what our judge asked is remembered when ragas' own metric asks it."""
    rows = verdicts(("a", 1), ("b", 0), ("c", 1))
    judge, chat = opened(StatementGeneratorOutput=statements("a", "b", "c"), NLIStatementOutput=rows)
    question, result = asked_and_answered(("one", "two"))
    ours = parse("faithfulness").score(question, result, judge).value
    asked = len(chat.asked)
    port = Port(runtime, chat)
    faithfulness = collections.Faithfulness(llm=ragas_llm(port))
    row = {"user_input": question.text, "response": result.answer, "retrieved_contexts": list(result.sources)}
    assert theirs(faithfulness, **row) == ours == 2 / 3
    assert len(chat.asked) == asked == 2
    assert [type(p.reply).__name__ for p in port.passed] == ["StatementGeneratorOutput", "NLIStatementOutput"]
    assert [s.reason for s in port.passed[1].reply.statements] == ["because of a", "because of b", "because of c"]
    assert port.passed[1].usage == Usage(100, 11, 7, 0.5)


def test_no_event_loop_is_patched(opened):
    before = asyncio.run
    judge, _ = opened(StatementGeneratorOutput=statements("a"))

    async def inside():
        return judge.claims("a", "q")

    assert asyncio.run(inside()) == (Claim("a", 0, 1),)
    assert asyncio.run is before
    assert "nest_asyncio" not in sys.modules or not hasattr(asyncio, "_nest_patched")


def _run(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if k != "RAGAS_DO_NOT_TRACK"} | environment
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=env, timeout=120, check=False)


USE = """
import asyncio, socket, sys
from eval.judges._ragas_package import load
from eval.judges._ragas_llm import Port, ragas_llm
from eval.judges.ragas import Ragas, RagasJudge
from rag.chat.parrot import Parrot
from rag.memo import Memo
from rag.runtime import Runtime
opened = []
sys.addaudithook(lambda event, args: opened.append((event, args[1:])) if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto") else None)
runtime = Runtime(memo=Memo(), show_progress=False)
judge = Ragas(chat=Parrot(), encoder="hashing-64").open((), runtime)
judge.claims("It is red.", "why?"); judge.entities("Rome"); judge.asked("It is red.", (), 1); judge.relevance("q", ("one",))
collections = load("ragas.metrics.collections")
made = collections.Faithfulness(llm=ragas_llm(Port(runtime, Parrot())))
asyncio.run(made.ascore(user_input="q", response="a", retrieved_contexts=["c"]))
from ragas._analytics import EvaluationEvent, track, do_not_track, _analytics_batcher
assert do_not_track()
track(EvaluationEvent(metrics=["m"], num_rows=1, evaluation_type="SINGLE_TURN", language="english", user_id="u"))
_analytics_batcher.shutdown()
assert opened == [], opened
socket.create_server(("127.0.0.1", 0)).close()
try: socket.create_connection(("127.0.0.1", 9), timeout=1)
except OSError: pass
assert opened, "the hook sees nothing"
"""


def test_neither_import_nor_use_opens_a_connection_writes_a_file_or_warns(tmp_path):
    """Warnings are errors here; the last lines of the script prove that a connection would have been seen."""
    done = _run("import warnings; warnings.simplefilter('error')\n" + USE, XDG_DATA_HOME=str(tmp_path), RAGAS_DO_NOT_TRACK="false")
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []


def test_without_ragas_the_judge_says_what_to_install_and_everything_else_works(monkeypatch):
    monkeypatch.setitem(sys.modules, "ragas", None)
    with pytest.raises(MissingExtra, match=r"pip install 'spanwise\[ragas\]'"):
        load("ragas")


def test_a_ragas_that_cannot_be_imported_is_one_line_with_the_fix():
    """As with langchain-community 0.4.2, which took away a module that ragas imports."""
    code = "import sys; sys.modules['langchain_community.chat_models.vertexai'] = None\nfrom eval.judges._ragas_package import package\npackage()"
    last = _run(code).stderr.strip().splitlines()[-1]
    assert last.startswith("rag.errors.ModelError: ragas 0.4.3 cannot be imported (")
    assert last.endswith("pip install 'spanwise[ragas]'")


def test_ragas_is_imported_only_when_its_judge_is_opened():
    code = "import sys; import eval.judges.ragas, eval.judges._ragas_llm, eval.metrics; from rag.registry import parts; import eval.judges.spec"
    assert _run(code + "; parts('judge'); sys.exit('ragas' in sys.modules)").returncode == 0
