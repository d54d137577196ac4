# Everything a newcomer needs: Python 3.11 or newer and make. No other set-up by hand.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# test processes side by side; each may start servers and a browser of its own
JOBS   ?= 2
READY  := $(VENV)/.ready

.PHONY: help setup demo up test check bench browser reference clean

help:
	@echo "make demo    set up, then a workspace with two batches, the servers and a link to label"
	@echo "make test    set up, then style, types, import contracts and every test"
	@echo "make check   style, types and import contracts only"
	@echo "make up      start the servers on ./pairwright-home"
	@echo "make bench   benchmarks against a named rival, ratios as JSON"

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Pairwright needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.11 ...")'
	@echo "Setting up $(VENV) (once; about two minutes, mostly downloads)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python cannot make virtual environments; on Debian: apt install python3-venv"; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: setup
	@$(BIN)/pairwright demo

up: setup
	@$(BIN)/pairwright up

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

browser: setup
	@$(BIN)/python tests/browser/chromium.py

test: check browser
	@PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

bench: setup browser
	@for name in analytics labeling dpo; do echo "== $$name"; $(BIN)/python benchmarks/$$name.py --quick --json || exit 1; done
	@echo "== key_to_next_pair"; $(BIN)/python benchmarks/key_to_next_pair.py

reference: setup
	@$(BIN)/python -m console.reference

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
