# SPDX-License-Identifier: GPL-3.0-or-later
# Every target sets up what it needs by itself; `make` alone tells what there is.
PYTHON := .venv/bin/python
BOOTSTRAP := { command -v python3 >/dev/null || { echo "Render+ needs Python 3.11 or later, as python3 on PATH."; exit 1; }; } && python3 tools/bootstrap.py
# Tests side by side: JOBS=0 runs one after the other.
JOBS ?= 2
PYTEST := $(PYTHON) -m pytest -c tests/pytest.ini
SIDE_BY_SIDE := -n $(JOBS) --dist worksteal
export PYTHONDONTWRITEBYTECODE := 1
export KILLS SEED

.PHONY: help demo test check chaos format bench load farm-load extension farm clean distclean python server wheel wheels static
.DEFAULT_GOAL := help

help: ## this list
	@printf 'Render+ batch server\n\n'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

demo: server ## render a small batch: on `blender` if there is one on PATH, else on the bpy wheel
	@$(PYTHON) tools/demo.py

test: static wheel wheels ## everything: what `make check` does, real Blenders, end to end, browser
	$(PYTEST) $(SIDE_BY_SIDE) tests/unit tests/blender tests/addon tests/end_to_end tests/chaos $(ARGS)

check: static ## in under two minutes, without Blender: style, types, layers, unit tests
	$(PYTEST) $(SIDE_BY_SIDE) -q tests/unit $(ARGS)

format: python ## put all Python into the house's style
	$(PYTHON) -m ruff check --fix-only --quiet .
	$(PYTHON) -m ruff format --quiet .

chaos: wheel ## kill server and Blenders at random and see that nothing is lost: KILLS=500 SEED=1 RENDERPLUS_TEST_BLENDERS=5.2
	$(PYTEST) -s tests/chaos $(ARGS)

bench: wheel ## what it costs, beside a Blender for each job
	$(PYTHON) bench $(ARGS)

load: wheel ## what a thousand polls a second cost a render, and five clients
	$(PYTHON) bench/load.py $(ARGS)

farm-load: wheel ## what a thousand waiting far machines cost the server, and how many frames a second it takes in
	$(PYTHON) bench/farm_load.py $(ARGS)

extension: python ## build the add-on's zips into dist/: one for each platform, one for all
	@$(PYTHON) tools/build_extension.py $(ARGS)

farm: ## set up what `--farm` needs beside the server: packing, the gateways' listener (docs/farm.md)
	@$(BOOTSTRAP) farm

clean: ## remove what was built (the environments stay)
	rm -rf build dist tests/.pytest_cache .ruff_cache
	find . -path './.venv*' -prune -o -name __pycache__ -type d -exec rm -rf {} +

distclean: clean ## remove the environments too
	rm -rf .venv .venv-bpy .venv-bpy-*

static: python
	$(PYTHON) -m ruff check --quiet .
	$(PYTHON) -m ruff format --check --quiet . || { echo "make format puts these files into the house's style"; exit 1; }
	$(PYTHON) -m mypy --no-error-summary
	@# not bin/lint-imports: the scripts of an environment break when a checkout is moved
	PYTHONPATH=server $(PYTHON) -c 'from importlinter.cli import lint_imports_command as c; c()' --no-logo --cache-dir build/import_linter

python:
	@$(BOOTSTRAP) dev

server:
	@$(BOOTSTRAP) server

wheel: python
	@$(BOOTSTRAP) bpy

wheels: python ## further releases of bpy (4.2, 5.0), which only the add-on's tests use: 370 MB each
	@$(BOOTSTRAP) wheels
