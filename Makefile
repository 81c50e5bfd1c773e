# `make help` lists what there is. Recipes are one line each; what is longer lives in deploy/local/.

VENV ?= .venv
PYTHON ?=
PYTEST_ARGS ?=
BIN = $(VENV)/bin
LAUNCHER = $(BIN)/python -m deploy.local
LOCK = uv pip compile -q --python-version 3.11 --universal --upgrade --generate-hashes --no-header --no-emit-index-url --no-emit-find-links

export VENV PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup fmt fmt-check lint types arch house check test test-engine test-unit test-docker demo up down status logs bench openapi lock

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## Make the environment, install what is missing; at once when nothing changed
	@./deploy/local/setup.sh

demo: setup ## Run a real pipeline on a stack of its own, or on the one that is up; its exit code is the job's
	@$(LAUNCHER) demo

up: setup ## Start the stack in the background, return when it is well
	@$(LAUNCHER) up

down: setup ## Stop the stack; data stay
	@$(LAUNCHER) down

status: setup ## List the stack's processes as JSON
	@$(LAUNCHER) status

logs: setup ## Follow what the stack's processes say
	@$(LAUNCHER) logs

check: fmt-check lint types arch house ## Everything that needs no server: format, lint, types, architecture, house rules

fmt: setup ## Format the code
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only -q .

fmt-check: setup
	@$(BIN)/ruff format --check .

lint: setup ## Ruff, all rules
	@$(BIN)/ruff check .

types: setup ## Mypy, strict
	@$(BIN)/mypy

arch: setup ## Who may import whom
	@$(BIN)/lint-imports

house: setup ## The project's own rules
	@$(BIN)/python -m pytest -q tests/unit/test_house.py

test: setup ## Every test but chaos and bench
	@$(BIN)/python -m pytest tests --ignore=tests/chaos --ignore=tests/bench --ignore=tests/docker $(PYTEST_ARGS)

test-unit: setup ## The tests that need no server
	@$(BIN)/python -m pytest -q tests/unit tests/property tests/scenarios $(PYTEST_ARGS)

test-engine: setup ## The engine's tests: every line and branch of it must be walked
	@$(BIN)/python -m pytest -q tests/unit/engine tests/property tests/scenarios --cov=shared/engine --cov-branch --cov-fail-under=100 --cov-report=term-missing:skip-covered $(PYTEST_ARGS)

test-docker: setup ## Containers on an engine of their own; needs root, docker.io and busybox-static
	@$(BIN)/python -m pytest -q tests/docker $(PYTEST_ARGS)

bench: setup ## Measure a stack of its own against its bounds
	@$(BIN)/python -m tests.bench

openapi: setup ## Write docs/generated/openapi.json anew
	@$(BIN)/python -m services.api.openapi

lock: setup ## Resolve requirements/*.in anew; needs uv
	@PATH="$(abspath $(BIN)):$$PATH"; for name in runtime dev; do $(LOCK) requirements/$$name.in -o requirements/$$name.txt || exit 1; done
