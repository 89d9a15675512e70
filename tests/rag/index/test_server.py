"""What goes to a Qdrant server over the wire, and what becomes of a call when it goes wrong: held against a double."""

from __future__ import annotations

import math
import socket
import uuid
from concurrent import futures

import grpc
import numpy as np
import pytest
from qdrant_client import grpc as wire

from rag.errors import StoreError
from rag.filters import Condition
from rag.index.engine import Layout, Scope
from rag.index.gate import PointRecord, Sparse
from rag.index.server import ServerEngine
from rag.index.server_connect import connect
from rag.index.server_options import ServerOptions, parse_url

from .server_double import NAME, Double, cut, garbage, hang_up, refuse, slow

LAYOUT = Layout({"d": 4}, ("s",))
ALL = Scope()
KEY = "sk-canary-4711-XyZ"
QUERY = np.array([1, 0, 0, 0], dtype=np.float32)


def name(n):
    return str(uuid.UUID(int=n))


def point(n, **payload):
    return PointRecord(name(n), {"d": QUERY}, {"s": Sparse((1, 7), (0.5, 2.0))}, {"kind": "chunk", "doc": "a", **payload})


@pytest.fixture
def double(monkeypatch):
    for variable in ("QDRANT_API_KEY", "RAG_INSECURE"):
        monkeypatch.delenv(variable, raising=False)
    running = Double()
    yield running
    running.stop()


def options(double, **more):
    return ServerOptions(double.url, NAME, **{"retries": 2, "timeout": 5, **more})


def made(double, layout=LAYOUT, **more):
    engine = ServerEngine.create(options(double, **more), layout)
    double.seen.clear()
    return engine


def failing(call):
    """Return the text of the `StoreError` that a call ends in: one line, with the address and a fix."""
    with pytest.raises(StoreError) as error:
        call()
    text = str(error.value)
    assert "\n" not in text
    assert error.value.__cause__ is None
    return text


# What is sent


def test_a_collection_is_made_as_the_options_say(double):
    more = {"shard_number": 2, "replication_factor": 3, "write_consistency_factor": 2, "on_disk": True, "quantization": "scalar"}
    ServerEngine.create(options(double, **more), Layout({"d": 4, "e": 8}, ("s",), hnsw=True))
    (body,) = double.bodies(f"PUT /collections/{NAME}$")
    assert body["vectors"] == {n: {"size": size, "distance": "Dot", "on_disk": True} for n, size in (("d", 4), ("e", 8))}
    assert body["sparse_vectors"] == {"s": {"index": {"on_disk": True}, "modifier": "idf"}}
    assert (body["shard_number"], body["replication_factor"], body["write_consistency_factor"]) == (2, 3, 2)
    assert body["hnsw_config"]["m"] == 16
    assert body["quantization_config"]["scalar"]["type"] == "int8"


def test_without_a_graph_or_quantization_none_is_asked_for(double):
    ServerEngine.create(options(double), LAYOUT)
    (body,) = double.bodies(f"PUT /collections/{NAME}$")
    assert body["hnsw_config"]["m"] == 0
    assert "quantization_config" not in body
    ServerEngine.load(options(double), LAYOUT)  # what was made fits


def test_a_sparse_query_carries_the_corpus_that_idf_is_counted_over(double):
    engine = made(double)
    query = Sparse((1, 7), (1.0, 2.0))
    where = Condition("x", "=", ("1",))
    engine.nearest("s", query, 5, ALL, where, False)
    engine.nearest("s", query, 5, Scope("a"), where, False)
    everything, tenant = double.bodies("/points/query")
    own = {"key": "tenant", "match": {"value": "a"}}
    assert everything["params"]["idf"] == {"corpus": {}}
    assert tenant["params"]["idf"] == {"corpus": {"must": [own]}}
    assert tenant["filter"]["must"][0] == own
    assert len(tenant["filter"]["must"]) == 2
    assert everything["filter"]["must"] == tenant["filter"]["must"][1:]
    assert tenant["query"] == {"nearest": {"indices": [1, 7], "values": [1.0, 2.0]}}
    assert tenant["using"] == "s"
    assert tenant["params"]["exact"] is True


