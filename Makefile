# Start with make demo or make test. Each target installs what it needs.
WORKSPACE ?= workspaces/demo
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
DEV_READY := .venv/ready-dev
SPARK_READY := .venv/ready-spark
CHALLENGERS_READY := .venv/ready-challengers
KEYRING_READY := .venv/ready-keyring
CONNECTIONS_READY := .venv/ready-connections
MLFLOW_UI_READY := .venv/ready-mlflow-ui
READY := .venv/ready $(if $(filter spark,$(ENGINE)),$(SPARK_READY)) $(if $(CHALLENGERS),$(CHALLENGERS_READY)) $(if $(KEYRING),$(KEYRING_READY)) $(if $(filter database,$(SOURCE)),$(CONNECTIONS_READY))
# with uv, or else with pip; each file must have the hash that the lock file has for it
INSTALL = $(1)/bin/python pipeline/installation/install_locked.py $(1)
# the libraries that `make bench` compares with, in their own environment: featuretools needs pandas 2
PEERS := .venv-bench
# what builds the documentation site
DOCS := .venv-docs
# the Pythons of make test-pythons; make test runs on the oldest
PYTHONS ?= 3.12 3.13 3.14
# what makes the files of a release, in its own environment: its packages are no part of the program
RELEASE := .venv-release

# the variables that a user may set, as options of a step; empty ones are left out
workspace := --workspace "$(WORKSPACE)"
side_files := $(if $(MAPPING),--mapping "$(MAPPING)") $(if $(TRACKING),--tracking "$(TRACKING)")
source := $(if $(SOURCE),--source "$(SOURCE)") $(if $(RAW),--raw "$(RAW)") $(side_files)
as_of := $(if $(AS_OF),--as-of "$(AS_OF)")
capacity := $(if $(CAPACITY),--capacity "$(CAPACITY)")
nights := $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)")
force := $(if $(FORCE),--force)
dry_run := $(if $(DRY_RUN),--dry-run)
wait := $(if $(WAIT),--wait "$(WAIT)")
engine := $(if $(ENGINE),--engine "$(ENGINE)") $(if $(SPARK_MASTER),--spark-master "$(SPARK_MASTER)")
STEP := $(BIN)/python -m pipeline $(engine)

.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*\#\# .*/\1/p' $(firstword $(MAKEFILE_LIST)))

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(READY)  ## simulate a small store and make its contact list: the whole job, from raw files to the list
	@$(STEP) simulate $(workspace) --orders 10000
	@$(STEP) nightly $(workspace) --source canonical --raw "$(WORKSPACE)/raw" --as-of 2026-01-01 $(capacity) $(force)

nightly: $(READY)  ## load the files, train a model if there is none, make the contact list: SOURCE= RAW= WORKSPACE= AS_OF= [CAPACITY= FORCE=1 WAIT=10 MAPPING= TRACKING= PULL=0: do not pull first]
	@$(STEP) nightly $(workspace) $(source) $(as_of) $(capacity) $(force) $(wait) $(if $(filter 0,$(PULL)),--no-pull)

fleet: $(READY)  ## make the nights of many stores, each in its own process: STORES= AS_OF= [SOURCE=, for files in raw/ of each; JOBS= MINUTES=360 STORE_MINUTES=60 ATTEMPTS=2 FORCE=1]
	@$(STEP) fleet --stores "$(STORES)" $(as_of) $(if $(SOURCE),--source "$(SOURCE)") $(force) $(if $(JOBS),--jobs "$(JOBS)") $(if $(MINUTES),--minutes "$(MINUTES)") $(if $(STORE_MINUTES),--store-minutes "$(STORE_MINUTES)") $(if $(ATTEMPTS),--attempts "$(ATTEMPTS)")

deliver: $(READY)  ## send a published night to the targets of [deliver], each once; part of nightly: WORKSPACE= [AS_OF= TARGET= DRY_RUN=1]
	@$(STEP) deliver $(workspace) $(as_of) $(if $(TARGET),--target "$(TARGET)") $(dry_run)

send: $(READY)  ## send the released drafts of a night to the shop's channel, each buyer once: WORKSPACE= AS_OF= [RELEASE=all or order ids, DRY_RUN=1]
	@$(STEP) send $(workspace) $(as_of) $(if $(RELEASE),--release "$(RELEASE)") $(dry_run)

