# What Linsang is on Windows, built and tested on Debian. From the root folder: make -f packaging/windows/windows.mk
PY := .venv/bin/python
BUILD := build/windows
EXTENSION := sensor/_native.pyd
CC := x86_64-w64-mingw32-gcc
# _UCRT: see setup.sh, step libraries
CFLAGS := -std=c11 -O2 -g -Wall -Wextra -Werror -D_UCRT -Inative
Q := $(if $(V),,@)

SOURCES := $(shell $(PY) -c 'from sensor._build import sources; print(*sources("win32"))')
OBJECTS := $(SOURCES:native/%.c=$(BUILD)/native/%.o) $(BUILD)/native/_native.o

TESTED := $(patsubst tests/windows/%.c,$(BUILD)/tests/%.dll,$(wildcard tests/windows/*.c))

.PHONY: all
all: $(EXTENSION) $(TESTED)

$(EXTENSION): $(OBJECTS)
	@printf '  %-7s %s\n' LINK $@
	$(Q)$(CC) -shared -static-libgcc -specs=$(BUILD)/lib/ucrt.specs -o $@ $^ -L$(BUILD)/lib -lpython3 -lsynchronization

$(BUILD)/native/%.o: native/%.c $(BUILD)/.libraries
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

.PHONY: wheel
wheel: all
	$(Q)$(PY) packaging/windows/make_wheel.py dist

# what tests load beside the extension
$(BUILD)/tests/%.dll: tests/windows/%.c $(BUILD)/.libraries
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -shared -static-libgcc -specs=$(BUILD)/lib/ucrt.specs -MMD -MP -o $@ $<

# Unit tests that are not run on Windows, by what they need that is not there; a new one is run.
GCC := architecture bench layout portable_core regex
POSIX := cli hostile interruption rules_cli runtime_folder streams tree
LINUX := $(patsubst tests/unit/test_%.py,%,$(wildcard tests/unit/test_enrich_*.py)) enrichment memory mounts snapshot \
	systemd trust_command units warming
ETL_PARSER := etl_forms etl_oracle
# the same Python on both, for minutes
TIME := audit_by_sigmahq differential load_rules_bombs windows_beside
NOT_HERE := $(patsubst %,tests/unit/test_%.py,$(GCC) $(POSIX) $(LINUX) $(ETL_PARSER) $(TIME))
UNIT := $(filter-out $(NOT_HERE),$(wildcard tests/unit/test_*.py))
PYTEST := -m pytest --quiet -p no:cacheprovider
WORKERS := --numprocesses 2 --max-worker-restart 0 --dist loadfile --no-loadscope-reorder

.PHONY: test tests
test: all
	$(Q)$(BUILD)/during $(MAKE) --file packaging/windows/windows.mk tests

tests:
	@printf '  %-7s %s\n' TEST 'the C core as programs of Windows; Linux and Windows side by side'
	$(Q)$(PY) $(PYTEST) $(WORKERS) tests/native/test_windows_programs.py tests/wine
	@printf '  %-7s %s\n' TEST 'Python, in CPython for Windows'
	$(Q)$(BUILD)/python $(PYTEST) $(WORKERS) $(UNIT) tests/sinks/test_file.py
	@printf '  %-7s %s\n' TEST 'what Windows alone has'
	@# its services, pipes and folders are one machine's: not two at once
	$(Q)$(BUILD)/python $(PYTEST) tests/windows

# cffi's half is not ours to be without warnings
$(BUILD)/native/_native.o: $(BUILD)/native/_native.c $(BUILD)/.libraries
	$(Q)$(CC) $(filter-out -W%,$(CFLAGS)) -I$(BUILD)/include -MMD -MP -c -o $@ $<

$(BUILD)/native/_native.c: sensor/_build.py $(wildcard native/*.h)
	@mkdir -p $(@D)
	$(Q)$(PY) -c 'from sensor._build import builder; builder("win32").emit_c_code("$@")'

-include $(wildcard $(BUILD)/native/*.d $(BUILD)/tests/*.d)
