# Two commands do everything: make demo, make test. Each sets up what it needs by itself.
WORKSPACE ?= workspaces/demo
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
SPARK_READY := .venv/ready-spark
CHALLENGERS_READY := .venv/ready-challengers
READY := .venv/ready $(if $(filter spark,$(ENGINE)),$(SPARK_READY)) $(if $(CHALLENGERS),$(CHALLENGERS_READY))
# what `make bench` compares with, in an environment of its own: featuretools needs pandas 2
PEERS := .venv-bench
# what builds the documentation site
DOCS := .venv-docs
.PHONY: docs docs-reference docs-pictures docs-notebooks

# the variables a user may set, as options of a step; an empty one is left out
where := --workspace "$(WORKSPACE)"
beside := $(if $(MAPPING),--mapping "$(MAPPING)") $(if $(TRACKING),--tracking "$(TRACKING)")
source := $(if $(SOURCE),--source "$(SOURCE)") $(if $(RAW),--raw "$(RAW)") $(beside)
as_of := $(if $(AS_OF),--as-of "$(AS_OF)")
capacity := $(if $(CAPACITY),--capacity "$(CAPACITY)")
nights := $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)")
force := $(if $(FORCE),--force)
engine := $(if $(ENGINE),--engine "$(ENGINE)") $(if $(SPARK_MASTER),--spark-master "$(SPARK_MASTER)")
STEP := $(BIN)/python -m pipeline $(engine)

.DEFAULT_GOAL := help
.PHONY: help demo nightly simulate world-page map pull ingest doctor quarantine requarantine features describe-features leak-proof train tune promote rollback score report contacts clock kpi products candidate compare-products products-check rules-check backtest evaluate compare ablation leak-cost impact monitor replay notebooks board mlflow-ui bench test lint check clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY)  ## the main job on a small simulated store: from raw files to a contact list
	@$(STEP) simulate $(where) --orders 10000
	@$(STEP) nightly $(where) --source canonical --raw "$(WORKSPACE)/raw" --as-of 2026-01-01 $(capacity) $(force)

nightly: $(READY)  ## ingest, train if there is no champion, score: SOURCE= RAW= WORKSPACE= AS_OF= [CAPACITY= FORCE=1 MAPPING= TRACKING=]
	@$(STEP) nightly $(where) $(source) $(as_of) $(capacity) $(force)

simulate: $(READY)  ## write the raw files of a made-up store, and the truth behind: WORKSPACE= [ORDERS=5000 SEED=7 DAYS=731 EXPORTS=1: as API dumps, order sheet and tracking too]
	@$(STEP) simulate $(where) $(if $(ORDERS),--orders "$(ORDERS)") $(if $(SEED),--seed "$(SEED)") $(if $(DAYS),--days "$(DAYS)") $(if $(EXPORTS),--exports)

world-page: $(READY)  ## a page of plots of a simulated store beside published ranges: WORKSPACE=
	@$(STEP) world-page $(where)

evaluate: $(READY)  ## the model of past nights beside rules of thumb and the attainable: WORKSPACE= FROM= TO= [EVERY=7 VISIBLE=1]
	@$(STEP) evaluate $(where) $(nights) $(if $(EVERY),--every "$(EVERY)") $(if $(VISIBLE),--visible)

compare: $(READY)  ## the model beside baselines and other learners on past nights: WORKSPACE= FROM= TO= [EVERY=28 CHALLENGERS=1]
	@$(STEP) compare $(where) $(nights) $(if $(EVERY),--every "$(EVERY)")

ablation: $(READY)  ## what each family of features adds on past nights: WORKSPACE= FROM= TO= [EVERY=7]
	@$(STEP) ablation $(where) $(nights) $(if $(EVERY),--every "$(EVERY)")

leak-cost: $(READY)  ## what the usual mistakes with time would have claimed: WORKSPACE= FROM= TO= [EVERY=7]
	@$(STEP) leak-cost $(where) $(nights) $(if $(EVERY),--every "$(EVERY)")

impact: $(READY)  ## what the lists achieved, from the hold-out they keep: WORKSPACE= AS_OF=
	@$(STEP) impact $(where) $(as_of)

monitor: $(READY)  ## is the model still right, are its inputs as usual: fine, watch or act; part of nightly: WORKSPACE= AS_OF=
	@$(STEP) monitor $(where) $(as_of)

replay: $(READY)  ## what contact policies would have saved in a simulated store: WORKSPACE= FROM= TO= [CAPACITY=]
	@$(STEP) replay $(where) $(nights) $(capacity)

map: $(READY)  ## propose a mapping file for a folder of unknown tables, to be edited: RAW= [MAPPING=RAW/mapping.toml]
	@$(STEP) map $(if $(RAW),--raw "$(RAW)") $(if $(MAPPING),--mapping "$(MAPPING)")