def test_over_grpc_a_sparse_query_carries_the_corpus_too(double):
    """A gRPC server that keeps what it is sent and finds nothing."""
    kept = []

    def query(request, context):
        kept.append((request, dict(context.invocation_metadata())))
        return wire.QueryResponse()

    handler = grpc.unary_unary_rpc_method_handler(query, wire.QueryPoints.FromString, wire.QueryResponse.SerializeToString)
    server = grpc.server(futures.ThreadPoolExecutor(1), [grpc.method_handlers_generic_handler("qdrant.Points", {"Query": handler})])
    asked = options(double, prefer_grpc=True, grpc_port=server.add_insecure_port("127.0.0.1:0"), retries=0)
    server.start()
    client, call = connect(asked)
    engine = ServerEngine(client, asked, LAYOUT, call)
    try:
        for scope in (ALL, Scope("a")):
            assert engine.nearest("s", Sparse((1,), (1.0,)), 5, scope, None, False) == []
        refused = failing(engine.count)  # which that server does not know
    finally:
        engine.close()
        server.stop(None)
    everything, tenant = (request.params.idf for request, _ in kept)
    assert everything.HasField("corpus")
    assert not everything.corpus.must
    assert tenant.corpus.must[0].field.match.keyword == "a"
    assert kept[1][0].filter.must[0].field.match.keyword == "a"
    assert "the server refuses" in refused


@pytest.mark.parametrize(("exact", "quantized"), [(True, {"ignore": True}), (False, {"rescore": True, "oversampling": 3.0})])
def test_a_quantized_collection_is_rescored_and_exact_search_ignores_what_is_quantized(double, exact, quantized):
    engine = made(double, Layout({"d": 4}, (), hnsw=True), quantization="binary", oversampling=3.0)
    engine.nearest("d", QUERY, 200, Scope("a"), None, exact)
    (body,) = double.bodies("/points/query")
    sent = {k: v for k, v in body["params"]["quantization"].items() if v not in (None, False)}
    assert sent == quantized
    assert body["params"]["exact"] is exact
    assert body["params"].get("hnsw_ef") == (None if exact else 200)
    assert body["filter"]["must"][0] == {"key": "tenant", "match": {"value": "a"}}


def test_without_a_graph_every_dense_search_is_exact(double):
    made(double).nearest("d", QUERY, 5, ALL, None, False)
    (body,) = double.bodies("/points/query")
    assert body["params"]["exact"] is True


def test_writes_wait_until_they_are_applied_in_order(double):
    engine = made(double)
    engine.write([point(1)])
    engine.delete([name(2)])
    engine.reweigh("s", {name(1): Sparse((3,), (1.0,)), name(2): None})
    engine.index_payload({"tenant": "keyword", 'meta."x"': "float"})
    writes = [(m, path, body) for m, path, _, body in double.seen if m != "GET"]
    assert len(writes) == 6
    assert all("wait=true" in path for _, path, _ in writes)
    assert all("ordering=medium" in path for _, path, _ in writes[:4])
    assert writes[2][2]["points"] == [{"id": name(1), "vector": {"s": {"indices": [3], "values": [1.0]}}}]
    assert writes[3][2] == {"points": [name(2)], "vector": ["s"]}
    assert writes[4][2] == {"field_name": "tenant", "field_schema": {"type": "keyword", "is_tenant": True}}


def test_batches_stay_within_points_and_bytes(double):
    engine = made(double)
    engine.write([point(n) for n in range(600)])
    assert [len(b["points"]) for b in double.bodies("PUT .*/points")] == [256, 256, 88]
    assert list(double.points) == [name(n) for n in range(600)]
    double.seen.clear()
    text = '"' * 120_000  # as JSON twice as long
    engine.write([point(n, text=text) for n in range(200)])
    sizes = [int(h["content-length"]) for m, _, h, _ in double.seen if m == "PUT"]
    assert len(sizes) == 3
    assert max(sizes) < 16 * 2**20
    double.seen.clear()
    engine.delete([name(n) for n in range(2500)])
    assert [len(b["points"]) for b in double.bodies("/points/delete")] == [1000, 1000, 500]


# Faults


@pytest.mark.parametrize(
    "fault",
    [refuse(500, "disk"), refuse(502), refuse(503), refuse(429), refuse(429, "slow down", {"Retry-After": "0"}), refuse(429, "", {"Retry-After": "soon"}), cut, hang_up],
    ids=["500", "502", "503", "429", "429-after", "429-odd", "cut", "hang-up"],
)  # fmt: skip
def test_what_may_pass_is_repeated_with_the_same_ids(double, fault):
    engine = made(double)
    double.faults = [("PUT .*/points", fault)]
    engine.write([point(1), point(2)])
    first, second = double.bodies("PUT .*/points")
    assert first == second
    assert double.points.keys() == {name(1), name(2)}
    assert engine.count() == 2


def test_reads_are_repeated_too(double):
    engine = made(double)
    engine.write([point(n) for n in range(9)])
    for pattern, read in (
        ("/points/query", lambda: engine.nearest("d", QUERY, 2, ALL, None, True)),
        ("/points/count", engine.count),
        ("POST .*/points$", lambda: engine.payloads([name(1)])),
    ):
        expected = read()
        double.faults = [(pattern, refuse(503)), (pattern, hang_up)]
        assert read() == expected
        assert double.faults == []


