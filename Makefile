# The front door. `make help` lists everything.
SHELL := /bin/bash
PYTHON ?= python3
SCALE ?= 0.05
DAYS ?= 2
SEED ?= 1
AS_OF ?= 2026-10-31
# Another scale is another district: it gets a data root of its own, so that two never mix in one landing/.
export XFY_DATA ?= $(CURDIR)/data$(if $(filter 0.05,$(SCALE)),,/scale-$(SCALE))
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install run dev test test-fuzz test-heavy test-contracts test-faults lint generate clean

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed ## a virtual environment from the hashed lock
.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing what requirements.lock pins (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

run: install ## simulate a district where landing/ is empty, run everything, publish (SCALE=1: the whole district)
	@$(BIN)/xfy simulate --scale $(SCALE) --seed $(SEED) --as-of $(AS_OF) --days $(DAYS) --only-if-empty
	@$(BIN)/xfy run

dev: install ## the Dagster UI on the same data, http://127.0.0.1:3000
	@$(BIN)/xfy ui

test: install lint ## lint, types, layers and the whole suite
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --no-loadscope-reorder -m "not faults and not heavy"

lint: install ## style, types and layers
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports --no-cache && $(BIN)/mypy

test-fuzz: install ## two thousand damaged deliveries over all feeds, property tests at random (about eight minutes)
	@$(BIN)/python -m pytest -n 2 tests/feeds/test_fuzz.py --fuzz-rounds 40
	@$(BIN)/python -m pytest -n 2 --dist loadgroup --hypothesis-profile search -m "hypothesis and not faults and not heavy"

test-heavy: install ## whole runs beyond the suite: one feed more, from its contract to the release
	@$(BIN)/python -m pytest -m heavy --timeout 3600

test-contracts: install .venv-contracts/.installed ## the release's contracts by datacontract-cli, in an environment of its own
	@.venv-contracts/bin/python tests/contracts/by_tool.py $(XFY_DATA)/releases/current

.venv-contracts/.installed: tests/contracts/requirements.txt
	@test -x .venv-contracts/bin/python || $(PYTHON) -m venv .venv-contracts
	@.venv-contracts/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $<
	@touch $@

test-faults: install ## kills, full disks, overlapping runs (about a quarter of an hour)
	@$(BIN)/python -m pytest -m faults --timeout 3600

generate: install ## everything that is generated from declarations and committed
	@$(BIN)/xfy generate

clean: ## delete what a run can make again; landing/ and vault/ (keys, archives' passwords) stay, and a rebuild needs both
	rm -rf $(XFY_DATA)/lake $(XFY_DATA)/identity $(XFY_DATA)/warehouse $(XFY_DATA)/releases $(XFY_DATA)/dagster $(XFY_DATA)/quality $(XFY_DATA)/tmp
