/* SPDX-License-Identifier: Apache-2.0 */
#include "rule_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "few_bytes.h"
#include "fold.h"
#include "scan_memo.h"

static struct sn_group group_of(const struct sn_rules *rules, uint32_t keywords, uint32_t scan, uint32_t end)
{
	struct sn_group group = {rules->scans[scan].field, scan, 0, UINT32_MAX, false, 0};

	for (; scan < end && rules->scans[scan].field == group.field; scan++) {
		const struct sn_scan *next = &rules->scans[scan];

		for (uint32_t i = next->entry; i < next->entry + next->entries; i++)
			if (rules->entries[i].literal.len < group.shortest)
				group.shortest = rules->entries[i].literal.len;
		group.scans++;
	}
	if (group.scans == 1) {
		group.quick = sn_scan__is_quick(&rules->scans[group.scan]);
		group.swept = group.field == keywords && group.shortest >= SN_SWEPT_MIN &&
			      sn_sweep__can(&rules->scans[group.scan]);
	}
	return group;
}

/* Those that are swept go last: the memo then knows most of their texts. */
static void make_groups(struct sn_index *index, const struct sn_rules *rules)
{
	const uint32_t keywords = sn_rules__field(rules, "*", 1);
	uint32_t groups = 0, swept = 0;

	for (uint32_t r = 0; r < rules->count[SN_ROUTES]; r++) {
		const struct sn_route *route = &rules->routes[r];
		const uint32_t end = route->scan + route->scans;

		index->first_group[r] = groups;
		for (uint32_t last = 0; last < 2; last++) {
			for (uint32_t at = route->scan; at < end;) {
				struct sn_group group = group_of(rules, keywords, at, end);

				at += group.scans;
				if ((group.swept != 0) != last)
					continue;
				if (last)
					group.swept = 1u << swept++ % 32;
				index->swept[r] |= group.swept;
				index->group[groups++] = group;
			}
		}
	}
	index->first_group[rules->count[SN_ROUTES]] = groups;
}

static int prepare_sweep(struct sn_index *index, const struct sn_rules *rules)
{
	const uint32_t groups = index->first_group[rules->count[SN_ROUTES]];
	uint32_t entries = 0;

	for (uint32_t i = 0; i < groups; i++)
		if (index->group[i].swept)
			entries += rules->scans[index->group[i].scan].entries;
	if (sn_sweep__init(&index->sweep, entries))
		return -ENOMEM;
	for (uint32_t i = 0; i < groups; i++)
		if (index->group[i].swept)
			sn_sweep__want(&index->sweep, rules, &rules->scans[index->group[i].scan],
				       index->group[i].swept);
	return 0;
}

int sn_index__init(struct sn_index *index, const struct sn_rules *rules)
{
	uint32_t most = 0; /* bits */

	for (uint32_t i = 0; i < rules->count[SN_ROUTES]; i++)
		if (sn_route__mark(&rules->routes[i]) + rules->routes[i].marks > most)
			most = sn_route__mark(&rules->routes[i]) + rules->routes[i].marks;
	index->candidates = calloc((size_t)most / 64 + 1, sizeof(*index->candidates));
	index->entries = rules->count[SN_ENTRIES];
	index->seen = calloc((size_t)index->entries + 1, sizeof(*index->seen));
	index->group = calloc((size_t)rules->count[SN_SCANS] + 1, sizeof(*index->group));
	index->first_group = calloc((size_t)rules->count[SN_ROUTES] + 1, sizeof(*index->first_group));
	index->swept = calloc((size_t)rules->count[SN_ROUTES] + 1, sizeof(*index->swept));
	index->memo = sn_memo__new();
	if (!index->candidates || !index->seen || !index->group || !index->first_group || !index->swept ||
	    !index->memo) {
		sn_index__clear(index);
		return -ENOMEM;
	}
	make_groups(index, rules);
	if (prepare_sweep(index, rules)) {
		sn_index__clear(index);
		return -ENOMEM;
	}
	return 0;
}

