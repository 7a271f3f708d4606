# The Natural Gradient. `make help` lists the targets; each does all the set-up it needs.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
CLASS ?= ~/ngd-class
.DEFAULT_GOAL := help
unexport PYTHONDONTWRITEBYTECODE # the environment is our own: compile each module once, not each time
unexport NOTEBOOK PARAMS # book/rerun.py reads them as they were typed: neither make nor a shell expands them
.PHONY: help setup book pdf serve live lab rerun exercises class release grade lint test bench sweep clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## make .venv from the lock and fetch the page's third-party JavaScript
	@$(PYTHON) book/bootstrap.py

book: setup ## execute every notebook and build the site
	@$(BIN)/python book/build.py

pdf: ## build, then print the whole book: _build/html/natural-gradient.pdf
	@$(PYTHON) book/bootstrap.py --paper
	@$(BIN)/python book/build.py
	@$(BIN)/python book/paper.py

serve: book ## build, then serve the book on this machine (PORT=8000)
	@$(BIN)/python book/serve.py --port $(PORT)

live: book ## build, then serve the book with Python behind it (PORT=8000 OPTIONS=--no-browser)
	@$(BIN)/python book/live.py --port $(PORT) $(OPTIONS)

lab: setup ## open the chapters and exercises in JupyterLab (OPTIONS="--port 9000 --no-browser")
	@$(BIN)/jupyter lab --allow-root --LabApp.default_url=/lab/tree/chapters $(OPTIONS)

rerun: setup ## run a chapter with other parameters: make rerun NOTEBOOK=bernoulli PARAMS="eta=0.5 y=0"
	@$(BIN)/python book/rerun.py

exercises: setup ## check the exercise definitions and write their notebooks
	@$(BIN)/python -m ngdlib.exercises.sets.author

CLASSROOM := $(BIN)/python -m ngdlib.exercises.classroom
class: setup ## a folder for a class, with its key (CLASS=~/ngd-class)
	@$(CLASSROOM) --class "$(CLASS)" new

release: setup ## each student's notebook: make release SET=bernoulli ROSTER=roster.csv (DUE=, SITE=)
	@$(CLASSROOM) --class "$(CLASS)" release --set "$(SET)" --roster "$(ROSTER)" --due "$(DUE)" --site "$(SITE)"

grade: setup ## grade what was handed in: make grade SUBMISSIONS=downloads (SET=)
	@$(CLASSROOM) --class "$(CLASS)" grade --set "$(SET)" --submissions "$(SUBMISSIONS)" $(if $(UNSAFE),--unsafe)

lint: setup ## ruff over code and notebooks
	@$(BIN)/python book/authors.py --fold
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

test: export OPENBLAS_NUM_THREADS = 1 # the tests are as many at once as there are cores
test: ## everything: lint, unit tests, notebooks, the built pages in a browser
	@$(PYTHON) book/bootstrap.py --tests
	@$(MAKE) --no-print-directory lint book
	@$(BIN)/python -m pytest -q -n auto --dist worksteal
	@$(BIN)/python book/execute.py --again
	@$(BIN)/python -m pytest -q -n auto --dist loadfile --nbval-lax exercises

sweep: setup ## compute the basin maps anew (OPTIONS="--workers 8", "--scheduler tcp://host:8786")
	@$(BIN)/python book/sweep.py $(OPTIONS)

bench: book ## measure speed and weight against the budgets (not part of the tests)
	@$(BIN)/python -m benchmarks

clean: ## remove what was built, but not the environment
	find _build -mindepth 1 -maxdepth 1 ! -name vendor -exec rm -rf {} +
	rm -rf reruns
