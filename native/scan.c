/* SPDX-License-Identifier: Apache-2.0 */
#include "scan.h"

#include "few_bytes.h"
#include "scan_memo.h"

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "text_index.h"
#include "text_quads.h"
#include "text_windows.h"

_Static_assert((uint32_t)SN_SCAN_PAD >= (uint32_t)SN_QUADS_PAD && (uint32_t)SN_SCAN_PAD >= (uint32_t)SN_WINDOWS_PAD,
	       "room behind a text");

enum { BY_WINDOW = 2 }; /* windows of a text that cost what one literal does */

struct scanning {
	struct sn_search *search;
	const struct sn_rules *rules;
	const struct sn_scan *scan;
	const uint32_t *filter;
	const uint32_t *bucket;
	const struct sn_text *whole;
	const uint8_t *text; /* of `whole` */
	uint32_t len;
};

static inline struct scanning scanning_of(const struct sn_scan *scan, const struct sn_text *text,
					  struct sn_search *search)
{
	const struct sn_rules *rules = search->rules;

	return (struct scanning){
		search, rules,	     scan,	     rules->filters + scan->filter, rules->buckets + scan->bucket,
		text,	text->front, text->front_len};
}

/* Eight bytes; a text has SN_SCAN_PAD bytes behind it that may be read. */
static inline uint64_t load(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* Mirrored by sensor/compiler/index.py. */
static inline uint32_t hash_of(const uint8_t *text, uint32_t len)
{
	uint64_t first, last, hash;

	if (len >= 8) {
		first = load(text);
		last = load(text + len - 8);
	} else {
		first = last = sn_bytes__few(text, len);
	}
	first |= SN_LOWER;
	last |= SN_LOWER;
	hash = first * 0x9e3779b97f4a7c15u ^ (last + len) * 0xc2b2ae3d27d4eb4fu;
	return (uint32_t)(hash ^ hash >> 32) * 0x9e3779b1u;
}

static inline uint32_t gram_at(const uint8_t *at, uint32_t width)
{
	return (uint32_t)load(at) & UINT32_MAX >> (32 - 8 * width);
}

/* Whether the literal, which begins at `start`, stands where its operator wants it. */
static bool stands(const struct scanning *s, const struct sn_entry *entry, uint32_t start)
{
	uint32_t len = entry->literal.len;

	if (start > s->len || len > s->len - start ||
	    !sn_bytes__same(s->text + start, s->rules->text + entry->literal.off, len))
		return false;
	return (entry->op == SN_OP_CONTAINS || entry->op == SN_OP_ENDSWITH || start == 0) &&
	       (entry->op == SN_OP_CONTAINS || entry->op == SN_OP_STARTSWITH || start + len == s->len);
}

static void found(const struct scanning *s, uint32_t number, const struct sn_entry *entry)
{
	const uint32_t *target = s->rules->targets + entry->target;
	struct sn_search *search = s->search;

	search->found = true;
	if (!search->candidates)
		return;
	search->seen[s->scan->entry + number] = search->stamp;
	if (search->memo)
		sn_memo__add(search->memo, target, entry->targets);
	for (uint32_t k = 0; k < entry->targets; k++)
		search->candidates[target[k] / 64] |= 1ull << target[k] % 64;
}

/* Whether the entry, if it is found, tells nothing new. */
static bool is_old(const struct scanning *s, uint32_t number)
{
	const struct sn_search *search = s->search;

	return search->candidates ? search->seen[s->scan->entry + number] == search->stamp : search->found;
}

/* The entries with this key. `end`: their literals end the text; else their windows are at `place`. */
static void look_up(const struct scanning *s, uint32_t key, uint32_t hash, uint32_t place, bool end)
{
	uint32_t bucket = hash >> (32 - s->scan->bucket_bits);
	const struct sn_entry *entry = s->rules->entries + s->scan->entry;

	for (uint32_t i = s->bucket[bucket]; i < s->bucket[bucket + 1]; i++) {
		uint32_t start = end ? s->len - entry[i].literal.len : place - entry[i].at;

		if (entry[i].key == key && !is_old(s, i) && stands(s, &entry[i], start))
			found(s, i, &entry[i]);
	}
}

/* What is hashed ends the text. */
static void find_hash(const struct sn_scan *scan, const struct sn_text *text, struct sn_search *search,
		      const uint8_t *from)
{
	const uint32_t hash = hash_of(from, (uint32_t)(text->front + text->front_len - from));
	struct scanning s;

	if (!(sn_windows__met(search->rules->filters + scan->filter, scan->filter_bits, hash) & 1))
		return;
	s = scanning_of(scan, text, search);
	look_up(&s, hash, hash, 0, true);
}

/* What stands behind the last slash; NULL: there is none. */
static const uint8_t *name_of(const uint8_t *text, uint32_t len)
{
	const uint8_t *name = text + len;

#ifdef __SSE2__
	for (const __m128i slash = _mm_set1_epi8('/'), other = _mm_set1_epi8('\\'); name - text >= 16; name -= 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(name - 16));
		__m128i both = _mm_or_si128(_mm_cmpeq_epi8(bytes, slash), _mm_cmpeq_epi8(bytes, other));
		uint32_t met = (uint32_t)_mm_movemask_epi8(both);

		if (met)
			return name - 16 + 32 - __builtin_clz(met);
	}
#endif
	while (name > text && name[-1] != '/' && name[-1] != '\\')
		name--;
	return name > text ? name : NULL;
}

