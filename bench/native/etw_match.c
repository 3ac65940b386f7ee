/* SPDX-License-Identifier: Apache-2.0
 *
 * etw_match TABLE RECORDS LISTED SECONDS: ns a process start of Windows, from its two events (Kernel-Process, kernel
 * logger) as they lie in a session's ring to the verdicts of all rules. decode: columns, joining, process, the values
 * that rules read; unwind: what it was made to run; match; both: decode and match. RECORDS: SN_ETW records, one behind
 * the other: first LISTED that list who lives already, then two a start. Alerts are not made. All in passes, for so
 * many seconds, but at least MIN_PASSES; times are without the clock's own.
 *
 * Also as a program of Windows: x86_64-w64-mingw32-gcc -O2 -std=c11 -D_UCRT -Inative bench/native/etw_match.c with the
 * files that sensor/_build.py names for win32, -lsynchronization.
 */

#include "clock.h"
#include "etw_join.h"
#include "etw_view.h"
#include "matcher.h"
#include "rule_table.h"
#include "times.h"
#include "windows_view.h"

enum { MIN_PASSES = 5, MAX_PASSES = 1000, CLOCKS = 10001 };

struct bench {
	struct sn_rules *rules;
	struct sn_matcher *matcher;
	struct sn_values *values;
	struct sn_etw_view *view;
	struct sn_win_view *windows;
	struct sn_hit *hits;
	struct sn_actors *actors;
	struct sn_etw_names *names;
	struct sn_etw_join *join;
	uint64_t clock_ns, found;
	size_t starts, listed;
	const struct sn_etw **record;
};

static uint64_t clock_cost(void)
{
	static uint64_t apart[CLOCKS];

	for (size_t i = 0; i < CLOCKS; i++) {
		uint64_t begin = sn_clock__now();

		apart[i] = sn_clock__now() - begin;
	}
	return median(apart, CLOCKS);
}

static uint64_t without_clock(const struct bench *bench, uint64_t ns)
{
	return ns > bench->clock_ns ? ns - bench->clock_ns : 0;
}

static const struct sn_etw_told *take(struct bench *bench, const struct sn_etw *etw)
{
	struct sn_etw_event event = sn_etw_event__of(etw, 0);
	const struct sn_etw_told *told;

	if (sn_etw_join__take(bench->join, &event, &told))
		die("a record", "cannot be read");
	return told;
}

/* ns of one start. */
struct took {
	uint64_t *decode, *unwind, *match; /* until rules can read it; what it was made to run */
};

static void judge(struct bench *bench, size_t start, const struct took *took, size_t at)
{
	const struct sn_etw **record = bench->record + bench->listed + 2 * start;
	uint64_t begin = sn_clock__now(), decoded, unwound, matched;
	const struct sn_etw_told *told;
	struct sn_routes routes;

	take(bench, record[0]);
	told = take(bench, record[1]);
	if (!told)
		die("a start", "is not whole");
	sn_etw_view__fill(bench->view, bench->values, told, &routes);
	decoded = sn_clock__now();
	if (bench->windows)
		sn_win_view__fill(bench->windows, bench->values, bench->actors, told->process);
	unwound = sn_clock__now();
	for (uint32_t r = 0; r < routes.count; r++) {
		bench->values->event.route = routes.route[r];
		bench->found += sn_matcher__judge(bench->matcher, bench->rules, &bench->values->event, bench->hits,
						  sn_rules__count(bench->rules));
	}
	matched = sn_clock__now();
	if (bench->windows)
		sn_win_view__keep(bench->windows, bench->actors, told->process);
	took->decode[at] = without_clock(bench, decoded - begin);
	took->unwind[at] = without_clock(bench, unwound - decoded);
	took->match[at] = without_clock(bench, matched - unwound);
}

/* Those that live are known, and nobody else. */
static void begin_pass(struct bench *bench)
{
	sn_etw_join__free(bench->join);
	sn_actors__forget(bench->actors);
	bench->join = need(sn_etw_join__new(
		&(struct sn_etw_join_options){.actors = bench->actors, .names = bench->names, .wait_ns = 200000000}));
	bench->found = 0;
	for (size_t i = 0; i < bench->listed; i++)
		take(bench, bench->record[i]);
}

static void grow(uint64_t **values, size_t count)
{
	*values = need(realloc(*values, count * sizeof(**values)));
}

static void print_part(const char *name, const uint64_t *took, uint32_t passes, size_t count)
{
	printf(", \"%s\": {", name);
	print_times(took, passes, count);
	printf("}");
}

static void run(struct bench *bench, double seconds)
{
	uint64_t until = sn_clock__now() + (uint64_t)(seconds * 1e9), *both = NULL;
	size_t count = bench->starts;
	struct took took = {0};
	uint32_t passes = 0;

	while (passes < MIN_PASSES || (passes < MAX_PASSES && sn_clock__now() < until)) {
		size_t at = passes++ * count;

		grow(&took.decode, passes * count);
		grow(&took.unwind, passes * count);
		grow(&took.match, passes * count);
		grow(&both, passes * count);
		begin_pass(bench);
		for (size_t i = 0; i < count; i++) {
			judge(bench, i, &took, at + i);
			both[at + i] = took.decode[at + i] + took.match[at + i];
		}
	}
	printf("{\"rules\": %u, \"starts\": %zu, \"hits\": %llu", sn_rules__count(bench->rules), count,
	       (unsigned long long)bench->found);
	print_part("both", both, passes, count);
	print_part("decode", took.decode, passes, count);
	print_part("unwind", took.unwind, passes, count);
	print_part("match", took.match, passes, count);
	puts("}");
}

/* The records of `bytes`, which stay where they are. */
static void find_records(struct bench *bench, const char *bytes, size_t size, size_t listed)
{
	size_t count = 0, room = 0;

	for (size_t at = 0; at < size; at += ((const struct sn_header *)(bytes + at))->size) {
		if (count == room) {
			room = room * 2 + 1024;
			bench->record = need(realloc(bench->record, room * sizeof(*bench->record)));
		}
		bench->record[count++] = (const struct sn_etw *)(bytes + at);
	}
	if (listed > count || (count - listed) % 2)
		die("records", "are not two a start");
	bench->listed = listed;
	bench->starts = (count - listed) / 2;
}

int main(int argc, char **argv)
{
	double seconds = argc == 5 ? atof(argv[4]) : 0;
	struct bench bench = {.clock_ns = clock_cost()};
	char why[256], *bytes;
	size_t size;

	if (seconds <= 0) {
		fprintf(stderr, "usage: etw_match TABLE RECORDS LISTED SECONDS\n");
		return 2;
	}
	bytes = read_file(argv[1], &size);
	if (sn_rules__open(bytes, size, &bench.rules, why, sizeof(why)))
		die(argv[1], why);
	free(bytes);
	bench.hits = need(calloc(sn_rules__count(bench.rules) + 1, sizeof(*bench.hits)));
	bench.values = need(sn_values__new(bench.rules));
	bench.view = need(sn_etw_view__new(bench.rules));
	bench.actors = need(sn_actors__new());
	bench.names = need(sn_etw_names__new());
	if (bench.rules->count[SN_WIN_GRAMMARS])
		bench.windows = need(sn_win_view__new(bench.rules));
	if (sn_matcher__new(bench.rules, &bench.matcher) ||
	    sn_etw_names__set_path(bench.names, "\\Device\\HarddiskVolume3", "C:"))
		die("matcher", "cannot be made");
	bytes = read_file(argv[2], &size);
	find_records(&bench, bytes, size, (size_t)atoi(argv[3]));
	run(&bench, seconds);
	return 0;
}
