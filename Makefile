# Every command does its own set-up first; once that is done, it takes no time and no privilege.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(BIN)/b2b --role orchestrator --plan plans/smk.plan.toml --duration-s 10

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help deps deps-for-tests deps-for-report deps-for-bench demo listen test test-debian13 report bench soak matrix \
  fuzz fuzz-guided docs pictures
export PYTHON

help:
	@echo 'make demo     a real call source -> mixer -> sink of ten seconds, and what came out; needs no sound card'
	@echo 'make listen   the same, and you hear it (needs a sound card)'
	@echo 'make test     every test there is'
	@echo 'make test-debian13   the same on Debian 13 with baresip 1.1, in a chroot (needs root and debootstrap)'
	@echo 'make report   the calls of plans/ as one Allure page that opens offline; prints where it is'
	@echo 'make bench    how b2b compares with other tools, in accuracy, speed and cost; takes half an hour'
	@echo 'make soak     a thousand calls in a row, one of an hour, and a hundred of every fault; takes some hours'
	@echo 'make matrix   kills, stops and starves every part of a run in each of its phases; takes some ten minutes'
	@echo 'make fuzz     a million broken inputs for each thing of ours that reads; takes some hours'
	@echo 'make docs     docs/selftest.md with tables made anew; takes some minutes'
	@echo 'make pictures the pictures of the docs, from real runs'
	@echo 'make deps     only install the Debian packages that are missing'
	@echo 'Each installs first what it needs; PYTHON=python3.12 chooses another Python.'

deps:
	@bash .ci/deps.sh

deps-for-tests:
	@bash .ci/deps.sh --tests

deps-for-report:
	@bash .ci/deps.sh --report

deps-for-bench:
	@bash .ci/deps.sh --bench

demo: $(VENV)/ready
	@$(DEMO)

listen: $(VENV)/ready
	@$(DEMO) --listen

# What Allure's page is made of; the plans' own calls, unless some are there already.
RESULTS := reports/allure-results
PLANS := $(BIN)/pytest -q plans -n 4 --junitxml reports/junit.xml --alluredir $(RESULTS)

# The oldest Python that the packages installed here can be checked for: numpy's types for 3.12 are of no use to 3.10.
OLDEST := import sys; print("3.10" if sys.version_info < (3, 12) else "3.12")

# The unit tests may share the processors. Calls are measured, so there are two at a time, and nothing beside those
# that last a minute, or that this machine may not disturb.
test: $(VENV)/ready-for-tests
	$(BIN)/ruff check
	$(BIN)/mypy --strict --python-version $$($(BIN)/python -c '$(OLDEST)')
	$(BIN)/pytest -q -n auto
	$(BIN)/pytest -q -n 2 -m 'integration and not alone'
	$(BIN)/pytest -q -n 2 -m 'e2e and not alone'
	$(PLANS) --clean-alluredir
	$(BIN)/pytest -q -m alone

test-debian13:
	@bash .ci/debian13.sh

report: $(VENV)/ready deps-for-report
	@test -d $(RESULTS) || $(PLANS) || true
	@$(BIN)/python -m harness.report.allure_page $(RESULTS) reports/allure.html

# docs/benchmarks.md is written anew; BENCHMARKS=cost,many runs only some, and leaves the others as they were.
bench: $(VENV)/ready-for-tests deps-for-bench
	$(BIN)/python benchmarks/page.py $(if $(BENCHMARKS),--only $(BENCHMARKS))

soak: $(VENV)/ready
	$(BIN)/python benchmarks/soak.py --calls 1000 --svg reports/soak-calls.svg
	$(BIN)/python benchmarks/soak.py --long 3600 --svg reports/soak-hour.svg
	$(BIN)/b2b selftest --calls --seeds 100

# What is found is kept in tests/fuzz/corpus; COUNT=1000 gives each target fewer inputs. The table of docs/fuzz.md is
# written anew out of the newest results.
fuzz: export PYTHONPATH = tests
fuzz: $(VENV)/ready-for-tests
	@nice $(BIN)/python -m fuzz $(if $(COUNT),--count $(COUNT)) $(TARGETS)
	@$(BIN)/python docs/update.py docs/fuzz.md

# The same by coverage, a minute for each, where atheris has a wheel for this Python.
fuzz-guided: $(VENV)/ready-for-tests
	@$(BIN)/python -m pip install -q --disable-pip-version-check -e '.[fuzz]'
	@PYTHONPATH=tests nice $(BIN)/python -m fuzz.guided -max_total_time=60 $(TARGETS)

# The table of docs/faults.md is written anew, unless a story went wrong.
matrix: export PYTHONPATH = tests
matrix: $(VENV)/ready-for-tests
	@rm -f reports/faults.jsonl
	$(BIN)/python -m matrix
	$(BIN)/python docs/update.py docs/faults.md

docs: $(VENV)/ready
	$(BIN)/python docs/update.py docs/selftest.md

pictures: $(VENV)/ready-for-tests
	@PYTHONPATH=tests $(BIN)/python docs/make_pictures.py

$(VENV)/ready: pyproject.toml | deps
	@$(call install,.)
	@touch $@

$(VENV)/ready-for-tests: pyproject.toml | deps-for-tests
	@$(call install,'.[dev]')
	@touch $(VENV)/ready $@

# A virtual environment whose Python has gone, say by a system upgrade, is made anew.
define install
set -e; \
$(BIN)/python -c '' 2>/dev/null || $(PYTHON) -m venv --clear $(VENV); \
echo 'Installing b2b into $(VENV)'; \
$(BIN)/python -m pip install -q --disable-pip-version-check -e $(1)
endef
