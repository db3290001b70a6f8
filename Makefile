# make demo: everything set up, and one night on an invented log.   make test: the tests.
PYTHON ?= python3
VENV ?= .venv
FAISS := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi >/dev/null 2>&1 && echo gpu || echo cpu)
BIN := $(VENV)/bin

.DEFAULT_GOAL := demo
.PHONY: demo test quick docs check bench closed-loop analysts launches real priors shapes test-worlds test-sources test-long fuzz test-cluster format clean

# torch comes first, in the pinned version: asked for later, pip may take another build of it.
$(VENV)/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[$(FAISS),dev]'
	touch $@

demo: $(VENV)/.ready
	rm -rf demo
	$(BIN)/sayagain simulate --out demo/world
	$(BIN)/sayagain run demo/world/log.jsonl.gz --home demo/home --seed-data demo/world/seed.jsonl.gz
	$(BIN)/sayagain retrain --home demo/home
	$(BIN)/sayagain report --home demo/home
	@echo
	@echo "open next:"
	@echo "  demo/home/report.html                                the page of the night"
	@echo "  demo/home/training_sets/                             what the assistant can learn"
	@echo "  $(BIN)/sayagain sql --home demo/home                 what analysts can ask"
	@echo "  echo 'wake me at noon' | $(BIN)/sayagain predict --home demo/home"

# Tests run side by side, a file in one process; a thread each, or they wait for one another.
test: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest

# While working: what needs neither Spark nor a browser nor a whole night. Under a minute.
quick: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m "quick and not slow"

# The site of docs/, into build/site.
docs: $(VENV)/.ready
	$(BIN)/python -m flows.reference
	$(BIN)/python -m warehouse.reference > docs/warehouse.md
	$(BIN)/typer flows.cli utils docs --name sayagain --output docs/cli.md
	$(BIN)/zensical build --strict
	$(BIN)/python -m pytest -n 0 -m pages

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# WORLDS holds logs with known truth, one folder each; see docs/benchmarks.md.
WORLDS ?= ../shared/worlds
bench: $(VENV)/.ready
	$(BIN)/python benchmarks/end_to_end.py $(WORLDS)/dev-tiny $(WORLDS)/dev-en $(WORLDS)/dev-8
	$(BIN)/python benchmarks/evidence.py $(WORLDS)/dev-en
	$(BIN)/python benchmarks/sql_part.py
	$(BIN)/python benchmarks/stability.py
	$(BIN)/python benchmarks/em_speed.py
	$(BIN)/python benchmarks/liars.py
	$(BIN)/python benchmarks/slots.py
	$(BIN)/python benchmarks/carrying.py
	$(BIN)/python benchmarks/audits.py intervals
	$(BIN)/python benchmarks/gpu.py

# The loop closed: 120 nights with arms and without, then 8 cycles of five languages. MASSIVE=FILE: of a locale of it, too.
closed-loop: $(VENV)/.ready
	$(BIN)/python benchmarks/self_influence.py
	$(BIN)/python benchmarks/closed_loop.py --users 300 --turns 4000 --seeds 2
	$(if $(MASSIVE),$(BIN)/python benchmarks/closed_loop.py $(MASSIVE) --users 3000 --turns 20000)

# Logs of people, and worlds made after dialogues: REAL and WORLDS hold a folder each. Quality alone, one run each.
REAL ?= ../shared/real
real: $(VENV)/.ready
	$(BIN)/python benchmarks/real_logs.py $(REAL)/* $(WORLDS)/*
	$(BIN)/python benchmarks/verdicts.py

# The shape of logs beside that of the worlds that simulate makes.
shapes: $(VENV)/.ready
	$(BIN)/python benchmarks/shapes.py $(REAL)/* $(WORLDS)/*

# What simulated worlds teach of pairs, failing turns and hypotheses, anew: mining/priors. Half an hour on two cores.
priors: $(VENV)/.ready
	OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1 $(BIN)/python -m flows.priors

# What analysts wait for, on a home of 30 days of 100,000 turns, and readers while nights are published.
LARGE ?= build/large
analysts: $(VENV)/.ready
	$(BIN)/sayagain simulate --out $(LARGE)/world --shape command --seed 5 --turns 3000000 --days 30 --users 8000
	$(BIN)/sayagain run $(LARGE)/world/log.jsonl.gz --home $(LARGE)/home --seed-data $(LARGE)/world/seed.jsonl.gz
	$(BIN)/python benchmarks/analysts.py $(LARGE)/home
	$(BIN)/python benchmarks/readers.py $(LARGE)/home
	$(BIN)/python benchmarks/privacy.py $(LARGE)/home

# Languages that are launched, words that change, and all languages at once: MASSIVE=FOLDER with a file a locale.
launches: $(VENV)/.ready
	$(BIN)/python benchmarks/launch.py $(MASSIVE) --old en-US,de-DE,fr-FR,hi-IN,ru-RU --launch ja-JP,zh-CN,ar-SA,fa-IR,fi-FI,tr-TR,sw-KE,it-IT --days 15 --each 3
	$(BIN)/python benchmarks/changes.py $(MASSIVE)/fi-FI.jsonl.gz $(MASSIVE)/zh-CN.jsonl.gz $(MASSIVE)/es-ES.jsonl.gz
	$(BIN)/python benchmarks/problems.py $(MASSIVE)/hu-HU.jsonl.gz $(MASSIVE)/vi-VN.jsonl.gz
	$(BIN)/python benchmarks/many_locales.py $(MASSIVE)

# The attack on what is published, on a world of WORLDS with robots and liars.
test-worlds: $(VENV)/.ready
	$(BIN)/python -m pytest -n 0 -m worlds

# A night from the log of each system that is read.
test-sources: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist load -m sources tests/flows/test_source_nights.py

# 20,000 harmed files through the door, 200 through the command; SEED=N for others.
fuzz: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 0 -s --timeout 3600 -m fuzz tests/flows/test_fuzz.py

# Stories of many nights: the loop closed, increments, a copy in a store, an encoder that is set, nights killed.
test-long: $(VENV)/.ready
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m long

test-cluster: $(VENV)/.ready
	$(BIN)/python -m pytest -n 0 -m cluster

clean:
	rm -rf demo build *.egg-info
