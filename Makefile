# make book: install, run what is missing, render the book.   make test: run the tests.
PYTHON  ?= $(shell command -v python3.11 || command -v python3 || command -v python)
PROFILE ?= demo
VENV    := .venv
BIN     := $(VENV)/bin
READY   := $(VENV)/ready

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Containers often forbid byte code: each of the many processes would compile anew what it imports.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: book verify test lint lab serve pdf bench gpu-check check-notebooks clean lock help

book: $(READY)  ## run what is missing, build the site, compare; FROM=reference shows what is recorded
	$(BIN)/mer book --profile $(PROFILE) $(if $(FROM),--from "$(FROM)")

verify: $(READY)  ## compute a sample of the recorded folds anew: did you get what we got?
	$(BIN)/mer verify --profile $(PROFILE)

# Three processes for two cores: what tests locks, clusters and browsers mostly waits.
test: $(READY)  ## run the examples in docstrings and the tests, with coverage
	mkdir -p build
	OMP_NUM_THREADS=1 $(BIN)/python -m slipcover --json --out build/coverage.json \
	    -m pytest -n 3 --doctest-modules mer_utils companion tests
	$(BIN)/python -m slipcover --merge build/coverage.json --out build/coverage.json --fail-under 90

lint: $(READY)  ## format, style (notebooks too), docstrings, types, the import direction of the rooms
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m companion.build.lint
	find mer_utils companion -name '*.py' -exec $(BIN)/numpydoc lint {} +
	$(BIN)/mypy
	$(BIN)/lint-imports

lab: $(READY)  ## open the chapters in JupyterLab: a double click on an .md opens a notebook
	JUPYTER_CONFIG_PATH="$(CURDIR)/.jupyter" $(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks

serve: $(READY)  ## show the built site at http://localhost:8000
	$(BIN)/mer serve

pdf: $(READY)  ## print the whole book to build/book.pdf (needs Chromium)
	$(BIN)/mer pdf

bench: $(READY)  ## measure speed against limits of this machine, for the chapter on costs
	$(BIN)/python -m benchmarks

gpu-check: $(READY)  ## check and measure a GPU: does it repeat itself, agree with the CPU, how fast is it
	$(BIN)/python -m benchmarks.gpu

check-notebooks: $(READY)  ## run every notebook in a plain Jupyter session, with its defaults
	$(BIN)/mer run --profile demo
	$(BIN)/python -m companion.build.check

clean:  ## remove everything that was generated, the environment included
	rm -rf build $(VENV)

lock:  ## resolve requirements.lock anew (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
	    --generate-hashes --no-header --no-emit-index-url --no-annotate -o requirements.lock

help:  ## list these targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 16

# --no-deps: the lock is complete, so pip need not resolve; every file is checked by its hash.
# Byte code is compiled on all cores at the end, which pip would do on one: without it every
# process would compile torch anew. What is hardly ever imported is left out, two fifths of it; a
# few packages hold templates that are no valid Python.
SELDOM = /tests?/|/(testing|distributed|dask|plotly|playwright|networkx|mypyc?|pip|setuptools)/
$(READY): requirements.lock pyproject.toml
	@"$(PYTHON)" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "Error: this cannot be installed with $(or $(PYTHON),python)" \
	        "($$("$(or $(PYTHON),python)" --version 2>&1 | head -n 1))"; \
	    echo "Expected: Python 3.11 or newer, with its module venv (Debian: python3-venv)"; \
	    echo "Remedy: install it, or name one as in make book PYTHON=/path/to/python3.11"; exit 1; } >&2
	@echo "Installing the locked packages into $(VENV) (about 6 GB, a few minutes) ..."
	"$(PYTHON)" -m venv $(VENV)
	@if [ ! -t 1 ]; then quiet=--quiet; fi; \
	$(BIN)/python -m pip install $$quiet --no-deps --no-compile --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@echo "Compiling them (less than a minute) ..."
	@$(BIN)/python -m compileall -q -j 0 -x '$(SELDOM)' $(VENV)/lib >/dev/null || true
	touch $(READY)
