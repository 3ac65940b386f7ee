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

/* ---- one event's search, as the scans share it ---- */
struct search {
	struct sn_index *index;
	const struct sn_rules *rules;
	const struct sn_scan *scan;
	const uint64_t *filter;
	const uint32_t *bucket;
	const uint8_t *text;
	uint32_t len;
};

/* Eight bytes; a text has SN_FOLDED_PAD bytes behind it that may be read. */
static inline uint64_t load(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* Mirrored by sensor/compiler/index.py, as is the hash of grams. */
static inline uint32_t hash_of(const uint8_t *text, uint32_t len)
{
	uint64_t first = load(text), last = first, hash;

	if (len > 8)
		last = load(text + len - 8);
	else
		first = last = len ? first & UINT64_MAX >> (64 - 8 * len) : 0;
	hash = first * 0x9e3779b97f4a7c15u ^ (last + len) * 0xc2b2ae3d27d4eb4fu;
	return (uint32_t)(hash ^ hash >> 32) * 0x9e3779b1u;
}

static inline uint32_t hash_of_gram(uint32_t gram)
{
	return gram * 0x9e3779b1u;
}

static inline uint32_t gram_at(const uint8_t *at, uint32_t width)
{
	return (uint32_t)load(at) & UINT32_MAX >> (32 - 8 * width);
}

static inline bool passes(const uint64_t *filter, uint32_t bits, uint32_t hash)
{
	uint64_t word = filter[hash >> (32 - bits)];

	return word >> (hash >> 12 & 63) & word >> (hash >> 6 & 63) & 1;
}

/* Whether the literal, which begins at `start`, stands where its operator wants it. */
static bool stands(const struct search *s, const struct sn_entry *entry, uint32_t start)
{
	uint32_t len = entry->literal.len;

	if (start > s->len || len > s->len - start ||
	    memcmp(s->text + start, s->rules->text + entry->literal.off, len) != 0)
		return false;
	return (entry->op == SN_OP_CONTAINS || entry->op == SN_OP_ENDSWITH || start == 0) &&
	       (entry->op == SN_OP_CONTAINS || entry->op == SN_OP_STARTSWITH || start + len == s->len);
}

static void found(const struct search *s, uint32_t number, const struct sn_entry *entry)
{
	const uint32_t *target = s->rules->targets + entry->target;

	s->index->seen[s->scan->entry + number] = s->index->stamp;
	for (uint32_t k = 0; k < entry->targets; k++)
		s->index->candidates[target[k] / 64] |= 1ull << target[k] % 64;
}

/* The entries with this key. `end`: their literals end the text; else their windows are at `place`. */
static void look_up(const struct search *s, uint32_t key, uint32_t hash, uint32_t place, bool end)
{
	uint32_t bucket = hash >> (32 - s->scan->bucket_bits);
	const struct sn_entry *entry = s->rules->entries + s->scan->entry;

	for (uint32_t i = s->bucket[bucket]; i < s->bucket[bucket + 1]; i++) {
		uint32_t start = end ? s->len - entry[i].literal.len : place - entry[i].at;

		if (entry[i].key == key && s->index->seen[s->scan->entry + i] != s->index->stamp &&
		    stands(s, &entry[i], start))
			found(s, i, &entry[i]);
	}
}

/* `end`: what is hashed ends the text, else it begins the text. */
static void find_hash(const struct search *s, const uint8_t *text, uint32_t len, bool end)
{
	uint32_t hash = hash_of(text, len);

	if (passes(s->filter, s->scan->filter_bits, hash))
		look_up(s, hash, hash, 0, end);
}

static void find_name(const struct search *s)
{
	const uint8_t *name = s->text + s->len;

	while (name > s->text && name[-1] != '/' && name[-1] != '\\')
		name--;
	if (name > s->text)
		find_hash(s, name, (uint32_t)(s->text + s->len - name), true);
}

/* The text has SN_FOLDED_PAD bytes behind it. */
static void find_grams(const struct search *s)
{
	const uint32_t stride = s->scan->stride, bits = s->scan->filter_bits, end = s->len - s->scan->width;
	const uint32_t width = s->scan->width;
	const uint64_t *filter = s->filter;
	const uint8_t *text = s->text;

	for (uint32_t i = 0; i <= end; i += stride) {
		uint32_t gram = gram_at(text + i, width), hash = hash_of_gram(gram);

		if (passes(filter, bits, hash))
			look_up(s, gram, hash, i, false);
	}
}

/* `pairs`: of the text, or NULL. */
static void find_each(const struct search *s, const struct sn_pairs *pairs)
{
	const struct sn_entry *entry = s->rules->entries + s->scan->entry;

	for (uint32_t i = 0; i < s->scan->entries; i++) {
		const struct sn_stretch *literal = &entry[i].literal;

		if (pairs && !(sn_pairs__has(pairs, entry[i].key & 0xffff) && sn_pairs__has(pairs, entry[i].key >> 16)))
			continue;
		if (sn_pattern__find(s->text, s->len, s->rules->text + literal->off, literal->len))
			found(s, i, &entry[i]);
	}
}

static void find_in(struct search *s, struct sn_tester *tester, const struct sn_text *text, bool first)
{
	uint32_t width = s->scan->width;

	s->text = text->front;
	s->len = text->front_len;
	if (s->len < width || (s->scan->wide && text->ascii))
		return;
	switch (s->scan->kind) {
	case SN_SCAN_WHOLE:
		find_hash(s, s->text, s->len, true);
		break;
	case SN_SCAN_NAME:
		find_name(s);
		break;
	case SN_SCAN_START:
		find_hash(s, s->text, width, false);
		break;
	case SN_SCAN_END:
		find_hash(s, s->text + s->len - width, width, true);
		break;
	case SN_SCAN_GRAMS:
		find_grams(s);
		break;
	default:
		find_each(s, first && s->scan->entries >= SN_PAIRS_WORTH
				     ? sn_tester__pairs(tester, s->scan->field, text)
				     : NULL);
	}
}

/* False: there is no room for a text. */
static bool find_scan(struct search *s, struct sn_tester *tester)
{
	struct sn_place place = sn_tester__first(tester, s->scan->field);

	do {
		const struct sn_text *text;

		if (place.value->state != SN_PRESENT)
			continue;
		text = sn_tester__folded(tester, &place);
		if (!text)
			return false;
		find_in(s, tester, text, place.number == s->scan->field);
	} while (sn_tester__next(tester, &place));
	return true;
}

/* Whether all that the route's rules read is known. */
static bool is_whole(const struct sn_tester *tester, const struct sn_route *route)
{
	const uint32_t *field = tester->rules->route_fields + route->field;

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
	struct search s = {.index = index, .rules = rules};

	if (++index->stamp == 0) { /* wrapped: what was found long ago could look new */
		memset(index->seen, 0, (size_t)index->entries * sizeof(*index->seen));
		index->stamp = 1;
	}
	/* what is not known may hold the witness */
	if (!is_whole(tester, route)) {
		add_all(index, route);
		return false;
	}
	for (uint32_t i = 0; i < route->alwayses; i++)
		index->candidates[always[i] / 64] |= 1ull << always[i] % 64;
	for (uint32_t i = 0; i < route->scans; i++) {
		s.scan = rules->scans + route->scan + i;
		s.filter = rules->filters + s.scan->filter;
		s.bucket = rules->buckets + s.scan->bucket;
		if (!find_scan(&s, tester)) {
			add_all(index, route);
			return false;
		}
	}
	return true;
}
