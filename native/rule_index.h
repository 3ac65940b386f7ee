/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of a route: which of its rules an event can meet at all. Each rule has a witness, a set of literals of
 * which at least one occurs whenever the rule is met (sensor/compiler/witness.py chooses them); the rules whose witness
 * does not occur are not looked at. Rules without one are in ROUTE_ALWAYS.
 *
 * A scan looks for the literals of one field in its folded text, each kind of them where it has to be:
 *   SN_SCAN_WHOLE  is the text: one look-up of the text's hash
 *   SN_SCAN_NAME   ends the text and holds a slash: one look-up of what stands behind the text's last slash
 *   SN_SCAN_START  begins the text: one look-up of the hash of its first `width` bytes
 *   SN_SCAN_END    ends the text: likewise its last `width` bytes
 *   SN_SCAN_GRAMS  anywhere, many literals: a look-up of `width` bytes at every `stride`th place of the text
 *   SN_SCAN_FIND   anywhere, few literals: a search for each
 * Of a look-up, two bits of a word of the filter say whether any literal can have that key, the bucket says which have.
 */
#ifndef SN_RULE_INDEX_H
#define SN_RULE_INDEX_H
#include "atom_test.h"
#include "rule_table.h"

enum sn_scan_kind {
	SN_SCAN_WHOLE = 1,
	SN_SCAN_NAME = 2,
	SN_SCAN_START = 3,
	SN_SCAN_END = 4,
	SN_SCAN_GRAMS = 5,
	SN_SCAN_FIND = 6,
	SN_SCAN_KINDS = 7,
};

enum sn_scan_limits {
	SN_FILTER_BITS_MAX = 14,
	SN_BUCKET_BITS_MAX = 20,
	SN_WIDTH_MAX = 4, /* of grams */
	SN_EDGE = 8,
	SN_PAIRS_WORTH = 5, /* literals for which it is quicker to see first which pairs the text has */
};

/* Hashes are 32 bits; the highest are the number of the filter's word, and of the bucket. Bits 6 to 11 and 12 to 17
 * number the word's two bits. */
struct sn_scan {
	uint32_t field;
	uint8_t kind;
	uint8_t width;	     /* of START, END, GRAMS */
	uint8_t stride;	     /* of GRAMS */
	uint8_t wide;	     /* 1: no literal is all ASCII, so a text that is has none of them */
	uint8_t filter_bits; /* from 1: the filter has 1 << filter_bits words */
	uint8_t bucket_bits; /* from 1: there are 1 << bucket_bits buckets and one that ends the last */
	uint16_t pad;
	uint32_t filter; /* first in FILTERS */
	uint32_t bucket; /* first in BUCKETS */
	uint32_t entry;	 /* first in ENTRIES: a bucket's numbers count from it */
	uint32_t entries;
};

struct sn_entry {
	uint32_t key; /* the window as a number, or the hash; of SN_SCAN_FIND, two pairs as in struct sn_literal */
	struct sn_stretch literal;
	uint16_t at; /* SN_SCAN_GRAMS: where in the literal the window is */
	uint8_t op;  /* SN_OP_EQUALS to SN_OP_ENDSWITH */
	uint8_t pad;
	uint32_t target, targets; /* in TARGETS */
};

struct sn_index {
	uint64_t *candidates; /* a bit a rule of the route; all 0 between events */
	uint32_t *seen;	      /* an entry's: the search in which it was found */
	uint32_t entries;
	uint32_t stamp; /* of the search */
};

/* -ENOMEM */
int sn_index__init(struct sn_index *index, const struct sn_rules *rules);
void sn_index__clear(struct sn_index *index);
/* Sets the bits of the route's rules that the tester's event can meet. */
/* False: all of them, since not all that they read is known. */
bool sn_index__find(struct sn_index *index, struct sn_tester *tester, const struct sn_route *route);
#endif
