/* SPDX-License-Identifier: Apache-2.0
 *
 * What scans found in texts looked through before: the texts of events repeat (images, users, descriptions, calls), and
 * to compare one with its like costs less than to fold and scan it. Of fixed size, one matcher's own; a text takes the
 * place of the one that was in its slot. Exact: the whole text is compared.
 */
#ifndef SN_SCAN_MEMO_H
#define SN_SCAN_MEMO_H
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "few_bytes.h"

enum sn_memo_limits {
	SN_MEMO_TARGETS = 18, /* what is found in most texts is less than this */
	/* powers of two: 256 KiB, of which what is used has room in a second-level cache */
	SN_MEMO_SLOTS = 1024,
	SN_MEMO_SLOT = 256,
	/* long texts: likewise */
	SN_MEMO_LONG_SLOTS = 128,
	SN_MEMO_LONG_SLOT = 2048,
};

/* Cache lines, the first of them enough for most. */
struct sn_memo {
	uint32_t group; /* of scans */
	uint16_t len;	/* 0: there is no text */
	uint16_t targets;
	uint16_t target[SN_MEMO_TARGETS]; /* of the entries found */
	uint32_t clean;			  /* bits of groups that are swept for and have no literal in it */
	const uint8_t *last;		  /* where the text stood when it was last looked for */
	uint8_t text[];
};

enum sn_memo_texts {
	SN_MEMO_TEXT = SN_MEMO_SLOT - sizeof(struct sn_memo),
	SN_MEMO_LONG_TEXT = SN_MEMO_LONG_SLOT - sizeof(struct sn_memo), /* longer texts are seldom the same */
};

/* To be freed; NULL: no memory. */
static inline uint8_t *sn_memo__new(void)
{
	return calloc(SN_MEMO_SLOTS * SN_MEMO_SLOT + SN_MEMO_LONG_SLOTS * SN_MEMO_LONG_SLOT, 1);
}

/* Of sixteen bytes; a half that is 0 hides the other, but only by its key. */
static inline uint64_t sn_memo__mixed(uint64_t a, uint64_t b, uint64_t place)
{
	__extension__ const unsigned __int128 product =
		(unsigned __int128)(a ^ 0x9e3779b97f4a7c15u) * (b ^ (0xc2b2ae3d27d4eb4fu + place));

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t sn_memo__word(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* The slot of a text of 1 to SN_MEMO_LONG_TEXT bytes. All words count: the same calls come with other offsets. No word
 * waits for the product of the one before. */
static inline struct sn_memo *sn_memo__slot(uint8_t *slots, uint32_t group, const uint8_t *text, uint32_t len)
{
	uint64_t hash = (uint64_t)group << 32 | len;

	for (uint32_t at = 0; at + 16 < len; at += 16)
		hash += sn_memo__mixed(sn_memo__word(text + at), sn_memo__word(text + at + 8), at);
	if (len >= 16)
		hash = sn_memo__mixed(sn_memo__word(text + len - 16), sn_memo__word(text + len - 8), hash);
	else if (len >= 8)
		hash = sn_memo__mixed(sn_memo__word(text), sn_memo__word(text + len - 8), hash);
	else
		hash = sn_memo__mixed(sn_bytes__few(text, len), 0, hash);
	if (len <= SN_MEMO_TEXT)
		return (void *)(slots + (hash & (SN_MEMO_SLOTS - 1)) * SN_MEMO_SLOT);
	slots += SN_MEMO_SLOTS * SN_MEMO_SLOT;
	return (void *)(slots + (hash & (SN_MEMO_LONG_SLOTS - 1)) * SN_MEMO_LONG_SLOT);
}

static inline bool sn_memo__is(const struct sn_memo *memo, uint32_t group, const uint8_t *text, uint32_t len)
{
	return memo->len == len && memo->group == group && memcmp(memo->text, text, len) == 0;
}

/* Begins with a text, in which nothing is found yet. */
static inline void sn_memo__begin(struct sn_memo *memo, uint32_t group, const uint8_t *text, uint32_t len)
{
	memo->group = group;
	memo->len = (uint16_t)len;
	memo->targets = 0;
	memo->clean = 0;
	sn_bytes__copy(memo->text, text, len);
}

static inline void sn_memo__drop(struct sn_memo *memo)
{
	memo->len = 0;
}

static inline void sn_memo__add(struct sn_memo *memo, const uint32_t *target, uint32_t targets)
{
	if (!memo->len)
		return;
	if (targets + memo->targets > SN_MEMO_TARGETS) {
		sn_memo__drop(memo);
		return;
	}
	for (uint32_t i = 0; i < targets; i++) {
		if (target[i] > UINT16_MAX) { /* as no route's that anybody has */
			sn_memo__drop(memo);
			return;
		}
		memo->target[memo->targets++] = (uint16_t)target[i];
	}
}
#endif