pull: $(READY)  ## ask a database the queries of RAW/database.toml, for what is new; part of nightly: RAW= [FULL=1: all again]
	@$(STEP) pull --raw "$(RAW)" $(if $(FULL),--full)

ingest: $(READY)  ## replace a workspace's tables: SOURCE= RAW= WORKSPACE= [MAPPING= TRACKING=]
	@$(STEP) ingest $(where) $(source)

doctor: $(READY)  ## read raw files whole, write nothing, say what would be loaded and what is missing: SOURCE= RAW= [WORKSPACE= MAPPING= TRACKING=]
	@$(STEP) doctor $(source) $(if $(WORKSPACE),$(where))

quarantine: $(READY)  ## which rows of the last ingest were refused, and why: WORKSPACE=
	@$(STEP) quarantine $(where)

requarantine: $(READY)  ## take records mended in the quarantine, and ingest again: SOURCE= RAW= WORKSPACE= [MAPPING= TRACKING=]
	@$(STEP) requarantine $(where) $(source)

features: $(READY)  ## the training matrix as a file: WORKSPACE= AS_OF= [KEEP=1: each family's table too]
	@$(STEP) features $(where) $(as_of) $(if $(KEEP),--keep)

describe-features: $(READY)  ## a page of every feature with its reason and an example: WORKSPACE= AS_OF=
	@$(STEP) describe-features $(where) $(as_of)

leak-proof: $(READY)  ## disturb what past nights could not know; no feature may move: WORKSPACE= [NIGHTS=4 SEED=1]
	@$(STEP) leak-proof $(where) $(if $(NIGHTS),--nights "$(NIGHTS)") $(if $(SEED),--seed "$(SEED)")

train: $(READY)  ## fit a model on what had matured: the challenger, or the first champion: WORKSPACE= AS_OF=
	@$(STEP) train $(where) $(as_of)

tune: $(READY)  ## search the model's settings on forward folds; train uses what is better: WORKSPACE= AS_OF= [MINUTES=10]
	@$(STEP) tune $(where) $(as_of) $(if $(MINUTES),--minutes "$(MINUTES)")

promote: $(READY)  ## make the challenger champion if nothing speaks against it, refitted on all that has matured: WORKSPACE= [EVERY=3 AS_JUDGED=1]
	@$(STEP) promote $(where) $(if $(EVERY),--every "$(EVERY)") $(if $(AS_JUDGED),--as-judged)

rollback: $(READY)  ## return to the former champion: WORKSPACE=
	@$(STEP) rollback $(where)

score: $(READY)  ## one night with the champion as it is: WORKSPACE= AS_OF= [CAPACITY= FORCE=1]
	@$(STEP) score $(where) $(as_of) $(capacity) $(force)

report: $(READY)  ## the morning's page of a published night, made anew: WORKSPACE= AS_OF=
	@$(STEP) report $(where) $(as_of)

contacts: $(READY)  ## take a filled-in contact list back, .csv or .xlsx: FILE= WORKSPACE=
	@$(STEP) contacts $(where) --file "$(FILE)"

clock: $(READY)  ## open disputes by deadline, with what happens then and a draft answer: WORKSPACE= AS_OF=
	@$(STEP) clock $(where) $(as_of)

kpi: $(READY)  ## the rates that the platform judges by, as of a day: WORKSPACE= AS_OF= [BY="category product country carrier supplier lane" WINDOW=30]
	@$(STEP) kpi $(where) $(as_of) $(foreach dimension,$(BY),--by "$(dimension)") $(if $(WINDOW),--window "$(WINDOW)")

products: $(READY)  ## review the products: rate with interval, whose fault, verdict; what if: WORKSPACE= AS_OF= [COSTS= DROP="p-1 p-2" MOVE="old lane=new lane"]
	@$(STEP) products $(where) $(as_of) $(if $(COSTS),--costs "$(COSTS)") $(foreach product,$(DROP),--drop "$(product)") $(if $(MOVE),--move "$(MOVE)")

candidate: $(READY)  ## the dispute rate of products not yet sold: WORKSPACE= AS_OF= FILE=candidates.csv
	@$(STEP) candidate $(where) $(as_of) --file "$(FILE)"

compare-products: $(READY)  ## which of two products is disputed less, how sure: WORKSPACE= AS_OF= A= B=
	@$(STEP) compare-products $(where) $(as_of) --a "$(A)" --b "$(B)"

products-check: $(READY)  ## product reviews of 24 past days of a simulated store beside its true rates: WORKSPACE= FROM= TO=
	@$(STEP) products-check $(where) $(nights)

rules-check: $(READY)  ## forecasts of the rates on past month-ends beside what came: WORKSPACE= FROM= TO=
	@$(STEP) rules-check $(where) $(nights)

backtest: $(READY)  ## score past nights walking forward: WORKSPACE= FROM= TO= [EVERY=7 SOURCE= RAW= CAPACITY=]
	@$(STEP) backtest $(where) $(source) $(capacity) $(nights) $(if $(EVERY),--every "$(EVERY)")

