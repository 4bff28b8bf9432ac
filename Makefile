# make demo    explain a drawn scene with the model that ships with the package
# make test    lint, types, docs and every test, the report in real Chromium included
# make docs    build the documentation into site/
# make families draw each family's boxes and write docs/families.md
# make bench   run the benchmarks and write their results beside them
# make answers run the bench's suites and write docs/answers.md anew (hours)
# make mutants put one-line mistakes into a copy of the package: each must make its test fail
# make train   train a shipped model from nothing (STUDENT=tiny-llava; resumes from its last checkpoint)

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
WORKERS ?= 2
STUDENT ?= tiny-qwen2-vl

# The work here is many small tensors: one thread a process is faster than many that wait.
export OMP_NUM_THREADS ?= 1
export HF_HUB_OFFLINE ?= 1
export HF_HUB_DISABLE_TELEMETRY := 1
export TOKENIZERS_PARALLELISM := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test install lint types tests browser docs families bench answers mutants train clean
.DEFAULT_GOAL := test

install: $(READY)

# torch comes first and pinned: a range would let pip choose the newest build and gigabytes of CUDA
# with it. torchvision has no build on PyPI that fits torch's CPU wheel, and where it stands on the
# path transformers takes it for usable; the tests alone want its Python part, so it stays outside.
$(READY): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	$(BIN)/pip install --quiet --no-deps --upgrade --target $(VENV)/torchvision torchvision==0.28.0
	touch $@

demo: $(READY)
	$(BIN)/seewhy explain --out out/demo --overwrite

test: lint types docs tests

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/pyright

tests: $(READY) browser
	$(BIN)/pytest -n $(WORKERS)

# Real Chromium for tests/browser; nothing is done where it is there already.
browser:
	@if ! { command -v chromium && command -v chromedriver; } >/dev/null; then \
	    if [ "$$(id -u)" -eq 0 ]; then sudo=; else sudo=sudo; fi; \
	    $$sudo apt-get update -qq; \
	    DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq chromium chromium-driver; \
	fi

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

families: $(READY)
	PYTHONPATH=tests $(BIN)/python tests/families_page.py

bench: $(READY)
	$(BIN)/python benchmarks/explain.py

answers: FOUND := out/answers
answers: $(READY)
	for suite in ablation claims context composed hallucination cost sanity; do \
	    $(BIN)/seewhy bench --suite $$suite --out $(FOUND)/$$suite --workers $(WORKERS) --no-gallery || exit; \
	done
	$(BIN)/seewhy bench --suite paper --out $(FOUND)/paper --workers $(WORKERS)
	$(BIN)/seewhy bench --report $(FOUND)/paper $(FOUND)/cost
	rm -rf benchmarks/results/paper && mkdir benchmarks/results/paper
	cd $(FOUND)/paper && cp -r table.md table.csv bench.html gallery runs $(CURDIR)/benchmarks/results/paper && rm $(CURDIR)/benchmarks/results/paper/gallery/gallery.json
	$(BIN)/python benchmarks/answers.py $(FOUND)

mutants: $(READY)
	$(BIN)/python tests/mutants.py --jobs $(WORKERS)

train: $(READY)
	$(BIN)/python -m seewhy.testbed.recipe --student $(STUDENT) --run runs/$(STUDENT)

clean:
	rm -rf build dist site out .pytest_cache .ruff_cache .hypothesis
