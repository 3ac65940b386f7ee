/* SPDX-License-Identifier: Apache-2.0
 *
 * match TABLE EVENTS PRODUCT CATEGORY SERVICE ORDER SECONDS HITS: ns of matching alone an event. Events are decoded
 * beforehand, each into memory of its own; what is timed is sn_matcher__judge for all routes of one event, pass after
 * pass for so many seconds, but at least MIN_PASSES.
 *
 * EVENTS: JSON lines, or a native recording. An empty PRODUCT: the logsource is taken from each line. ORDER: flat, as
 * in the file, or shuffled, anew in each pass. HITS gets one line "event rule verdict" a hit of the first pass. The
 * figures come as one JSON object; times are without the clock's own. An event's time is the median of its passes;
 * "longest" is the longest of all.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "input.h"
#include "matcher.h"
#include "measure.h"
#include "ndjson.h"
#include "process_table.h"
#include "view_fill.h"

enum { MIN_PASSES = 5, MAX_PASSES = 1000, TABLE_BYTES = 8 << 20, TABLE_ENTRIES = 8192, KEEP_MS = 1000 };

/* A decoded event: the fields that are set, by number, and what sn_values keeps beside them. All of it in one block. */
struct kept {
	struct sn_routes routes;
	uint32_t fields, more, unknown;
	uint64_t index; /* of its line or record */
	uint32_t *number;
	struct sn_value *value; /* `fields` of them, then `more` further ones */
};

struct bench {
	struct sn_rules *rules;
	struct sn_matcher *matcher;
	struct sn_values *values;
	struct kept *events;
	size_t count, room;
	struct sn_hit *hits;
	uint64_t clock_ns; /* that two looks at the clock are apart */
	/* of the first pass */
	uint64_t found, candidates, regex_bounds;
};

/* Copies what the decoder has just put into bench->values, texts included. */
static void keep(struct bench *bench, const struct sn_routes *routes, uint64_t index)
{
	struct sn_values *from = bench->values;
	uint32_t all = from->touched_count + from->event.more_count;
	size_t texts = 0;
	struct kept *to;
	uint8_t *text;

	if (bench->count == bench->room) {
		bench->room = bench->room * 2 + 1024;
		bench->events = need(realloc(bench->events, bench->room * sizeof(*bench->events)));
	}
	to = &bench->events[bench->count++];
	*to = (struct kept){*routes, from->touched_count, from->event.more_count, from->event.unknown, index, NULL,
			    NULL};
	for (uint32_t i = 0; i < to->fields; i++)
		texts += from->event.value[from->touched[i]].len;
	for (uint32_t i = 0; i < to->more; i++)
		texts += from->event.more[i].len;
	to->value = need(malloc(all * (sizeof(*to->value) + sizeof(*to->number)) + texts + 1));
	to->number = (uint32_t *)(to->value + all);
	text = (uint8_t *)(to->number + all);
	memcpy(to->number, from->touched, to->fields * sizeof(*to->number));
	for (uint32_t i = 0; i < all; i++) {
		struct sn_value *value = &to->value[i];
		const uint8_t *was;

		*value = i < to->fields ? from->event.value[to->number[i]] : from->event.more[i - to->fields];
		was = value->text;
		if (value->len)
			memcpy(text, was, value->len);
		value->text = text;
		text += value->len;
		/* the keywords' values are the fields' own texts */
		for (uint32_t field = 0; i >= to->fields && field < to->fields; field++)
			if (from->event.value[to->number[field]].text == was && to->value[field].len == value->len)
				value->text = to->value[field].text;
	}
}

static void decode_lines(struct bench *bench, const char *lines, size_t size, uint32_t route)
{
	struct sn_ndjson *ndjson = need(sn_ndjson__new(bench->rules));
	const char *end = lines + size;

	for (uint64_t index = 0; lines < end; index++) {
		const char *stop = memchr(lines, '\n', (size_t)(end - lines) + 1);
		struct sn_routes routes;

		if (stop > lines) {
			if (sn_ndjson__decode(ndjson, lines, (size_t)(stop - lines), route, bench->values, &routes))
				die("a line", "is not one JSON object");
			keep(bench, &routes, index);
		}
		lines = stop + 1;
	}
	sn_ndjson__free(ndjson);
}

