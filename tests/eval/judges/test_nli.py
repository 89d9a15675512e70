"""The NLI judge: the right window of a long context, the same verdicts however labels, claims and batches are ordered, and what it refuses."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from eval.judges.base import Claim, Evidence, Judgement, Label, Missing, Why
from eval.judges.make import make_judge
from eval.judges.memoised import MemoisedJudge
from eval.judges.nli import Nli, NliJudge
from eval.judges.sentence_claims import sentence_claims
from eval.judges.spec import read_spec
from rag.errors import ConfigError, ModelError
from rag.memo import Memo
from rag.models.hashing import HashingEncoder
from rag.models.nli import NliModel
from rag.runtime import Runtime

from .planted import ORDER, planted_model, random_model

ENCODER = HashingEncoder()
CLAIMS = [Claim(t) for t in ("the cat sat.", "it rains often", "a zebra walks, a yak sat", "b c d e", "it snows?")]
TEXT = " ".join(f"the cat {'sat' if n % 3 else 'walks'}. it {'rains' if n % 2 else 'snows often'}, a b c {n % 7}." for n in range(30))
CONTEXTS = ["the yak sat.", TEXT, " ", "it rains. " * 3]


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return planted_model(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return random_model(tmp_path_factory.mktemp("random"))


def opened(directory: Path, **more) -> NliJudge:
    spec = Nli(str(directory), **{"precision": "float32", "window": 32, "stride": 24, "threshold": 0.6, **more})
    return NliJudge(spec, NliModel(spec.model, spec.precision, spec.max_tokens, spec.labels), ENCODER.encode, ENCODER.identity)


def close(found, expected):
    """Whether verdicts are the same, scores within 1e-5."""
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert a.score == pytest.approx(b.score, abs=1e-5)
        assert replace(a, score=None, rationale="") == replace(b, score=None, rationale="")


def filler(words: int, planted: dict[int, str]) -> str:
    """Sentences of nine words."""
    return " ".join(planted.get(n, "filler") + ("." if n % 9 == 8 else "") for n in range(words))


@pytest.mark.parametrize(("at", "word", "label"), [(3333, "zebra", Label.SUPPORTED), (4999, "zebra", Label.SUPPORTED), (17, "yak", Label.CONTRADICTED)])
def test_one_word_decides_and_its_window_is_the_evidence(planted: Path, at: int, word: str, label: Label) -> None:
    """In 5,000 words of the second context: a passage of at most the window's tokens that has the word."""
    contexts = [filler(50, {}), filler(5000, {at: word})]
    (found,) = opened(planted, window=64, stride=48).support([Claim("the cat sat.")], contexts, "")
    assert isinstance(found, Judgement)
    (place,) = found.evidence
    shown = contexts[place.context][place.start : place.end]
    assert (found.label, place.context) == (label, 1)
    assert word in shown
    assert len(shown.replace(".", " .").split()) <= 64
    assert (found.score > 0.99) == (label is Label.SUPPORTED)


def test_nothing_planted_is_not_found(planted: Path) -> None:
    judge = opened(planted)
    (found,) = judge.support([Claim("the cat sat.")], [filler(300, {})], "")
    assert (found.label, found.confidence) == (Label.NOT_FOUND, None)
    assert found.score < 0.01
    assert judge.support([Claim("it rains")], [" ", ""], "") == (Judgement(Label.NOT_FOUND, 0.0, rationale="no context to read"),)
    assert judge.support([Claim("it rains")], [], "") == (Judgement(Label.NOT_FOUND, 0.0, rationale="no context to read"),)
    assert judge.support([], ["the cat"], "") == ()


def test_support_in_one_window_outweighs_a_contradiction_in_another(planted: Path) -> None:
    """Claims are held to what is somewhere said, as long as the threshold is met."""
    (found,) = opened(planted).support([Claim("the cat sat.")], [filler(200, {10: "yak", 150: "zebra"})], "")
    assert found.label is Label.SUPPORTED


def test_the_windows_hold_every_word_of_a_long_context(planted: Path) -> None:
    """Wherever among 200 words the word is planted, it is found."""
    judge = opened(planted, window=16, stride=16)
    contexts = [filler(200, {n: "zebra"}) for n in range(0, 200, 7)]
    for n, context in enumerate(contexts):
        (found,) = judge.support([Claim("the cat sat.")], [context], "")
        assert found.label is Label.SUPPORTED, n


def test_the_threshold_decides(random: Path) -> None:
    """The score is the highest probability of all windows; the same score is support below it and none above."""
    (found,) = opened(random).support(CLAIMS[:1], [TEXT], "")
    above, below = found.score + 0.001, found.score - 0.001
    assert opened(random, threshold=below).support(CLAIMS[:1], [TEXT], "")[0].label is Label.SUPPORTED
    assert opened(random, threshold=above).support(CLAIMS[:1], [TEXT], "")[0].label is not Label.SUPPORTED


