/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of a long text: where each window of four bytes stands in it, and which windows of two and of three bytes
 * it has. A literal is then compared only where its rarest window stands, so that what thousands of literals cost does
 * not grow with the text. A table of the windows of shorter texts, made at the fourth search, took as long as it
 * spared.
 */
#ifndef SN_TEXT_INDEX_H
#define SN_TEXT_INDEX_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum sn_text_index_limits {
	SN_INDEXED_MIN = 8192,	/* bytes of a text from which an index is cheaper than a handful of searches */
	SN_INDEXED_MAX = 65535, /* a longer text has none */
	SN_INDEX_BITS_MAX = 15,
	SN_INDEX_BITS_MORE = 3, /* of the windows of three bytes, beyond those of the buckets */
	/* places that cost less to look at than the text: a text of few different windows has more of each */
	SN_INDEX_WALK_MAX = 64,
};

struct sn_text_index {
	const uint8_t *text;
	uint32_t bits;				 /* there are 1 << bits buckets */
	uint32_t bucket[1 << SN_INDEX_BITS_MAX]; /* windows in it << 16 | where the first of them stands */
	uint16_t next[SN_INDEXED_MAX];		 /* of a window: where the next of its bucket stands */
	uint64_t pair[(1 << 16) / 64];		 /* a bit for each two bytes that stand in the text */
	uint64_t triple[(1 << (SN_INDEX_BITS_MAX + SN_INDEX_BITS_MORE)) / 64]; /* likewise for a hash of three */
};

/* Of SN_INDEXED_MIN to SN_INDEXED_MAX bytes, which must stay as they are. */
void sn_text_index__build(struct sn_text_index *index, const uint8_t *text, uint32_t len);
/* The first place of `needle` among the `len` bytes at `from`, which are of the index's text; *place is NULL when there
 * is none. False: the index cannot tell, or not cheaply. */
bool sn_text_index__find(const struct sn_text_index *index, const uint8_t *from, uint32_t len, const uint8_t *needle,
			 uint32_t size, const uint8_t **place);

/* Of the four bytes: see `bucket`. */
static inline uint32_t sn_text_index__bucket(const struct sn_text_index *index, uint32_t window)
{
	return index->bucket[window * 0x9e3779b1u >> (32 - index->bits)];
}
#endif