static void find_name(const struct sn_scan *scan, const struct sn_text *text, struct sn_search *search)
{
	const uint8_t *name = name_of(text->front, text->front_len);

	if (name)
		find_hash(scan, text, search, name);
}

static void find_grams(const struct scanning *s)
{
	const uint32_t width = s->scan->width, stride = s->scan->stride, count = (s->len - width) / stride + 1;
	const struct sn_windows windows = {s->filter, s->scan->filter_bits, UINT32_MAX >> (32 - 8 * width), stride};

	for (uint32_t from = 0; from < count; from += SN_WINDOWS_MAX) {
		const uint32_t left = count - from, some = left < SN_WINDOWS_MAX ? left : SN_WINDOWS_MAX;
		uint64_t met = sn_windows__pass(&windows, s->text + from * stride, some);

		for (; met; met &= met - 1) {
			uint32_t at = (from + (uint32_t)__builtin_ctzll(met)) * stride;
			uint32_t gram = gram_at(s->text + at, width);

			look_up(s, gram, sn_windows__hash(gram), at, false);
		}
		if (!s->search->candidates && s->search->found)
			return;
	}
}

static void find_literal(const struct scanning *s, uint32_t number)
{
	const struct sn_entry *entry = s->rules->entries + s->scan->entry + number;

	if (!is_old(s, number) && sn_pattern__compare((enum sn_form)entry->op, s->whole,
						      s->rules->text + entry->literal.off, entry->literal.len))
		found(s, number, entry);
}

/* The literals of the group that begin at `place`. False: all of the group are found. */
static bool find_group(const struct scanning *s, uint32_t group, uint32_t place)
{
	const uint32_t quad = gram_at(s->text + place, SN_QUADS_BYTES);
	const struct sn_entry *entry = s->rules->entries + s->scan->entry;
	bool left = false;

	for (uint32_t i = s->bucket[group]; i < s->bucket[group + 1]; i++) {
		const uint32_t len = entry[i].literal.len, bytes = len < SN_QUADS_BYTES ? len : SN_QUADS_BYTES;

		if (is_old(s, i))
			continue;
		if (!((entry[i].key ^ quad) & UINT32_MAX >> (32 - 8 * bytes)) && stands(s, &entry[i], place))
			found(s, i, &entry[i]);
		else
			left = true;
	}
	return left;
}

static void find_short(const struct scanning *s)
{
	struct sn_quad_place place[SN_QUADS_PLACES];
	uint32_t left = UINT8_MAX; /* groups of which not all is found */

	for (uint32_t from = 0; from < s->len;) {
		uint32_t count = sn_quads__pass((const void *)s->filter, s->text, s->len, &from, place);

		for (uint32_t i = 0; i < count; i++)
			for (uint32_t met = place[i].groups & left; met; met &= met - 1)
				if (!find_group(s, (uint32_t)__builtin_ctz(met), place[i].at))
					left ^= met & -met;
	}
}

