# The commands of the README. Each installs what it needs first; nothing is installed outside .venv and node_modules.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python
# Some tests wait, for clusters that lag and leases that expire; most work. On two cores five are slower than four.
XDIST ?= 4
STEPS ?= 1000
SEED ?= 1
# What settings.py insists on, for tools that only read the settings; nothing is started with it.
LINT_ENV := PORTAL_SECRET_KEY=only-for-linters-only-for-linters PORTAL_DATABASE_URL=postgres://lint@/lint \
	PORTAL_ENCRYPTION_KEYS=bGludGVycy1vbmx5LWxpbnRlcnMtb25seS1saW50ZXI=
# Each of the many processes would compile every module anew where the environment forbids to keep bytecode.
unexport PYTHONDONTWRITEBYTECODE
# Where the machine keeps certificates, those of a company's own authority count, too.
CERTIFICATES := $(wildcard /etc/ssl/certs/ca-certificates.crt)
export UV_SYSTEM_CERTS ?= $(if $(CERTIFICATES),true,false)
export PIP_CERT ?= $(CERTIFICATES)
export NODE_EXTRA_CA_CERTS ?= $(CERTIFICATES)

.PHONY: help demo demo-reset test smoke bench check lock assets setup setup-dev browser compose screenshots chaos

help:
	@echo "make demo | demo-reset | test | smoke [only=NAME] | chaos [STEPS=N SEED=N] | bench [only=NAME] | screenshots | check | lock"

setup: .venv/.demo-installed assets
setup-dev: .venv/.dev-installed node_modules/.dev-installed

.venv/.python:
	@deploy/make-venv.sh $(PYTHON)
	@touch $@

.venv/.demo-installed: .venv/.python requirements/demo.txt
	@test -e .venv/.dev-installed -a .venv/.dev-installed -nt requirements/dev.txt || $(BIN)/uv pip sync -q --python $(RUN) requirements/demo.txt
	@touch $@

.venv/.dev-installed: .venv/.python requirements/dev.txt
	@$(BIN)/uv pip sync -q --python $(RUN) requirements/dev.txt
	@touch $@ .venv/.demo-installed

assets: node_modules/.installed
node_modules/.installed: package-lock.json .npmrc | .venv/.python
	@deploy/install-assets.sh --omit=dev
	@touch $@

node_modules/.dev-installed: package-lock.json .npmrc | .venv/.python
	@deploy/install-assets.sh
	@touch $@ node_modules/.installed

browser:
	@deploy/find-browser.sh

compose:
	@deploy/find-compose.sh

demo: setup
	@$(RUN) -m hyperpod_site.stack demo

demo-reset:
	@$(PYTHON) -c 'import shutil,pathlib; p=pathlib.Path(".run"); shutil.rmtree(p.resolve(), ignore_errors=True); p.is_symlink() and p.unlink()'
	@echo "The demo's data is gone; the next make demo starts fresh."

test: setup-dev browser compose check
	@$(RUN) -m pytest -q -n $(XDIST) || { echo "Once more, alone, what failed beside other tests:"; \
		$(RUN) -m pytest -q -n 1 --last-failed --last-failed-no-failures=none; }

smoke: setup-dev
	@$(RUN) -m tests.smoke $(only)

screenshots: setup-dev browser
	@$(RUN) -m tests.screenshots

chaos: setup-dev
	@$(RUN) -m pytest -q -s -n0 tests/pools/chaos/long_run.py --chaos-steps $(STEPS) --chaos-seed $(SEED)

bench: setup-dev
	@$(RUN) -m bench $(only)

check: setup-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check -q .
	@$(LINT_ENV) $(BIN)/mypy -n 2
	@$(BIN)/lint-imports
	@$(RUN) -m hyperpod_site.stack check

lock: .venv/.python
	@cd requirements && for name in uv node base demo dev; do \
		../$(BIN)/uv pip compile -q --generate-hashes --no-emit-index-url --no-header --universal \
			--python-version 3.11 $$name.in -o $$name.txt || exit 1; done
	@npm install --package-lock-only --ignore-scripts
	@$(PYTHON) -c 'import json,pathlib; lock = pathlib.Path("package-lock.json"); found = json.loads(lock.read_text()); [each.pop("funding", None) for each in found["packages"].values()]; lock.write_text(json.dumps(found, indent=2) + "\n")' # its addresses