board: $(READY)  ## look at nights, orders and products in a browser and mark contacts, on this machine: WORKSPACE= [PORT=8321 ADDRESS= REASON=]
	@$(STEP) board $(where) $(if $(PORT),--port "$(PORT)") $(if $(ADDRESS),--address "$(ADDRESS)") $(if $(REASON),--reason "$(REASON)")

notebooks: $(READY)  ## run the notebooks and keep them, with their outputs, in the workspace: WORKSPACE= AS_OF=
	@$(STEP) notebooks $(where) $(as_of)

mlflow-ui: $(READY)  ## look at the models of a workspace in MLflow: WORKSPACE=
	@$(BIN)/mlflow ui --host 127.0.0.1 --backend-store-uri "sqlite:///$(abspath $(WORKSPACE))/mlflow.db"

bench: $(READY) $(PEERS)/ready  ## the feature kernel beside sorting alone and its peers, a night's features, a list out of a million orders, the model, the simulator, the indicators, the product reviews, the page, a gigabyte of dumps, a database that dies, effects beside EconML and CausalML: [SIZES="200000 2000000" LIMIT=900 NIGHTS="10000000" TRAIN_ROWS=5000000]
	@PYTHONPATH=. $(BIN)/python tests/bench/trailing_totals.py --peers $(PEERS)/bin/python $(if $(SIZES),--sizes "$(SIZES)") $(if $(LIMIT),--limit "$(LIMIT)")
	@PYTHONPATH=. $(BIN)/python tests/bench/nightly.py $(NIGHTS)
	@PYTHONPATH=. $(BIN)/python tests/bench/deliver.py
	@PYTHONPATH=. $(BIN)/python tests/bench/model.py $(TRAIN_ROWS)
	@PYTHONPATH=. $(BIN)/python tests/bench/simulator.py
	@PYTHONPATH=. $(BIN)/python tests/bench/kpi.py
	@PYTHONPATH=. $(BIN)/python tests/bench/products.py
	@PYTHONPATH=. $(BIN)/python tests/bench/page.py
	@PYTHONPATH=. $(BIN)/python tests/bench/dumps.py
	@PYTHONPATH=. $(BIN)/python tests/bench/pull.py
	@PYTHONPATH=. $(BIN)/python tests/bench/impact.py --peers $(PEERS)/bin/python

test: $(READY) $(if $(JAVA_HOME)$(shell command -v java),$(SPARK_READY))  ## run the tests; those of Spark where there is Java
	@command -v chromium >/dev/null || echo "no Chromium: the tests in a browser are skipped (bash tests/browser/install.sh gets it)"
	@$(BIN)/python -m pytest --numprocesses auto --dist worksteal $(if $(CI),--cov --cov-report=term:skip-covered)
	@echo "tests passed; what they check is told in tests/spec"

docs: docs-reference $(DOCS)/ready  ## build the documentation site into site/
	@$(DOCS)/bin/zensical build --clean --strict
	@echo "documentation: site/index.html"

docs-reference: $(READY)  ## write the generated pages of docs/reference
	@$(STEP) docs-reference

docs-pictures: $(READY)  ## take the pictures of the docs from the demo, in Chromium
	@$(STEP) docs-pictures --workspace workspaces/demo --as-of 2026-01-01

docs-notebooks: $(READY)  ## run the committed notebooks on the demo and keep their outputs
	@$(STEP) docs-notebooks --workspace workspaces/demo --as-of 2026-01-01

lint: $(READY)  ## style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

check: lint test  ## what CI runs

clean:  ## remove the virtual environments; workspaces stay
	rm -rf .venv $(PEERS) $(DOCS)

.venv/ready: requirements.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; none was found. Install it, or say PYTHON=..."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11; say PYTHON=..."; exit 1; }
	@echo "setting up .venv with pinned packages (once; one to three minutes)"
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv || { echo "venv failed; on Debian: apt-get install python3-venv"; rm -rf .venv; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

$(SPARK_READY): requirements-spark.txt .venv/ready
	@echo "adding PySpark to .venv (once; about 450 MB)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-spark.txt
	@touch $@

$(CHALLENGERS_READY): requirements-challengers.txt .venv/ready
	@echo "adding XGBoost, CatBoost and FLAML to .venv (once; about 900 MB)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-challengers.txt
	@touch $@

$(DOCS)/ready: requirements-docs.txt
	@echo "setting up $(DOCS) with the documentation builder (once; a few seconds)"
	@test -x $(DOCS)/bin/python || "$(PYTHON)" -m venv $(DOCS)
	@$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements-docs.txt
	@touch $@

$(PEERS)/ready: tests/bench/requirements.txt | $(READY)
	@echo "setting up $(PEERS) with what the benchmark compares with (once; about a minute)"
	@test -x $(PEERS)/bin/python || "$(PYTHON)" -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/bench/requirements.txt
	@touch $@
