# make demo | test | check | bench | bench-speed | bench-peers | clean: each works on a fresh clone with Python 3.11, pip and make.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= out
CONFIGS ?= configs/*.yaml
WORKERS ?= $(shell $(PYTHON) -c "import os; print(2 * (os.cpu_count() or 1))")  # tests wait for the disk as long as they compute
export HF_HUB_OFFLINE ?= 1
unexport PYTHONDONTWRITEBYTECODE  # compiling every module anew at every start of a process takes a third of a short one

.PHONY: install demo test check format bench bench-speed bench-peers clean
install: $(VENV)/installed

$(VENV)/installed: pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt --editable '.[all,dev,ragas]'
	touch $@

demo: install
	$(BIN)/rag index data/handbook -c configs/hybrid.yaml -i $(OUT)/index
	$(BIN)/rag ask "Why does a model overlook what stands in the middle of a long prompt?" -i $(OUT)/index
	$(BIN)/rag-eval run $(CONFIGS) --corpus data/handbook --questions data/questions.jsonl --out $(OUT)/demo
	$(BIN)/rag-eval report $(OUT)/demo -o $(OUT)/demo/report.html --corpus data/handbook

test: install  # neighbours stay with one worker: what the tests of a file share is made once
	RAG_REQUIRE_RAGAS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_architecture.py

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

DATA ?= ../shared/data
bench: install  # the figures of README.md; DATA holds the collections
	$(BIN)/rag-eval run eval/bench/scifact/*.yaml --corpus $(DATA)/scifact --questions $(DATA)/scifact --out $(OUT)/scifact --metrics ndcg@10,recall@100
	$(BIN)/rag-eval run eval/bench/chroma_chunking/*.yaml --corpus $(DATA)/chroma_chunking/corpus \
	    --questions $(DATA)/chroma_chunking/questions.jsonl --out $(OUT)/chroma --metrics span_recall,span_iou,span_precision
	$(BIN)/python -m eval.bench.musique $(DATA)/musique100 --out $(OUT)/musique
	$(BIN)/python -m eval.bench.stages $(OUT)/demo
	$(BIN)/python -m eval.bench.overhead configs/hybrid_parents.yaml configs/generative.yaml configs/prf.yaml
	$(BIN)/python -m eval.bench.pairs
	$(BIN)/python -m eval.injection
	$(BIN)/python -m eval.bench.speed $(DATA)/scifact
	$(BIN)/python -m eval.bench.judge $(DATA)/judge
	$(BIN)/python -m eval.bench.judge_fit $(DATA)/judge
	$(BIN)/python -m eval.bench.contrast $(DATA)/judge
	$(BIN)/python -m eval.bench.judge_speed $(DATA)/judge
	$(BIN)/python -m eval.bench.simulation

RESULTS := eval/bench/results
bench-speed: install  # what docs/performance.md is made from, beside `make bench-peers`; on a machine that does nothing else
	$(BIN)/python -m eval.bench.cold --out $(RESULTS)/cold.json
	$(BIN)/python -m eval.bench.encoder $(DATA)/scifact --out $(RESULTS)/encoder.json
	$(BIN)/python -m eval.bench.indexing --out $(RESULTS)/indexing.json
	$(BIN)/python -m eval.bench.latency --out $(RESULTS)/latency.json
	$(BIN)/python -m eval.bench.overhead configs/hybrid.yaml configs/hybrid_parents.yaml configs/generative.yaml --out $(RESULTS)/overhead.json
	$(BIN)/python -m eval.bench.judge_speed $(DATA)/judge --out $(RESULTS)/judge.json
	$(BIN)/python -m eval.bench.mixture $(DATA) --out $(OUT)/real.npy
	$(BIN)/python -m eval.bench.scale 21000 200000 1000000 --vectors $(OUT)/real.npy --out $(RESULTS)/scale.json
	$(BIN)/python -m eval.bench.graph $(OUT)/real.npy --out $(RESULTS)/graph.json
	$(BIN)/python -m eval.bench.performance

PEERS := $(OUT)/peers-venv
bench-peers: install $(PEERS)/installed  # this project against LangChain, LlamaIndex, Haystack and others, which live in an environment of their own
	for work in search index embed grid; do $(BIN)/python -m eval.bench.peers $$work --python $(PEERS)/bin/python || exit 1; done

$(PEERS)/installed: eval/bench/peers/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt torch
	$(PEERS)/bin/pip install --quiet --disable-pip-version-check --requirement eval/bench/peers/requirements.txt
	touch $@

clean:
	rm -rf $(VENV) $(OUT) build *.egg-info