/* Records as the engine takes them: through the process table, then those that some rule may look at are kept. */
static void decode_recording(struct bench *bench, struct sn_recording *recording)
{
	const struct sn_table_options options = {TABLE_BYTES, TABLE_ENTRIES, KEEP_MS};
	struct sn_view *view = need(sn_view__new(bench->rules));
	struct sn_users *users = need(sn_users__new());
	struct sn_scene scene = {.users = users};
	struct sn_table *table;
	const void *bytes;
	uint64_t offset;
	int rc;

	if (sn_table__new(&options, &table))
		die("process table", "cannot be made");
	scene.table = table;
	for (uint64_t index = 0; (rc = sn_recording__next(recording, &bytes, &offset)) == 1; index++) {
		static _Alignas(8) uint8_t record[SN_RECORD_MAX];
		const struct sn_header *h = (const void *)record;
		struct sn_routes routes = {.count = 1};

		memcpy(record, bytes, sizeof(*h));
		memcpy(record, bytes, h->size);
		if (sn_record__check(record, h->size))
			die("a record", "is malformed");
		sn_table__apply(table, h);
		routes.route[0] = sn_view__route(view, h->type);
		if (routes.route[0] == (uint32_t)SN_NO_FIELD)
			continue;
		sn_values__clear(bench->values);
		sn_view__fill(view, bench->values, &scene, h);
		keep(bench, &routes, index);
	}
	if (rc)
		die("recording", "is damaged");
	sn_table__free(table);
	sn_users__free(users);
	sn_view__free(view);
}

static void decode(struct bench *bench, const char *path, uint32_t route)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct sn_recording *recording;
	size_t size;

	if (fd < 0)
		die(path, "cannot be opened");
	if (sn_recording__open(fd, &recording) == 0) {
		decode_recording(bench, recording);
		sn_recording__close(recording);
	} else {
		char *lines = read_file(path, &size);

		decode_lines(bench, lines, size, route);
		free(lines);
	}
	close(fd);
	if (!bench->count)
		die(path, "has no event");
}

/* As the decoder would leave it. */
static void place(struct sn_values *values, const struct kept *event)
{
	sn_values__clear(values);
	for (uint32_t i = 0; i < event->fields; i++) {
		values->touched[values->touched_count++] = event->number[i];
		values->event.value[event->number[i]] = event->value[i];
	}
	memcpy(values->event.more, event->value + event->fields, event->more * sizeof(*event->value));
	values->event.more_count = event->more;
	values->event.unknown = event->unknown;
}

/* ns of one event; its hits, those of all routes, are written to `out` if there is one. */
static uint64_t judge(struct bench *bench, const struct kept *event, FILE *out)
{
	uint32_t most = sn_rules__count(bench->rules);
	uint64_t ns = 0;

	place(bench->values, event);
	for (uint32_t r = 0; r < event->routes.count; r++) {
		uint64_t begin = now_ns();
		struct sn_effort effort;
		uint32_t found;

		bench->values->event.route = event->routes.route[r];
		found = sn_matcher__judge(bench->matcher, bench->rules, &bench->values->event, bench->hits, most);
		begin = now_ns() - begin;
		ns += begin > bench->clock_ns ? begin - bench->clock_ns : 0;
		if (!out)
			continue;
		effort = sn_matcher__effort(bench->matcher);
		bench->found += found;
		bench->candidates += effort.candidates;
		bench->regex_bounds += effort.regex_bounds;
		for (uint32_t i = 0; i < found; i++)
			fprintf(out, "%llu %u %u\n", (unsigned long long)event->index, bench->hits[i].rule,
				bench->hits[i].verdict);
	}
	return ns;
}

