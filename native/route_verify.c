/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "scan.h"
#include "rule_verify.h"

static int name_sound(uint32_t number, uint32_t count)
{
	return number == (uint32_t)SN_ANY || number < count;
}

static int route_order(const struct sn_route *a, const struct sn_route *b)
{
	if (a->product != b->product)
		return a->product < b->product ? -1 : 1;
	if (a->category != b->category)
		return a->category < b->category ? -1 : 1;
	return a->service < b->service ? -1 : a->service > b->service;
}

/* The numbers [*at, *at + count) of a section of them: below `limit`, and a list that begins where the last ended. */
static int numbers_sound(const struct sn_verifier *v, enum sn_section_kind kind, uint32_t first, uint32_t count,
			 uint32_t limit)
{
	const uint32_t *number = v->section[kind];

	if (first != v->at[kind] || count > v->rules->count[kind] - first)
		return 0;
	for (uint32_t i = first; i < first + count; i++)
		if (number[i] >= limit)
			return 0;
	return 1;
}

static int take_numbers(struct sn_verifier *v, enum sn_section_kind kind, uint32_t first, uint32_t count,
			uint32_t limit)
{
	if (!numbers_sound(v, kind, first, count, limit))
		return sn_verifier__refuse(v, "list of numbers in section of kind", kind);
	v->at[kind] += count;
	return 0;
}

/* The same for elements that are not numbers. */
static int take(struct sn_verifier *v, enum sn_section_kind kind, uint32_t first, uint64_t count)
{
	if (first != v->at[kind] || count > v->rules->count[kind] - first)
		return sn_verifier__refuse(v, "list of elements in section of kind", kind);
	v->at[kind] += (uint32_t)count;
	return 0;
}

/* Rules, vetoes and marks; what may be between these is nothing. `route`: NULL for the scan of a list. */
static int targets_sound(const struct sn_verifier *v, const struct sn_entry *entry, const struct sn_route *route)
{
	const uint32_t *target = v->rules->targets + entry->target;
	const uint32_t plain = route ? route->rules + route->alwayses : 0, mark = route ? sn_route__mark(route) : 0;

	for (uint32_t i = 0; i < entry->targets; i++)
		if (target[i] >= plain && !(route && target[i] >= mark && target[i] - mark < route->marks))
			return 0;
	return 1;
}

static int verify_entries(struct sn_verifier *v, const struct sn_scan *scan, const struct sn_route *route)
{
	for (uint32_t i = 0; i < scan->entries; i++) {
		const struct sn_entry *entry = &v->rules->entries[scan->entry + i];

		if (!sn_verifier__in_text(v, &entry->literal) || !entry->op || entry->op > SN_OP_ENDSWITH)
			return sn_verifier__refuse(v, "entry", scan->entry + i);
		if (scan->kind == SN_SCAN_SHORT && (!entry->literal.len || entry->literal.len > SN_SHORT_MAX))
			return sn_verifier__refuse(v, "length of entry", scan->entry + i);
		if (entry->pair && entry->pair + 1u >= entry->literal.len)
			return sn_verifier__refuse(v, "pair of entry", scan->entry + i);
		if (take(v, SN_TARGETS, entry->target, entry->targets))
			return -EINVAL;
		if (!targets_sound(v, entry, route))
			return sn_verifier__refuse(v, "target of entry", scan->entry + i);
	}
	return 0;
}

static int width_sound(const struct sn_scan *scan)
{
	if (scan->kind == SN_SCAN_GRAMS)
		return scan->width && scan->width <= SN_WIDTH_MAX && scan->stride;
	return !scan->width;
}

static int bits_sound(const struct sn_scan *scan)
{
	if (scan->kind == SN_SCAN_SHORT)
		return scan->filter_bits == SN_SHORT_FILTER_BITS && scan->bucket_bits == SN_SHORT_BUCKET_BITS;
	return scan->filter_bits && scan->filter_bits <= SN_FILTER_BITS_MAX && scan->bucket_bits &&
	       scan->bucket_bits <= SN_BUCKET_BITS_MAX;
}