/* Whether the entry's literal stands at one of its window's places in a long text. */
static bool stands_indexed(const struct scanning *s, const struct sn_entry *entry, uint32_t bucket)
{
	const bool is_window = entry->literal.len == SN_WIDTH_MAX && entry->op == SN_OP_CONTAINS;
	uint32_t place = bucket & 0xffff;

	for (uint32_t left = bucket >> 16; left; left--, place = s->whole->index->next[place])
		if (gram_at(s->text + place, SN_WIDTH_MAX) == entry->key &&
		    (is_window || stands(s, entry, place - entry->at)))
			return true;
	return false;
}

/* A long text: not each of its windows among the literals, but each literal by its window among the text's. */
static void find_indexed(const struct scanning *s)
{
	const struct sn_entry *entry = s->rules->entries + s->scan->entry;

	for (uint32_t i = 0; i < s->scan->entries; i++) {
		uint32_t bucket = 0;

		if (s->scan->width == SN_WIDTH_MAX) {
			bucket = sn_text_index__bucket(s->whole->index, entry[i].key);
			if (!bucket)
				continue;
		}
		if (!bucket || bucket >> 16 > SN_INDEX_WALK_MAX)
			find_literal(s, i);
		else if (!is_old(s, i) && stands_indexed(s, &entry[i], bucket))
			found(s, i, &entry[i]);
		if (!s->search->candidates && s->search->found)
			return;
	}
}

static void look_through(const struct sn_scan *scan, const struct sn_text *text, struct sn_search *search)
{
	const struct scanning s = scanning_of(scan, text, search);

	if (text->index && scan->entries < s.len / BY_WINDOW)
		find_indexed(&s);
	else if (scan->kind == SN_SCAN_GRAMS)
		find_grams(&s);
	else
		find_short(&s);
}

void sn_scan__search(const struct sn_scan *scan, const struct sn_text *text, struct sn_search *search)
{
	if (text->front_len < scan->width || (scan->wide && text->ascii))
		return;
	if (scan->kind == SN_SCAN_WHOLE)
		find_hash(scan, text, search, text->front);
	else if (scan->kind == SN_SCAN_NAME)
		find_name(scan, text, search);
	else
		look_through(scan, text, search);
}

static bool may_find_hash(const struct sn_scan *scan, const uint32_t *filter, const uint8_t *text, uint32_t len)
{
	return sn_windows__met(filter, scan->filter_bits, hash_of(text, len)) & 1;
}

/* Without a branch for each place: what ends the loop is then the only one that is hard to foresee. */
static bool may_find_grams(const struct sn_scan *scan, const uint32_t *filter, const uint8_t *text, uint32_t len)
{
	const uint32_t bits = scan->filter_bits, stride = scan->stride, end = len - SN_WIDTH_MAX;
	uint32_t met = 0;

	for (uint32_t i = 0; i <= end; i += stride)
		met |= sn_windows__met(filter, bits, sn_windows__hash(sn_windows__at(text + i)));
	return met & 1;
}

bool sn_scan__is_quick(const struct sn_scan *scan)
{
	if (scan->kind == SN_SCAN_GRAMS)
		return scan->wide || scan->width == SN_WIDTH_MAX;
	return scan->kind != SN_SCAN_SHORT;
}

bool sn_scan__may_find(const struct sn_scan *scan, const struct sn_rules *rules, const uint8_t *text, uint32_t len)
{
	const uint32_t *filter = rules->filters + scan->filter;
	const uint8_t *name;

	if (scan->wide || len < scan->width)
		return false;
	switch (scan->kind) {
	case SN_SCAN_WHOLE:
		return may_find_hash(scan, filter, text, len);
	case SN_SCAN_NAME:
		name = name_of(text, len);
		return name && may_find_hash(scan, filter, name, (uint32_t)(text + len - name));
	default:
		return may_find_grams(scan, filter, text, len);
	}
}
