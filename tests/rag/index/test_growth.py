"""However an index came to be, it equals one built at once from the same documents: ids, texts, content key, and every leg's scores."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from rag.index.check import check
from rag.index.store import Index
from rag.types import Document

ROOTS = (Path("/corpus/a"), Path("/corpus/b"))
WORDS = ["cat", "dog", "bird", "retrieval", "ranking", "the", "日本", "👍", "fish"]
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=12).map(" ".join).filter(lambda t: t.strip())
QUERIES = st.lists(st.sampled_from(WORDS), max_size=3).map(" ".join)
CHUNK = {"use": "fixed", "size": 5, "overlap": 2}
LEGS = ["bm25", "dense", "rank_bm25", {"use": "rank_bm25", "idf": "lucene"}, {"use": "weighted", "of": ["bm25", "dense"]}]


def state_of(index, pipelines, queries):
    reader = index.reader(pipelines[0])
    chunks = [(c.id, c.span, c.text, c.index_text, c.meta) for c in reader.all_chunks()]
    found = [[[(h.chunk.id, round(h.score, 5)) for h in p.search(index, q)[0]] for p in pipelines] for q in queries]
    rows = {i: (r.digest, r.root, r.chunks, r.length, r.tenant) for i, r in index.documents.items()}
    return index.manifest.content, index.manifest.points, chunks, rows, found


class Growth(RuleBasedStateMachine):
    """Edits below two roots, partial and whole index runs, against a fresh build of what the index should hold."""

    lab = None

    def __init__(self):
        super().__init__()
        self.pipelines = [self.lab.pipeline(leg, CHUNK) for leg in LEGS]
        self.whole = self.lab.pipeline({"use": "rrf", "of": LEGS}, CHUNK)
        self.path = self.lab.folder()
        self.files = {root: {} for root in ROOTS}  # what is on disk
        self.indexed = {root: {} for root in ROOTS}  # what the index should hold
        self.queries = ["cat bird", "日本 👍"]

    @rule(name=st.sampled_from("pqr"), root=st.sampled_from(ROOTS), text=TEXTS, title=st.sampled_from(["", "fish title"]))
    def put(self, name, root, text, title):
        self.files[root][f"{root.name}/{name}.md"] = Document(f"{root.name}/{name}.md", text, {"n": len(text)}, title)

    @precondition(lambda self: any(self.files.values()))
    @rule(data=st.data())
    def remove(self, data):
        root, name = data.draw(st.sampled_from([(r, n) for r in ROOTS for n in sorted(self.files[r])]))
        del self.files[root][name]

    @rule(roots=st.sampled_from([ROOTS, ROOTS[:1], ROOTS[1:]]))
    def index(self, roots):
        items = [i for r in roots for i in self.lab.loaded(self.files[r].values(), r)]
        writes = self.lab.runtime.work.writes
        report = self.lab.build(self.path, self.whole, items, roots=roots)
        old = {n: d for r in roots for n, d in self.indexed[r].items()}
        new = {n: d for r in roots for n, d in self.files[r].items()}
        updated = {n for n in old.keys() & new.keys() if old[n] != new[n]}
        assert (report.added, report.deleted) == (len(new.keys() - old.keys()), len(old.keys() - new.keys()))
        assert (report.updated, report.unchanged) == (len(updated), len(old.keys() & new.keys()) - len(updated))
        for root in roots:
            self.indexed[root] = dict(self.files[root])
        if old == new and (self.path / "CURRENT").is_file() and old:
            assert self.lab.runtime.work.writes == writes

    @rule(query=QUERIES)
    def ask(self, query):
        self.queries = [query, self.queries[0]]

    @invariant()
    def it_equals_a_fresh_build(self):
        if not (self.path / "CURRENT").is_file():
            return
        at_once = self.lab.folder()
        items = [i for r in ROOTS for i in self.lab.loaded(self.indexed[r].values(), r)]
        self.lab.build(at_once, self.whole, items, roots=ROOTS)
        with Index.open(self.path, self.lab.runtime) as grown, Index.open(at_once, self.lab.runtime) as fresh:
            assert state_of(grown, self.pipelines, self.queries) == state_of(fresh, self.pipelines, self.queries)
            assert check(grown)["faults"] == []
        shutil.rmtree(at_once)

    def teardown(self):
        shutil.rmtree(self.path, ignore_errors=True)


def test_any_sequence_of_edits_equals_a_fresh_build(lab):
    machine = type("Growth" + uuid.uuid4().hex[:4], (Growth,), {"lab": lab})
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    run_state_machine_as_test(machine, settings=settings(max_examples=5, stateful_step_count=8, deadline=None, suppress_health_check=checks))


def test_crossing_a_step_of_the_average_length_rewrites_the_weights_of_unchanged_documents(lab):
    """One long document moves the average from 2 to 2^(47/16) terms: the score of an untouched chunk has to follow."""
    pipeline, path = lab.pipeline("bm25"), lab.folder()
    short = {f"{n}.md": f"cat word{n}" for n in range(4)}
    lab.build(path, pipeline, short)
    with Index.open(path, lab.runtime) as index:
        before = index.reader(pipeline).average_length(pipeline.retrieve.space)
        assert before == 2.0
    grown = {**short, "long.md": " ".join(f"filler{n}" for n in range(30))}
    lab.build(path, pipeline, grown)
    with Index.open(path, lab.runtime) as index, lab.index(grown, pipeline) as fresh:
        assert index.reader(pipeline).average_length(pipeline.retrieve.space) == 2 ** (47 / 16)  # mean 38/5 = 7.6, log2 * 16 = 46.8
        a, b = (p.search(i, "cat")[0] for p, i in ((pipeline, index), (pipeline, fresh)))
        assert [(h.chunk.id, h.score) for h in a] == [(h.chunk.id, h.score) for h in b]


def test_the_order_of_roots_and_of_documents_within_them_does_not_show(lab):
    """The content key names searches in the memo: two ways to the same documents must not have two names."""
    pipeline, grown, fresh = lab.pipeline(), lab.folder(), lab.folder()
    first, second = {"b.md": "beta cat", "z.md": "zeta dog"}, {"a.md": "alpha bird", "m.md": "my fish"}
    lab.build(grown, pipeline, first, roots=ROOTS[1:])
    lab.build(grown, pipeline, dict(reversed(second.items())), roots=ROOTS[:1])
    lab.build(fresh, pipeline, [*lab.loaded(second, ROOTS[0]), *lab.loaded(first, ROOTS[1])], roots=ROOTS)
    with Index.open(grown, lab.runtime) as one, Index.open(fresh, lab.runtime) as two:
        assert one.manifest == two.manifest
        assert list(one.documents.values()) == list(two.documents.values())
