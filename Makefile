# `make repro` and `make test` need Python 3.11 or newer, make and git; all is installed into .venv.
PYTHON ?= python3
UV_VERSION := 0.13.9
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DO_NOT_TRACK := 1
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export MLFLOW_DISABLE_TELEMETRY := true
# nothing is compiled at the installation, so Python must be allowed to keep what it compiles
unexport PYTHONDONTWRITEBYTECODE
READY := .venv/ready

.DEFAULT_GOAL := help
.PHONY: moved help setup repro why demo preset flow seeds up status down worker check test test-fast lint format lock mlflow register upload bench gpu docs gc clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## install the locked requirements into .venv

# an environment names its own place in its programs: in a copy of the project they would run the original
MOVED := $(shell [ ! -s $(READY) ] || [ "$$(cat $(READY))" = "$$PWD" ] || echo moved)

$(READY): requirements.txt pyproject.toml $(MOVED)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed, $(PYTHON) is older: make PYTHON=python3.12 ..."; exit 2; }
	@echo "Installing the locked requirements into .venv: a minute or two, several GB ..."
	@$(PYTHON) -m venv $(if $(MOVED),--clear) .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=.venv .venv/bin/uv pip install --quiet --require-hashes -r requirements.txt
	@VIRTUAL_ENV=.venv .venv/bin/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@echo "$$PWD" > $@

moved:

repro: $(READY)  ## run the pipeline with DVC: data, training, finetuning, evaluation, registration
	@python -m flows.repro

why: $(READY)  ## say which stages would run, and which input, parameter or output of each changed
	@python -m flows.why

demo: $(READY)  ## the trained model in a browser: drag the dial and see a photograph change
	@ftn demo

preset: $(READY)  ## write a preset into params.yaml: make preset PRESET=paper-cpu; without a name, list them
	@python -m flows.presets $(PRESET)

flow: $(READY)  ## run the pipeline with Prefect
	@python -m flows.pipeline

seeds: $(READY)  ## run the pipeline for several seeds, then print mean and spread: make seeds SEEDS="0 1 2"
	@python -m flows.seeds $(SEEDS)

register: $(READY)  ## register the trained model again, for example in another MLflow
	@python -m flows.repro --single-item --force register

upload: $(READY)  ## upload to MLflow what stages recorded while it did not answer
	@python -m tasks.tracking

mlflow: $(READY)  ## serve the MLflow UI on loopback
	@python -m registry.ui

up: $(READY)  ## start the team's servers and workers on this machine: PostgreSQL, S3, MLflow, Prefect
	@python -m stack up

status: $(READY)  ## how the servers and workers are
	@python -m stack status

down: $(READY)  ## stop them; data stay
	@python -m stack down

worker: $(READY)  ## be a worker of the team's servers (.env says where): make worker POOL=gpu
	@python -m stack.worker $(or $(POOL),default)

check: $(READY)  ## say of each configured service (DVC remote, MLflow, Prefect, PostgreSQL) whether it works, or what is wrong
	@python -m stack.check

test: $(READY)  ## all tests
	@pytest -n 3 --dist loadfile  # on two cores: some wait for servers

test-fast: $(READY)  ## the science alone, without servers, browsers and whole pipelines: two minutes
	@pytest -n 2 --dist loadfile -m "not slow" tests/ftn_core tests/*.py

gpu:  ## use a GPU for as long as there is one: docs/gpu.md
	@$(PYTHON) -m benchmarks.gpu $(GPU)

bench: $(READY)  ## measure everything, alone on a quiet machine, and render docs/benchmarks.md (QUICK=1: only see that it runs)
	@python -m benchmarks $(if $(QUICK),--quick)

docs: $(READY)  ## write the pages anew that are made from the code
	@python docs/parameters.py
	@python docs/api.py

lint: $(READY)  ## ruff and mypy
	@ruff check .
	@ruff format --check .
	@mypy

format: $(READY)  ## let ruff mend what it can
	@ruff check --fix .
	@ruff format .

lock: $(READY)  ## resolve the requirements anew
	.venv/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	  --custom-compile-command "make lock" --all-extras --group pyproject.toml:dev pyproject.toml -o requirements.txt

gc: $(READY)  ## say what DVC's cache and MLflow hold that nothing needs: docs/retention.md; make gc GC=1 deletes it
	@python -m flows.gc $(if $(GC),--delete)

clean:  ## remove what the pipeline made (DVC's cache stays: `dvc checkout` brings outputs back; so do .ftn/tracking and .ftn/stack)
	rm -rf data models results
	find .ftn -mindepth 1 -maxdepth 1 ! -name tracking ! -name stack -exec rm -rf {} + 2>/dev/null || true
