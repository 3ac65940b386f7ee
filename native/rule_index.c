/* SPDX-License-Identifier: Apache-2.0 */
#include "rule_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int sn_index__init(struct sn_index *index, const struct sn_rules *rules)
{
	uint32_t most = 0;

	for (uint32_t i = 0; i < rules->count[SN_ROUTES]; i++)
		if (rules->routes[i].rules > most)
			most = rules->routes[i].rules;
	index->candidates = calloc((size_t)most / 64 + 1, sizeof(*index->candidates));
	index->entries = rules->count[SN_ENTRIES];
	index->seen = calloc((size_t)index->entries + 1, sizeof(*index->seen));
	if (index->candidates && index->seen)
		return 0;
	sn_index__clear(index);
	return -ENOMEM;
}

void sn_index__clear(struct sn_index *index)
{
	free(index->candidates);
	free(index->seen);
}

/* False: there is no room for a text. */
static bool find_scan(struct sn_tester *tester, const struct sn_scan *scan, struct sn_search *search)
{
	struct sn_place place = sn_tester__first(tester, scan->field);
	const struct sn_text *text;

	if (scan->joined) {
		text = sn_tester__joined(tester, scan->field);
		if (text)
			sn_scan__search(scan, text, search);
		return text != NULL;
	}
	do {

		if (place.value->state != SN_PRESENT)
			continue;
		text = sn_tester__folded(tester, &place);
		if (!text)
			return false;
		sn_scan__search(scan, text, search);
	} while (sn_tester__next(tester, &place));
	return true;
}

/* Whether all that the route's rules read is known. */
static bool is_whole(const struct sn_tester *tester, const struct sn_route *route)
{
	const uint32_t *field = tester->rules->route_fields + route->field;

	if (!tester->event->unknown)
		return true;
	for (uint32_t i = 0; i < route->fields; i++) {
		struct sn_place place = sn_tester__first(tester, field[i]);

		do
			if (place.value->state > SN_PRESENT)
				return false;
		while (sn_tester__next(tester, &place));
	}
	return true;
}

static void add_all(struct sn_index *index, const struct sn_route *route)
{
	for (uint32_t i = 0; i < route->rules; i += 64)
		index->candidates[i / 64] = route->rules - i < 64 ? (1ull << (route->rules - i)) - 1 : UINT64_MAX;
}

bool sn_index__find(struct sn_index *index, struct sn_tester *tester, const struct sn_route *route)
{
	const struct sn_rules *rules = tester->rules;
	const uint32_t *always = rules->route_always + route->always;
	struct sn_search search = {.rules = rules, .candidates = index->candidates, .seen = index->seen};

	if (++index->stamp == 0) { /* wrapped: what was found long ago could look new */
		memset(index->seen, 0, (size_t)index->entries * sizeof(*index->seen));
		index->stamp = 1;
	}
	search.stamp = index->stamp;
	/* what is not known may hold the witness */
	if (!is_whole(tester, route)) {
		add_all(index, route);
		return false;
	}
	for (uint32_t i = 0; i < route->alwayses; i++)
		index->candidates[always[i] / 64] |= 1ull << always[i] % 64;
	for (uint32_t i = 0; i < route->scans; i++) {
		if (!find_scan(tester, &rules->scans[route->scan + i], &search)) {
			add_all(index, route);
			return false;
		}
	}
	return true;
}
