/* SPDX-License-Identifier: Apache-2.0
 *
 * What scans found in texts looked through before: the texts of events repeat (images, users, descriptions), and to
 * compare one with its like costs less than to fold and scan it. Of fixed size, one matcher's own; a text takes the
 * place of the one that was in its slot. Exact: the whole text is compared.
 */
#ifndef SN_SCAN_MEMO_H
#define SN_SCAN_MEMO_H
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "few_bytes.h"

enum {
	SN_MEMO_SLOTS = 1024,  /* power of two: 256 KiB, of which what is used has room in a second-level cache */
	SN_MEMO_TEXT = 196,    /* longer texts are seldom the same */
	SN_MEMO_TARGETS = 12,  /* what is found in most texts is less than this */
	SN_MEMO_FREE = 0xffff, /* as `len`: the slot has no text */
};

/* Four cache lines, the first of them enough for most. */
struct sn_memo {
	uint32_t group; /* of scans */
	uint16_t len;
	uint16_t targets;		  /* more than SN_MEMO_TARGETS: not to be kept */
	uint32_t target[SN_MEMO_TARGETS]; /* of the entries found */
	uint8_t text[SN_MEMO_TEXT];
	uint32_t pad;
};

_Static_assert(sizeof(struct sn_memo) == 256, "a slot is whole cache lines");

static inline struct sn_memo *sn_memo__slot(struct sn_memo *slots, uint32_t group, const uint8_t *text, uint32_t len)
{
	uint64_t hash = (uint64_t)group << 32 | len, word;
	uint32_t at = 0;

	for (; at + 8 <= len; at += 8) {
		memcpy(&word, text + at, 8);
		hash = hash * 0x9e3779b97f4a7c15u + word;
	}
	hash = (hash * 0x9e3779b97f4a7c15u + sn_bytes__few(text + at, len - at)) * 0xc2b2ae3d27d4eb4fu;
	return &slots[hash >> 32 & (SN_MEMO_SLOTS - 1)];
}

static inline bool sn_memo__is(const struct sn_memo *memo, uint32_t group, const uint8_t *text, uint32_t len)
{
	return memo->len == len && memo->group == group && memcmp(memo->text, text, len) == 0;
}

/* Begins with a text of at most SN_MEMO_TEXT bytes, in which nothing is found yet. */
static inline void sn_memo__begin(struct sn_memo *memo, uint32_t group, const uint8_t *text, uint32_t len)
{
	memo->group = group;
	memo->len = (uint16_t)len;
	memo->targets = 0;
	memcpy(memo->text, text, len);
}

static inline void sn_memo__add(struct sn_memo *memo, const uint32_t *target, uint32_t targets)
{
	if (targets + memo->targets > SN_MEMO_TARGETS || memo->len == SN_MEMO_FREE) {
		memo->len = SN_MEMO_FREE;
		return;
	}
	memcpy(memo->target + memo->targets, target, targets * sizeof(*target));
	memo->targets = (uint16_t)(memo->targets + targets);
}
#endif