simulate: $(READY)  ## simulate a store: its raw files and its true risks: WORKSPACE= [ORDERS=5000 SEED=7 DAYS=731 EXPORTS=1: also API dumps, order sheets and tracking files]
	@$(STEP) simulate $(workspace) $(if $(ORDERS),--orders "$(ORDERS)") $(if $(SEED),--seed "$(SEED)") $(if $(DAYS),--days "$(DAYS)") $(if $(EXPORTS),--exports)

world-page: $(READY)  ## compare a simulated store with published figures, on a page of charts: WORKSPACE=
	@$(STEP) world-page $(workspace)

evaluate: $(READY)  ## compare the models of past nights with simple rules and, if simulated, the true risk: WORKSPACE= FROM= TO= [EVERY=7 VISIBLE=1]
	@$(STEP) evaluate $(workspace) $(nights) $(if $(EVERY),--every "$(EVERY)") $(if $(VISIBLE),--visible)

compare: $(READY)  ## compare the model with baselines and other learners on past nights: WORKSPACE= FROM= TO= [EVERY=28 CHALLENGERS=1]
	@$(STEP) compare $(workspace) $(nights) $(if $(EVERY),--every "$(EVERY)")

ablation: $(READY)  ## measure what each family of features adds on past nights: WORKSPACE= FROM= TO= [EVERY=7]
	@$(STEP) ablation $(workspace) $(nights) $(if $(EVERY),--every "$(EVERY)")

leak-cost: $(READY)  ## show how good the model would wrongly look with the usual mistakes with time: WORKSPACE= FROM= TO= [EVERY=7]
	@$(STEP) leak-cost $(workspace) $(nights) $(if $(EVERY),--every "$(EVERY)")

impact: $(READY)  ## estimate what the lists achieved, by comparison with the hold-out: WORKSPACE= AS_OF=
	@$(STEP) impact $(workspace) $(as_of)

monitor: $(READY)  ## check the model's health and its inputs: fine, watch or act; part of nightly: WORKSPACE= AS_OF=
	@$(STEP) monitor $(workspace) $(as_of)

map: $(READY)  ## propose a mapping file for a folder of unknown tables, for you to check: RAW= [MAPPING=RAW/mapping.toml ZONE=]
	@$(STEP) map $(if $(RAW),--raw "$(RAW)") $(if $(MAPPING),--mapping "$(MAPPING)") $(if $(ZONE),--zone "$(ZONE)")

replay: $(READY)  ## simulate what ways to choose among actions would have saved in a simulated store: WORKSPACE= FROM= TO= [SCENARIO=all CAPACITY=]
	@$(STEP) replay $(workspace) $(nights) $(capacity) $(if $(SCENARIO),--scenario "$(SCENARIO)")

init: $(READY)  ## make a workspace by answering five questions: WORKSPACE= [RAW= SOURCE= ZONE= POLICY= CAPACITY=]
	@$(STEP) init $(workspace) $(if $(RAW),--raw "$(RAW)") $(if $(SOURCE),--source "$(SOURCE)") $(if $(ZONE),--zone "$(ZONE)") $(if $(POLICY),--policy "$(POLICY)") $(capacity)

config: $(READY)  ## show the settings of a workspace and where each value comes from: WORKSPACE= [CHANGED=1, CHECK=1: check them, EXPLAIN=decide.capacity: explain one]
	@$(STEP) config $(if $(EXPLAIN),explain "$(EXPLAIN)",$(if $(CHECK),check,show)) $(workspace) $(if $(EXPLAIN)$(CHECK),,$(if $(CHANGED),--changed))

connect: $(READY)  ## connect a store to a platform: asks for what it needs, tests it, writes [pull]: WORKSPACE= [PLATFORM= STORE= KEEP=file ANSWERS="app_key=1" SECRETS="app_secret=env:NAME" FORCE=1, KEYRING=1: with the system's keyring]
	@$(STEP) connect $(workspace) $(if $(PLATFORM),--platform "$(PLATFORM)") $(if $(STORE),--store "$(STORE)") $(if $(KEEP),--keep "$(KEEP)") $(foreach answer,$(ANSWERS),--answer "$(answer)") $(foreach secret,$(SECRETS),--secret "$(secret)") $(force)

pull: $(READY)  ## get what is new from a database (RAW=, with the queries of RAW/database.toml; part of nightly) or from the platforms of a workspace: RAW= or WORKSPACE= [FULL=1: all rows of a database again, STORE=]
	@$(STEP) pull $(if $(RAW),--raw "$(RAW)",$(workspace)) $(if $(FULL),--full) $(if $(STORE),--store "$(STORE)")

