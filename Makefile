# Two commands do all the set-up: `make demo` and `make test`. Both make or complete .venv here.
# PYTHON=python3.12 chooses another interpreter; PHOTOS=/path shows the demo on your own photos.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: help demo test test-long fuzz bench verify-published check clean
.DEFAULT_GOAL := help

help:
	@echo "make demo       index and search sample photos (or PHOTOS=/path), offline; no PyTorch"
	@echo "make test       set up and run the checks and the tests"
	@echo "make test-long  the tests that take minutes"
	@echo "make fuzz       our parsers under a coverage-guided fuzzer, a minute each (SECONDS=600 for longer)"
	@echo "make bench      the measurements behind the documentation's figures"
	@echo "make verify-published  fetch the catalogued models (some GB) and compare them with their own code"
	@echo "make check      formatting, lint, types, layers"
	@echo "make clean      remove .venv, .bench and what was built"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Albumen needs Python 3.11 or newer; $(PYTHON) is older or missing. Try: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

# A stamp remembers what was installed, so that a second `make` starts at once.
$(VENV)/.demo: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing Albumen and its sample photos (about 110 MB to download, no PyTorch)"
	@$(PIP) --editable '.[demo]'
	@touch $@

$(VENV)/.test: $(BIN)/python pyproject.toml constraints.txt
	@echo "Installing Albumen with what its tests need (PyTorch among it; see README.md for a CPU build)"
	@$(PIP) --editable '.[dev,demo,train]'
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo
	@PHOTOS="$(PHOTOS)" $(BIN)/albumen demo

test: check
	@$(BIN)/python -m pytest -m "not long"

test-long: $(VENV)/.test
	@$(BIN)/python -m pytest -m "long"

fuzz: $(VENV)/.test
	@$(PIP) --editable '.[fuzz]'
	@$(BIN)/python -m fuzz --seconds $(or $(SECONDS),60)

bench: $(VENV)/.test
	@$(BIN)/python -m bench

verify-published: $(VENV)/.test
	@$(BIN)/python -m recipes.verify_published

check: $(VENV)/.test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

clean:
	rm -rf $(VENV) .bench build dist demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
