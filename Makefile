# Two commands do everything on a fresh machine: `make repro` and `make test`.
PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export DVC_NO_ANALYTICS := 1

.PHONY: setup repro test soak lint sync goldens bench panel gate new lock

repro: setup ## run the pipeline on the embedded default
	dvc repro

setup: .venv/installed

.venv/installed: requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Plateau needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m plateau.lm.blas # what computes products on a CPU
	$(BIN)/python -m plateau.report.plots_page .dvc/plots.html # so that `dvc plots show` needs no network
	$(BIN)/dvc config --local plots.html_template plots.html
	touch $@

test: setup lint ## everything: fast tests first, then those that run whole pipelines
	python -m pytest -q -n 2 --dist worksteal -m "not slow and not soak"
	python -m pytest -q -n 2 --dist worksteal -m "slow and not soak"

soak: setup ## what takes too long for every change: all architectures, many kills; note its result in benchmarks/README.md
	python -m pytest -q -n 2 --dist worksteal -m soak

lint: setup .venv/wheels
	ruff check .
	ruff format --check .
	mypy
	! vulture | grep -v '^plateau/metrics/.*unused variable' # fields of dataclasses, which a metrics file shows

.venv/wheels: requirements.lock tools/wheels.py # asks the package index, half a minute; once for each lock
	python -m tools.wheels
	touch $@

sync: setup ## write what follows from definitions: schemas, comments of params.yaml, dvc.yaml, tables of the docs
	python -m tools.sync

goldens: setup ## bytes and messages that a change of form must not change; tools/goldens.md explains what may differ
	python -m tools.goldens

bench: setup ## the figures of benchmarks/README.md
	python -m benchmarks

panel: setup ## plant each mistake and see that it is named: the table in docs/panel.md
	python -m tests.panel

new: setup ## a system of your own from an export: make new SYSTEM=mine DATA=path/to/export
	python -m stages.new $(if $(SYSTEM),'$(SYSTEM)') $(if $(DATA),'$(DATA)') $(FLAGS)

gate: setup ## print the gates; make itself exits 0 to ship, else 2; `python -m stages.gate` says which: 1, 2 or 3
	python -m stages.gate

lock: setup ## pin the newest versions that pyproject.toml allows; needs uv
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group dev pyproject.toml --output-file requirements.lock