receive: $(READY)  ## receive what 17TRACK and AfterShip push, for the next night: WORKSPACE= [PORT=8322 ADDRESS=]
	@$(STEP) receive $(workspace) $(if $(PORT),--port "$(PORT)") $(if $(ADDRESS),--address "$(ADDRESS)")

forget: $(READY)  ## erase a buyer from a workspace, and list the source files that still hold them: BUYER= WORKSPACE= [RAW= DRY_RUN=1: only say what would change]
	@$(STEP) forget $(workspace) --buyer "$(BUYER)" $(if $(RAW),--raw "$(RAW)") $(dry_run)

ingest: $(READY)  ## load files into a workspace; its tables are replaced: SOURCE= RAW= WORKSPACE= [MAPPING= TRACKING= FORCE=1: even if nothing has changed]
	@$(STEP) ingest $(workspace) $(source) $(force)

doctor: $(READY)  ## check files before loading them: what is good, rejected, missing or old; writes nothing: SOURCE= RAW= [WORKSPACE= MAPPING= TRACKING=]
	@$(STEP) doctor $(source) $(if $(WORKSPACE),$(workspace))

quarantine: $(READY)  ## show which rows of the last ingest and of contact lists were rejected, and why: WORKSPACE= [DISMISS=: drop a file of quarantine/sheets]
	@$(STEP) quarantine $(workspace) $(if $(DISMISS),--dismiss "$(DISMISS)")

requarantine: $(READY)  ## load again, with the rows that you fixed in quarantine: WORKSPACE= [SOURCE= RAW= MAPPING= TRACKING=; without SOURCE and RAW: only contact lists]
	@$(STEP) requarantine $(workspace) $(source)

features: $(READY)  ## write the training rows with their features to a file: WORKSPACE= AS_OF= [KEEP=1: also each family's table]
	@$(STEP) features $(workspace) $(as_of) $(if $(KEEP),--keep)

describe-features: $(READY)  ## describe every feature with its reason and an example: WORKSPACE= AS_OF=
	@$(STEP) describe-features $(workspace) $(as_of)

leak-proof: $(READY)  ## change facts that past nights could not know, and check that no feature changes: WORKSPACE= [NIGHTS=4 SEED=1]
	@$(STEP) leak-proof $(workspace) $(if $(NIGHTS),--nights "$(NIGHTS)") $(if $(SEED),--seed "$(SEED)")

train: $(READY)  ## train a model on the outcomes known on a day: the first champion, or a challenger: WORKSPACE= AS_OF= [POOL=: folder of workspaces to train one model of, for a new store]
	@$(STEP) train $(workspace) $(as_of) $(if $(POOL),--pool "$(POOL)")

tune: $(READY)  ## look for better settings for the model; train then uses them: WORKSPACE= AS_OF= [MINUTES=10]
	@$(STEP) tune $(workspace) $(as_of) $(if $(MINUTES),--minutes "$(MINUTES)")

promote: $(READY)  ## make the challenger the champion if it passes the promotion gate: WORKSPACE= [EVERY=3 AS_JUDGED=1: without training it again on all known outcomes]
	@$(STEP) promote $(workspace) $(if $(EVERY),--every "$(EVERY)") $(if $(AS_JUDGED),--as-judged)

rollback: $(READY)  ## return to the previous champion: WORKSPACE=
	@$(STEP) rollback $(workspace)

score: $(READY)  ## make the contact list from the tables and the model as they are: WORKSPACE= AS_OF= [CAPACITY= FORCE=1 WAIT=10]
	@$(STEP) score $(workspace) $(as_of) $(capacity) $(force) $(wait)

report: $(READY)  ## make the page of a published night again: WORKSPACE= AS_OF=
	@$(STEP) report $(workspace) $(as_of)

contacts: $(READY)  ## load a contact list that the agents have filled in, .csv or .xlsx: FILE= WORKSPACE=
	@$(STEP) contacts $(workspace) --file "$(FILE)"

clock: $(READY)  ## list the open disputes by deadline, with a draft answer for each: WORKSPACE= AS_OF=
	@$(STEP) clock $(workspace) $(as_of)

