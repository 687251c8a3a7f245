# Everything a fresh machine needs besides Python 3.11+ and make is set up by these targets.
PYTHON ?= python3
# Some containers forbid it, and every process that loads torch then compiles thousands of files anew: three times as long.
unexport PYTHONDONTWRITEBYTECODE
BIN := .venv/bin

PAGE := src/tsmu/server/page/index.html
# A test process that dies or stands still ends the run and is named: replaced, it leaves xdist waiting for ever.
ENDS := --max-worker-restart 0 -o faulthandler_timeout=900 -o faulthandler_exit_on_timeout=true

.PHONY: setup page qgis docs demo test soak gpu lock clean

setup: .venv/ready $(PAGE)

page: $(PAGE)

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "tsmu needs Python 3.11 or newer; name one with: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet "$$(grep '^uv==' requirements.lock)"
	$(BIN)/uv pip install --python $(BIN)/python --quiet --requirement requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --quiet --no-deps --editable .
	@touch $@

$(PAGE): .venv/ready $(shell find web -type f -not -path 'web/node_modules/*')
	$(BIN)/python web/build.py
	@touch $@

qgis: setup
	$(BIN)/python qgis/package/build.py

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

demo: setup
	rm -rf demo
	$(BIN)/tsmu demo demo

test: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --num-workers 2
	$(BIN)/lint-imports
	$(BIN)/python web/build.py check test
	$(BIN)/python -m pytest -m "not soak and not gpu" --numprocesses 3 --dist loadfile $(ENDS)

soak: setup
	$(BIN)/python -m pytest -m soak

gpu: setup
	$(BIN)/python -m benchmarks gpu

lock:
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-header --no-annotate --group dev \
		pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv demo site web/node_modules src/tsmu/server/page
