/* SPDX-License-Identifier: Apache-2.0 */
#include "sweep.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"

enum { ROOMY = 2 }; /* words of the filter for each entry */

int sn_sweep__init(struct sn_sweep *sweep, uint32_t entries)
{
	if (!entries)
		return 0;
	for (sweep->bits = 5; 1ull << sweep->bits < (uint64_t)ROOMY * entries;)
		sweep->bits++;
	sweep->filters = calloc((size_t)SN_SWEEP_FILTERS << sweep->bits, sizeof(*sweep->filters));
	sweep->wanted = calloc((size_t)1 << sweep->bits, sizeof(*sweep->wanted));
	sweep->rare = calloc(entries, sizeof(*sweep->rare));
	return sweep->filters && sweep->wanted && sweep->rare ? 0 : -ENOMEM;
}

void sn_sweep__clear(struct sn_sweep *sweep)
{
	free(sweep->filters);
	free(sweep->wanted);
	free(sweep->rare);
}

/* Where the window is, or has to be put: there is always room. */
static struct sn_wanted *wanted(const struct sn_sweep *sweep, uint32_t window)
{
	uint32_t at = sn_windows__hash(window) >> (32 - sweep->bits);

	while (sweep->wanted[at].groups && sweep->wanted[at].window != (window | (uint32_t)SN_LOWER))
		at = (at + 1) & ((1u << sweep->bits) - 1);
	return &sweep->wanted[at];
}

void sn_sweep__want(struct sn_sweep *sweep, const struct sn_rules *rules, const struct sn_scan *scan, uint32_t group)
{
	for (uint32_t i = scan->entry; i < scan->entry + scan->entries; i++) {
		const struct sn_entry *entry = &rules->entries[i];
		const uint8_t *two = rules->text + entry->literal.off + entry->pair;
		struct sn_wanted *place = wanted(sweep, entry->key);

		place->window = entry->key | (uint32_t)SN_LOWER;
		place->groups |= group;
		sweep->rare[sweep->rares++] = (struct sn_rare){{two[0], two[1]}, group};
	}
}

/* The pairs of these groups, those that begin alike together. False: they are too many. */
static bool make_pairs(struct sn_pairs *pairs, const struct sn_sweep *sweep, uint32_t groups)
{
	uint8_t two[SN_SWEPT_PAIRS + 1][2];
	uint32_t count = 0;

	for (uint32_t i = 0; i < sweep->rares; i++) {
		const uint8_t *own = sweep->rare[i].two;
		uint32_t at = 0;

		if (!(sweep->rare[i].groups & groups))
			continue;
		while (at < count && memcmp(two[at], own, 2) < 0)
			at++;
		if (at < count && memcmp(two[at], own, 2) == 0)
			continue;
		memmove(two[at + 1], two[at], (count - at) * sizeof(*two));
		memcpy(two[at], own, 2);
		if (++count > SN_SWEPT_PAIRS)
			return false;
	}
	memset(pairs, 0, sizeof(*pairs));
	for (uint32_t i = 0; i < count; i++)
		sn_pairs__add(pairs, i * SN_PAIRS_GROUPS / count, two[i]);
	return true;
}

/* The number of the filter for these groups. */
static uint32_t filter_for(struct sn_sweep *sweep, uint32_t groups)
{
	const uint32_t number = groups * 0x9e3779b1u >> 29, places = 1u << sweep->bits;
	uint32_t *filter = sweep->filters + ((size_t)number << sweep->bits);

	if (sweep->filter_of[number] == groups)
		return number;
	sweep->filter_of[number] = groups;
	sweep->few[number] = make_pairs(&sweep->pairs_of[number], sweep, groups);
	memset(filter, 0, places * sizeof(*filter));
	for (uint32_t i = 0; i < places; i++) {
		const uint32_t hash = sn_windows__hash(sweep->wanted[i].window);

		if (sweep->wanted[i].groups & groups)
			filter[hash >> (32 - sweep->bits)] |= 1u << (hash >> 12 & 31) | 1u << (hash >> 7 & 31);
	}
	return number;
}

void sn_sweep__begin(struct sn_sweep *sweep, uint64_t event)
{
	const uint32_t number = filter_for(sweep, sweep->groups);

	sweep->event = event;
	sweep->filter = sweep->filters + ((size_t)number << sweep->bits);
	sweep->pairs = sweep->few[number] ? &sweep->pairs_of[number] : NULL;
	sweep->suspects = 0;
}

static void suspect(struct sn_sweep *sweep, const struct sn_place *place, uint32_t groups)
{
	if (sweep->suspects < SN_SUSPECTS)
		sweep->suspect[sweep->suspects] = (struct sn_suspect){*place, groups};
	sweep->suspects += sweep->suspects <= SN_SUSPECTS;
}

/* The groups that have a literal with one of the text's windows. */
static uint32_t groups_of(const struct sn_sweep *sweep, const uint8_t *text, uint32_t len)
{
	uint32_t groups = 0;

	for (uint32_t at = 0; at + SN_WIDTH_MAX <= len; at += SN_SWEPT_STRIDE)
		groups |= wanted(sweep, sn_windows__at(text + at))->groups;
	return groups;
}

uint32_t sn_sweep__suspect(struct sn_sweep *sweep, const struct sn_place *place)
{
	const struct sn_value *value = place->value;
	const uint32_t groups =
		sn_fold__is_ascii(value->text, value->len) ? groups_of(sweep, value->text, value->len) : UINT32_MAX;

	if (groups & sweep->groups)
		suspect(sweep, place, groups);
	return ~groups;
}