kpi: $(READY)  ## calculate the rates that the platform judges the store by: WORKSPACE= AS_OF= [BY="category product country carrier supplier lane" WINDOW=30]
	@$(STEP) kpi $(workspace) $(as_of) $(foreach dimension,$(BY),--by "$(dimension)") $(if $(WINDOW),--window "$(WINDOW)")

products: $(READY)  ## review the products: dispute rate, likely cause, what to do; what if: WORKSPACE= AS_OF= [COSTS= DROP="p-1 p-2" MOVE="old lane=new lane"]
	@$(STEP) products $(workspace) $(as_of) $(if $(COSTS),--costs "$(COSTS)") $(foreach product,$(DROP),--drop "$(product)") $(if $(MOVE),--move "$(MOVE)")

candidate: $(READY)  ## forecast the dispute rate of products not yet sold: WORKSPACE= AS_OF= FILE=candidates.csv
	@$(STEP) candidate $(workspace) $(as_of) --file "$(FILE)"

compare-products: $(READY)  ## show which of two products is disputed less, and how certain that is: WORKSPACE= AS_OF= A= B=
	@$(STEP) compare-products $(workspace) $(as_of) --a "$(A)" --b "$(B)"

products-check: $(READY)  ## compare 24 past product reviews of a simulated store with its true rates: WORKSPACE= FROM= TO=
	@$(STEP) products-check $(workspace) $(nights)

rules-check: $(READY)  ## compare forecasts of the rates on past month-ends with what happened: WORKSPACE= FROM= TO=
	@$(STEP) rules-check $(workspace) $(nights)

backtest: $(READY)  ## score past nights, each with a model that knew only earlier outcomes: WORKSPACE= FROM= TO= [EVERY=7 SOURCE= RAW= CAPACITY=]
	@$(STEP) backtest $(workspace) $(source) $(capacity) $(nights) $(if $(EVERY),--every "$(EVERY)")

board: $(READY)  ## show nights, orders and products in a browser and share the work on the list: WORKSPACE= [PORT=8321 ADDRESS= REASON= HOST=]
	@$(STEP) board $(workspace) $(if $(PORT),--port "$(PORT)") $(if $(ADDRESS),--address "$(ADDRESS)") $(if $(REASON),--reason "$(REASON)") $(if $(HOST),--host "$(HOST)")

board-user: $(READY)  ## add, change or remove a user of the board: WORKSPACE= LOGIN= [ROLE=agent|lead|reader TOKEN=1 PROXY=1 REMOVE=1]
	@$(STEP) board-user $(workspace) --login "$(LOGIN)" $(if $(ROLE),--role "$(ROLE)") $(if $(TOKEN),--token) $(if $(PROXY),--proxy) $(if $(REMOVE),--remove)

notebooks: $(READY) $(DEV_READY)  ## run the notebooks and keep them, with their outputs, in the workspace: WORKSPACE= AS_OF=
	@$(STEP) notebooks $(workspace) $(as_of)

connections: $(READY) $(CONNECTIONS_READY)  ## add what PostgreSQL, MySQL, S3 and SFTP need to .venv; SOURCE=database does it by itself

mlflow-ui: $(READY) $(MLFLOW_UI_READY)  ## show the models of a workspace in MLflow: WORKSPACE=
	@$(BIN)/mlflow ui --host 127.0.0.1 --backend-store-uri "sqlite:///$(abspath $(WORKSPACE))/mlflow.db"

wheel: $(READY)  ## build the package of the program into dist/, to install with pip: docs/guide/operator/install.md
	@rm -rf build dist *.egg-info
	@$(BIN)/python -m pip --disable-pip-version-check wheel --quiet --no-deps --wheel-dir dist .
	@rm -rf build *.egg-info
	@echo "the package: $$(ls dist/*.whl)"

lock: $(RELEASE)/ready  ## write requirements*.lock, with the hash of every file, from requirements*.txt
	@for pins in $(filter-out requirements-release.txt,$(wildcard requirements*.txt)); do \
		{ echo "# Made by make lock from $$pins: every package at its version, with the hash of each file that may be"; \
		echo "# installed. Do not edit by hand."; \
		$(RELEASE)/bin/uv pip compile --quiet --no-config --no-deps --generate-hashes --no-header --no-annotate --python-version 3.11.5 "$$pins"; } > build.lock \
		|| { rm build.lock; exit 1; }; mv build.lock "$${pins%.txt}.lock"; done

