# Two commands do everything: `make demo` and `make test`. Both set up what they need.

PYTHON ?= python3
BIN := .venv/bin
# hundreds of processes import the package here: none is to compile it anew
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help setup demo demo-long test test-quick test-cluster test-lowest mutants lint audit hooks check-cluster check-gpu clean

help:
	@echo "make setup       virtual environment .venv with this package and its dependencies"
	@echo "make demo        the question on the embedded data, with a report, in 8 to 15 minutes"
	@echo "make demo-long   the same at three sizes, with longer trainings: from which size on scratch catches up; half an hour"
	@echo "make test        all tests; make test-quick leaves out those that start Ray"
	@echo "make test-cluster   ray up, lost hosts and ray down on machines made of namespaces, as root"
	@echo "make test-lowest the quick tests with the lowest versions that pyproject.toml allows, in .venv-lowest (6 GB)"
	@echo "make audit       known vulnerabilities of the packages that are installed, by pip-audit"
	@echo "make mutants     small mistakes put into the code: how many do the tests notice? MUTANTS='planning --number 100 --seed 1'"
	@echo "make lint        ruff and pyright; make hooks runs them before each commit"
	@echo "make check-cluster   the files for ray up, offline"
	@echo "make check-gpu   numbers, speed and memory on this machine's GPU, in ten minutes, without Ray"

# uv unpacks these gigabytes in a third of pip's time; but pip also knows the index and certificates
# that a pip.conf names. Of their modules a fifth is used, and compiled by the imports: to compile all
# took most of the time.
.venv/installed: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet uv && \
		$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[dev,laptop]' || \
		$(BIN)/pip install --quiet --no-compile --editable '.[dev,laptop]'
	$(BIN)/python -c "import torchvision, timm" & \
		$(BIN)/python -c "import ray.tune, ray.train, pandas, scipy.stats, matplotlib.figure"; wait
	@touch $@

setup: .venv/installed

demo: setup
	$(BIN)/python -m study.sweep shapes --run-dir runs/demo
	$(BIN)/python -m analysis runs/demo

demo-long: setup
	$(BIN)/python -m study.sweep crossover --run-dir runs/crossover
	$(BIN)/python -m analysis runs/crossover

test-quick: setup
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -q -n auto --dist worksteal -m "not slow"

# the quick ones beside those that start Ray, which wait much
test: setup
	$(BIN)/ruff check .
	$(BIN)/python -m pytest -q -n auto --dist loadgroup -m "not hosts"

test-cluster: setup
	$(BIN)/python -m pytest -q -m hosts tests/cluster

test-lowest:
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/pip install --quiet uv
	.venv-lowest/bin/uv pip compile --quiet --resolution lowest-direct --extra dev --extra laptop pyproject.toml -o .venv-lowest/constraints.txt
	.venv-lowest/bin/uv pip install --quiet --python .venv-lowest/bin/python -r .venv-lowest/constraints.txt
	.venv-lowest/bin/python -m pytest -q -n auto --dist worksteal -m "not slow"

mutants: setup
	$(BIN)/python -m benchmarks.mutants $(MUTANTS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

audit: setup
	$(BIN)/python -m benchmarks.audit

hooks: setup
	@command -v pre-commit > /dev/null || { echo "pre-commit is not there: pipx install pre-commit"; exit 1; }
	pre-commit install

check-cluster: setup
	$(BIN)/python -m study.cluster.check cluster.yaml cluster.local.yaml docs/cluster.gcp.yaml

# without setup: a machine with a GPU has its own torch, and this needs no Ray
check-gpu:
	$(if $(wildcard $(BIN)/python),$(BIN)/python,$(PYTHON)) -m benchmarks.check_gpu

clean:
	rm -rf .venv .venv-lowest build *.egg-info .pytest_cache .ruff_cache
