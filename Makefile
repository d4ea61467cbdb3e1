# The course's commands; `make help` lists them. Each sets up what it needs in .venv, once:
# the stamp files below say what is already there.
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt
CHAPTER ?=
TIMEOUT ?= 600
PORT ?= 8000
GRADING := .venv-grading
NEWEST := .venv-newest
SUBMISSIONS ?=
ASSIGNMENT ?=
STUDENT ?=
OUT ?= grading
UNSAFE ?=
DEST ?=

.PHONY: help book execute smoke test test-newest pdf serve lint format set-repository assignments grade public clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  PYTHON=python3.12 chooses the interpreter of a new .venv (3.11 to 3.13)."

book: $(VENV)/.book _vendor/.mathjax _vendor/.npm ## render the book into _build/html from stored outputs
	@# Sphinx does not look at styles and scripts: newer ones make it begin anew.
	@test -z "$$(find assets data/live -newer _build/html/index.html 2> /dev/null)" || rm -rf _build/.doctrees
	@# After a failure the doctrees go: unchanged pages would not be read again, nor warn again.
	@$(VENV)/bin/jupyter-book build . --quiet --warningiserror --keep-going --nitpick > /dev/null \
	    || { rm -rf _build/.doctrees; echo "The book has errors; see above." >&2; exit 1; }
	@echo "The book is ready. Open: file://$(CURDIR)/_build/html/index.html"

execute: $(VENV)/.test ## re-run chapters and store their outputs [CHAPTER=01] [TIMEOUT=600 s a cell]
	@$(PY) -m tools.execute --tier book --timeout $(TIMEOUT) $(CHAPTER)

smoke: $(VENV)/.test ## run chapters with small parameters, storing nothing [CHAPTER=01]
	@$(PY) -m tools.execute --tier smoke --timeout $(TIMEOUT) $(CHAPTER)

test: $(VENV)/.test ## run all that CI runs: lint, tests, smoke, stored outputs, book, pages
	@$(PY) -m tools.check

test-newest: $(NEWEST)/.created ## the library's tests and the smoke tier with the newest packages there are
	@$(NEWEST)/bin/python -m pytest -q -m "not rendered" --ignore=tests/test_environment.py \
	    --ignore=tests/test_book_tools.py
	@$(NEWEST)/bin/python -m tools.execute --tier smoke --timeout $(TIMEOUT)

pdf: book $(VENV)/.test ## print the book into _build/html/gpat-course.pdf (needs Chromium)
	@$(PY) -m tools.pdf

serve: book ## render the book and serve it on this machine [PORT=8000]
	@echo "Serving the book at http://localhost:$(PORT); Ctrl+C stops it."
	@$(PY) -m http.server --bind 127.0.0.1 --directory _build/html $(PORT)

lint: $(VENV)/.test ## check style and types
	@$(PY) -m tools.check lint

format: $(VENV)/.test ## rewrite code, chapters' too, in the house style
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format .

set-repository: $(VENV)/.book ## change the public repository's address everywhere: URL=https://github.com/OWNER/NAME
	@$(PY) -m tools.set_repository "$(URL)"

assignments: $(VENV)/.test $(GRADING)/.created ## write the students' versions of the graded assignments, and a zip
	@$(PY) -m tools.grading.student_versions

grade: $(VENV)/.test ## grade SUBMISSIONS=folder into OUT=grading [ASSIGNMENT=03] [STUDENT=ada, anew] [UNSAFE=1]
	@test -n "$(SUBMISSIONS)" || { echo "make grade SUBMISSIONS=folder: which folder?" >&2; exit 2; }
	@$(PY) -m tools.grading.grade "$(SUBMISSIONS)" --out "$(OUT)" --assignment "$(ASSIGNMENT)" \
	    --student "$(STUDENT)" $(if $(UNSAFE),--unsafe)

public: assignments ## write the tree for readers, without solutions to graded work: DEST=folder
	@test -n "$(DEST)" || { echo "make public DEST=folder: which folder?" >&2; exit 2; }
	@$(PY) -m tools.grading.public "$(DEST)"

clean: ## remove what was built; the environment stays (rm -r .venv removes it)
	rm -rf _build _vendor .mypy_cache .pytest_cache .ruff_cache gpat_lib.egg-info
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# A .venv that already works is kept, whoever made it.
$(VENV)/.created:
	@if $(PY) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null; \
	then :; else \
	    python=$$(sh tools/find_python.sh $(PYTHON)) || exit 1; \
	    echo "Making .venv with $$python"; \
	    "$$python" -m venv --clear $(VENV) || exit 1; \
	fi
	@touch $@

$(VENV)/.book: $(VENV)/.created pyproject.toml constraints.txt
	@echo "Installing what renders the book (about a minute, once)"
	@$(PY) -m tools.requirements book > $(VENV)/book.txt
	@$(PIP) -r $(VENV)/book.txt
	@touch $@

$(VENV)/.test: $(VENV)/.created pyproject.toml constraints.txt
	@echo "Installing TensorFlow, the library and what checks it (a few minutes, once)"
	@$(PY) -m tools.requirements library book test bench > $(VENV)/test.txt
	@$(PIP) -r $(VENV)/test.txt
	@touch $@ $(VENV)/.book

# nbgrader has requirements of its own, so it lives apart.
$(GRADING)/.created: $(VENV)/.created
	@echo "Installing nbgrader (about a minute, once)"
	@$(PY) -m venv --clear $(GRADING)
	@$(GRADING)/bin/python -m pip install --quiet --disable-pip-version-check nbgrader==0.9.6
	@touch $@

# Whatever is newest today: made anew each time it is removed (make clean does not).
$(NEWEST)/.created: $(VENV)/.created
	@echo "Installing the newest versions (a few minutes, once; rm -r $(NEWEST) to look again)"
	@$(PY) -m venv --clear $(NEWEST)
	@$(PY) -m tools.requirements library test > $(NEWEST)/test.txt
	@$(NEWEST)/bin/python -m pip install --quiet --disable-pip-version-check -r $(NEWEST)/test.txt
	@touch $@

_vendor/.mathjax: $(VENV)/.book tools/vendor_mathjax.py
	@$(PY) -m tools.vendor_mathjax
	@touch $@

_vendor/.npm: $(VENV)/.book tools/vendor_npm.py
	@$(PY) -m tools.vendor_npm
	@touch $@
