# Everything a developer or a newcomer runs. Each target makes .venv itself, also where the system Python is
# externally managed, and needs nothing but Python (3.10 or newer) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MANIFESTS := pyproject.toml $(wildcard instrumentations/*/pyproject.toml)
PACKAGES := -e '.[server]' $(patsubst %/pyproject.toml,-e ./%,$(wildcard instrumentations/*/pyproject.toml))
PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal

# Where it is set, each of the hundreds of processes that the tests start would compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test nightly test-all clients lint format bench docs wheels clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-9s %s\n", $$1, $$2}'

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "langfuse-otel needs Python 3.10 or newer: make PYTHON=/path/to/python3 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { \
	  rm -rf $(VENV) && $(PYTHON) -m venv --without-pip $(VENV) && \
	  $(PYTHON) -m pip --python $(BIN)/python install -q pip; } || \
	  { echo "This Python has neither ensurepip nor pip (on Debian: apt install python3-venv)"; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv

$(VENV)/.demo: $(BIN)/uv $(MANIFESTS)
	@echo "Installing what the demo needs into $(VENV) ..."
	@$(BIN)/uv pip install -q --python $(BIN)/python $(PACKAGES) openai
	@touch $@

$(VENV)/.dev: $(BIN)/uv $(MANIFESTS)
	@echo "Installing what the tests need into $(VENV) ..."
	@$(BIN)/uv pip install -q --python $(BIN)/python $(PACKAGES) --group dev
	@touch $(VENV)/.demo $@

demo: $(VENV)/.demo  ## run an assistant against a local Langfuse (SERVE=1 keeps it, MODEL=local uses a real small model)
	@MODEL=$(MODEL) SERVE=$(SERVE) $(BIN)/python examples/demo.py

test: $(VENV)/.dev  ## all tests, in parallel (ARGS="-k name" to choose)
	@$(PYTEST) $(ARGS)

nightly: $(VENV)/.dev  ## what must hold for any span, with 10,000 examples of each (minutes)
	@HYPOTHESIS_PROFILE=nightly $(PYTEST) tests/contract/wires/test_any_span.py

test-all: $(VENV)/.dev  ## the tests on every Python that this machine has
	@$(BIN)/nox -f tests/noxfile.py

clients: $(VENV)/.dev  ## each package's tests with the oldest and the newest client that it declares
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/nox -f tests/noxfile.py -s oldest newest

lint: $(VENV)/.dev  ## ruff, mypy --strict, the layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest tests/test_imports.py

format: $(VENV)/.dev  ## mend what ruff can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev  ## measure against the peers; writes bench/results/ and the table of bench/README.md
	@$(BIN)/python -m bench

docs: $(VENV)/.dev  ## write the pages of docs/ that are made from the code
	@$(BIN)/python tests/settings_docs.py > docs/settings.md
	@PYTHONPATH=tests/conventions $(BIN)/python tests/conventions_docs.py > docs/conventions.md
	@$(BIN)/python tests/instrumentations_docs.py > docs/instrumentations.md

wheels: $(VENV)/.dev  ## build the wheels into dist/
	@for folder in $(dir $(MANIFESTS)); do $(BIN)/uv build -q --wheel --out-dir dist $$folder; done; ls dist

clean:  ## remove what the targets made
	rm -rf $(VENV) .demo dist .nox