static void shuffle(uint32_t *order, size_t count, uint64_t *random)
{
	for (size_t i = count - 1; i > 0; i--) {
		uint32_t at = order[i];
		size_t other;

		*random = *random * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator */
		other = (*random >> 33) % (i + 1);
		order[i] = order[other];
		order[other] = at;
	}
}

/* Instructions of one pass; without matching, those that go into the rest of it. */
static uint64_t count_pass(struct bench *bench, int counter, int matching)
{
	start_counter(counter);
	for (size_t i = 0; i < bench->count; i++) {
		if (matching) {
			judge(bench, &bench->events[i], NULL);
			continue;
		}
		place(bench->values, &bench->events[i]);
		for (uint32_t looks = 2 * bench->events[i].routes.count; looks; looks--)
			now_ns();
	}
	return stop_counter(counter);
}

static void print_instructions(struct bench *bench)
{
	int counter = open_counter();
	uint64_t all, rest;

	if (counter < 0)
		return;
	all = count_pass(bench, counter, 1);
	rest = count_pass(bench, counter, 0);
	printf(", \"instructions\": %.1f", (double)(all - rest) / (double)bench->count);
	close(counter);
}

/* The first pass: the hits of each event into a file. */
static void list_hits(struct bench *bench, const char *path)
{
	FILE *out = fopen(path, "w");

	if (!out)
		die(path, "cannot be written");
	for (size_t i = 0; i < bench->count; i++)
		judge(bench, &bench->events[i], out);
	if (fclose(out))
		die(path, "cannot be written");
}

static void run(struct bench *bench, int shuffled, double seconds)
{
	uint64_t *took = NULL, random = 1, end = now_ns() + (uint64_t)(seconds * 1e9);
	uint32_t *order = need(malloc(bench->count * sizeof(*order))), passes = 0;

	for (uint32_t i = 0; i < bench->count; i++)
		order[i] = i;
	while (passes < MIN_PASSES || (passes < MAX_PASSES && now_ns() < end)) {
		uint64_t *ns;

		took = need(realloc(took, (passes + 1) * bench->count * sizeof(*took)));
		ns = took + passes++ * bench->count;
		if (shuffled)
			shuffle(order, bench->count, &random);
		for (size_t i = 0; i < bench->count; i++)
			ns[order[i]] = judge(bench, &bench->events[order[i]], NULL);
	}
	printf("{\"rules\": %u, \"events\": %zu, \"hits\": %llu, \"candidates\": %.3f, \"regex_bounds\": %llu, ",
	       sn_rules__count(bench->rules), bench->count, (unsigned long long)bench->found,
	       (double)bench->candidates / (double)bench->count, (unsigned long long)bench->regex_bounds);
	print_times(took, passes, bench->count);
	print_instructions(bench);
	puts("}");
	free(took);
	free(order);
}

int main(int argc, char **argv)
{
	double seconds = argc == 9 ? atof(argv[7]) : 0;
	uint32_t route = (uint32_t)SN_NO_FIELD;
	struct bench bench = {.clock_ns = clock_cost()};
	char why[256];
	size_t size;
	char *table;

	if (seconds <= 0) {
		fprintf(stderr, "usage: match TABLE EVENTS PRODUCT CATEGORY SERVICE flat|shuffled SECONDS HITS\n");
		return 2;
	}
	table = read_file(argv[1], &size);
	if (sn_rules__open(table, size, &bench.rules, why, sizeof(why)))
		die(argv[1], why);
	free(table);
	if (*argv[3])
		route = sn_rules__route(bench.rules, argv[3], argv[4], argv[5]);
	bench.hits = need(calloc(sn_rules__count(bench.rules) + 1, sizeof(*bench.hits)));
	bench.values = need(sn_values__new(bench.rules));
	if (sn_matcher__new(bench.rules, &bench.matcher))
		die("matcher", "cannot be made");
	decode(&bench, argv[2], route);
	list_hits(&bench, argv[8]);
	run(&bench, strcmp(argv[6], "shuffled") == 0, seconds);
	return 0;
}
