# The front door: every target is a line or two that calls a script. ARGS are handed on.
.DEFAULT_GOAL := help
.PHONY: help run demo dev package test check bench pictures

help: ## this list
	@awk -F ': ## ' '/^[a-z]+: ##/ { printf "make %-8s %s\n", $$1, $$2 }' Makefile

run: ## install what is missing, build, start; e.g. make run ARGS=--help
	@scripts/setup.sh run && scripts/build.sh
	@exec target/release/recipe-monitoring-dashboard $(ARGS)

demo: ## run it with the example recipe API on :5000 and its visitors, so that every panel is alive
	@scripts/setup.sh run && scripts/build.sh
	@exec scripts/demo.sh $(ARGS)

# cargo-leptos looks for its helpers on PATH, where cargo's own folder need not be.
dev: export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)
dev: ## the same with a debug build that follows every change
	@scripts/setup.sh run && exec cargo leptos watch $(ARGS)

package: ## a Debian package and a tarball with both programs, in target/package
	@scripts/setup.sh package && scripts/build.sh --embed && scripts/package.sh

test: ## everything that CI checks; ARGS=--rerun for what is known to pass, too
	@scripts/test.sh $(ARGS)

check: ## the quick part of it: format, clippy on both sides, no browser
	@scripts/test.sh --quick

pictures: ## take README's pictures of the demo that runs, best after half an hour; ARGS=URL for another
	@scripts/setup.sh test && CHROMIUM=$${CHROMIUM:-$$(command -v chromium)} node end2end/pictures.mjs $(ARGS)

bench: ## measure against peers; ARGS=--short for the short form
	@scripts/setup.sh bench && scripts/build.sh
	@node bench/run.mjs $(ARGS)