static int verify_scan(struct sn_verifier *v, const struct sn_scan *scan, uint32_t number, const struct sn_route *route)
{
	const uint32_t *bucket = v->rules->buckets + scan->bucket;
	uint32_t buckets;

	if (scan->field >= v->rules->count[SN_FIELDS] || !scan->kind || scan->kind >= SN_SCAN_KINDS ||
	    !width_sound(scan) || !bits_sound(scan))
		return sn_verifier__refuse(v, "scan", number);
	buckets = (1u << scan->bucket_bits) + 1;
	if (take(v, SN_FILTERS, scan->filter, 1u << scan->filter_bits) ||
	    take_numbers(v, SN_BUCKETS, scan->bucket, buckets, UINT32_MAX) ||
	    take(v, SN_ENTRIES, scan->entry, scan->entries))
		return -EINVAL;
	for (uint32_t i = 1; i < buckets; i++)
		if (bucket[i - 1] > bucket[i])
			return sn_verifier__refuse(v, "order of buckets of scan", number);
	if (bucket[buckets - 1] > scan->entries)
		return sn_verifier__refuse(v, "buckets of scan", number);
	return verify_entries(v, scan, route);
}

static int verify_route(struct sn_verifier *v, const struct sn_route *route, uint32_t number)
{
	const uint32_t *count = v->rules->count;

	if (!name_sound(route->product, count[SN_PRODUCTS]) || !name_sound(route->category, count[SN_CATEGORIES]) ||
	    !name_sound(route->service, count[SN_SERVICES]) || (number && route_order(route - 1, route) >= 0))
		return sn_verifier__refuse(v, "logsource or order of route", number);
	if (take_numbers(v, SN_ROUTE_RULES, route->rule, route->rules, count[SN_RULES]) ||
	    take_numbers(v, SN_ROUTE_ALWAYS, route->always, route->alwayses, route->rules) ||
	    take_numbers(v, SN_ROUTE_FIELDS, route->field, route->fields, count[SN_FIELDS]) ||
	    take(v, SN_SCANS, route->scan, route->scans))
		return -EINVAL;
	if (route->marks > count[SN_STEPS] ||
	    (uint64_t)route->rules + route->alwayses + 63 + count[SN_STEPS] > UINT32_MAX)
		return sn_verifier__refuse(v, "marks of route", number);
	for (uint32_t i = route->scan; i < route->scan + route->scans; i++)
		if (verify_scan(v, &v->rules->scans[i], i, route))
			return -EINVAL;
	return 0;
}

/* The steps of the route's rules, which are no other's. */
static int verify_marks(struct sn_verifier *v, const struct sn_route *route)
{
	const uint32_t mark = sn_route__mark(route);

	for (uint32_t i = route->rule; i < route->rule + route->rules; i++) {
		const struct sn_rule *rule = &v->rules->rules[v->rules->route_rules[i]];

		for (uint32_t k = rule->step; k < rule->step + rule->steps; k++) {
			const uint32_t own = v->rules->steps[k].mark;

			if (own != (uint32_t)SN_ANY && (own < mark || own - mark >= route->marks))
				return sn_verifier__refuse(v, "mark of step", k);
		}
	}
	return 0;
}

/* No rule may be judged twice for an event: each is in one route at most. */
int sn_verifier__routes(struct sn_verifier *v)
{
	const struct sn_rules *rules = v->rules;
	const uint32_t *count = rules->count;
	uint64_t names = ((uint64_t)count[SN_PRODUCTS] + 1) * ((uint64_t)count[SN_CATEGORIES] + 1);
	uint8_t *seen;
	int rc = 0;

	if (names > UINT32_MAX || names * (count[SN_SERVICES] + 1ull) >= UINT32_MAX)
		return sn_verifier__refuse(v, "too many names of logsources: products", count[SN_PRODUCTS]);
	for (uint32_t i = 0; i < count[SN_ROUTES]; i++)
		if (verify_route(v, &rules->routes[i], i))
			return -EINVAL;
	/* behind those of the routes, the scans of lists: they have no targets */
	for (uint32_t i = v->at[SN_SCANS]; i < count[SN_SCANS]; i++)
		if (verify_scan(v, &rules->scans[i], i, NULL))
			return -EINVAL;
	seen = calloc((size_t)count[SN_RULES] + 1, 1);
	if (!seen)
		return -ENOMEM;
	for (uint32_t i = 0; i < v->at[SN_ROUTE_RULES] && !rc; i++)
		if (seen[rules->route_rules[i]]++)
			rc = sn_verifier__refuse(v, "second route of rule", rules->route_rules[i]);
	free(seen);
	for (uint32_t i = 0; i < count[SN_ROUTES] && !rc; i++)
		rc = verify_marks(v, &rules->routes[i]);
	return rc;
}