def test_retries_are_bounded_and_the_last_error_is_told(double):
    engine = made(double)
    double.faults = [("PUT .*/points", refuse(503, "first"))] * 2 + [("PUT .*/points", refuse(500, "no space left\non device"))]
    text = failing(lambda: engine.write([point(1)]))
    assert f"{double.url}/{NAME}: writing (0 of 1 points are in; writing them again is safe) failed 3 times: the server fails (500: no space left)" in text
    assert text.endswith("; look at the server's log and disk space, then run the same command again")
    assert len(double.bodies("PUT .*/points")) == 3


@pytest.mark.parametrize(
    ("status", "fix"),
    [(400, "Qdrant 1.19 or later"), (401, "set QDRANT_API_KEY to a key of this server"), (403, "QDRANT_API_KEY"), (404, "collection's name"), (413, "max_request_size_mb")],
)  # fmt: skip
def test_what_the_server_refuses_is_not_repeated(double, status, fix, monkeypatch):
    monkeypatch.setenv("QDRANT_API_KEY", KEY)
    engine = made(double)
    double.faults = [("/points/query", refuse(status, f"wrong key {KEY}"))]
    text = failing(lambda: engine.nearest("d", QUERY, 5, ALL, None, True))
    assert f"the server refuses ({status}: wrong key ***); " in text
    assert fix in text
    assert len(double.bodies("/points/query")) == 1
    assert all(headers["api-key"] == KEY for _, _, headers, _ in double.seen)


def test_a_batch_rejected_half_way_says_how_far_it_came_and_can_be_written_again(double):
    engine = made(double)
    points = [point(n) for n in range(600)]
    engine.write(points[:256])
    double.faults = [("PUT .*/points", refuse(503)), ("PUT .*/points", hang_up), ("PUT .*/points", refuse(400, "Wrong input"))]
    double.faults.insert(0, ("PUT .*/points", lambda handler, result: handler.reply(200, {"result": result(), "status": "ok", "time": 0})))
    text = failing(lambda: engine.write(points))
    assert "writing (256 of 600 points are in; writing them again is safe) failed 3 times: the server refuses (400: Wrong input)" in text
    engine.write(points)
    assert engine.count() == 600


def test_a_slow_server_is_given_up_in_time(double):
    engine = made(double, timeout=1, retries=0)
    double.faults = [("/points/query", slow)]
    text = failing(lambda: engine.nearest("d", QUERY, 5, ALL, None, True))
    assert "searching failed: no answer in time; see whether the server is overloaded, or raise &timeout=" in text


def test_a_server_that_is_not_there():
    with socket.socket() as taken:  # bound but not listening: nothing else can take the port, and nobody answers
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        text = failing(lambda: ServerEngine.load(ServerOptions(address, NAME, retries=1), LAYOUT))
    assert text.startswith(f"{address}/{NAME}: asking for the version failed 2 times: no connection")
    assert text.endswith("; start the server, or correct the URL")


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>Welcome</html>", b'{"result": ', b"[]", b'{"result": {"points": [{"id": 1}]}}', b'{"result": {"points": null}, "status": "ok"}', b"\xff\xfe", b"null"],
)  # fmt: skip
def test_an_answer_that_is_not_qdrants_is_an_error_at_once(double, content):
    engine = made(double)
    double.faults = [("/points/query", garbage(content))]
    text = failing(lambda: engine.nearest("d", QUERY, 5, ALL, None, True))
    assert f"{double.url}/{NAME}: searching failed: " in text
    assert len(double.bodies("/points/query")) == 1


def test_an_error_page_that_is_not_qdrants_is_not_shown(double):
    engine = made(double, retries=0)
    double.faults = [("/points/count", garbage(b"<html>secret inner page</html>", 502))]
    text = failing(engine.count)
    assert "the server fails (502); " in text
    assert "secret" not in text


def test_a_change_that_was_taken_but_not_applied_is_an_error(double):
    engine = made(double)
    for double.status in ("acknowledged", "wait_timeout"):
        assert f"did not apply it ({double.status})" in failing(lambda: engine.write([point(1)]))


def test_points_that_a_read_leaves_out_are_not_taken_for_absent(double):
    engine = made(double)
    engine.write([point(n) for n in range(3)])
    assert engine.payloads([name(1), name(99)]).keys() == {name(1)}  # 99 is not there
    double.hidden = {name(2)}
    assert "left out 1 points that it holds" in failing(lambda: engine.payloads([name(1), name(2), name(99)]))
    assert "left out 1 points that it holds" in failing(lambda: engine.vectors("d", [name(1), name(2)]))


