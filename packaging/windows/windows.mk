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

# Of the unit tests those whose subject runs on Windows. Not there: what is Linux' alone (packages, ELF, mounts, probes),
# what starts a process a case (the commands: tests/windows and tests/wine start some), what needs gcc.
UNIT := actors alert alert_twin auditd config context coverage encode engine engine_run errors eslogger etl event_json event_xml \
	evtx fold gtfobins health images inputs late_facts late_facts_windows load_rules load_rules_files loads matcher ndjson pe progress record_json \
	recording render rollup rule_cache rule_lists rule_table schema spec taxonomy terminal selftest_list unwind unwind_command unwind_windows \
	windows_chains windows_providers windows_starts
PYTEST := -m pytest --quiet -p no:cacheprovider

.PHONY: test
test: all
	@printf '  %-7s %s\n' TEST 'the C core as programs of Windows'
	$(Q)$(PY) $(PYTEST) tests/native/test_windows_programs.py
	@printf '  %-7s %s\n' TEST 'Python, in CPython for Windows'
	$(Q)$(BUILD)/python $(PYTEST) $(UNIT:%=tests/unit/test_%.py) tests/sinks/test_file.py tests/windows
	@printf '  %-7s %s\n' TEST 'Linux and Windows side by side'
	$(Q)$(PY) $(PYTEST) tests/wine

# cffi's half is not ours to be without warnings
$(BUILD)/native/_native.o: $(BUILD)/native/_native.c $(BUILD)/.libraries
	$(Q)$(CC) $(filter-out -W%,$(CFLAGS)) -I$(BUILD)/include -MMD -MP -c -o $@ $<

$(BUILD)/native/_native.c: sensor/_build.py $(wildcard native/*.h)
	@mkdir -p $(@D)
	$(Q)$(PY) -c 'from sensor._build import builder; builder("win32").emit_c_code("$@")'

-include $(wildcard $(BUILD)/native/*.d $(BUILD)/tests/*.d)