def test_verdicts_are_those_worked_from_transformers_one_pair_at_a_time(random: Path) -> None:
    """The most entailing context gives the score; else the least neutral one contradicts where that is likelier than both others."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    reads, model = AutoTokenizer.from_pretrained(random), AutoModelForSequenceClassification.from_pretrained(random).eval()
    contexts = ["the yak sat.", "it rains often.", "the cat walks, a b c.", "e d c 3 2 1"]
    labels = set()
    for claim, found in zip(CLAIMS, opened(random).support(CLAIMS, contexts, ""), strict=True):
        with torch.no_grad():
            rows = [model(**reads([c], [claim.text], return_tensors="pt")).logits.softmax(-1)[0].tolist() for c in contexts]
        entailed, near = max(r[2] for r in rows), min(rows, key=lambda r: r[1])
        expected = Label.SUPPORTED if entailed >= 0.6 else Label.CONTRADICTED if near[0] > max(near[1:]) else Label.NOT_FOUND
        shown = near if expected is Label.CONTRADICTED else max(rows, key=lambda r: r[2])
        assert (found.label, found.evidence[0].context) == (expected, rows.index(shown))
        assert found.score == pytest.approx(entailed, abs=1e-5)
        labels.add(found.label)
    assert labels == set(Label)


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0), (2, 1, 0)])
def test_the_order_of_labels_changes_no_verdict(random: Path, tmp_path: Path, order: tuple[int, ...]) -> None:
    """The same weights with their outputs in another order, named in another spelling, or named by `labels`."""
    expected = opened(random).support(CLAIMS, CONTEXTS, "")
    assert len({v.label for v in expected}) > 1
    names = [ORDER[i] for i in order]
    other = random_model(tmp_path / "named", [n.upper() for n in names], permuted=order)
    close(opened(other).support(CLAIMS, CONTEXTS, ""), expected)
    nameless = random_model(tmp_path / "nameless", [f"LABEL_{i}" for i in range(3)], permuted=order)
    close(opened(nameless, labels=tuple(names)).support(CLAIMS, CONTEXTS, ""), expected)
    with pytest.raises(ModelError, match="labels: "):
        opened(nameless)


@pytest.mark.parametrize("budget", [1, 100, 100_000])
def test_batches_and_the_order_of_claims_change_no_verdict(random: Path, budget: int) -> None:
    expected = [opened(random, batch_tokens=1).support([claim], CONTEXTS, "")[0] for claim in CLAIMS]
    judge = opened(random, batch_tokens=budget)
    close(judge.support(CLAIMS, CONTEXTS, ""), expected)
    close(judge.support(CLAIMS[::-1], CONTEXTS, ""), expected[::-1])


def test_a_claim_that_leaves_no_room_is_missing_and_the_others_are_judged(random: Path) -> None:
    """Of 64 positions three are special: a claim of 45 tokens leaves 16, one of 46 leaves 15."""
    judge = opened(random, window=64, stride=64)
    found = judge.support([Claim("a " * 45), Claim("a " * 46), Claim("a " * 500), Claim("it rains"), Claim("[1]")], [TEXT], "")
    assert [v.why if isinstance(v, Missing) else None for v in found] == [None, Why.TOO_LONG, Why.TOO_LONG, None, Why.NOT_APPLICABLE]
    assert "leaves 15 of the 64 tokens" in found[1].detail


def test_windows_that_begin_within_a_word_are_halved_until_they_fit(random: Path) -> None:
    """`##abc` is one token within a word, but `abc` at the start of a window is three: windows of just enough tokens become too long."""
    judge = opened(random, window=60, stride=60)
    context = ("e" + "abc" * 30 + " ") * 4
    assert judge.model.lengths([(context[1 : 1 + 3 * 10], "a")]) == [3 + 12 + 1]
    (found,) = judge.support([Claim("a")], [context], "")
    assert isinstance(found, Judgement)
    assert found.usage.prompt >= 4 * 31 + 4


def test_evidence_is_of_the_context_as_given(planted: Path) -> None:
    """Marks are not read and move nothing; lone surrogates are no reason to fail."""
    context = "[1] it rains. [2]\ud800 the zebra  sat. [3]"
    (found,) = opened(planted).support([Claim("the cat [4] sat \ud800")], [context], "")
    assert found.label is Label.SUPPORTED
    assert "zebra" in context[found.evidence[0].start : found.evidence[0].end]
    (plain,) = opened(planted).support([Claim("the cat sat \ufffd")], ["it rains. \ufffd the zebra sat."], "")
    assert found.usage == plain.usage


def test_confidence_is_given_only_where_probabilities_are_said_to_be_such(planted: Path) -> None:
    (found,) = opened(planted, calibrated=True).support([Claim("the cat sat.")], ["a zebra sat."], "")
    assert found.confidence == found.score > 0.9
    assert opened(planted).support([Claim("the cat sat.")], ["a zebra sat."], "")[0].confidence is None


def test_two_labels_and_one_never_contradict(tmp_path: Path) -> None:
    for labels in (("entailment", "not_entailment"), ("LABEL_0",)):
        judge = opened(random_model(tmp_path / labels[0], labels))
        found = judge.support(CLAIMS, CONTEXTS, "")
        assert {v.label for v in found} <= {Label.SUPPORTED, Label.NOT_FOUND}
        assert all("contradiction" not in v.rationale for v in found)


def test_usage_counts_the_tokens_read(planted: Path) -> None:
    """[CLS] the zebra sat . [SEP] it rains [SEP] are nine."""
    (found,) = opened(planted).support([Claim("it rains")], ["the zebra sat."], "")
    assert (found.usage.prompt, found.usage.completion, found.usage.cost) == (9, 0, 0.0)
    assert found.evidence == (Evidence(0, 0, 14),)


def test_claims_are_sentences_with_content_and_without_marks() -> None:
    text = "Shards split an index [1]. It is so. [2] Replicas copy it [2, 3]."
    claims = sentence_claims(text, "english")
    assert [c.text for c in claims] == ["Shards split an index", "Replicas copy it"]
    assert text[claims[1].start : claims[1].end] == "Replicas copy it"


def test_identity_names_all_that_can_change_a_verdict_and_a_certificate_not_the_place(planted: Path, tmp_path: Path) -> None:
    base, moved = opened(planted), opened(Path(shutil.copytree(planted, tmp_path / "moved")))
    assert json.loads(json.dumps(base.identity)) == base.identity
    assert base.identity["use"] == "nli"
    assert base.identity != moved.identity
    assert base.certified_as == moved.certified_as
    others = [{"threshold": 0.7}, {"window": 40}, {"stride": 8}, {"precision": "bfloat16"}, {"max_tokens": 60}, {"language": "none"}, {"calibrated": True}]
    others += [{"labels": ("entailment", "neutral", "contradiction")}]
    assert len({json.dumps(opened(planted, **o).certified_as, sort_keys=True) for o in [{}, *others]}) == len(others) + 1
    assert opened(planted, batch_tokens=7).identity == base.identity


def test_what_a_user_writes_is_opened_and_remembered(planted: Path) -> None:
    runtime = Runtime(Memo(), "float32", show_progress=False)
    written = f"{{use: nli, model: '{planted}', encoder: hashing-64, window: 32, stride: 24}}"
    for _ in range(2):
        judge = make_judge(written, [], runtime)
        assert judge.support([Claim("the cat sat.")], ["a zebra sat."], "")[0].label is Label.SUPPORTED
    assert runtime.work.judgements == 1
    assert judge.identity["model"]["precision"] == "float32"
    assert judge.similarity("the cat", "the cat [1]") == pytest.approx(1.0)
    assert judge.entities("the cat").why is Why.NOT_APPLICABLE


def test_an_english_judge_refuses_another_script_and_a_judge_of_any_language_does_not(planted: Path) -> None:
    runtime = Runtime(Memo(), "float32", show_progress=False)
    claim = [Claim("Кошка сидит на ковре.")]
    assert MemoisedJudge(opened(planted), runtime).support(claim, ["zebra"], "")[0].why is Why.UNREADABLE
    assert isinstance(MemoisedJudge(opened(planted, language="none"), runtime).support(claim, ["zebra"], "")[0], Judgement)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("stride: 300", "stride must be at most the window's 256"),
        ("window: 8", "window must be at least 16"),
        ("threshold: 1", "threshold must be less than 1"),
        ("labels: [entailment, entailment]", "labels must name each output once"),
        ("labels: [neutral, contradiction]", "entailment among them"),
        ("language: klingon", "language 'klingon' is not known"),
        ("precision: float16", "choose: auto, float32"),
    ],
)
def test_parameters_that_cannot_be_are_told(more: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read_spec(f"{{use: nli, model: x, {more}}}")


def test_a_model_that_is_missing_or_pickled_is_told_when_the_judge_is_opened(random: Path, tmp_path: Path) -> None:
    runtime = Runtime(Memo(), "float32", show_progress=False)
    with pytest.raises(ModelError, match="give the directory of an NLI classifier"):
        make_judge("{use: nli, model: ./nowhere}", [], runtime)
    other = Path(shutil.copytree(random, tmp_path / "other"))
    (other / "model.safetensors").rename(other / "pytorch_model.bin")
    with pytest.raises(ModelError, match="can run code when they are read, are not loaded"):
        make_judge(f"{{use: nli, model: '{other}'}}", [], runtime)


def test_a_model_that_fails_while_judging_leaves_verdicts_missing_and_nothing_is_kept(random: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    other = Path(shutil.copytree(random, tmp_path / "other"))
    weights = load_file(other / "model.safetensors")
    save_file({k: v * float("nan") for k, v in weights.items()}, other / "model.safetensors", metadata={"format": "pt"})
    runtime = Runtime(Memo(), "float32", show_progress=False)
    found = MemoisedJudge(opened(other), runtime).support(CLAIMS[:2], ["the cat"], "")
    assert [v.why for v in found] == [Why.ERROR] * 2
    assert "check its files" in found[0].detail
    assert len(runtime.memo) == 0
