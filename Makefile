# Two commands matter: `make demo` (a whole tuning session, ends with its report) and `make test`.
# Both make their own environment in .venv; only Python >= 3.10 and git are needed. Another Python: make test PYTHON=python3.12

PYTHON ?= python3
TORCH ?= torch==2.13.0
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
JOBS ?= 2

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet

.PHONY: demo test lint docs bench validation torture clean
.DELETE_ON_ERROR:

demo: .venv/demo.stamp
	@$(BIN)/tunewise demo demo

test: export OMP_NUM_THREADS = 1
test: lint docs .venv/browser.stamp .venv/servers.stamp
	$(BIN)/python -m pytest -n $(JOBS)

lint: .venv/test.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: .venv/test.stamp
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -b html docs docs/_build/html

# What takes longest runs at a reduced size; quality needs the problems (BENCH_DIR), which are not part of the repository.
bench: .venv/servers.stamp
	for script in import_time per_trial fold processes storage replay suggest_cost; do $(BIN)/python benchmarks/$$script.py || exit 1; done
	$(BIN)/python benchmarks/check_time.py --trials 1000
	$(BIN)/python benchmarks/trial_overhead.py --steps 100 --rounds 2
	$(BIN)/python benchmarks/scale.py --workers 100 --stored 10000 --million 50000
	$(BIN)/python benchmarks/fronts.py --trials 50 --seeds 1 --problems zdt1 bnh
	$(BIN)/python benchmarks/plateaus.py --trials 20 --seeds 1
	rm -f .venv/quality.jsonl
	[ -z "$$BENCH_DIR" ] || $(BIN)/python benchmarks/quality.py run --samplers random,tpe,auto --seeds 1 --budget 50 --out .venv/quality.jsonl
	[ -z "$$BENCH_DIR" ] || $(BIN)/python benchmarks/quality.py report .venv/quality.jsonl --budgets 25,50

validation: export OMP_NUM_THREADS = 1
validation: .venv/test.stamp
	$(BIN)/python -m validation

torture: export OMP_NUM_THREADS = 1
torture: export TUNEWISE_TORTURE = full
torture: .venv/torture.stamp
	$(BIN)/python -m pytest tests/torture tests/run/test_ray.py -s --timeout=3600

clean:
	rm -rf .venv build dist demo docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment. PyTorch comes first, at one version (or, where that cannot be had, as the current CPU build), so that
# everything after finds it there.
.venv/torch.stamp:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 10) and f"Python {v.major}.{v.minor} is too old; say make PYTHON=python3.12 (3.10 or later).")'
	$(PYTHON) -m venv .venv
	$(PIP) "$(TORCH)" || $(PIP) --index-url $(TORCH_INDEX) torch
	@touch $@

.venv/demo.stamp: .venv/torch.stamp pyproject.toml
	$(PIP) -e ".[report,torch]" scikit-learn
	@touch $@

.venv/test.stamp: .venv/torch.stamp pyproject.toml
	$(PIP) -e ".[torch,test,docs]"
	@touch $@

.venv/browser.stamp: .venv/test.stamp tools/install_chromium.sh
	bash tools/install_chromium.sh
	@touch $@

.venv/servers.stamp: .venv/test.stamp tools/install_servers.sh
	bash tools/install_servers.sh
	@touch $@

.venv/torture.stamp: .venv/servers.stamp
	$(PIP) -e ".[ray]"
	@touch $@