void sn_index__clear(struct sn_index *index)
{
	free(index->candidates);
	free(index->seen);
	free(index->group);
	free(index->first_group);
	free(index->swept);
	free(index->memo);
	sn_sweep__clear(&index->sweep);
}

struct finding {
	struct sn_index *index;
	struct sn_tester *tester;
	const struct sn_group *group;
};

static bool may_find(const struct finding *f, const struct sn_value *value)
{
	const struct sn_rules *rules = f->tester->rules;

	return !sn_fold__is_ascii(value->text, value->len) ||
	       sn_scan__may_find(&rules->scans[f->group->scan], rules, value->text, value->len);
}

/* False: there is no room for the text. */
static bool scan_text(const struct finding *f, const struct sn_place *place, struct sn_memo *memo)
{
	struct sn_index *index = f->index;
	const struct sn_rules *rules = f->tester->rules;
	const struct sn_text *text = sn_tester__folded(f->tester, place);
	struct sn_search search = {.rules = rules, .candidates = index->candidates, .seen = index->seen, .memo = memo};

	if (!text)
		return false;
	if (++index->stamp == 0) { /* wrapped: what was found long ago could look new */
		memset(index->seen, 0, (size_t)index->entries * sizeof(*index->seen));
		index->stamp = 1;
	}
	search.stamp = index->stamp;
	for (uint32_t i = 0; i < f->group->scans; i++)
		sn_scan__search(&rules->scans[f->group->scan + i], text, &search);
	return true;
}

static struct sn_known_text *known_text(struct sn_index *index, const uint8_t *text)
{
	return &index->known[(uint64_t)(uintptr_t)text * 0x9e3779b97f4a7c15u >> 58];
}

/* The same by way of the memo. */
static bool recall_text(const struct finding *f, const struct sn_place *place)
{
	const struct sn_value *value = place->value;
	const uint32_t number = f->group->scan;
	struct sn_memo *memo = sn_memo__slot(f->index->memo, number, value->text, value->len);
	struct sn_known_text *known = known_text(f->index, value->text);

	memo->last = value->text;
	if (f->index->sweep.groups)
		*known = (struct sn_known_text){value->text, memo, f->tester->number, value->len, 0};
	if (!sn_memo__is(memo, number, value->text, value->len)) {
		sn_memo__begin(memo, number, value->text, value->len);
		if (scan_text(f, place, memo))
			return true;
		sn_memo__drop(memo);
		return false;
	}
	known->clean = memo->clean;
	for (uint32_t i = 0; i < memo->targets; i++)
		f->index->candidates[memo->target[i] / 64] |= 1ull << memo->target[i] % 64;
	return true;
}

/* Whether the value's text came by in this event. */
static bool is_known(const struct finding *f, const struct sn_known_text *known, const struct sn_value *value)
{
	return known->event == f->tester->number && known->text == value->text && known->len == value->len;
}

/* The memo gets to know it, too, if no other text took the slot since. */
static void note_clean(const struct sn_known_text *known, uint32_t clean)
{
	if (known->memo->last == known->text && known->memo->len == known->len)
		known->memo->clean |= clean;
}

static bool find_text(const struct finding *f, const struct sn_place *place)
{
	const uint32_t len = place->value->len;

	if (sn_is_long(place->value)) /* its index is made once, for all scans and tests */
		return scan_text(f, place, NULL);
	/* one scan is sooner done than the text found in the memo */
	if (f->group->quick && len && !may_find(f, place->value))
		return true;
	return len && len <= SN_MEMO_LONG_TEXT ? recall_text(f, place) : scan_text(f, place, NULL);
}

static void sweep_text(const struct finding *f, const struct sn_value *value, uint32_t number)
{
	struct sn_sweep *sweep = &f->index->sweep;
	const struct sn_known_text *known = known_text(f->index, value->text);
	const bool is_there = is_known(f, known, value);
	uint32_t clean = sweep->groups;

	if (is_there && !(sweep->groups & ~known->clean))
		return;
	if (sn_sweep__may_find(sweep, value->text, value->len))
		clean = sn_sweep__suspect(sweep, &(struct sn_place){value, number});
	if (is_there)
		note_clean(known, clean);
}

