/* SPDX-License-Identifier: Apache-2.0 */
#include "text_index.h"

enum {
	WINDOW = 4,
	PROBES_MAX = 32, /* windows of a literal that are looked at */
	FEW = 2,	 /* places that cost less to look at than another window */
};

static inline uint32_t load(const uint8_t *at)
{
	uint32_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

static inline uint32_t triple_of(const struct sn_text_index *index, uint32_t three)
{
	return three * 0x9e3779b1u >> (32 - SN_INDEX_BITS_MORE - index->bits);
}

static inline void set(uint64_t *bits, uint32_t number)
{
	bits[number / 64] |= 1ull << number % 64;
}

static inline bool is_set(const uint64_t *bits, uint32_t number)
{
	return bits[number / 64] >> number % 64 & 1;
}

static uint32_t bits_for(uint32_t len)
{
	uint32_t bits = 11;

	while (bits < SN_INDEX_BITS_MAX && 1u << bits < len)
		bits++;
	return bits;
}

void sn_text_index__build(struct sn_text_index *index, const uint8_t *text, uint32_t len)
{
	uint32_t bits = bits_for(len);

	index->text = text;
	index->bits = bits;
	memset(index->bucket, 0, sizeof(*index->bucket) << bits);
	memset(index->pair, 0, sizeof(index->pair));
	memset(index->triple, 0, ((size_t)1 << (bits + SN_INDEX_BITS_MORE)) / 8);
	set(index->pair, text[len - 2] << 8 | text[len - 3]);
	set(index->pair, text[len - 1] << 8 | text[len - 2]);
	set(index->triple, triple_of(index, load(text + len - WINDOW) >> 8));
	/* from the end, so that each bucket's places are in order */
	for (uint32_t at = len - WINDOW + 1; at--;) {
		uint32_t window = load(text + at);
		uint32_t *bucket = &index->bucket[window * 0x9e3779b1u >> (32 - bits)];

		index->next[at] = (uint16_t)*bucket;
		*bucket = ((*bucket & ~0xffffu) + (1 << 16)) | at;
		set(index->pair, window & 0xffff);
		set(index->triple, triple_of(index, window & 0xffffff));
	}
}

/* The literal's window with the fewest places: where in the literal it is, and its bucket. */
static uint32_t rarest(const struct sn_text_index *index, const uint8_t *needle, uint32_t size, uint32_t *at)
{
	uint32_t probes = size - WINDOW + 1 < PROBES_MAX ? size - WINDOW + 1 : PROBES_MAX, least = UINT32_MAX;

	for (uint32_t i = 0; i < probes && least >> 16 > FEW; i++) {
		uint32_t bucket = sn_text_index__bucket(index, load(needle + i));

		if (bucket >> 16 < least >> 16) {
			least = bucket;
			*at = i;
		}
	}
	return least;
}

bool sn_text_index__find(const struct sn_text_index *index, const uint8_t *from, uint32_t len, const uint8_t *needle,
			 uint32_t size, const uint8_t **place)
{
	uint32_t at = 0, bucket, first = (uint32_t)(from - index->text), last = first + len - size;

	*place = NULL;
	if (size > len)
		return true;
	if (size == 2)
		return !is_set(index->pair, (uint32_t)needle[1] << 8 | needle[0]);
	if (size == 3)
		return !is_set(index->triple,
			       triple_of(index, (uint32_t)needle[2] << 16 | (uint32_t)needle[1] << 8 | needle[0]));
	if (size < WINDOW)
		return false;
	bucket = rarest(index, needle, size, &at);
	if (bucket >> 16 > SN_INDEX_WALK_MAX)
		return false;
	for (uint32_t left = bucket >> 16, window = bucket & 0xffff; left && window <= last + at; left--) {
		if (window >= first + at && memcmp(index->text + window - at, needle, size) == 0) {
			*place = index->text + window - at;
			return true;
		}
		window = index->next[window];
	}
	return true;
}
