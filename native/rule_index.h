/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of a route: which of its rules an event can meet at all. Each rule has a witness, a set of literals of
 * which at least one occurs whenever the rule is met (sensor/compiler/witness.py chooses them); the rules whose witness
 * does not occur are not looked at. Rules without one are in ROUTE_ALWAYS; they are not looked at when their veto
 * occurs, a literal that would fail them and that most events have.
 */
#ifndef SN_RULE_INDEX_H
#define SN_RULE_INDEX_H
#include <string.h>

#include "atom_test.h"
#include "scan.h"
#include "sweep.h"

/* Scans of a route, one after the other, that look through the same field. */
struct sn_group {
	uint32_t field;
	uint32_t scan, scans;
	uint32_t shortest; /* bytes of the shortest literal */
	bool quick;	   /* one scan, by which most texts are passed over unfolded */
	uint32_t swept;	   /* not 0: one scan, by which many texts are passed over at once (sweep.h), in which it has
			    * this bit; the last of its route */
};

enum { SN_TEXTS_KNOWN = 64 }; /* power of two, more than most events have texts */

/* A text of an event that the memo has. */
struct sn_known_text {
	const uint8_t *text;
	struct sn_memo *memo;
	uint64_t event; /* sn_tester's number */
	uint32_t len;
	uint32_t clean; /* as the memo had it */
};

struct sn_index {
	uint64_t *candidates;	/* a bit a rule of the route, then one a veto, then marks; all 0 between events */
	uint32_t *seen;		/* see struct sn_search */
	struct sn_group *group; /* of all routes */
	uint32_t *first_group;	/* of a route; those behind it are of the next */
	uint32_t *swept;	/* of a route: its groups that are swept */
	uint8_t *memo;		/* slots of scan_memo.h */
	struct sn_sweep sweep;
	struct sn_known_text known[SN_TEXTS_KNOWN];
	uint32_t entries;
	uint32_t stamp; /* of the text's search */
};

/* -ENOMEM */
int sn_index__init(struct sn_index *index, const struct sn_rules *rules);
void sn_index__clear(struct sn_index *index);
/* Begins with an event of these routes. */
void sn_index__begin(struct sn_index *index, const uint32_t *route, uint32_t routes);
/* Sets the bits of the route's rules that the tester's event can meet, and the marks of atoms that it meets. False:
 * those of all rules, since not all that they read is known; nothing is known of marks. */
bool sn_index__find(struct sn_index *index, struct sn_tester *tester, const struct sn_route *route);
/* Clears the marks. */
static inline void sn_index__end(struct sn_index *index, const struct sn_route *route)
{
	memset(index->candidates + sn_route__mark(route) / 64, 0,
	       ((size_t)route->marks + 63) / 64 * sizeof(*index->candidates));
}
#endif
