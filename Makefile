# On a machine with make and Python 3.11 or newer:  make demo  shows it,  make test  checks it.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: demo test up lint constraints clean

demo: $(INSTALLED)  ## run the pipeline on the demo posts, then print where the report is
	$(BIN)/cxlisten demo

test: $(INSTALLED)  ## the fast tests; the slow ones: .venv/bin/pytest -m stack (or faults, browser)
	$(BIN)/pytest --numprocesses auto

up: $(INSTALLED)  ## Airflow on this machine, with the DAGs of ./cxlisten.toml
	$(BIN)/cxlisten up

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/ruff check --preview --config lint.explicit-preview-rules=false --select AIR dags
	$(BIN)/mypy
	$(BIN)/pytest --quiet tests/unit/test_architecture.py tests/unit/test_compose.py

constraints: $(INSTALLED)  ## write constraints.txt; keeps the versions in it but for  make constraints UPGRADE=--upgrade
	$(BIN)/uv pip compile $(UPGRADE) pyproject.toml --quiet --all-extras --universal --python-version 3.11 \
	  --no-annotate --custom-compile-command 'make constraints' --output-file constraints.txt

clean:
	rm -rf .venv dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

# The stamp makes a second call do nothing, so that it works with the network cut.
$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"cxlisten needs Python 3.11 or newer, \
	$(PYTHON) is {sys.version.split()[0]}: call  make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt uv
	$(BIN)/uv pip install --quiet --python .venv --compile-bytecode --constraint constraints.txt \
	  --build-constraint constraints.txt --editable '.[sources,nlp,airflow,dev]'
	touch $@
