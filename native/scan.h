/* SPDX-License-Identifier: Apache-2.0
 *
 * A scan looks for many literals in one text, each kind of them where it has to be:
 *   SN_SCAN_WHOLE  is the text: one look-up of the text's hash
 *   SN_SCAN_NAME   ends the text and holds a slash: one look-up of what stands behind the text's last slash
 *   SN_SCAN_GRAMS  a look-up of `width` bytes at every `stride`th place of the text
 *   SN_SCAN_SHORT  at each place those whose first four bytes may begin there: the filter is a struct sn_quads, the
 *                  buckets are its groups
 * Of a look-up, the filter (text_windows.h) says whether any literal can have that key, the bucket says which have.
 * Hashes take upper and lower case of ASCII for the same: a text that is all ASCII need not be folded to be passed
 * over. Scans are what a route's index is made of (rule_index.h), and the tests of long lists of values (atom_test.h).
 */
#ifndef SN_SCAN_H
#define SN_SCAN_H
#include "pattern.h"
#include "rule_table.h"

enum sn_scan_kind {
	SN_SCAN_WHOLE = 1,
	SN_SCAN_NAME = 2,
	SN_SCAN_GRAMS = 3,
	SN_SCAN_SHORT = 4,
	SN_SCAN_KINDS = 5,
};

enum sn_scan_limits {
	SN_FILTER_BITS_MAX = 15,
	SN_BUCKET_BITS_MAX = 20,
	SN_WIDTH_MAX = 4, /* of grams */
	SN_SHORT_MAX = 5, /* bytes of a literal of SN_SCAN_SHORT */
	SN_SHORT_FILTER_BITS = 5,
	SN_SHORT_BUCKET_BITS = 3,
};

/* Hashes are 32 bits; the highest are the number of the filter's word, and of the bucket. */
struct sn_scan {
	uint32_t field; /* of an index; a list's is its atom's */
	uint8_t kind;
	uint8_t width;	     /* of GRAMS */
	uint8_t stride;	     /* of GRAMS */
	uint8_t wide;	     /* 1: no literal is all ASCII, so a text that is has none of them */
	uint8_t filter_bits; /* from 1: the filter has 1 << filter_bits words */
	uint8_t bucket_bits; /* from 1: there are 1 << bucket_bits buckets and one that ends the last */
	uint8_t pad[2];
	uint32_t filter; /* first in FILTERS */
	uint32_t bucket; /* first in BUCKETS */
	uint32_t entry;	 /* first in ENTRIES: a bucket's numbers count from it */
	uint32_t entries;
};

struct sn_entry {
	uint32_t key; /* the window as a number, the first four bytes (or fewer) of a short one, or the hash */
	struct sn_stretch literal;
	uint16_t at;		  /* SN_SCAN_GRAMS: where in the literal the window is */
	uint8_t op;		  /* SN_OP_EQUALS to SN_OP_ENDSWITH */
	uint8_t pair;		  /* of keywords: where in the literal its rarest two bytes are */
	uint32_t target, targets; /* in TARGETS; of an index */
};

/* Where what is found goes. */
struct sn_search {
	const struct sn_rules *rules;
	uint64_t *candidates; /* gets the bits of the entries' targets; NULL: it is enough to know that one is found */
	uint32_t *seen;	      /* with candidates, an entry's: `stamp` when it was found before */
	uint32_t stamp;
	struct sn_memo *memo; /* with candidates: gets the entries' targets too; NULL: not wanted */
	bool found;
};

enum { SN_SCAN_PAD = 40 }; /* bytes that may be read behind a text */

/* Looks for the scan's literals in the text, which is whole and has SN_SCAN_PAD bytes behind it. */
void sn_scan__search(const struct sn_scan *scan, const struct sn_text *text, struct sn_search *search);
/* Whether the scan is one for sn_scan__may_find. */
bool sn_scan__is_quick(const struct sn_scan *scan);
/* False: none of the quick scan's literals is in the text, which is all ASCII, not folded, and of which no byte beyond
 * its end is read. */
bool sn_scan__may_find(const struct sn_scan *scan, const struct sn_rules *rules, const uint8_t *text, uint32_t len);
#endif
