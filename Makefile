# make help lists the targets. `make run` and `make test` need nothing but Debian 12 and this file.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory
PYTHON ?= /usr/bin/python3
VENV := .venv
PY := $(VENV)/bin/python
LINSANG := $(VENV)/bin/linsang

Q := $(if $(V),,@)
PIP := $(PY) -m pip $(if $(V),,--quiet --quiet) --disable-pip-version-check install --no-build-isolation
# a network that is away for a minute is waited for
export PIP_RETRIES ?= 9
say = @printf '  %-7s %s\n' $(1) '$(2)'

# Debian packages: what the build needs; what the live sensor needs on top; what the tests, then the benches need.
BUILD_PACKAGES := gcc libc6-dev python3 python3-dev python3-venv ca-certificates
RUN_PACKAGES := $(BUILD_PACKAGES) python3-bpfcc libbpf1
TEST_PACKAGES := $(RUN_PACKAGES) bpftool clang libclang-rt-14-dev clang-format curl iproute2 rsyslog rpm
# what attack commands are run through; not cron, which would start, nor sudo, which is the site's to set up
TEST_PACKAGES += busybox expect gawk git lua5.4 ncat openssh-client parallel php-cli rsync ruby socat strace
WINDOWS_PACKAGES := $(TEST_PACKAGES) gcc-mingw-w64-x86-64 wine64 wine
BENCH_PACKAGES := $(RUN_PACKAGES) bpftool bpfcc-tools libbpf-tools libhyperscan-dev

NATIVE := $(wildcard native/*.c)
HEADERS := $(wildcard native/*.h native/*.def)
C_FILES := $(NATIVE) $(wildcard tests/native/*.c tests/kernel/load/*.c bench/load/*.c bench/native/*.c)
FORMATTED := $(C_FILES) $(wildcard bench/peers/*.c bench/native/*.h bench/load/*.h native/*.h packaging/windows/*.c probes/*.c probes/*.h tests/native/*.h tests/kernel/load/*.h)
DEMO := tests/golden/demo.linsang

.PHONY: help build run demo test test-windows wheel-windows check fuzz bench fresh clean
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo '  V=1 shows the commands; ARGS="..." goes on to linsang, pytest or the bench'

build: packages.BUILD $(VENV)/.built ## set-up alone; afterwards .venv/bin/linsang works

# exec: a signal to make is then one to the sensor
run: packages.RUN $(VENV)/.built ## the live sensor with the shipped rules, alerts on this terminal (root)
	@packaging/can-run.sh
	$(Q)exec $(LINSANG) run $(ARGS)

demo: build ## alerts from a shipped recording of real events; needs neither root nor BPF
	$(Q)$(LINSANG) replay $(DEMO) --rules rules/linux --output 'stdout:?format=pretty' $(ARGS)

# a worker that dies ends the run: who takes its place may never get anything to do
WORKERS := --numprocesses 2 --max-worker-restart 0
test: packages.TEST $(VENV)/.tested ## set-up and every test
	@# the kernel is one: what watches it runs alone; 5 is that ARGS chose nothing of a part
	$(Q)$(PY) -m pytest -m 'not kernel' $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS) || [ $$? = 5 ]
	$(Q)$(PY) -m pytest -m kernel $(ARGS) || [ $$? = 5 ]

# wine is Windows for what these tests need of it; what it is not is said in README
test-windows: packages.WINDOWS $(VENV)/.tested ## the sensor as a program of Windows, under wine that it sets up
	$(Q)packaging/windows/setup.sh
	$(Q)$(MAKE) --file packaging/windows/windows.mk test

wheel-windows: packages.WINDOWS $(VENV)/.tested ## dist/linsang-VERSION-cp311-abi3-win_amd64.whl
	$(Q)packaging/windows/setup.sh
	$(Q)$(MAKE) --file packaging/windows/windows.mk wheel

fuzz: packages.TEST $(VENV)/.tested ## the fuzzers of the C core, and random rules by both engines, FUZZ_SECONDS (60) each
	$(Q)$(PY) tests/native/fuzz.py --seconds $(or $(FUZZ_SECONDS),60) $(ARGS)
	$(Q)$(PY) tests/unit/test_differential.py $(or $(FUZZ_SECONDS),60)

bench: packages.BENCH $(VENV)/.built ## what the sensor costs, beside its peers, into bench/results/ (root)
	-$(Q)$(PIP) --requirement bench/peers/requirements.txt
	$(Q)$(PY) -m bench.run $(ARGS)

fresh: ## proof that both commands work on a minimal Debian 12 (root)
	$(Q)packaging/fresh-machine.sh $(ARGS)

clean: ## all that was built, the venv included
	$(Q)rm -rf $(VENV) build *.egg-info sensor/_native.c sensor/_native.*.so

packages.%:
	@packaging/require.sh $($*_PACKAGES)

# ---- Python side: a venv, then the extension ----
$(VENV)/.made: | packages.BUILD
	$(call say,VENV,$(VENV))
	$(Q)$(PYTHON) -m venv $(VENV)
	$(Q)$(PIP) 'setuptools>=77' 'cffi>=1.16'
	@touch $@

$(VENV)/.built: $(VENV)/.made $(NATIVE) $(HEADERS) setup.py sensor/_build.py pyproject.toml
	$(call say,CC,native/*.c -> sensor/_native)
	$(Q)$(PIP) --editable '.[rules,linux,evtx,pe]'
	$(Q)$(PY) -m compileall -q sensor  # PYTHONDONTWRITEBYTECODE would have each start do it
	@touch $@

$(VENV)/.tested: $(VENV)/.built
	$(call say,PIP,test tools)
	$(Q)$(PIP) --editable '.[rules,linux,evtx,pe,dev]'
	@touch $@

# ---- make check: every C file under both compilers, with warnings as errors ----
WARN := -std=c11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -Inative -Itests/native
# what needs windows.h is compiled by windows.mk, as strictly
HERE := $(filter-out $(shell grep -l "<windows.h>" $(C_FILES)),$(C_FILES))
OBJECTS := $(foreach cc,gcc clang,$(HERE:%.c=build/check/$(cc)/%.o))

check: packages.TEST $(VENV)/.tested $(OBJECTS) ## format, lint, types, warnings
	$(call say,FORMAT,clang-format)
	$(Q)clang-format --dry-run -Werror $(FORMATTED)
	$(call say,FORMAT,ruff)
	$(Q)$(PY) -m ruff format --check --quiet .
	$(Q)$(PY) -m ruff check --quiet .
	$(call say,TYPES,mypy --strict)
	$(Q)$(PY) -m mypy --no-error-summary
	$(Q)$(PY) -m mypy --no-error-summary --platform win32 --follow-imports silent sensor/windows/*.py sensor/enrich/wintrust.py

build/check/gcc/%.o: %.c $(HEADERS)
	$(call say,CC,gcc $<)
	@mkdir -p $(@D)
	$(Q)gcc $(WARN) -c -o $@ $<

build/check/clang/%.o: %.c $(HEADERS)
	$(call say,CC,clang $<)
	@mkdir -p $(@D)
	$(Q)clang $(WARN) -c -o $@ $<