sbom: $(READY) $(RELEASE)/ready  ## list the parts of the program and their licences, into dist/: sbom.json (CycloneDX) and licences.md
	@mkdir -p dist
	@$(RELEASE)/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible --output-file dist/sbom.json requirements.lock
	@$(RELEASE)/bin/pip-licenses --python $(BIN)/python --with-system --from mixed --format markdown --order license --packages $$(sed -n 's/^\([A-Za-z0-9_.-]*\)==.*/\1/p' requirements.txt) --output-file dist/licences.md
	@echo "parts and licences: dist/sbom.json, dist/licences.md"

audit: $(READY) $(RELEASE)/ready  ## look up known vulnerabilities of the locked packages; says which it could not look up
	@for lock in requirements*.lock; do \
		$(RELEASE)/bin/pip-audit --no-deps --disable-pip --progress-spinner off --format json --output audit.json --requirement "$$lock" 2>/dev/null; \
		echo "$$lock"; $(BIN)/python pipeline/installation/audit_report.py audit.json || failed=1; rm -f audit.json; done; test -z "$$failed"

bench: $(READY) $(DEV_READY) $(PEERS)/ready  ## measure speed, memory and accuracy, and compare them with other libraries: [SIZES="200000 2000000" LIMIT=900 NIGHTS="10000000" TRAIN_ROWS=5000000]
	@PYTHONPATH=. $(BIN)/python tests/bench/trailing_totals.py --peers $(PEERS)/bin/python $(if $(SIZES),--sizes "$(SIZES)") $(if $(LIMIT),--limit "$(LIMIT)")
	@PYTHONPATH=. $(BIN)/python tests/bench/loading.py
	@PYTHONPATH=. $(BIN)/python tests/bench/nightly.py $(NIGHTS)
	@PYTHONPATH=. $(BIN)/python tests/bench/deliver.py
	@PYTHONPATH=. $(BIN)/python tests/bench/fleet.py
	@PYTHONPATH=. $(BIN)/python tests/bench/deliveries.py
	@PYTHONPATH=. $(BIN)/python tests/bench/pulled_store.py
	@PYTHONPATH=. $(BIN)/python tests/bench/model.py $(TRAIN_ROWS)
	@PYTHONPATH=. $(BIN)/python tests/bench/simulator.py
	@PYTHONPATH=. $(BIN)/python tests/bench/bounded_memory.py
	@PYTHONPATH=. $(BIN)/python tests/bench/kpi.py
	@PYTHONPATH=. $(BIN)/python tests/bench/products.py
	@PYTHONPATH=. $(BIN)/python tests/bench/choose_actions.py
	@PYTHONPATH=. $(BIN)/python tests/bench/page.py
	@PYTHONPATH=. $(BIN)/python tests/bench/api_readers.py
	@PYTHONPATH=. $(BIN)/python tests/bench/dumps.py
	@PYTHONPATH=. $(BIN)/python tests/bench/pull.py
	@PYTHONPATH=. $(BIN)/python tests/bench/receive.py
	@PYTHONPATH=. $(BIN)/python tests/bench/impact.py --peers $(PEERS)/bin/python

PYTEST := $(BIN)/python -m pytest --numprocesses auto --dist worksteal
# CI measures the coverage of these: tests that call the code in their own process and are quick when traced
TRACED := tests/spec tests/unit/models tests/unit/settings tests/unit/drafts tests/unit/output tests/unit/indicators tests/unit/pages tests/unit/configuration tests/unit/connections tests/unit/connect tests/unit/sources/shops tests/unit/sources/parcelservices

test: $(READY) $(DEV_READY) $(if $(JAVA_HOME)$(shell command -v java),$(SPARK_READY))  ## run the tests; those for Spark only if Java is installed
	@command -v chromium >/dev/null || echo "Chromium is not installed: the browser tests are skipped (bash tests/browser/install.sh installs it)"
	@$(PYTEST) $(if $(CI),$(TRACED) --cov --cov-report=term:skip-covered)
	@$(if $(CI),$(PYTEST) $(addprefix --ignore=,$(TRACED)),true)
	@echo "tests passed; tests/spec shows what they check"