def test_points_that_come_out_of_order_are_an_error(double):
    engine = made(double)
    rows = [{"id": name(n), "payload": {}} for n in (1, 3, 2)]
    double.faults = [("/points/scroll", lambda h, _: h.reply(200, {"result": {"points": rows, "next_page_offset": None}, "status": "ok", "time": 0}))]
    assert "out of order" in failing(lambda: list(engine.scroll("chunk", ALL)))


# Opening


def test_a_server_too_old_to_count_idf_within_a_scope_is_refused(double):
    for version, ok in (("1.18.2", False), ("1.9.0", False), ("0.20.1", False), ("1.19.0", True), ("v1.20.0-dev", True), ("2.0.0", True), ("new", False)):
        double.version, double.config, double.points = version, None, {}
        if ok:
            ServerEngine.create(options(double), LAYOUT)
        else:
            assert "1.19 or later" in failing(lambda: ServerEngine.create(options(double), LAYOUT))
    assert len(double.bodies(f"PUT /collections/{NAME}$")) == 3


def test_a_collection_that_is_missing_or_laid_out_otherwise_is_refused(double):
    assert "the server refuses (404: Not found); check the collection's name, or build the index first" in failing(
        lambda: ServerEngine.load(options(double), LAYOUT)
    )
    made(double)
    for layout, fault in (
        (Layout({"d": 5}, ("s",)), "'d' is 4 dimensions, Dot on the server and 5 dimensions, Dot in this configuration"),
        (Layout({"d": 4, "e": 4}, ("s",)), "'e' is absent on the server and 4 dimensions, Dot in this configuration"),
        (Layout({"d": 4}, ()), "'s' is sparse, idf on the server and absent in this configuration"),
    ):
        assert fault in failing(lambda layout=layout: ServerEngine.load(options(double), layout))
        assert fault in failing(lambda layout=layout: ServerEngine.create(options(double), layout))


def test_a_collection_that_holds_points_is_not_made_anew(double):
    made(double).write([point(1)])
    assert "the collection is not empty (1 points)" in failing(lambda: ServerEngine.create(options(double), LAYOUT))


def test_a_making_whose_answer_was_lost_is_not_an_error(double):
    double.faults = [(f"PUT /collections/{NAME}$", cut)]
    assert ServerEngine.create(options(double), LAYOUT).count() == 0


def test_a_damaged_collection_is_not_opened_or_sealed(double, monkeypatch):
    engine = made(double)
    sound = Double._info
    monkeypatch.setattr(Double, "_info", lambda self, config: {**sound(self, config), "status": "red"})
    assert "reports the collection as damaged" in failing(lambda: ServerEngine.load(options(double), LAYOUT))
    assert "reports the collection as damaged" in failing(engine.finish)


# The key


def test_the_key_goes_to_the_server_and_nowhere_else(double, monkeypatch, recwarn, caplog):
    monkeypatch.setenv("QDRANT_API_KEY", KEY)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")  # on this machine no proxy is asked
    engine = made(double)
    engine.count()
    assert double.seen[-1][2]["api-key"] == KEY
    texts = [repr(engine), str(engine), repr(engine.options), str(engine.options), repr(engine._call), engine.options.address]
    for fault in (refuse(401, KEY), garbage(KEY.encode()), refuse(500, KEY)):
        double.faults = [("/points/count", fault)] * 3
        texts.append(failing(engine.count))
        double.faults = []
    engine.close()
    texts.append(failing(engine.count))
    assert not [t for t in texts if KEY in t]
    assert not list(recwarn)
    assert KEY not in caplog.text


def test_the_key_follows_no_redirect(double, monkeypatch):
    monkeypatch.setenv("QDRANT_API_KEY", KEY)
    elsewhere = Double()
    engine = made(double)
    double.faults = [("/points/count", refuse(307, "", {"Location": f"{elsewhere.url}/collections/{NAME}/points/count"}))]
    assert "the server refuses (307)" in failing(engine.count)
    assert elsewhere.seen == []
    elsewhere.stop()


def test_without_a_key_none_is_sent(double):
    made(double).count()
    assert "api-key" not in double.seen[-1][2]


def test_a_key_is_not_sent_in_the_clear_to_another_machine(monkeypatch):
    monkeypatch.delenv("RAG_INSECURE", raising=False)
    monkeypatch.setenv("QDRANT_API_KEY", KEY)
    text = failing(lambda: ServerEngine.load(parse_url("http://example.test:1/docs"), LAYOUT))
    assert "a key would travel unencrypted; use https" in text
    assert KEY not in text


def test_a_bad_point_is_refused_before_anything_is_sent(double):
    engine = made(double)
    bad = PointRecord(name(9), {"d": np.array([math.nan, 0, 0, 0], dtype=np.float32)}, {}, {"kind": "chunk"})
    assert "not finite" in failing(lambda: engine.write([*(point(n) for n in range(300)), bad]))
    assert double.bodies("PUT .*/points") == []
