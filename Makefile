# make help lists the targets. `make run` and `make test` need nothing but Debian 12 and this file.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
PYTHON ?= /usr/bin/python3
VENV := .venv
PY := $(VENV)/bin/python
LINSANG := $(VENV)/bin/linsang

# Debian packages: what the sensor needs, and what the tests need on top.
RUN_PACKAGES := gcc libc6-dev python3 python3-dev python3-venv python3-bpfcc libbpf1 ca-certificates
TEST_PACKAGES := $(RUN_PACKAGES) clang libclang-rt-14-dev clang-format rsyslog

.PHONY: help build run demo test check fuzz bench fresh clean
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: $(VENV)/.built ## set-up alone; afterwards .venv/bin/linsang works
run: build ## the live sensor with the shipped rules, alerts on this terminal (root)
	@$(LINSANG) run $(ARGS)