test-pythons: $(READY)  ## run the tests of features, models and command line on other Pythons; says which are missing: [PYTHONS="3.12 3.13 3.14"]
	@for version in $(PYTHONS); do \
		command -v python$$version >/dev/null && python$$version -c '' 2>/dev/null || { echo "Python $$version: NOT RUN, because it is not installed"; continue; }; \
		folder=.venv-pythons/$$version; test -x $$folder/bin/python || python$$version -m venv $$folder || exit 1; \
		$$folder/bin/python pipeline/installation/install_locked.py $$folder requirements.lock requirements-connections.lock requirements-mlflow-ui.lock requirements-dev.lock || exit 1; \
		$$folder/bin/python -m pytest -p no:cacheprovider -n0 tests/spec tests/unit/models tests/unit/cli/test_help.py || exit 1; \
		echo "Python $$version: passed"; done

docs: docs-reference $(DOCS)/ready  ## build the documentation site into site/
	@$(DOCS)/bin/zensical build --clean --strict
	@echo "documentation: site/index.html"

docs-reference: $(READY)  ## write the generated pages of docs/reference
	@$(STEP) docs-reference

docs-features: $(READY)  ## write the page of the features, with examples from the demo
	@$(STEP) describe-features --workspace workspaces/demo --as-of 2026-01-01
	@cp workspaces/demo/features.md docs/reference/features.md

docs-pictures: $(READY) $(DEV_READY)  ## take the pictures of the docs from the demo, in Chromium
	@$(STEP) docs-pictures --workspace workspaces/demo --as-of 2026-01-01

docs-notebooks: $(READY) $(DEV_READY)  ## run the committed notebooks on the demo and keep their outputs
	@$(STEP) docs-notebooks --workspace workspaces/demo --as-of 2026-01-01

lint: $(READY) $(DEV_READY) $(DOCS)/ready  ## check style, types and the links of the docs
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(DOCS)/bin/zensical build --clean --strict

check: lint test  ## run what CI runs: lint and test

clean:  ## remove the virtual environments; workspaces stay
	rm -rf .venv .venv-pythons $(PEERS) $(DOCS) $(RELEASE)

.venv/ready: requirements.lock
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, but none was found. Install it, or set PYTHON=..."; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11. Set PYTHON=... to a newer one."; exit 1; }
	@echo "setting up .venv with pinned packages (only once; about a minute)"
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv || { echo "python -m venv failed. On Debian, run: apt-get install python3-venv"; rm -rf .venv; exit 1; }
	@$(call INSTALL,.venv) $<
	@touch $@

$(CONNECTIONS_READY): requirements-connections.lock .venv/ready
	@echo "adding drivers of databases, S3 and SFTP, and the SDK of Stripe, to .venv (only once; about 90 MB)"
	@$(call INSTALL,.venv) $<
	@touch $@

$(MLFLOW_UI_READY): requirements-mlflow-ui.lock .venv/ready
	@echo "adding MLflow's pages and server to .venv (only once; about 200 MB)"
	@$(call INSTALL,.venv) $<
	@touch $@

$(DEV_READY): requirements-dev.lock .venv/ready $(CONNECTIONS_READY) $(MLFLOW_UI_READY)
	@echo "adding to .venv what tests, style checks and notebooks need (only once; about 400 MB)"
	@$(call INSTALL,.venv) $<
	@touch $@

$(SPARK_READY): requirements-spark.lock .venv/ready
	@echo "adding PySpark to .venv (only once; about 450 MB)"
	@$(call INSTALL,.venv) $<
	@touch $@

$(CHALLENGERS_READY): requirements-challengers.lock .venv/ready
	@echo "adding XGBoost, CatBoost and FLAML to .venv (only once; about 900 MB)"
	@$(call INSTALL,.venv) $<
	@touch $@

$(KEYRING_READY): requirements-keyring.lock .venv/ready
	@echo "adding to .venv what reads the system's keyring (only once; under 1 MB)"
	@$(call INSTALL,.venv) $<
	@touch $@

$(DOCS)/ready: requirements-docs.lock
	@echo "setting up $(DOCS) with the documentation builder (once; a few seconds)"
	@test -x $(DOCS)/bin/python || "$(PYTHON)" -m venv $(DOCS)
	@$(call INSTALL,$(DOCS)) $<
	@touch $@

$(RELEASE)/ready: requirements-release.txt
	@echo "setting up $(RELEASE) with the tools of a release (once; a few seconds)"
	@test -x $(RELEASE)/bin/python || "$(PYTHON)" -m venv $(RELEASE)
	@$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(PEERS)/ready: tests/bench/requirements.txt | $(READY)
	@echo "setting up $(PEERS) with the libraries to compare with (only once; about a minute)"
	@test -x $(PEERS)/bin/python || "$(PYTHON)" -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/bench/requirements.txt
	@touch $@
