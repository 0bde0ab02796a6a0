# make run: the loop on real data.   make test: every test and check.   make: what else there is.
VENV ?= .venv
PYTHON ?= python3
BIN := $(abspath $(VENV))/bin
# The environment is the one that the lock describes, or it is made again.
STAMP := $(VENV)/.locked-$(shell git hash-object requirements/dev.txt)
export PATH := $(BIN):$(PATH)
# Models are fitted with one thread, as the stages do: more threads add in another order.
export OMP_NUM_THREADS := 1

.PHONY: help setup run clean-run ui serve services services-stop services-status services-docker services-docker-stop test quick slow check format lock bench gate-evidence clean

help:  ## show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 22

setup: $(STAMP)  ## make the environment; git learns to merge dvc.lock
	@git config --get merge.ratchet-lock.driver 2>/dev/null | grep -qF $(BIN)/ || ratchet merge-driver install >/dev/null

$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11")'
	@echo "making the environment in $(VENV) (about a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --compile-bytecode --require-hashes requirements/dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@rm -f $(VENV)/.locked-* && touch $@

run: setup  ## train on January to June, push July, see what the gate says
	@bash demo/loop.sh

clean-run:  ## forget what make run did
	@bash demo/clean.sh

ui: setup  ## MLflow's pages on the runs and the registry
	@ratchet ui

serve: setup  ## answer predictions with the champion
	@ratchet serve

SERVICES = python -m services
SERVICES_START = $(SERVICES) start $(if $(PORT),--port $(PORT)) $(if $(MODELS),--models $(MODELS)) $(if $(ROLE),--env $(ROLE))

services: setup  ## MLflow's server for a team: PostgreSQL, S3, users
	@$(SERVICES_START)

services-status: setup  ## which of them runs
	@$(SERVICES) status

services-stop: setup  ## stop them; their data stays
	@$(SERVICES) stop

services-docker: setup  ## the same in containers (compose.yaml)
	@$(SERVICES_START) --docker

services-docker-stop: setup  ## stop the containers
	@$(SERVICES) stop --docker

test: setup check  ## every test and check
	@pytest -n 2 --dist loadgroup

quick: setup  ## the tests that take a minute
	@pytest -n 2 --dist loadgroup -m "not slow"

slow: setup  ## the others: whole pipelines and real workflows
	@pytest -n 2 --dist loadgroup -m slow

check: setup  ## the fast checks alone: style, types, imports, dead code, workflows
	@ruff check src tests benchmarks services
	@ruff format --check --quiet src tests benchmarks services
	@mypy
	@lint-imports --no-logo
	@vulture
	@deptry src
	@interrogate
	@actionlint
	@zizmor --offline --quiet --persona auditor .
	@check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yaml
	@check-jsonschema --builtin-schema vendor.github-actions .github/actions/*/action.yml
	@check-jsonschema --builtin-schema vendor.compose-spec compose.yaml

format: setup  ## put the code into shape
	@ruff check --fix src tests benchmarks services
	@ruff format src tests benchmarks services

lock: setup  ## resolve the dependencies again
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements/run.txt
	@uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt
	@echo uv | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -c requirements/dev.txt - -o requirements/uv.txt

bench: setup  ## measure against the alternatives, and write docs/benchmarks.md
	@python -m benchmarks.run

gate-evidence: setup  ## the gate's own experiments, and docs/gate-evidence.md
	@python -m benchmarks.gate

clean:  ## remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