/* Looks through the field's texts, those of the keywords, once an event. */
static void sweep(const struct finding *f)
{
	struct sn_sweep *sweep = &f->index->sweep;
	struct sn_place place = sn_tester__first(f->tester, f->group->field);

	if (sweep->event == f->tester->number)
		return;
	sn_sweep__begin(sweep, f->tester->number);
	do {
		const struct sn_value *value = place.value;

		if (value->state != SN_PRESENT)
			continue;
		/* the place itself is given to nobody: it would be kept in memory for that */
		if (value->len >= SN_SWEPT_MIN)
			sweep_text(f, value, place.number);
		else if (SN_FOLD_ROOM(value->len) >= SN_SWEPT_MIN &&
			 sn_bytes__few(value->text, value->len) & SN_NOT_ASCII)
			sn_sweep__suspect(sweep, &(struct sn_place){value, place.number});
	} while (sn_tester__next(f->tester, &place));
}

static bool find_suspects(const struct finding *f)
{
	const struct sn_sweep *swept = &f->index->sweep;

	for (uint32_t i = 0; i < swept->suspects; i++)
		if (swept->suspect[i].groups & f->group->swept && !find_text(f, &swept->suspect[i].place))
			return false;
	return true;
}

static bool find_group(const struct finding *f)
{
	struct sn_place place = sn_tester__first(f->tester, f->group->field);

	if (f->group->swept && place.value->next) {
		sweep(f);
		if (f->index->sweep.suspects <= SN_SUSPECTS)
			return find_suspects(f);
	}
	do
		if (place.value->state == SN_PRESENT &&
		    SN_FOLD_ROOM((uint64_t)place.value->len) >= f->group->shortest && !find_text(f, &place))
			return false;
	while (sn_tester__next(f->tester, &place));
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
			if (sn_may_hide_witness(place.value->state))
				return false;
		while (sn_tester__next(tester, &place));
	}
	return true;
}

/* Rules without a witness are candidates where nothing vetoes them. */
static void add_always(struct sn_index *index, const struct sn_rules *rules, const struct sn_route *route)
{
	const uint32_t *always = rules->route_always + route->always;

	for (uint32_t i = 0; i < route->alwayses; i++) {
		const uint32_t veto = route->rules + i;
		const uint64_t bit = 1ull << veto % 64;

		if (!(index->candidates[veto / 64] & bit))
			index->candidates[always[i] / 64] |= 1ull << always[i] % 64;
		index->candidates[veto / 64] &= ~bit;
	}
}

static bool add_all(struct sn_index *index, const struct sn_rules *rules, const struct sn_route *route)
{
	add_always(index, rules, route);
	for (uint32_t i = 0; i < route->rules; i += 64)
		index->candidates[i / 64] = route->rules - i < 64 ? (1ull << (route->rules - i)) - 1 : UINT64_MAX;
	return false;
}

void sn_index__begin(struct sn_index *index, const uint32_t *route, uint32_t routes)
{
	index->sweep.groups = 0;
	for (uint32_t i = 0; i < routes; i++)
		index->sweep.groups |= index->swept[route[i]];
}

bool sn_index__find(struct sn_index *index, struct sn_tester *tester, const struct sn_route *route)
{
	const struct sn_rules *rules = tester->rules;
	const uint32_t number = (uint32_t)(route - rules->routes);
	struct finding finding = {index, tester, NULL};

	/* what is not known may hold the witness */
	if (!is_whole(tester, route))
		return add_all(index, rules, route);
	/* to find the memo's slots of all groups first, and have them fetched, spared nothing; nor did a table in pages
	 * of 2 MiB */
	for (uint32_t i = index->first_group[number]; i < index->first_group[number + 1]; i++) {
		finding.group = &index->group[i];
		if (!find_group(&finding))
			return add_all(index, rules, route);
	}
	add_always(index, rules, route);
	return true;
}
