# Antrean. `make help` lists what there is.
# Works with POSIX make and with GNU make 3.81, which macOS ships.

.PHONY: run test check load compare capacity bench replay faults soak screenshots help clean

run: ## start everything: store, registration app, gateway and desk; Ctrl-C stops it
	@sh scripts/environment.sh .venv demo embedded
	@exec .venv/bin/antrean up

test: ## run the tests (ARGS="-k name" for some of them)
	@sh scripts/environment.sh .venv demo embedded
	@sh scripts/environment.sh .venv dev replay
	@exec .venv/bin/python -m pytest $(ARGS)

check: ## format, lint, types and architecture, all of them told
	@sh scripts/environment.sh .venv demo embedded
	@sh scripts/environment.sh .venv dev replay
	@sh scripts/check.sh .venv/bin

load: ## send visitors (USERS=200 RATE= SHAPE= MIX=), print a table, fail on a broken promise (ARGS="--help")
	@sh scripts/environment.sh .venv demo embedded
	@sh scripts/environment.sh .venv-load --only load
	@exec .venv-load/bin/python -m loadtests $(ARGS)

compare: ## the same surge without and with the line, side by side, with a picture (ARGS="--help")
	@sh scripts/environment.sh .venv demo embedded
	@sh scripts/environment.sh .venv-load --only load
	@exec .venv-load/bin/python -m loadtests.compare $(ARGS)

capacity: ## step the rate up until the site misses its target; ends in the `room set` to paste (ARGS="--help")
	@sh scripts/environment.sh .venv demo embedded
	@sh scripts/environment.sh .venv-load --only load
	@exec .venv-load/bin/python -m loadtests.capacity $(ARGS)

bench: ## measure the hot calls against a bare server, side by side
	@sh scripts/environment.sh .venv demo embedded
	@sh scripts/environment.sh .venv replay
	@exec .venv/bin/python -m benchmarks $(ARGS)

replay: ## replay the 26-hour day in virtual time, on a real store
	@sh scripts/environment.sh .venv demo embedded
	@sh scripts/environment.sh .venv replay
	@exec .venv/bin/python -m loadtests.replay $(ARGS)

faults: ## faults of store and workers under load, and a table (ARGS="emptied killed" for some, --admit)
	@sh scripts/environment.sh .venv demo embedded
	@sh scripts/environment.sh .venv dev replay
	@exec .venv/bin/python -m tests.faults.campaign $(ARGS)

soak: ## three minutes of mixed load: memory, open files and keys of the store must stay flat (ARGS=MINUTES)
	@sh scripts/environment.sh .venv demo embedded
	@sh scripts/environment.sh .venv dev replay
	@exec .venv/bin/python -m tests.faults.soak $(ARGS)

screenshots: ## photograph the pages into screenshots/, all states on contact-sheet.png (needs chromium)
	@sh scripts/environment.sh .venv demo embedded
	@sh scripts/environment.sh .venv dev replay
	@ANTREAN_SCREENSHOTS=screenshots ANTREAN_REQUIRE_BROWSER=1 .venv/bin/python -m pytest tests/browser $(ARGS)
	@.venv/bin/python -m tests.browser.contact_sheet screenshots

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

clean: ## remove environments and caches; keeps the state folder (the line, the registrations)
	rm -rf .venv .venv-load build dist antrean.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
